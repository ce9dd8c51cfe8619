"""The verbs of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from groups import callers, findings, models, statuses
from groups.admin import fields, pages, shown, words
from groups.admin.verbs import Fact, Verb
from groups.models.backends import DEFAULT_TARGET
from groups.queries import possible
from groups.services import groups as service, replication
from groups.statuses import Axis, Kind, ReplicationStatus

PLANNED, UNPLANNED, AUTO = "planned", "unplanned", "auto"
_NAMED_VOLUMES = 20


class GroupVerb(Verb[models.Group]):
    """A verb of a group, and what all of them show."""

    kind: Kind | None = None

    def __init__(self, row: models.Group, *, caller: callers.Caller, standing: possible.Standing | None = None) -> None:
        super().__init__(row, caller=caller)
        self.standing = standing or possible.standing(row)

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return possible.why_not(self.standing, self.kind) if self.kind else possible.why_not_reset(self.standing)

    def facts(self) -> Sequence[Fact]:
        """Return the group, its statuses and its volumes."""
        group = self.row
        return (
            ("Group", format_html("{} {}", shown.link(group), shown.short_id(group.pk))),
            ("Status now", format_html("{} {}", _replication(group), words.badge(group.status, statuses.GroupStatus))),
            *self.direction(),
            ("Volumes", _volumes(group, self.standing.size)),
        )

    def direction(self) -> Sequence[Fact]:
        """Return from where to where it goes."""
        return (("Runs on", shown.side(self.row.active_backend_id)),)

    def started(self, operation: models.Operation) -> pages.Done:
        """Return what an accepted operation is told as."""
        name = possible.sentence(operation)
        message = format_html("{} was accepted as operation {}.", name, shown.link(operation, str(operation.pk)[:8]))
        return message, shown.page(operation)


class Enable(GroupVerb):
    """Replicate a group."""

    slug, title, icon = "enable", "Enable replication", "verified_user"
    rule, kind = "group:enable_replication", Kind.ENABLE

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "Every volume is copied to every target. Hosts go on writing meanwhile."
            " The group is protected once it is enabled, not before."
        )

    def direction(self) -> Sequence[Fact]:
        """Return from where to where it goes."""
        return (("Direction", _arrow(self.row.active_backend_id, ", ".join(self.standing.targets) or "no target")),)

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.started(replication.enable(self.caller, group_id=self.row.pk))


class Disable(GroupVerb):
    """Stop replicating a group."""

    slug, title, icon = "disable", "Disable replication", "remove_moderator"
    rule, kind, is_dangerous = "group:disable_replication", Kind.DISABLE, True

    def effect(self) -> str:
        """Return what it will do."""
        return "Replication stops and the copies at the targets are dropped. The data on the primary stays in use."

    def warning(self) -> str:
        """Return what it costs."""
        return "From then on losing the primary loses the data. Enabling again copies everything anew."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.started(replication.disable(self.caller, group_id=self.row.pk))


class Move(GroupVerb):
    """What failing over and failing back have in common."""

    is_dangerous = True
    rule = "group:failover_replication"
    modes: Sequence[fields.Choice] = ()
    lossy: frozenset[str] = frozenset({UNPLANNED})

    def form(self, data: Any = None) -> forms.Form:
        """Return the choice of how, and the group's name where something may be lost."""
        form = _MoveForm(data, name=str(self.row), lossy=self.lossy)
        form.fields["mode"] = fields.radios("How", self.modes, initial=PLANNED)
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
            ("Direction", _arrow(self.row.active_backend_id, targets)),
            ("Newest complete point on a target", _point(self.row)),
            ("Not yet on a target", shown.size(self.row.bytes_behind)),
        )

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
        known = self.standing.targets
        choices = [(name, _target_label(name, position, self.row)) for position, name in enumerate(known)]
        form.fields["target"] = fields.radios("Target", choices, initial=next(iter([*self.elsewhere, *known]), None))
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
            ("Direction", _arrow(self.row.active_backend_id, shown.PRIMARY)),
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


class _DeleteForm(forms.Form):
    delete_volumes = fields.flag("Delete its volumes, with all their data, on every side")


