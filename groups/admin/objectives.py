"""Objectives: what a failover may cost, set for one group, for a type of groups, and for the whole site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from groups import models
from groups.admin import acting, fields, pages, shown
from groups.admin.bases import ReadOnlyAdmin
from groups.admin.group_verbs import GroupVerb
from groups.admin.verbs import Fact, Verb
from groups.objectives import COLUMNS, Levels
from groups.queries import objectives as queries
from groups.services import objectives as service, policies, types

_LABELS = {
    "rpo_warning_seconds": "Data loss (RPO), warning from, seconds",
    "rpo_critical_seconds": "Data loss (RPO), critical from, seconds",
    "rto_warning_seconds": "Time to recover (RTO), warning from, seconds",
    "rto_critical_seconds": "Time to recover (RTO), critical from, seconds",
}
_MEANINGS = {
    "rpo_warning_seconds": "How old the newest complete point on a target may get before it is worth a warning.",
    "rpo_critical_seconds": "From this age on a failover would lose more than it may.",
    "rto_warning_seconds": "How long a failover may take, from being asked for to its end, before it is worth a"
    " warning; the last one is held against it.",
    "rto_critical_seconds": "From this length on it takes longer than it may; then a group that never was failed over"
    " is critical too, as nobody knows.",
}
_EFFECT = (
    "Changes at once what lag and recovery time are held against: on pages, in lists, in findings. Storage is not"
    " asked. Nearest wins: what a group says, else its type, else the site."
)


def form(data: Any, own: Mapping[str, float | None], *, otherwise: Mapping[str, str]) -> forms.Form:
    """Return the form of four levels; what holds where one is empty is said beside it."""
    found = forms.Form(data, initial={column: _plain(seconds) for column, seconds in own.items()})
    for column in COLUMNS:
        found.fields[column] = fields.seconds(
            _LABELS[column], help_text=f"{_MEANINGS[column]} Empty: {otherwise[column]}."
        )
    return found


class GroupObjectives(GroupVerb):
    """Set a group's own objectives."""

    slug, title, icon, rule = "objectives", "Set objectives", "flag", "group:set_objectives"

    def why_not(self) -> str:
        """Return nothing: objectives can always be set."""
        return ""

    def effect(self) -> str:
        """Return what it will do."""
        return _EFFECT

    def facts(self) -> Sequence[Fact]:
        """Return what holds now, and how the group stands."""
        found = queries.standing(self.row)
        recovery = "never failed over" if found.recovery_seconds is None else shown.span(found.recovery_seconds)
        return (
            ("Group", shown.link(self.row)),
            ("Holds now for data loss", said(found.objectives.rpo)),
            ("Lag now", shown.lag(self.row)),
            ("Holds now for recovery", said(found.objectives.rto)),
            ("Last failover took", recovery),
        )

    def form(self, data: Any = None) -> forms.Form:
        """Return the group's own levels."""
        typed, site = queries.type_levels(self.row.group_type), queries.site_levels()
        otherwise = {
            column: f"{_seconds(typed[column])}, as its type says"
            if typed[column] is not None
            else _of_site(site, column)
            for column in COLUMNS
        }
        return form(data, {column: getattr(self.row, column) for column in COLUMNS}, otherwise=otherwise)

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Set them."""
        service.set_levels(self.caller, group_id=self.row.pk, levels=values)
        return "The objectives are set.", shown.page(self.row)


class TypeObjectives(Verb[models.GroupType]):
    """Set the objectives of a group type."""

    slug, title, icon = "objectives", "Set objectives", "flag"
    rule = f"{types.GROUP.specs_rule}update"

    def effect(self) -> str:
        """Return what it will do."""
        return f"{_EFFECT} They are kept as specs of the type."

    def facts(self) -> Sequence[Fact]:
        """Return the type, and how many groups it is about."""
        return (("Group type", shown.link(self.row)), ("Groups of it", str(self.row.groups.count())))

    def form(self, data: Any = None) -> forms.Form:
        """Return the type's levels."""
        site = queries.site_levels()
        otherwise = {column: _of_site(site, column) for column in COLUMNS}
        return form(data, queries.type_levels(self.row), otherwise=otherwise)

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Set them."""
        service.set_type_levels(self.caller, group_type_id=self.row.pk, levels=values)
        return "The objectives are set.", shown.page(self.row)


@admin.register(models.SiteObjectives)
class SiteObjectivesAdmin(ReadOnlyAdmin):
    """The objectives of the whole site: one page instead of a list."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show what holds for the whole site; set it on POST."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        caller = acting.caller(request)
        posted = request.POST if request.method == "POST" else None
        if posted is not None:
            pages.require(caller, "site:set_objectives")
        row = models.SiteObjectives.objects.first()
        own = {column: getattr(row, column, None) for column in COLUMNS}
        wanted = form(posted, own, otherwise=_of_settings())
        return pages.answer_form(
            self,
            request,
            wanted,
            act=lambda: self._set(caller, wanted),
            template="console/objectives.html",
            title="Objectives of the site",
            may_change=policies.allows(caller, "site:set_objectives"),
            facts=[(_LABELS[column], _held(seconds)) for column, seconds in queries.site_levels().items()],
            effect=_EFFECT,
        )

    @staticmethod
    def _set(caller: Any, wanted: forms.Form) -> pages.Done:
        service.set_site_levels(caller, levels=wanted.cleaned_data)
        return "The objectives of the site are set.", reverse("admin:groups_siteobjectives_changelist")


def said(levels: Levels) -> str:
    """Return levels in words."""
    if levels.warning is None and levels.critical is None:
        return "none"
    parts = [
        f"{word} from {_seconds(seconds)}"
        for word, seconds in (("warning", levels.warning), ("critical", levels.critical))
        if seconds is not None
    ]
    return ", ".join(parts) + ("" if levels.is_set else "; nobody set it: it follows from the interval of its rounds")


def _of_site(site: Mapping[str, float | None], column: str) -> str:
    seconds = site[column]
    return _nothing(column) if seconds is None else f"{_seconds(seconds)}, as the site says"


def _of_settings() -> dict[str, str]:
    return {
        column: _nothing(column) if seconds is None else f"{_seconds(seconds)}, as the site's settings say"
        for column, seconds in queries.setting_levels().items()
    }


def _nothing(column: str) -> str:
    return "it follows from the interval of the rounds" if column.startswith("rpo") else "no objective"


def _held(seconds: float | None) -> str:
    return shown.NONE if seconds is None else _seconds(seconds)


def _seconds(seconds: float | None) -> str:
    return f"{seconds:g} s"


def _plain(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:g}"
