"""The verbs that move a group: fail over, fail back. Each says what it may lose."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from groups import clock, findings, models
from groups.admin import fields, pages, shown
from groups.admin.group_verbs import GroupVerb, arrow
from groups.admin.verbs import Fact
from groups.models.backends import DEFAULT_TARGET
from groups.queries import lag, preflight
from groups.services import policies, replication
from groups.statuses import Kind

PLANNED, UNPLANNED, AUTO = "planned", "unplanned", "auto"


class Move(GroupVerb):
    """What failing over and failing back have in common."""

    is_dangerous = True
    rule = "group:failover_replication"
    modes: Sequence[fields.Choice] = ()
    lossy: frozenset[str] = frozenset({UNPLANNED})

    def form(self, data: Any = None) -> forms.Form:
        """Return the choice of how, and the group's name where something may be lost."""
        form = _MoveForm(data, name=str(self.row), lossy=self.lossy)
        # Who may not lose data is not offered to; the services refuse it besides.
        why = policies.why_not(self.caller, "group:failover_replication:unplanned")
        offered = [choice for choice in self.modes if not why or choice[0] not in self.lossy]
        form.fields["mode"] = fields.radios(
            "How", offered, initial=PLANNED, help_text=f"Only planned: {why}" if why else ""
        )
        form.fields["allow_attached_volume"] = fields.flag(
            "Also with attached volumes",
            initial=self.standing.attached > 0,
            help_text=f"{self.standing.attached} of {self.standing.size} volumes are attached."
            " Hosts lose access to the side that is left and must be pointed to the other.",
        )
        form.order_fields(["target", "mode", "allow_attached_volume", "confirmed_name"])
        return form

    def ask(self, values: dict[str, Any], target: str) -> pages.Done:
        """Ask for it."""
        return self.started(
            replication.failover(
                self.caller,
                group_id=self.row.pk,
                secondary_backend_id=target,
                allow_attached_volume=values["allow_attached_volume"],
                mode=cast("replication.Mode", values["mode"]),
            )
        )


class FailOver(Move):
    """Make a secondary the active side."""

    slug, title, icon, kind = "failover", "Fail over", "swap_horiz", Kind.FAILOVER
    modes = (
        (
            PLANNED,
            fields.explained(
                "Planned: loses nothing",
                "Both sides must answer. Writes stop, what is missing is carried over, then the target takes over.",
            ),
        ),
        (
            UNPLANNED,
            fields.explained(
                "Unplanned: the side it runs on is lost",
                "That side is not called at all. The target takes over at its newest complete point;"
                " what was written since is lost.",
            ),
        ),
        (
            AUTO,
            fields.explained(
                "Automatic", "Planned if the side it runs on answers, unplanned if not: may lose what unplanned loses."
            ),
        ),
    )
    lossy = frozenset({UNPLANNED, AUTO})

    def effect(self) -> str:
        """Return what it will do."""
        return "All volumes of the group move together to a target, at one point in time, and can be written there."

    def direction(self) -> Sequence[Fact]:
        """Return from where it goes, and what a target holds."""
        targets = " or ".join(self.elsewhere) or "no other target"
        return (
            ("Direction", arrow(self.row.active_backend_id, targets)),
            (
                "Would be lost unplanned",
                format_html_join("", "{}", ((_loss(each),) for each in self.advice)) or "unknown",
            ),
        )

    @functools.cached_property
    def advice(self) -> list[preflight.Advice]:
        """Return the targets it could go to, the best one first."""
        return preflight.advice(self.standing)

    @property
    def elsewhere(self) -> list[str]:
        """Return the targets it does not run on now."""
        return [name for name in self.standing.targets if name != self.row.active_backend_id]

    def warning(self) -> str | SafeString:
        """Return what may be lost."""
        if self.row.consistent_at is None:
            return "Planned loses nothing. How much unplanned loses is unknown: no complete point was seen."
        return format_html(
            "Planned loses nothing. Unplanned loses what was written since the newest complete point:"
            " the last {}, going by the last look.",
            shown.age(self.row.consistent_at),
        )

    def form(self, data: Any = None) -> forms.Form:
        """Return the choice of target and of how."""
        form = super().form(data)
        ranked = [(each.loss.backend_id, _target_label(each, place)) for place, each in enumerate(self.advice)]
        here = [name for name in self.standing.targets if name not in dict(ranked)]
        choices = [*ranked, *((name, fields.explained(name, "The group runs here now.")) for name in here)]
        form.fields["target"] = fields.radios(
            "Target, the best one first", choices, initial=next((name for name, _ in choices), None)
        )
        form.order_fields(["target", "mode", "allow_attached_volume", "confirmed_name"])
        return form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.ask(values, values["target"])


