"""Whose writes a side's data holds: what one side has that another never had.

A reign is the time a site is the active one without a break; its cuts are numbered. A site's
history names, for every earlier reign, the newest cut its data comes from. One site has all that
another one holds when its own history reaches as far.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.qemu import record
from drivers.qemu.graph import Bitmaps

Marked = Mapping[int, Mapping[str, int]]
"""For each numbered cut of a reign: how many bytes were written after it, volume by volume."""


def since(point: str) -> str:
    """Return the name of the bitmap that marks what changed since a point."""
    return f"since-{point}"


def contains(active: record.Record, history: Mapping[str, int]) -> bool:
    """Return whether the active side has, or had and overwrote, all that a history names."""
    return all(reign == active.reign or active.history.get(reign, -1) >= cut for reign, cut in history.items())


def marked(found: record.Record, bitmaps: Mapping[str, Bitmaps]) -> Marked:
    """Return what the bitmaps of all members say was written after each cut of a reign."""
    return {
        number: {volume_id: each[since(point)] for volume_id, each in bitmaps.items()}
        for point, number in found.cut_numbers.items()
        if bitmaps and all(since(point) in each for each in bitmaps.values())
    }


def present(active: record.Record) -> dict[str, int]:
    """Return the history of who has all the active side had at its newest cut."""
    return {**active.history, active.reign: active.cuts} if active.reign else dict(active.history)


def end_reign(found: record.Record, counts: Marked) -> None:
    """Note what a side that stops being the active one leaves behind.

    It has all its cuts; what it wrote after each of them, as far as it is known, says whether it has more.
    """
    unchanged = any(not any(written.values()) for written in counts.values())
    if found.cuts or not unchanged:
        found.history[found.reign] = found.cuts if unchanged else found.cuts + 1
    found.unsent = {str(number): dict(written) for number, written in counts.items()}
    found.cut_numbers = {}


def unsent(
    active: record.Record, found: record.Record, *, backend_id: str, bitmaps: Mapping[str, Bitmaps]
) -> int | None:
    """Return how many bytes of volumes another side wrote that the active one never had; None when unknown.

    The bitmaps, volume by volume, tell of a side that takes itself for active; what a receiver wrote
    before it became one is in its record.
    """
    was_active = found.role == record.ACTIVE or bool(found.reign)
    if not was_active or in_step(active, found, backend_id=backend_id):
        return 0
    counts = marked(found, bitmaps) if found.role == record.ACTIVE else left(found)
    number = common_cut(active, found, counts)
    written = None if number is None else counts[number]
    return sum(written[each] for each in bitmaps) if written is not None and bitmaps.keys() <= written.keys() else None


def left(found: record.Record) -> Marked:
    """Return what a side that is no longer active wrote after each cut of its reign."""
    return {int(number): written for number, written in found.unsent.items()}


def common_cut(active: record.Record, found: record.Record, counts: Marked) -> int | None:
    """Return the newest of these cuts of the other side's own reign that the active one has, 0 for its beginning.

    None when there is none such, or the other side may hold more alone than what it wrote in that reign.
    """
    earlier = {reign: cut for reign, cut in found.history.items() if reign != found.reign}
    if not found.reign or not contains(active, earlier):
        return None
    reached = active.history.get(found.reign, 0)
    return max((number for number in counts if number <= reached), default=None)


def in_step(active: record.Record, found: record.Record, *, backend_id: str) -> bool:
    """Return whether a receiver certainly holds nothing that the active side never had."""
    if found.role != record.RECEIVER:
        return False
    history = found.history if found.staged is None else found.staged.history
    points = found.points if found.staged is None else [found.staged.point]
    known = not points or bool(set(points) & set(active.sent.get(backend_id, [])))
    if known or (bool(history) and contains(active, history)):
        return True
    number = common_cut(active, found, left(found))
    return number is not None and not any(left(found)[number].values())
