"""Says in words what the storage says, and checks it against what an operation is to claim."""

from __future__ import annotations

import datetime
from collections.abc import Collection

from drivers import base
from drivers.errors import DriverError
from groups.engine import storage


class NotConfirmed(DriverError):
    """The storage does not say what the operation was about to claim."""

    code = "not_confirmed"
    remedy = "Read what is true now, mend the storage if it reports a fault, then run the operation again."


def side_name(backend_id: str) -> str:
    """Return a side's name in words."""
    return f"secondary '{backend_id}'" if backend_id != base.PRIMARY else "the primary"


def describe(group: base.Group, facts: base.GroupFacts) -> str:
    """Return in a few sentences what is true of a group's data now."""
    parts = [_where(group, facts)]
    parts += [_side(side, active=facts.active_side) for side in facts.sides]
    parts += _broken(group, facts)
    if facts.detail:
        parts.append(facts.detail)
    return " ".join(part for part in parts if part)


def require_active(group: base.Group, facts: base.GroupFacts, *, backend_id: str) -> None:
    """Raise `NotConfirmed` unless every member is active and writable on the side named."""
    elsewhere = [fact.id for fact in facts.volumes if fact.active_side != backend_id or fact.error]
    if facts.active_side != backend_id or elsewhere or len(facts.volumes) != len(group.volumes):
        raise NotConfirmed(f"Not every volume is active on {side_name(backend_id)}. {describe(group, facts)}")
    if not facts.writable:
        raise NotConfirmed(f"The volumes cannot be written on {side_name(backend_id)}. {describe(group, facts)}")


def require_protected(group: base.Group, facts: base.GroupFacts) -> None:
    """Raise `NotConfirmed` unless replication runs and every member is in a complete point."""
    bare = [fact.id for fact in facts.volumes if not fact.protected]
    if bare or len(facts.volumes) != len(group.volumes) or not facts.replicating:
        named = storage.names(group.volumes, bare) or "the group"
        raise NotConfirmed(f"Not protected: {named}. {describe(group, facts)}")


def require_made(group: base.Group, facts: base.GroupFacts) -> None:
    """Raise `NotConfirmed` unless the primary holds every volume."""
    there = {fact.id for fact in facts.volumes if fact.active_side == base.PRIMARY and not fact.error}
    if missing := [volume.id for volume in group.volumes if volume.id not in there]:
        raise NotConfirmed(f"Not created: {storage.names(group.volumes, missing)}. {describe(group, facts)}")


def missing(facts: base.GroupFacts) -> list[str]:
    """Return the ids of the volumes that no side which answered has, not even as a copy."""
    return [fact.id for fact in facts.volumes if fact.active_side is None and fact.error and not fact.protected]


def require_missing(group: base.Group, volumes: Collection[base.Volume], facts: base.GroupFacts) -> None:
    """Raise `NotConfirmed` unless every side answers and none of them has any of the volumes."""
    silent = [side.backend_id for side in facts.sides if not side.reachable]
    there = {volume.id for volume in volumes}.difference(missing(facts))
    if silent or there:
        which = "While the group is not on its primary, only volumes that no side has any more can be removed."
        raise NotConfirmed(f"{which} {describe(group, facts)}")


def require_gone(group: base.Group, facts: base.GroupFacts) -> None:
    """Raise `NotConfirmed` when a side that answers still holds a member active."""
    there = [fact.id for fact in facts.volumes if fact.active_side is not None]
    if there:
        raise NotConfirmed(f"Not deleted: {storage.names(group.volumes, there)}. {describe(group, facts)}")


def point(facts: base.GroupFacts, *, backend_id: str) -> str:
    """Return the time of the newest complete point on a side, as ISO 8601; empty when it has none."""
    at = facts.side(backend_id).consistent_at
    return "" if at is None else _time(at).isoformat()


def _where(group: base.Group, facts: base.GroupFacts) -> str:
    by_side: dict[str | None, list[str]] = {}
    for fact in facts.volumes:
        by_side.setdefault(fact.active_side, []).append(fact.id)
    if len(by_side) > 1:
        spread = "; ".join(
            f"on {side_name(side) if side is not None else 'no side'}: {storage.names(group.volumes, ids)}"
            for side, ids in by_side.items()
        )
        return f"The volumes are active in different places: {spread}."
    if facts.active_side is None:
        return "No side that answered holds the group active."
    may = "can" if facts.writable else "cannot"
    return f"The group is active on {side_name(facts.active_side)} and {may} be written there."


def _broken(group: base.Group, facts: base.GroupFacts) -> list[str]:
    """Return what is wrong with members, each of them named once with its like."""
    by_error: dict[str, list[str]] = {}
    for fact in facts.volumes:
        if fact.error:
            by_error.setdefault(fact.error.rstrip("."), []).append(fact.id)
    return [
        f"Volume{'s' if len(ids) > 1 else ''} {storage.names(group.volumes, ids) or ', '.join(ids)}: {error}."
        for error, ids in by_error.items()
    ]


def _side(side: base.SideFacts, *, active: str | None) -> str:
    name = side_name(side.backend_id)
    if not side.reachable:
        return f"{name.capitalize()} does not answer."
    if side.backend_id == active:
        return ""
    if side.consistent_at is None:
        return f"{name.capitalize()} holds no complete point."
    behind = "" if side.bytes_behind is None else f", {side.bytes_behind} bytes behind"
    return f"{name.capitalize()} holds the point of {_time(side.consistent_at):%Y-%m-%d %H:%M:%S} UTC{behind}."


def _time(unix: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(unix, tz=datetime.UTC)
