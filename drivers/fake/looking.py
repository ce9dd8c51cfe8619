"""What the fake storage says of a group: facts, from the sides that were asked and answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from drivers.base import Group, GroupFacts, SideFacts, VolumeFacts
from drivers.fake import contents, copies, sites


def facts(
    state: sqlite3.Connection, group: Group, *, asked: Sequence[str], answering: Collection[str], now: float
) -> GroupFacts:
    """Return what the answering ones of the asked sides hold of the group."""
    found = copies.find(state, answering, group.volumes)
    best = copies.winners(found)
    active = copies.active_side(found, group.volumes) if group.volumes else None
    serving = [copy for copy in best.values() if copy.writable and copy.serving]
    return GroupFacts(
        active_side=active,
        writable=active is not None and len(serving) == len(group.volumes),
        replicating=active is not None and all(copy.replicating for copy in best.values()),
        volumes=_volumes(group, found, best),
        sides=tuple(_side(state, group, found, side, active, side in answering, now) for side in asked),
        observed_at=now,
        epoch=sites.highest_epoch(state, answering, group.id),
        strangers=copies.strangers(state, answering, group.id, group.volumes),
        detail=_detail(found, best),
    )


def _volumes(group: Group, found: Collection[copies.Copy], best: dict[str, copies.Copy]) -> tuple[VolumeFacts, ...]:
    protected = {copy.volume_id for copy in found if not copy.active and copy.point is not None}
    there = {copy.volume_id for copy in found}
    return tuple(
        VolumeFacts(
            id=volume.id,
            active_side=best[volume.id].side if volume.id in best else None,
            protected=volume.id in protected,
            error="" if volume.id in there else "No side that was asked and answered has this volume.",
        )
        for volume in group.volumes
    )


def _side(
    state: sqlite3.Connection,
    group: Group,
    found: Collection[copies.Copy],
    side: str,
    active: str | None,
    answers: bool,
    now: float,
) -> SideFacts:
    if not answers or not group.volumes:
        return SideFacts(backend_id=side, reachable=answers)
    if side == active:
        return SideFacts(
            backend_id=side, reachable=True, consistent_at=now, bytes_behind=0, claims_active=True, bytes_unsent=0
        )
    return SideFacts(
        backend_id=side,
        reachable=True,
        consistent_at=copies.point_of(found, group.volumes, side),
        bytes_behind=None if active is None else contents.behind(state, active, side, group.volumes),
        claims_active=any(copy.active for copy in found if copy.side == side),
        bytes_unsent=None if active is None else contents.unsent(state, active, side, group.volumes),
    )


def _detail(found: Collection[copies.Copy], best: dict[str, copies.Copy]) -> str:
    """Say when a side still takes itself for active after another became so."""
    stale = {copy.side for copy in found if copy.active and best[copy.volume_id].side != copy.side}
    return " ".join(
        f"{sites.title(side).capitalize()} still takes itself for the active side." for side in sorted(stale)
    )
