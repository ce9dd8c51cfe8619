"""The sides of a group as its drawing shows them: what each is now, by the record and by the newest look."""

from __future__ import annotations

from collections.abc import Mapping

from groups import clock, models
from groups.admin import shown
from groups.admin.picture import Role, Side
from groups.queries import possible, preflight
from groups.statuses import ReplicationStatus

_BROKEN = frozenset({ReplicationStatus.ERROR, ReplicationStatus.FAILOVER_ERROR})
_RECEIVING = frozenset({ReplicationStatus.ENABLED, ReplicationStatus.ENABLING})
_TITLES: dict[Role, str] = {
    "active": "active, may be written",
    "left": "being left",
    "taking-over": "taking over",
    "receives": "receives",
    "idle": "receives nothing",
    "stale": "out of date",
    "unknown": "unknown",
}
_ICONS: dict[Role, str] = {
    "active": "edit_square",
    "left": "logout",
    "taking-over": "login",
    "receives": "download",
    "idle": "block",
    "stale": "history",
    "unknown": "help",
}


def sides(group: models.Group, standing: possible.Standing, seen: Mapping[str, models.SideObservation]) -> list[Side]:
    """Return the primary and each target as the group uses them now."""
    return [_side(group, name, standing.operation, seen.get(name)) for name in ("", *standing.targets)]


def _side(
    group: models.Group, name: str, operation: models.Operation | None, seen: models.SideObservation | None
) -> Side:
    role = _role(group, name, operation)
    return Side(
        name=shown.side(name),
        role=role,
        title=_title(group, role),
        note=_note(group, role, seen),
        icon=_ICONS[role],
        answers=seen.reachable if seen is not None and preflight.is_fresh(seen) else None,
        lag=_lag(seen) if role == "receives" else "",
    )


def _role(group: models.Group, name: str, operation: models.Operation | None) -> Role:
    is_moving = group.replication_status == ReplicationStatus.FAILING_OVER
    if name == group.active_backend_id:
        return "left" if is_moving else "active"
    if is_moving:
        takes_over = operation is not None and operation.arguments.get("target") == name
        return "taking-over" if takes_over else "idle"
    if group.replication_status in _RECEIVING:
        return "receives"
    if group.replication_status in _BROKEN:
        return "unknown"
    return "stale" if not name and group.active_backend_id else "idle"


def _title(group: models.Group, role: Role) -> str:
    if role == "active" and group.replication_status in _BROKEN:
        return "active when last seen"
    return _TITLES[role]


def _note(group: models.Group, role: Role, seen: models.SideObservation | None) -> str:
    match role:
        case "receives":
            return _point(seen)
        case "stale":
            return "fail back to bring it up to date"
        case "unknown":
            return "see what its last operation says"
        case "left" | "taking-over":
            return "the group moves now"
        case "active":
            return "" if group.replication_status not in _BROKEN else "see what its last operation says"
        case _:
            return ""


def _point(seen: models.SideObservation | None) -> str:
    if seen is None:
        return "nobody has looked yet"
    if seen.consistent_at is None:
        return "holds no complete point"
    behind = "bytes behind unknown" if seen.bytes_behind is None else f"{shown.size(seen.bytes_behind)} to come"
    return f"point of {seen.consistent_at:%H:%M:%S} UTC, {behind}"


def _lag(seen: models.SideObservation | None) -> str:
    if seen is None or seen.consistent_at is None:
        return "lag unknown"
    return f"{shown.span((clock.now() - seen.consistent_at).total_seconds())} behind"
