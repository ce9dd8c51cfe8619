"""Rounds: bringing targets to the active side's present, as one complete point of the group."""

from __future__ import annotations

import dataclasses
import sqlite3
import uuid
from collections.abc import Collection, Sequence

from drivers.base import PRIMARY, Volume
from drivers.errors import Refused
from drivers.fake import contents, copies, sites, undo
from drivers.fake.acting import Act, Effect


@dataclasses.dataclass(frozen=True, kw_only=True)
class Round:
    """What one round copies, from where to where."""

    group_id: str
    source: str
    targets: Sequence[str]
    volumes: Sequence[Volume]


def run(act: Act, plan: Round, *, prepare: Effect | None = None, finish: Effect | None = None) -> int:
    """Set aside what the targets lack as of one moment, carry it over, make it the targets' point.

    Until the last step a target holds its older point, whatever happens in between; what only it
    held becomes an undo point in that step. Return how many bytes that was.
    """
    point, taken_at = uuid.uuid4().hex, act.call.now()
    total, done, stamp, discarded = 0, 0, 0, 0

    def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        nonlocal total, taken_at, stamp
        if prepare is not None:
            prepare(state, volumes)
        _require_source(state, plan)
        taken_at, stamp = act.call.now(), contents.count(state, "stamp")
        for target in plan.targets:
            copies.add(state, target, volumes, role=copies.RECEIVER)
            contents.stage(state, plan.source, target, volumes)
        total = _staged(state, plan.targets, volumes)

    def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        nonlocal done
        moved = _staged(state, plan.targets, volumes)
        contents.count(state, "bytes_copied", moved)
        done += moved

    def end(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        nonlocal discarded
        _require_source(state, plan)
        for target in plan.targets:
            discarded += undo.keep(
                state, target, volumes, active=plan.source, group_id=plan.group_id, at=act.call.now()
            )
            contents.apply_staged(state, target, volumes)
            copies.change(state, target, volumes, role=copies.RECEIVER, point=point, point_at=taken_at, **copies.CLOSED)
            copies.descend(state, target, volumes, source=plan.source, stamp=stamp)
        for side in (plan.source, *plan.targets):
            copies.change(state, side, volumes, group_id=plan.group_id)
        copies.change(state, plan.source, volumes, shared_at=taken_at)
        if finish is not None:
            finish(state, volumes)

    act.carry_out(sides=[plan.source, *plan.targets], volumes=plan.volumes, begin=begin, each=each, finish=end)
    act.call.progress(done=done, total=total, unit="bytes")
    return discarded


def members(
    found: Collection[copies.Copy], volumes: Sequence[Volume], *, source: str, wanted: Sequence[str]
) -> Sequence[Volume]:
    """Return the volumes a round is about.

    From the primary these are the ones that replication was enabled for; away from a target, which
    is on the way back, all of them.
    """
    if source != PRIMARY:
        return volumes
    enabled = {copy.volume_id for copy in found if copy.side == PRIMARY and copy.replicating}
    if not enabled and list(wanted) != [PRIMARY]:
        raise Refused("Replication is not enabled.", remedy="Enable replication first.")
    return [volume for volume in volumes if volume.id in enabled]


def know(state: sqlite3.Connection, sides: Collection[str], group_id: str) -> None:
    """Make a group known to these sides."""
    state.execute(
        "INSERT OR IGNORE INTO groups (side, group_id) SELECT value, ? FROM json_each(?)",
        (group_id, sites.listed(sides)),
    )


def forget(state: sqlite3.Connection, sides: Collection[str], group_id: str) -> None:
    """Make these sides forget a group."""
    state.execute(
        "DELETE FROM groups WHERE group_id = ? AND side IN (SELECT value FROM json_each(?))",
        (group_id, sites.listed(sides)),
    )


def _require_source(state: sqlite3.Connection, plan: Round) -> None:
    """Raise `Refused` when the source stopped being the active side."""
    found = copies.find(state, [plan.source, *plan.targets], plan.volumes)
    if copies.require_active(found, plan.volumes) != plan.source:
        raise Refused(f"{sites.title(plan.source).capitalize()} is no longer the active side.")


def _staged(state: sqlite3.Connection, targets: Sequence[str], volumes: Sequence[Volume]) -> int:
    return sum(contents.staged_bytes(state, target, volumes) for target in targets)
