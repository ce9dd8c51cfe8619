"""Replication of a group: enable, disable, fail over, fail back, list targets, reset."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Literal

from django.db import transaction

from drivers import options, registry
from groups import callers, errors, models, statuses, transitions
from groups.models.backends import DEFAULT_TARGET
from groups.queries import attachments, deciding, visible
from groups.services import auditing, policies, recording
from groups.statuses import Axis, Kind, VolumeStatus

Mode = Literal["auto", "planned", "unplanned"]
MODES: tuple[Mode, ...] = ("auto", "planned", "unplanned")
_UNPLANNED_RULE = "group:failover_replication:unplanned"


def enable(caller: callers.Caller, *, group_id: object, reason: str = "") -> models.Operation:
    """Replicate every volume of a group to every target of its backend.

    On an enabled group it runs again, and takes in volumes added since.
    """
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:enable_replication")
        facts = deciding.facts(group)
        members = _check(group, facts, kind=Kind.ENABLE)
        if not facts.has_target:
            raise errors.WrongState(
                f"Invalid Group: Backend {group.backend} of group {group.pk} has no replication target."
                " Cannot enable replication."
            )
        _check_on_primary(group, kind=Kind.ENABLE)
        return _start(caller, group, kind=Kind.ENABLE, members=members, reason=reason)


def disable(caller: callers.Caller, *, group_id: object, reason: str = "") -> models.Operation:
    """Stop replicating a group and drop the copies at its targets."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:disable_replication")
        members = _check(group, deciding.facts(group), kind=Kind.DISABLE)
        _check_on_primary(group, kind=Kind.DISABLE)
        return _start(caller, group, kind=Kind.DISABLE, members=members, reason=reason)


def failover(
    caller: callers.Caller,
    *,
    group_id: object,
    secondary_backend_id: str | None = None,
    allow_attached_volume: bool = False,
    mode: Mode = "auto",
    discard_bytes: int | None = None,
    compare: bool = False,
    reason: str = "",
) -> models.Operation:
    """Fail a group over to a target, to the default target when none is named, or back to the
    primary when the target is `default`.

    Planned loses nothing and needs both sides; unplanned never calls the side that is left;
    `auto` is planned when that side answers, and always for who may fail over planned only.
    `discard_bytes` is the most that failing back may discard of what the primary alone holds; None
    sets no limit. `compare` holds every volume of a planned move against the side that is left,
    while writes are stopped. Raises `InvalidInput` naming the valid targets for an unknown one.
    """
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        mode = _allowed_mode(caller, mode)
        kind = Kind.FAILBACK if secondary_backend_id == DEFAULT_TARGET else Kind.FAILOVER
        members = _check(group, deciding.facts(group), kind=kind, allow_attached_volume=allow_attached_volume)
        if mode not in MODES:
            raise errors.InvalidInput(f"'{mode}' is not a mode of failover. Possible: {', '.join(MODES)}.")
        arguments = {
            "target": "" if kind is Kind.FAILBACK else _chosen_target(group, secondary_backend_id),
            "mode": mode,
            "origin": group.active_backend_id,
            "allow_attached_volume": allow_attached_volume,
            "discard_bytes": discard_bytes,
        }
        if compare:
            arguments["compare"] = True
        arguments["left_at"] = deciding.left_at(group, side=str(arguments["target"]))
        return _start(caller, group, kind=kind, members=members, reason=reason, arguments=arguments)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """One replication target as a caller may see it."""

    backend_id: str
    is_default: bool
    is_active: bool
    options: Mapping[str, object]
    """Empty for all but admins; secrets are masked for everybody."""


def list_targets(caller: callers.Caller, *, group_id: object) -> list[Target]:
    """Return the targets a group can be failed over to, the default one first. Works with every
    site down."""
    group = visible.group(caller, group_id)
    policies.require(caller, "group:list_replication_targets")
    _check_types(group, deciding.facts(group))
    declared = registry.load(group.backend.driver).target_options
    return [
        Target(
            backend_id=target.backend_id,
            is_default=position == 0,
            is_active=target.backend_id == group.active_backend_id,
            options=options.mask(declared, target.options) if caller.is_admin else {},
        )
        for position, target in enumerate(group.backend.targets.all())
    ]


def adopt(caller: callers.Caller, *, group_id: object, reason: str) -> models.Operation:
    """Record of a group what the storage says of it; the storage is only looked at."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:adopt")
        members = _check(group, deciding.facts(group), kind=Kind.ADOPT)
        return _start(caller, group, kind=Kind.ADOPT, members=members, reason=_given(reason))


def restore(caller: callers.Caller, *, group_id: object, reason: str, discard_bytes: int = 0) -> models.Operation:
    """Bring the storage of a group to what is recorded of it.

    A group that was moved away is moved back with what was written there. `discard_bytes` is the
    most that may be discarded of what the recorded side alone holds.
    """
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:restore")
        members = _check(group, deciding.facts(group), kind=Kind.RESTORE)
        _check_uniform(group, members)
        if discard_bytes < 0:
            raise errors.InvalidInput(f"{discard_bytes} bytes cannot be discarded; give 0 or more.")
        arguments = {
            "target": group.active_backend_id,
            "origin": group.active_backend_id,
            "recorded": group.replication_status,
            "discard_bytes": discard_bytes,
        }
        return _start(caller, group, kind=Kind.RESTORE, members=members, reason=_given(reason), arguments=arguments)


def reset(caller: callers.Caller, *, group_id: object, replication_status: str, reason: str) -> None:
    """Set the replication status of a group and its volumes by hand, for admins who say why."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:reset_status")
        why = _given(reason)
        recording.refuse_while_open(group, what="reset its replication status; cancel the operation first")
        detail = f"to {replication_status.lower()}: {why}"
        auditing.note(caller, action="group:reset-replication-status", subject=group, detail=detail)
        transitions.reset(
            group,
            axis=Axis.REPLICATION,
            to=replication_status.lower(),
            reason=why,
            actor=caller.user_name,
        )


