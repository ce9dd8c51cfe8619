"""Whole sites: the page that fails one over, the list of such failovers, and a live board for each."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models as db
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import models
from groups.admin import acting, fields, live, pages, shown, words
from groups.admin.bases import PageAdmin
from groups.admin.group_moves import AUTO, PLANNED, UNPLANNED
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.models.backends import DEFAULT_TARGET
from groups.queries import lag, sites as queries
from groups.services import replication, sites as service
from groups.statuses import SiteState

_SHOWN_GROUPS = 200
_MODES = (
    (
        UNPLANNED,
        fields.explained(
            "Unplanned: the site is gone",
            "It is not called at all. Each group takes over at its newest complete point; what was written since is"
            " lost. Going back, it discards what was written on the secondary.",
        ),
    ),
    (
        PLANNED,
        fields.explained(
            "Planned: loses nothing", "Both sides must answer. A group whose side does not answer stays, and says so."
        ),
    ),
    (
        AUTO,
        fields.explained(
            "Automatic", "Each group for itself: planned if its side answers, unplanned if not; may lose data."
        ),
    ),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One group of a site as the page shows it before it is moved."""

    outlook: queries.Outlook
    loss: lag.Loss | None
    """What going to the target would lose, by the newest look there."""

    @property
    def is_moved(self) -> bool:
        """Tell whether it would be moved."""
        return not self.outlook.left and not self.outlook.why_not


class FailOverSite(Verb[models.Backend]):
    """Move every group of a backend at once."""

    slug, title, icon, is_dangerous = "failover-site", "Fail the site over", "public_off", True
    rule = "volume:failover_host"
    template = "console/site_verb.html"

    def __init__(self, row: models.Backend, *, caller: Any, target: str | None = None) -> None:
        super().__init__(row, caller=caller)
        self._wanted = target

    def bound(self, request: HttpRequest) -> FailOverSite:
        """Return it for the target that a request names."""
        wanted = request.POST.get("target") or request.GET.get("target")
        return type(self)(self.row, caller=self.caller, target=wanted)

    @functools.cached_property
    def targets(self) -> list[str]:
        """Return where the site can go, the default target first and the primary last."""
        known = [target.backend_id for target in self.row.targets.all()]
        return [*known, DEFAULT_TARGET] if known else []

    @property
    def target(self) -> str:
        """Return where it is to go."""
        return self._wanted if self._wanted in self.targets else next(iter(self.targets), "")

    @functools.cached_property
    def rows(self) -> list[Row]:
        """Return every group, in the order in which they would be moved."""
        side = "" if self.target == DEFAULT_TARGET else self.target
        outlooks = queries.outlook(self.row, target=side)
        losses = lag.losses_of(each.group for each in outlooks)
        return [
            Row(
                outlook=each,
                loss=next((loss for loss in losses[each.group.pk] if loss.backend_id == side), None),
            )
            for each in outlooks
        ]

    def why_not(self) -> str:
        """Return why it cannot be begun now."""
        if not self.targets:
            return f"Backend {self.row} has no replication target."
        run = self.open_run
        return f"A failover of this site to {run.wanted} is {run.state}: follow it, or cancel it." if run else ""

    @functools.cached_property
    def open_run(self) -> models.SiteFailover | None:
        """Return the failover of the site that is under way."""
        return next((run for run in queries.runs(backend_id=self.row.pk)[:1] if run.is_open), None)

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "Every group below that can be moved is moved, in the order of its priority, so many at a time. Each is an"
            " operation of its own; one that fails stops no other. Started again, it moves only what is not there yet."
        )

    def facts(self) -> Sequence[Fact]:
        """Return how many groups, and what they would lose."""
        moved = [row for row in self.rows if row.is_moved]
        known = [row.loss for row in moved if row.loss is not None and row.loss.age_seconds is not None]
        blind = len(moved) - len(known)
        worst = max((loss.age_seconds or 0.0 for loss in known), default=None)
        behind = sum(loss.bytes_behind or 0 for loss in known)
        lost = "unknown" if worst is None else f"up to the last {shown.span(worst)}, {shown.size(behind)} in all"
        return (
            ("Site", format_html("{} ({} now)", shown.link(self.row), shown.side(self.row.active_backend_id))),
            ("Would be moved", f"{len(moved)} of {len(self.rows)} groups to {self.target or 'nowhere'}"),
            ("Would be lost unplanned", f"{lost}{f'; unknown for {blind}' if blind else ''}"),
        )

    def form(self, data: Any = None) -> forms.Form:
        """Return the choice of where to and how, and the site's name where something may be lost."""
        form = _SiteForm(data, name=self.row.name, initial={"target": self.target, "mode": UNPLANNED})
        names = {name: "back to the primary" if name == DEFAULT_TARGET else name for name in self.targets}
        form.fields["target"] = fields.select("Target", names.items())
        form.fields["mode"] = fields.radios("How", _MODES, initial=UNPLANNED)
        form.fields["concurrency"] = fields.number(
            "How many at once",
            initial=settings.REPLSITE.site_failover_concurrency,
            min_value=1,
            max_value=service.MOST_AT_ONCE,
        )
        form.fields["in_waves"] = fields.flag(
            "In waves", help_text="A priority begins only when all groups of the ones before have ended."
        )
        form.fields["reason"] = fields.text("Reason", help_text="Kept with it, for whoever reads the events later.")
        form.order_fields(["target", "mode", "concurrency", "in_waves", "reason", "confirmed_name"])
        return form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        run = service.start(
            self.caller,
            backend=self.row.name,
            secondary_backend_id=values["target"],
            mode=cast("replication.Mode", values["mode"]),
            concurrency=values["concurrency"],
            in_waves=values["in_waves"],
            reason=values["reason"],
        )
        return format_html("The {} has begun.", run), shown.page(run)


