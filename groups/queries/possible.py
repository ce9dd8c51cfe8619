"""What can be done with a group, a volume or an operation now; and for what cannot, why not.

Made from the table of moves, for doors that show a verb before it is asked for. The services
decide; a test holds the two against each other.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from django.db import models as db

from groups import clock, models, specs, statuses
from groups.statuses import Axis, Kind, OperationState, VolumeStatus

_ON_PRIMARY_ONLY = frozenset({Kind.ENABLE, Kind.DISABLE})
_NEEDS_TARGET = frozenset({Kind.ENABLE, Kind.FAILOVER})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """All that decides which verbs a group can take now."""

    group: models.Group
    is_replicated: bool
    """Whether its type makes replication groups."""
    bare_types: tuple[str, ...]
    """The volume types of the group that cannot be replicated."""
    targets: tuple[str, ...]
    operation: models.Operation | None
    """The operation open on the group or on a volume of it."""
    members: Mapping[tuple[str, str], int]
    """How many volumes have which status and replication status."""
    snapshots: int = 0
    """How many snapshots there are of its volumes, alone or as parts of the group's."""

    @property
    def size(self) -> int:
        """Return how many volumes the group has."""
        return sum(self.members.values())

    @property
    def attached(self) -> int:
        """Return how many volumes are attached."""
        return sum(count for (status, _), count in self.members.items() if status == VolumeStatus.IN_USE)

    @property
    def used(self) -> int:
        """Return how many volumes are attached, or about to be or to be detached."""
        return sum(count for (status, _), count in self.members.items() if status in statuses.USED)


def standing(group: models.Group) -> Standing:
    """Read what decides about a group's verbs, in a number of statements that does not grow with it."""
    kinds = models.VolumeType.objects.filter(groups=group).prefetch_related("extra_specs")
    members = models.Volume.objects.filter(group=group).order_by().values_list("status", "replication_status")
    counted = list(members.annotate(count=db.Count("pk", distinct=True), kept=db.Count("snapshots", distinct=True)))
    return Standing(
        group=group,
        is_replicated=specs.is_replicated(group.group_type.specs),
        bare_types=tuple(kind.name for kind in kinds if not specs.is_true(kind.specs.get(specs.REPLICATION))),
        targets=tuple(target.backend_id for target in group.backend.targets.all()),
        operation=open_operation(group),
        members=collections.Counter({(status, word): count for status, word, count, _ in counted}),
        snapshots=sum(kept for *_, kept in counted),
    )


def open_operation(group: models.Group) -> models.Operation | None:
    """Return the operation open on a group or on a volume of it, if any."""
    return _open(db.Q(group=group) | db.Q(volume__group=group))


def why_not(found: Standing, kind: Kind) -> str:
    """Return why a verb is not possible on a group now; empty when it is."""
    move = statuses.MOVES[kind]
    reasons = (
        why_not_reset(found),
        _types(found) if move.axis is Axis.REPLICATION else "",
        _statuses(found, move),
        _members(found, move),
        _place(found, kind),
    )
    return next((reason for reason in reasons if reason), "")


def why_not_reset(found: Standing) -> str:
    """Return why nobody may correct a group's statuses by hand now; empty when an admin may."""
    if found.operation is None:
        return ""
    return f"{sentence(found.operation)} is {found.operation.state}: wait for its end, or cancel it."


def why_not_delete_volume(volume: models.Volume) -> str:
    """Return why a volume cannot be deleted now; empty when it can."""
    if operation := _open(db.Q(volume=volume)):
        return f"{sentence(operation)} is {operation.state}: wait for its end, or cancel it."
    if volume.group_id is not None:
        return "It belongs to a group: take it out of the group first, or delete the group with its volumes."
    sources = statuses.MOVES[Kind.DELETE_VOLUME].sources
    if volume.status not in sources:
        return f"It is {volume.status}, and must be {listed(sources)}."
    if snapshots := models.Snapshot.objects.filter(volume=volume).count():
        return f"It has {snapshots} snapshot{'s' if snapshots > 1 else ''}: delete them first."
    return ""


