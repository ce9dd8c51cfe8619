"""Writes down an accepted request as an operation row, not yet saved."""

from __future__ import annotations

from collections.abc import Mapping

from groups import callers, clock, errors, models, statuses
from groups.compiled import Select, slot
from groups.queries import visible
from groups.services import auditing, policies

ZONES = ("nova",)
_TOLD = frozenset({"target", "mode", "origin", "discard_bytes"})
"""What of an operation's arguments the audit trail repeats."""
_OPEN = Select(lambda: models.Operation.objects.filter(subject_id=slot("subject"), state__in=statuses.OPEN)[:1])
_OPEN_ON_A_MEMBER = Select(
    lambda: models.Operation.objects.filter(volume__group=slot("group"), state__in=statuses.OPEN)[:1]
)


def operation(
    caller: callers.Caller,
    *,
    kind: statuses.Kind,
    subject: models.About,
    members: int = 0,
    arguments: Mapping[str, object] | None = None,
) -> models.Operation:
    """Return the row for one accepted request, which `transitions.start` saves; keep who asked."""
    accepted = clock.now()
    row = models.Operation(
        kind=kind,
        group=subject if isinstance(subject, models.Group) else None,
        volume=subject if isinstance(subject, models.Volume) else None,
        snapshot=subject if isinstance(subject, models.Snapshot) else None,
        group_snapshot=subject if isinstance(subject, models.GroupSnapshot) else None,
        subject_id=subject.pk,
        subject_name=subject.name or "",
        project_id=subject.project_id,
        arguments=dict(arguments or {}),
        members=members,
        created_at=accepted,
        # The message is sent on commit: only if it gets lost should the sweeper step in.
        dispatched_at=accepted,
        user_id=caller.user_id,
        user_name=caller.user_name,
        door=caller.door,
        request_id=caller.request_id,
        request_key=caller.request_key,
        request_digest=caller.request_digest,
    )
    told = {name: value for name, value in row.arguments.items() if name in _TOLD and value not in ("", None)}
    detail = ", ".join(f"{name}: {value}" for name, value in sorted(told.items()))
    auditing.note(caller, action=str(kind), subject=subject, detail=detail, operation_id=row.pk)
    return row


def checked_text(value: str | None, *, name: str) -> str | None:
    """Return a name or description without blanks around it; raise `InvalidInput` when too long."""
    if value is None:
        return None
    value = value.strip()
    if len(value) > 255:
        raise errors.InvalidInput(f"Invalid input received: {name} has {len(value)} characters, more than 255.")
    return value


def checked_zone(zone: str | None) -> str:
    """Return the availability zone asked for, or the only one; raise `InvalidInput` for another."""
    if zone and zone not in ZONES:
        raise errors.InvalidInput(f"Invalid input received: Availability zone '{zone}' is invalid.")
    return zone or ZONES[0]


def refuse_frozen(backend: models.Backend, *, what: str) -> None:
    """Raise `WrongState` when nothing on the backend may be made, changed or deleted."""
    if backend.frozen:
        raise errors.WrongState(
            f"Invalid input received: Backend {backend.host.partition('#')[0]} is frozen, and only replication goes on"
            f" there. Cannot {what} before an admin thaws it."
        )


def refuse_while_open(subject: models.About, *, what: str) -> None:
    """Raise `Busy` when an operation is open on it."""
    other = _OPEN.first(subject=subject.pk)
    if other is not None:
        noun = subject.noun.capitalize()
        raise errors.Busy(
            f"Invalid {noun if noun == 'Group' else subject.noun}: {noun} {subject.pk} has an open operation"
            f" ({other.kind}, {other.state}). Cannot {what}."
        )


def volume_to_change(caller: callers.Caller, volume_id: object, *, rule: str, what: str) -> models.Volume:
    """Return a volume that the caller may change and nobody is working on, with its row held until the
    transaction ends; its group's too, so that no operation begins on that meanwhile.

    Raises `NotFound`, `Forbidden`, or `Busy` while an operation is open on the volume or its group.
    """
    group_id = visible.volume(caller, volume_id).group_id
    policies.require(caller, rule)
    # The group first, as everybody does: two who take both in another order would wait for each other.
    group = models.Group.objects.select_for_update().filter(pk=group_id).first() if group_id else None
    volume = visible.volume(caller, volume_id, lock=True)
    if volume.group_id != group_id:
        raise errors.Busy(f"Invalid volume: Volume {volume.pk} changed its group meanwhile. Cannot {what}.")
    refuse_while_open(volume, what=what)
    if group is not None:
        refuse_while_open(group, what=what)
    return volume


def refuse_while_a_member_is_busy(group: models.Group) -> None:
    """Raise `Busy` when an operation is open on a volume of the group."""
    other = _OPEN_ON_A_MEMBER.first(group=group.pk)
    if other is not None:
        raise errors.Busy(
            f"Invalid volume: Volume {other.subject_id} in group {group.pk} has an open operation"
            f" ({other.kind}, {other.state})."
        )


def is_open_to_change(group: models.Group) -> bool:
    """Tell whether the group's members may change: it is certain who is where, and that is the primary.

    A volume in no group lives on the primary; one that joined or left elsewhere would not.
    """
    return group.replication_status in statuses.OPEN_TO_CHANGE and not group.active_backend_id


def refuse_unless_open_to_change(group: models.Group, *, what: str) -> None:
    """Raise `WrongState` when the group's members may not change now."""
    if is_open_to_change(group):
        return
    where = f" on secondary '{group.active_backend_id}'" if group.active_backend_id else ""
    raise errors.WrongState(
        f"Invalid Group: Group {group.pk} replication status must be"
        f" {[str(word) for word in statuses.OPEN_TO_CHANGE]}, on its primary,"
        f" but current status is: {group.replication_status}{where}. Cannot {what}"
    )