class _SiteForm(forms.Form):
    """Asks for the backend's name where something may be lost."""

    confirmed_name = fields.text("Type the backend's name")

    def __init__(self, data: Any, *, name: str, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        self._name = name
        self.fields["confirmed_name"].help_text = format_html(
            "Needed for unplanned or auto, which may lose data: type <b>{}</b>.", name
        )

    def clean(self) -> dict[str, Any]:
        """Refuse what may lose data unless the backend is named."""
        values = super().clean() or {}
        if values.get("mode") != PLANNED and values.get("confirmed_name", "").strip() != self._name:
            self.add_error("confirmed_name", f"This may lose data: type {self._name} here.")
        return values


class _CancelForm(forms.Form):
    stop_running = fields.flag(
        "Also stop the groups that are moving now", help_text="They undo what they did, while they can."
    )


class Cancel(Verb[models.SiteFailover]):
    """Begin no further group."""

    slug, title, icon, is_dangerous = "cancel", "Cancel", "cancel", True
    rule, form_class = "volume:failover_host", _CancelForm

    def why_not(self) -> str:
        """Return why it cannot be canceled now."""
        if self.row.state == SiteState.CANCELING:
            return "It is being canceled already."
        return "" if self.row.is_open else f"It has ended ({self.row.state})."

    def effect(self) -> str:
        """Return what it will do."""
        return "No further group is begun. Groups that were moved stay where they are."

    def facts(self) -> Sequence[Fact]:
        """Return which it is."""
        return (("Site failover", shown.link(self.row)), ("State now", words.badge(self.row.state, SiteState)))

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        run = service.cancel(self.caller, site_failover_id=self.row.pk, stop_running=values["stop_running"])
        return format_html("The {} is {}.", run, run.state), shown.page(run)


class Resume(Verb[models.SiteFailover]):
    """Go on with what is not there yet."""

    slug, title, icon, is_dangerous = "resume", "Move the rest", "play_arrow", True
    rule = "volume:failover_host"

    def why_not(self) -> str:
        """Return why it cannot be gone on with now."""
        if self.row.is_open:
            return f"It is {self.row.state}: it goes on by itself."
        return "Its backend is gone." if self.row.backend is None else ""

    def effect(self) -> str:
        """Return what it will do."""
        return "The same is asked for again: groups that are there already are left alone, the others are tried again."

    def facts(self) -> Sequence[Fact]:
        """Return which it is, and how it went."""
        return (
            ("Site failover", shown.link(self.row)),
            ("State now", words.badge(self.row.state, SiteState)),
            ("How it went", self.row.outcome or shown.NONE),
            ("How", f"{self.row.mode}, to {self.row.wanted}, {self.row.concurrency} at once"),
        )

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        old = self.row
        run = service.start(
            self.caller,
            backend=old.backend_name,
            secondary_backend_id=old.wanted,
            mode=cast("replication.Mode", old.mode),
            concurrency=old.concurrency,
            in_waves=old.in_waves,
            allow_attached_volume=old.allow_attached_volume,
            discard_bytes=old.discard_bytes,
            reason=f"the rest of {old.pk}",
        )
        return format_html("The {} has begun again.", run), shown.page(run)


@admin.register(models.SiteFailover)
class SiteFailoverAdmin(VerbsMixin, PageAdmin):
    """Failovers of whole sites."""

    verbs = (Cancel, Resume)
    list_display = ("site_shown", "state_shown", "target_shown", "mode", "outcome", "created_shown", "user_name")
    list_filter = ("state", "mode", "created_at")
    search_fields = ("id", "backend_name", "user_name", "reason", "outcome")
    search_help_text = "Backend, user, reason"

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.SiteFailover]:
        """Read what the list shows, in one statement."""
        return super().get_queryset(request).select_related("backend")

    def get_urls(self) -> list[URLPattern]:
        """Add the board."""
        view = self.admin_site.admin_view(self.live_view)
        return [path("<uuid:object_id>/live/", view, name="groups_sitefailover_live"), *super().get_urls()]

    def row_page(self, request: HttpRequest, row: models.SiteFailover) -> HttpResponse:
        """Return a failover's page."""
        caller = acting.caller(request)
        return pages.render(
            self,
            request,
            "console/site.html",
            title=str(row),
            row=row,
            offers=self.offers(verb(row, caller=caller) for verb in self.verbs),
            **board(row),
        )

    def live_view(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """Return the board while the failover is under way."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        return live.over() if row is None or not row.is_open else render(request, "console/site_live.html", board(row))

    @display(description="Site", ordering="backend_name")
    def site_shown(self, row: models.SiteFailover) -> str:
        """Return which site goes."""
        return row.backend_name

    @display(description="State", ordering="state")
    def state_shown(self, row: models.SiteFailover) -> SafeString:
        """Return how far it is."""
        return words.badge(row.state, SiteState)

    @display(description="To", ordering="target")
    def target_shown(self, row: models.SiteFailover) -> str:
        """Return where it goes."""
        return shown.side(row.target)

    @display(description="Asked for", ordering="created_at")
    def created_shown(self, row: models.SiteFailover) -> str | SafeString:
        """Return when it was asked for."""
        return shown.moment(row.created_at)


def board(row: models.SiteFailover) -> dict[str, Any]:
    """Return how far a site failover is, in groups, with what needs somebody and what moves first."""
    totals = queries.totals([row])[row.pk]
    counts = [
        (words.badge("succeeded", words.OPERATION), totals.done, "moved"),
        (words.badge("running", words.OPERATION), totals.running, "moving"),
        (words.badge("queued", words.OPERATION), totals.queued, "waiting"),
        (words.badge("failed", words.OPERATION), totals.failed + totals.refused, "failed or refused"),
    ]
    places = list(queries.busiest(row)[:_SHOWN_GROUPS])
    settled = totals.groups - totals.open
    return {
        "run": row,
        "totals": totals,
        "counts": counts,
        "places": [(place, queries.state_of(place)) for place in places],
        "more_places": max(0, totals.groups - len(places)),
        "settled": settled,
        "percent": settled * 100 // totals.groups if totals.groups else 100,
        "live": reverse("admin:groups_sitefailover_live", args=(row.pk,)) if row.is_open else "",
    }
