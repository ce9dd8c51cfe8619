"""Compares what the storage says of a group with what is recorded, and names each difference."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from drivers import base
from groups import findings, models
from groups.engine import storage, truth
from groups.findings import Code
from groups.statuses import Health, ReplicationStatus

_PROTECTED = frozenset({ReplicationStatus.ENABLED})
_NAMED = 20
"""How many volumes a finding names; the operation's page has them all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """One difference, as one look found it."""

    code: Code
    key: str = ""
    recorded: str = ""
    actual: str = ""
    actual_side: str | None = None
    severity: findings.Severity | None = None
    """Worse or milder than the code usually is; None where it is as usual."""


CODES = frozenset(
    {
        Code.ACTIVE_ELSEWHERE,
        Code.VOLUMES_APART,
        Code.NO_ACTIVE_SIDE,
        Code.NOT_WRITABLE,
        Code.TWO_ACTIVE_SIDES,
        Code.VOLUME_MISSING,
        Code.SIDE_UNREACHABLE,
        Code.NOT_REPLICATING,
        Code.MEMBER_UNPROTECTED,
        Code.TARGET_EMPTY,
        Code.REPLICATING,
        Code.UNKNOWN_MEMBER,
        Code.LAGGING,
        Code.UNSENT_WRITES,
        Code.NOT_OBSERVED,
    }
)
"""What a look at a group may find: what of these it does not find is gone."""


def differences(
    group: models.Group, facts: base.GroupFacts, *, members: Sequence[models.Volume], health: str
) -> list[Found]:
    """Return what the storage says that the record does not, and what it cannot say."""
    value = storage.group_value(group, members)
    unreachable = list(_unreachable(group, facts))
    found = [*_places(group, facts, value), *_others(group, facts)]
    if not found and facts.active_side is not None:
        found += _membership(value, facts)
        found += _protection(group, facts, members, value)
        if health == Health.LAGGING:
            found.append(Found(code=Code.LAGGING, actual=truth.describe(value, facts)))
    return unreachable + found


def _unreachable(group: models.Group, facts: base.GroupFacts) -> Iterator[Found]:
    for side in facts.sides:
        if not side.reachable and _is_needed(group, side.backend_id):
            active = side.backend_id == group.active_backend_id
            yield Found(
                code=Code.SIDE_UNREACHABLE,
                key=side.backend_id,
                severity=findings.Severity.CRITICAL if active else None,
                recorded="The group runs there." if active else "It receives the group.",
                actual=f"{truth.side_name(side.backend_id).capitalize()} does not answer.",
            )


def _is_needed(group: models.Group, backend_id: str) -> bool:
    return backend_id == group.active_backend_id or group.replication_status != ReplicationStatus.DISABLED


def _places(group: models.Group, facts: base.GroupFacts, value: base.Group) -> Iterator[Found]:
    recorded = f"Active on {truth.side_name(group.active_backend_id)}."
    actual = truth.describe(value, facts)
    # A member that is active on no side that answers is elsewhere; one that nobody has is missing.
    sides = {fact.active_side for fact in facts.volumes if fact.active_side is not None or not fact.error}
    missing = truth.missing(facts) if facts.side(group.active_backend_id).reachable else []
    if len(sides) > 1:
        yield Found(code=Code.VOLUMES_APART, recorded=recorded, actual=actual)
    elif missing:
        names = _named(value, missing)
        yield Found(code=Code.VOLUME_MISSING, recorded=f"Volumes of the group: {names}.", actual=actual)
    elif facts.active_side is None and facts.side(group.active_backend_id).reachable:
        yield Found(code=Code.NO_ACTIVE_SIDE, recorded=recorded, actual=actual)
    elif facts.active_side is not None and facts.active_side != group.active_backend_id:
        yield Found(code=Code.ACTIVE_ELSEWHERE, recorded=recorded, actual=actual, actual_side=facts.active_side)
    elif facts.active_side is not None and not facts.writable:
        yield Found(code=Code.NOT_WRITABLE, recorded=recorded, actual=actual, actual_side=facts.active_side)


def _others(group: models.Group, facts: base.GroupFacts) -> Iterator[Found]:
    if facts.active_side is None:
        return
    for side in facts.sides:
        name = truth.side_name(side.backend_id).capitalize()
        # Where the recorded side claims it but another one truly is, the place is what is wrong.
        if side.claims_active and side.backend_id not in {facts.active_side, group.active_backend_id}:
            yield Found(
                code=Code.TWO_ACTIVE_SIDES,
                key=side.backend_id,
                recorded=f"Active on {truth.side_name(group.active_backend_id)}.",
                actual=f"{name} takes itself for active too.",
                actual_side=facts.active_side,
            )
        if side.backend_id != facts.active_side and _may_hold_unsent(side, facts):
            amount = "an unknown number of" if side.bytes_unsent is None else side.bytes_unsent
            yield Found(
                code=Code.UNSENT_WRITES,
                key=side.backend_id,
                actual=f"{name} holds {amount} bytes that never reached the active side; failing back discards them.",
            )


def _may_hold_unsent(side: base.SideFacts, facts: base.GroupFacts) -> bool:
    if side.bytes_unsent is None:
        # Only where the group was moved away can there be any; a driver that cannot tell says nothing elsewhere.
        return side.reachable and side.backend_id == base.PRIMARY and facts.active_side != base.PRIMARY
    return side.bytes_unsent > 0


def _membership(value: base.Group, facts: base.GroupFacts) -> Iterator[Found]:
    if facts.strangers:
        listed = ", ".join(facts.strangers[:_NAMED])
        yield Found(
            code=Code.UNKNOWN_MEMBER,
            recorded=f"{len(value.volumes)} volumes.",
            actual=f"The storage also replicates {listed} with the group.",
        )


def _protection(
    group: models.Group, facts: base.GroupFacts, members: Sequence[models.Volume], value: base.Group
) -> Iterator[Found]:
    actual = truth.describe(value, facts)
    if group.replication_status == ReplicationStatus.DISABLED and facts.replicating:
        yield Found(code=Code.REPLICATING, recorded="Not replicated.", actual=actual)
    if group.replication_status not in _PROTECTED:
        return
    # A member added since says so itself: its replication status is disabled.
    recorded = {str(row.pk) for row in members if row.replication_status in _PROTECTED}
    if not facts.replicating and len(recorded) == len(members):
        yield Found(code=Code.NOT_REPLICATING, recorded="Replicated.", actual=actual)
        return
    # A side that does not answer may hold what the others lack.
    if not all(side.reachable for side in facts.sides):
        return
    if bare := [fact.id for fact in facts.volumes if not fact.protected and fact.id in recorded]:
        names = _named(value, bare)
        yield Found(code=Code.MEMBER_UNPROTECTED, recorded="Every volume is protected.", actual=f"Not: {names}.")
    for side in facts.sides:
        receives = side.reachable and side.backend_id not in {base.PRIMARY, facts.active_side}
        # A point without the newcomer is not complete, and is not lost for that.
        if receives and side.consistent_at is None and not bare and len(recorded) == len(members):
            yield Found(
                code=Code.TARGET_EMPTY,
                key=side.backend_id,
                recorded="It holds a complete point.",
                actual=f"{truth.side_name(side.backend_id).capitalize()} holds none.",
            )


def _named(value: base.Group, ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return storage.names(value.volumes, ids[:_NAMED]) + more