class Delete(GroupVerb):
    """Delete a group."""

    slug, title, icon = "delete", "Delete", "delete"
    rule, kind, is_dangerous, form_class = "group:delete", Kind.DELETE_GROUP, True, _DeleteForm

    def effect(self) -> str:
        """Return what it will do."""
        return "The group is deleted; if it is replicated, its replication is taken down first."

    def warning(self) -> str:
        """Return what is lost."""
        return "Data of deleted volumes cannot be brought back." if self.standing.size else ""

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        operation = service.delete(self.caller, group_id=self.row.pk, delete_volumes=values["delete_volumes"])
        return self.started(operation)


class Reset(GroupVerb):
    """What correcting either status by hand has in common."""

    rule, is_dangerous, icon = "group:reset_status", True, "edit_attributes"
    axis = Axis.GROUP
    column = "status"

    def effect(self) -> str:
        """Return what it will do."""
        return "Only the record is changed, at once: the storage is neither asked nor told."

    def warning(self) -> str:
        """Return what it costs."""
        return "A status that is not true misleads everybody after you. Look at the storage first."

    def form(self, data: Any = None) -> forms.Form:
        """Return the choice of a status, and why."""
        form = forms.Form(data)
        kinds = statuses.WORDS[self.axis]
        targets = [word for word in kinds if word in statuses.RESETS[self.axis].targets]
        form.fields["to"] = fields.radios(
            "Set it to", [(word, fields.explained(word, statuses.MEANINGS[kinds][word])) for word in targets]
        )
        form.fields["reason"] = fields.reason(required=True)
        return form

    def told(self, to: str) -> pages.Done:
        """Return what was done."""
        what = self.column.replace("_", " ")
        return format_html("The {} of {} was set to {}.", what, shown.link(self.row), to), shown.page(self.row)


class ResetStatus(Reset):
    """Correct a group's own status."""

    slug, title = "reset-status", "Reset status"

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.reset_status(self.caller, group_id=self.row.pk, status=values["to"], reason=values["reason"])
        return self.told(values["to"])


class ResetReplication(Reset):
    """Correct the replication status of a group and its volumes."""

    slug, title = "reset-replication-status", "Reset replication status"
    axis = Axis.REPLICATION
    column = "replication_status"

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        replication.reset(self.caller, group_id=self.row.pk, replication_status=values["to"], reason=values["reason"])
        return self.told(values["to"])


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


def _replication(group: models.Group) -> SafeString:
    return words.badge(group.replication_status, ReplicationStatus)


def _arrow(origin: str, target: str) -> SafeString:
    return format_html(
        '<b>{}</b> <span class="material-symbols-outlined c-arrow" aria-label="to">arrow_forward</span> <b>{}</b>',
        shown.side(origin),
        target,
    )


def _point(group: models.Group) -> str | SafeString:
    if group.consistent_at is None:
        return format_html("{}: none was seen at the last look ({})", shown.UNKNOWN, shown.moment(group.observed_at))
    seen = format_html("seen {} ago", shown.age(group.observed_at)) if group.observed_at else "never looked at since"
    return format_html("{}, {} old ({})", shown.moment(group.consistent_at), shown.age(group.consistent_at), seen)


def _volumes(group: models.Group, count: int) -> str | SafeString:
    if not count:
        return "none"
    rows = models.Volume.objects.filter(group=group).order_by("name", "created_at")[:_NAMED_VOLUMES]
    names = ", ".join(str(row) for row in rows) + (f" and {count - len(rows)} more" if count > len(rows) else "")
    return format_html("{} volume{}: {}", count, "" if count == 1 else "s", names)


def _target_label(name: str, position: int, group: models.Group) -> SafeString:
    notes = ["the default target"] if position == 0 else []
    if name == group.active_backend_id:
        notes.append("the group runs here now")
    return fields.explained(name, ", ".join(notes).capitalize() + "." if notes else "")


VERBS: tuple[type[GroupVerb], ...] = (
    FailOver,
    FailBack,
    Enable,
    Disable,
    ResetReplication,
    ResetStatus,
    Delete,
)