def can_make_test_copies(group: models.Group) -> bool:
    """Tell whether the driver of a group's backend says that it makes test copies."""
    return registry.load(group.backend.driver).capabilities.test_copies


# What the verbs above share.


def _start(
    caller: callers.Caller,
    group: models.Group,
    *,
    kind: Kind,
    members: Sequence[deciding.Member],
    reason: str,
    arguments: Mapping[str, object] | None = None,
) -> models.Operation:
    operation = recording.operation(caller, kind=kind, subject=group, members=len(members), arguments=arguments)
    transitions.start(operation, subject=group, reason=reason)
    return operation


def _check(
    group: models.Group, facts: deciding.Facts, *, kind: Kind, allow_attached_volume: bool = True
) -> list[deciding.Member]:
    """Refuse what Cinder refuses, in its order and words; return the members."""
    _check_types(group, facts)
    move, verb = statuses.MOVES[kind], statuses.VERB_OF_KIND[kind]
    if group.status not in move.group:
        raise errors.WrongState(
            f"Invalid Group: Group {group.pk} status must be {_listed(move.group)},"
            f" but current status is: {group.status}. Cannot {verb}."
        )
    if group.replication_status not in move.sources:
        raise errors.WrongState(
            f"Invalid Group: Group {group.pk} replication status must be {_listed(move.sources)},"
            f" but current status is: {group.replication_status}. Cannot {verb}."
        )
    if facts.is_member_busy:
        recording.refuse_while_a_member_is_busy(group)
    attached: set[uuid.UUID] = set()
    if facts.is_member_attached and not allow_attached_volume:
        used = attachments.attached(models.Volume.objects.filter(group=group))
        attached.update(used.values_list("volume_id", flat=True))
    members = deciding.members(group)
    for volume in members:
        is_attached = volume.status == VolumeStatus.IN_USE or volume.pk in attached
        _check_volume(volume, move=move, verb=verb, refuse=is_attached and not allow_attached_volume)
    return members


def _check_uniform(group: models.Group, members: Sequence[deciding.Member]) -> None:
    """Refuse to restore what is not recorded as one: a member added since is protected by enabling."""
    for volume in members:
        if volume.replication_status != group.replication_status:
            raise errors.WrongState(
                f"Invalid volume: Volume {volume.pk} has replication status {volume.replication_status}, its group"
                f" {group.replication_status}; enable replication instead. Cannot restore what is recorded."
            )


def _given(reason: str) -> str:
    if not reason.strip():
        raise errors.InvalidInput("Give a reason: it is kept with the change.")
    return reason.strip()


def _check_types(group: models.Group, facts: deciding.Facts) -> None:
    if not facts.is_replicated:
        raise errors.WrongState(f"Invalid group type: Group {group.pk} is not a replication group type.")
    if facts.bare_type is not None:
        raise errors.WrongState(
            f"Invalid volume type: Volume type {facts.bare_type} does not have 'replication_enabled' spec key set to"
            " '<is> True'."
        )


def _check_volume(volume: deciding.Member, *, move: statuses.Move, verb: str, refuse: bool) -> None:
    if move.volumes and volume.status not in move.volumes:
        raise errors.WrongState(
            f"Invalid volume: Volume {volume.pk} status must be {_listed(move.volumes)},"
            f" but current status is: {volume.status}. Cannot {verb}."
        )
    if refuse:
        raise errors.WrongState(
            f"Invalid volume: Volume {volume.pk} is attached but allow_attached_volume flag is False. Cannot {verb}."
        )
    if volume.replication_status not in move.sources:
        raise errors.WrongState(
            f"Invalid volume: Volume {volume.pk} replication status must be {_listed(move.sources)},"
            f" but current status is: {volume.replication_status}. Cannot {verb}."
        )


def _check_on_primary(group: models.Group, *, kind: Kind) -> None:
    if group.active_backend_id:
        raise errors.WrongState(
            f"Invalid Group: Group {group.pk} is active on {group.active_backend_id}; fail it back to"
            f" '{DEFAULT_TARGET}' first. Cannot {statuses.VERB_OF_KIND[kind]}."
        )


def _allowed_mode(caller: callers.Caller, mode: Mode) -> Mode:
    """Return the mode a caller may fail over in: what `auto` becomes for whom. Raises `Forbidden`."""
    if mode == "unplanned":
        policies.require(caller, _UNPLANNED_RULE)
        return mode
    policies.require(caller, "group:failover_replication")
    return "planned" if mode == "auto" and not policies.allows(caller, _UNPLANNED_RULE) else mode


def _chosen_target(group: models.Group, wanted: str | None) -> str:
    known = deciding.targets(group)
    if not known:
        raise errors.WrongState(
            f"Invalid Group: Backend {group.backend} of group {group.pk} has no replication target."
        )
    if not wanted:
        return known[0]
    if wanted not in known:
        raise errors.InvalidInput(
            f"Invalid replication target: '{wanted}' is not a replication target of group {group.pk}."
            f" Valid targets are: {', '.join(known)}, and '{DEFAULT_TARGET}' to fail back to the primary."
        )
    return wanted


def _listed(words: frozenset[str]) -> list[str]:
    return sorted(str(word) for word in words)
