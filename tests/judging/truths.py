"""What is recorded of a group at rest is what the storage says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from drivers import base
from groups import statuses
from groups.statuses import Axis, GroupStatus, ReplicationStatus
from tests.judging.history import Group, History, Look

_CERTAIN = frozenset({ReplicationStatus.ENABLED, ReplicationStatus.DISABLED, ReplicationStatus.FAILED_OVER})


def complaints(history: History) -> Sequence[str]:
    """Compare each group's row with the look at its storage."""
    busy = {operation.subject_id for operation in history.operations if operation.is_open}
    corrected = _set_by_hand(history)
    return [
        f"{group} is recorded as {group.replication_status} on '{group.active_backend_id}', but {problem}."
        for group in history.groups
        if group.id in history.looks and group.members and group.status == GroupStatus.AVAILABLE
        if group.id not in busy | corrected and not busy & {volume.id for volume in group.members}
        for problem in _problems(group, history.looks[group.id], strict=history.at_rest)
    ]


def _set_by_hand(history: History) -> set[UUID]:
    """Return the groups of which a person said last what is true, and no operation since."""
    succeeded = {operation.id for operation in history.operations if operation.has_succeeded}
    found: set[UUID] = set()
    for event in history.events:
        if event.axis != Axis.REPLICATION:
            continue
        if event.operation_id is None:
            found.add(event.subject_id)
        elif event.operation_id in succeeded:
            found.discard(event.subject_id)
    return found


def _problems(group: Group, look: Look, *, strict: bool) -> Iterable[str]:
    facts = look.together
    if group.replication_status not in _CERTAIN:
        if facts.active_side is not None and facts.active_side != group.active_backend_id:
            yield f"the storage is active on '{facts.active_side}'"
        return
    if facts.active_side != group.active_backend_id:
        yield f"the storage is active on {facts.active_side!r}: {facts.detail}"
    if not facts.writable:
        yield "it cannot be written there"
    yield from _wrong_members(group, facts)
    if group.replication_status == ReplicationStatus.FAILED_OVER:
        if group.active_backend_id == base.PRIMARY:
            yield "the primary is nowhere to fail over to"
    else:
        if group.active_backend_id != base.PRIMARY:
            yield "that is not the primary"
        if facts.replicating != (group.replication_status == ReplicationStatus.ENABLED):
            yield f"replication {'runs' if facts.replicating else 'does not run'}"
    if strict:
        yield from _open_elsewhere(group, look)


def _wrong_members(group: Group, facts: base.GroupFacts) -> Iterable[str]:
    by_id = {fact.id: fact for fact in facts.volumes}
    for volume in group.members:
        if volume.status not in statuses.HEALTHY[Axis.VOLUME]:
            continue
        fact = by_id.get(str(volume.id))
        if fact is None or fact.error or fact.active_side != group.active_backend_id:
            yield f"the storage says otherwise of volume {volume.id}: {fact}"
        elif volume.replication_status == ReplicationStatus.ENABLED and not fact.protected:
            yield f"volume {volume.id} is not protected"


def _open_elsewhere(group: Group, look: Look) -> Iterable[str]:
    for side, facts in look.alone.items():
        if side != group.active_backend_id and facts.active_side == side and facts.writable:
            yield f"it can be written on '{side}' too"