class FailBack(Move):
    """Make the primary the active side again."""

    slug, title, icon, kind = "failback", "Fail back", "settings_backup_restore", Kind.FAILBACK
    modes = (
        (
            PLANNED,
            fields.explained(
                "Planned: loses nothing",
                "Both sides must answer. What changed is copied back while hosts go on writing, then writes stop"
                " for a last short copy, and the primary takes over.",
            ),
        ),
        (
            UNPLANNED,
            fields.explained(
                "Unplanned: discard what was written on the secondary",
                "The secondary is not called at all. The primary takes over with what it holds.",
            ),
        ),
    )

    def effect(self) -> str:
        """Return what it will do."""
        return "All volumes of the group move together back to the primary, and are replicated to the targets again."

    def direction(self) -> Sequence[Fact]:
        """Return from where to where it goes."""
        return (
            ("Direction", arrow(self.row.active_backend_id, shown.PRIMARY)),
            ("Newest complete point on another side", _point(self.row)),
        )

    def warning(self) -> str:
        """Return what may be lost."""
        lost = "Unplanned discards what was written on the secondary since it took over."
        found = models.Finding.objects.filter(
            subject_id=self.row.pk, code=findings.Code.UNSENT_WRITES, key="", closed_at__isnull=True
        ).first()
        return f"{found.actual} {lost}" if found is not None else f"Planned loses nothing. {lost}"

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.ask(values, DEFAULT_TARGET)


class _MoveForm(forms.Form):
    """Asks for the group's name where something may be lost."""

    confirmed_name = fields.text("Type the group's name")

    def __init__(self, data: Any, *, name: str, lossy: frozenset[str]) -> None:
        super().__init__(data)
        self._name, self._lossy = name, lossy
        ways = " or ".join(sorted(lossy, reverse=True))
        self.fields["confirmed_name"].help_text = format_html(
            "Needed for {}, which may lose data: type <b>{}</b>.", ways, name
        )

    def clean(self) -> dict[str, Any]:
        """Refuse what may lose data unless the group is named."""
        values = super().clean() or {}
        if values.get("mode") in self._lossy and values.get("confirmed_name", "").strip() != self._name:
            self.add_error("confirmed_name", f"{values['mode'].capitalize()} may lose data: type {self._name} here.")
        return values


def _point(group: models.Group) -> str | SafeString:
    if group.consistent_at is None:
        return format_html("{}: none was seen at the last look ({})", shown.UNKNOWN, shown.moment(group.observed_at))
    seen = format_html("seen {} ago", shown.age(group.observed_at)) if group.observed_at else "never looked at since"
    return format_html("{}, {} old ({})", shown.moment(group.consistent_at), shown.age(group.consistent_at), seen)


def _loss(each: preflight.Advice) -> SafeString:
    """Return what going to a target now, unplanned, would lose."""
    loss = each.loss
    if loss.point is None:
        said: str | SafeString = format_html("{}: no complete point was seen there", shown.UNKNOWN)
    else:
        age = shown.span(loss.age_seconds or 0.0)
        said = format_html("the last {}, {} not yet there (point of {})", age, _bytes(loss), shown.moment(loss.point))
    return format_html('<span class="c-line"><b>{}</b> {}</span>', shown.side(loss.backend_id), said)


def _bytes(loss: lag.Loss) -> str | SafeString:
    return format_html("{} bytes", shown.UNKNOWN) if loss.bytes_behind is None else shown.size(loss.bytes_behind)


def _target_label(each: preflight.Advice, place: int) -> SafeString:
    loss = each.loss
    notes = ["best choice now" if place == 0 and loss.is_possible else "", "default target" if each.is_default else ""]
    if loss.observed_at is None:
        notes.append("nobody has looked at it yet")
    else:
        notes.append("answers" if loss.reachable else "did not answer at the last look")
    if loss.point is None:
        notes.append("no complete point was seen there")
    else:
        notes.append(f"unplanned loses the last {shown.span(loss.age_seconds or 0.0)}")
    if each.proven_at is None:
        notes.append("never proven by a failover or a drill")
    else:
        notes.append(f"proven by a {each.proven_by} {shown.span((clock.now() - each.proven_at).total_seconds())} ago")
    return fields.explained(loss.backend_id, f"{capfirst(', '.join(note for note in notes if note))}.")