def why_not_delete_snapshot(snapshot: models.Snapshot | models.GroupSnapshot) -> str:
    """Return why a snapshot cannot be deleted now; empty when it can, as far as its own row tells."""
    if isinstance(snapshot, models.Snapshot) and snapshot.group_snapshot_id is not None:
        return "It is a part of a group snapshot: delete that one."
    if operation := _open(db.Q(subject_id=snapshot.pk)):
        return f"{sentence(operation)} is {operation.state}: wait for its end, or cancel it."
    sources = statuses.MOVES[Kind.DELETE_SNAPSHOT].sources
    if snapshot.status not in sources:
        return f"It is {snapshot.status}, and must be {listed(sources)}."
    return ""


def why_not_cancel(operation: models.Operation) -> str:
    """Return why an operation cannot be canceled now; empty when it can."""
    if not operation.is_open:
        return f"It has ended ({operation.state})."
    return "It is being canceled already." if operation.state == OperationState.CANCELING else ""


def why_not_retry(operation: models.Operation) -> str:
    """Return why an operation cannot be asked for again; empty when it can, as things stand for its own part."""
    if operation.state not in {OperationState.FAILED, OperationState.CANCELED}:
        return f"It is {operation.state}; only what failed or was canceled is run again."
    if operation.kind == Kind.DRILL:
        return "A drill is not run again: run its plan now, which makes a run with a report of its own."
    move = statuses.MOVES[operation.kind]
    again = move.axis is Axis.REPLICATION or move.success == statuses.GONE or move.verb == Kind.EXTEND_VOLUME
    if not again:
        return "What it should have made is not made by running it again: delete what it left and create it anew."
    if operation.about is None:
        return "What it was about is gone."
    return ""


def is_ignored(finding: models.Finding) -> bool:
    """Tell whether somebody asked not to be called by a finding for now."""
    return finding.ignored_until is not None and finding.ignored_until > clock.now()


def sentence(operation: models.Operation) -> str:
    """Return an operation's name as it begins a sentence, such as `Failover of shop`."""
    subject = operation.subject_name or operation.subject_id
    return f"{operation.kind.replace('-', ' ').capitalize()} of {subject}"


def listed(words: Iterable[str]) -> str:
    """Return words as a person would list them, `a, b or c`."""
    *first, last = sorted(str(word) for word in words)
    return f"{', '.join(first)} or {last}" if first else last


def _open(about: db.Q) -> models.Operation | None:
    return models.Operation.objects.filter(about, state__in=statuses.OPEN).first()


def _types(found: Standing) -> str:
    if not found.is_replicated:
        return f"Its group type, {found.group.group_type}, makes no replication groups."
    if found.bare_types:
        return f"Volume type {', '.join(found.bare_types)} lacks the extra spec {specs.REPLICATION} = '{specs.TRUE}'."
    return ""


def _statuses(found: Standing, move: statuses.Move) -> str:
    group = found.group
    if move.axis is Axis.GROUP:
        needed, current, axis = move.sources, group.status, "status"
    elif group.status not in move.group:
        needed, current, axis = move.group, group.status, "status"
    else:
        needed, current, axis = move.sources, group.replication_status, "replication status"
    return "" if current in needed else f"The group's {axis} is {current}, and must be {listed(needed)}."


def _members(found: Standing, move: statuses.Move) -> str:
    if move.success == statuses.GONE and found.used:
        return f"{found.used} of its volumes are attached: detach them first."
    if move.success == statuses.GONE and found.snapshots:
        return f"There are {found.snapshots} snapshots of its volumes: delete them first."
    if move.axis is not Axis.REPLICATION:
        return ""
    for (status, word), count in found.members.items():
        if move.volumes and status not in move.volumes:
            return f"{_counted(count, status)}, and every volume must be {listed(move.volumes)}."
        if word not in move.sources:
            return f"The replication of {_counted(count, word)}, and of every volume it must be {listed(move.sources)}."
    return ""


def _place(found: Standing, kind: Kind) -> str:
    if kind in _NEEDS_TARGET and not found.targets:
        return f"Backend {found.group.backend} has no replication target."
    if kind in _ON_PRIMARY_ONLY and found.group.active_backend_id:
        return f"The group runs on {found.group.active_backend_id}: fail it back to the primary first."
    return ""


def _counted(count: int, word: str) -> str:
    return f"{count} volume{'s are' if count != 1 else ' is'} {word}"
