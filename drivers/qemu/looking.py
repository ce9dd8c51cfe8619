"""Facts about a group, from the sides that were asked and answered."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from drivers.base import PRIMARY, Group, GroupFacts, SideFacts, Volume, VolumeFacts
from drivers.qemu import lineage, record, serving
from drivers.qemu.graph import View
from drivers.qemu.side import Side


@dataclasses.dataclass(frozen=True, kw_only=True)
class Glimpse:
    """One side as it was found."""

    side: Side
    record: record.Record
    view: View

    def holds(self, volume: Volume) -> bool:
        """Return whether the side has the volume's data."""
        if self.record.role == record.RECEIVER and volume.id not in point_members(self.record):
            return False
        return self.side.folder.image(volume.id).exists()


def active(glimpses: Collection[Glimpse]) -> Glimpse | None:
    """Return the side that became active last; none when none of them is active."""
    found = [glimpse for glimpse in glimpses if glimpse.record.role == record.ACTIVE]
    return max(found, key=lambda each: (each.record.activated_epoch, each.record.activated_at), default=None)


def facts(group: Group, *, asked: Sequence[str], glimpses: Mapping[str, Glimpse], now: float) -> GroupFacts:
    """Return what the answering ones of the asked sides say of the group."""
    best = active(glimpses.values())
    return GroupFacts(
        active_side=best.side.backend_id if best else None,
        writable=best is not None and _writable(best, group),
        replicating=best is not None and bool(best.record.replicated),
        volumes=tuple(_volume(volume, best, glimpses.values()) for volume in group.volumes),
        sides=tuple(_side(each, group, best, glimpses.get(each), now) for each in asked),
        observed_at=now,
        epoch=max((glimpse.record.epoch for glimpse in glimpses.values()), default=0),
        strangers=_strangers(best, glimpses.values(), group),
        detail=_detail(best, glimpses.values(), group),
    )


def _writable(best: Glimpse, group: Group) -> bool:
    served = all(serving.exported(best.view, volume) for volume in group.volumes)
    return served and not best.record.writes_stopped


def _volume(volume: Volume, best: Glimpse | None, glimpses: Collection[Glimpse]) -> VolumeFacts:
    holders = [glimpse for glimpse in glimpses if glimpse.holds(volume)]
    protected = any(glimpse.record.role == record.RECEIVER for glimpse in holders)
    there = best is not None and best in holders
    return VolumeFacts(
        id=volume.id,
        active_side=best.side.backend_id if best is not None and there else None,
        protected=protected,
        error=_error(volume, best, holders),
    )


def _error(volume: Volume, best: Glimpse | None, holders: Collection[Glimpse]) -> str:
    if best is None:
        # Where some side has it, what is wrong is the group's: no side is the active one.
        return "" if holders else "No side that was asked and answered has this volume."
    if best not in holders:
        return f"{best.side.title} is the active side, but has no image of this volume."
    if not best.record.writes_stopped and not serving.exported(best.view, volume):
        return f"{best.side.title} does not serve this volume: its daemon was started again and forgot to."
    return ""


def _side(backend_id: str, group: Group, best: Glimpse | None, found: Glimpse | None, now: float) -> SideFacts:
    if found is None:
        return SideFacts(backend_id=backend_id, reachable=False)
    if found is best:
        return SideFacts(
            backend_id=backend_id, reachable=True, consistent_at=now, bytes_behind=0, claims_active=True, bytes_unsent=0
        )
    facts = SideFacts(
        backend_id=backend_id,
        reachable=True,
        claims_active=found.record.role == record.ACTIVE,
        bytes_unsent=None if best is None else _bytes_unsent(best, found, group.volumes),
    )
    whole = bool(group.volumes) and all(found.holds(volume) for volume in group.volumes)
    if found.record.role != record.RECEIVER or not whole:
        return facts
    at = found.record.staged.at if found.record.staged else found.record.point_at
    behind = None if best is None else _bytes_behind(best, found, group.volumes)
    return dataclasses.replace(facts, consistent_at=at, bytes_behind=behind)


def _bytes_unsent(best: Glimpse, found: Glimpse, volumes: Sequence[Volume]) -> int | None:
    """Return how many bytes of the side's data the active one never had; none when that is not known."""
    there = [volume.id for volume in volumes if found.side.folder.image(volume.id).exists()]
    if not there:
        return 0
    bitmaps = {volume_id: found.view.bitmaps(volume_id) for volume_id in there}
    return lineage.unsent(best.record, found.record, backend_id=found.side.backend_id, bitmaps=bitmaps)


def _strangers(best: Glimpse | None, glimpses: Collection[Glimpse], group: Group) -> tuple[str, ...]:
    """Return the volumes that the sides keep for the group beside its members."""
    found = set(best.record.replicated) if best is not None else set()
    for glimpse in glimpses:
        if glimpse.record.role == record.RECEIVER:
            found.update(point_members(glimpse.record))
    return tuple(sorted(found - {volume.id for volume in group.volumes}))


def _bytes_behind(best: Glimpse, found: Glimpse, volumes: Sequence[Volume]) -> int | None:
    """Return how many bytes changed since the side's point; none when that is not marked."""
    points = [found.record.staged.point] if found.record.staged else found.record.points
    total = 0
    for volume in volumes:
        marks = best.view.bitmaps(volume.id)
        known = [marks[lineage.since(point)] for point in points if lineage.since(point) in marks]
        if not known:
            return None
        total += min(known)
    return total


def _detail(best: Glimpse | None, glimpses: Collection[Glimpse], group: Group) -> str:
    """Return what is unusual: sides that are behind the times, an active one that does not serve."""
    sentences = [
        f"{glimpse.side.title} still takes itself for the active side."
        for glimpse in glimpses
        if glimpse.record.role == record.ACTIVE and glimpse is not best
    ]
    sentences += [
        f"A round to {_called(glimpse.side.backend_id)} is under way or was cut off."
        for glimpse in glimpses
        if glimpse.record.incoming
    ]
    if best is not None and not best.record.writes_stopped:
        missing = [volume.id for volume in group.volumes if not serving.exported(best.view, volume)]
        if missing:
            sentences.append(f"{best.side.title} does not serve {', '.join(missing)}.")
    return " ".join(sentences)


def _called(backend_id: str) -> str:
    return "the primary site" if backend_id == PRIMARY else f"site '{backend_id}'"


def point_members(found: record.Record) -> Mapping[str, int]:
    """Return the volumes in the newest complete point a receiver holds."""
    if found.staged is not None:
        return found.staged.members
    return found.members if found.points else {}
