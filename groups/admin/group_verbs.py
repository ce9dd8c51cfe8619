"""The verbs of a group."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from groups import callers, models, statuses
from groups.admin import fields, pages, shown, words
from groups.admin.verbs import Fact, Verb
from groups.queries import estimating, possible, preflight
from groups.services import groups as service, replication
from groups.statuses import Axis, Kind, ReplicationStatus

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

    @functools.cached_property
    def sides(self) -> Mapping[str, models.SideObservation]:
        """Return what the newest look found on each side."""
        return preflight.observed(self.row)

    def checks(self) -> Sequence[preflight.Check]:
        """Return what was checked, each with its result."""
        return preflight.checks(self.standing, self.kind, sides=self.sides) if self.kind else ()

    def last(self) -> estimating.Last | None:
        """Return the last time that the same was done to this group."""
        return estimating.last(self.row, self.kind) if self.kind else None

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
        return (("Direction", arrow(self.row.active_backend_id, ", ".join(self.standing.targets) or "no target")),)

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


def _replication(group: models.Group) -> SafeString:
    return words.badge(group.replication_status, ReplicationStatus)


def arrow(origin: str, target: str) -> SafeString:
    return format_html(
        '<b>{}</b> <span class="material-symbols-outlined c-arrow" aria-label="to">arrow_forward</span> <b>{}</b>',
        shown.side(origin),
        target,
    )


def _volumes(group: models.Group, count: int) -> str | SafeString:
    if not count:
        return "none"
    rows = models.Volume.objects.filter(group=group).order_by("name", "created_at")[:_NAMED_VOLUMES]
    names = ", ".join(str(row) for row in rows) + (f" and {count - len(rows)} more" if count > len(rows) else "")
    return format_html("{} volume{}: {}", count, "" if count == 1 else "s", names)
