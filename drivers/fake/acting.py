"""One call as it is acted out: logged, fenced, and with the faults it was told to show.

The work of a changing call comes in three parts: `begin` once, `each` for the members, `finish`
once. With nothing to act out in between they are one transaction for the whole group. A fault on
the k-th volume cuts the members there, so that what a crash leaves behind is real.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal, NoReturn, TypeVar, cast

from drivers.base import Call, GroupFacts, Volume
from drivers.errors import DriverError
from drivers.fake import faults, journal, sites
from drivers.fake.state import State

T = TypeVar("T")
Effect = Callable[[sqlite3.Connection, Sequence[Volume]], None]
_POLL_SECONDS = 0.02
_NO_MOMENT = frozenset({"skip", "wrong-facts"})


class _ReturnNone(Exception):
    """Ends the call at once, for the fault that returns nothing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pace:
    """How long things take."""

    call_seconds: float = 0.0
    volume_seconds: float = 0.0


class Act:
    """One call in progress."""

    def __init__(self, state: State, *, method: str, owner: str, call: Call, pace: Pace, fenced_as: str = "") -> None:
        self.call = call
        self._state, self._method, self._owner, self._pace = state, method, owner, pace
        # What remembers the epoch: as a rule what the call is about.
        self._fenced_as = fenced_as or owner
        self._touched: set[str] = set()
        self._faults: Sequence[faults.Fault] = ()

    def run(self, work: Callable[[Act], T], *, backend_id: str | None) -> T:
        """Log the call, do its work, and act out the faults on the call as a whole."""
        with self._state.transaction() as state:
            entry = journal.begin(
                state, method=self._method, owner=self._fenced_as, backend_id=backend_id, call=self.call
            )
            self._faults = faults.waiting(state, call=self._method, group_id=self._owner, copy_id=self._fenced_as)
        outcome = "ok"
        try:
            self.call.wait(self._pace.call_seconds)
            self._act_out(None, "before")
            result = self._distorted(work(self))
            self._act_out(None, "after")
            return result
        except _ReturnNone:
            outcome = "returned nothing"
            # The fault is just this: a driver that breaks its word about what it returns.
            return cast(T, None)
        except BaseException as error:
            outcome = getattr(error, "code", type(error).__name__)
            raise
        finally:
            with self._state.transaction() as state:
                journal.end(state, entry, outcome=str(outcome), touched=self._touched, at=self.call.now())

    def answering(self, sides: Collection[str]) -> list[str]:
        """Return which of these sides answer, in the order given, without waiting for the others."""
        self._touched.update(sides)
        with self._state.snapshot() as state:
            return [side for side, word in sites.states(state, sides).items() if word == sites.UP]

    def reach(self, sides: Collection[str]) -> None:
        """Raise `SiteUnavailable` for a side that is down; wait in vain for one that is frozen."""
        self._touched.update(sides)
        while True:
            self.call.check()
            with self._state.snapshot() as state:
                if sites.FROZEN not in sites.states(state, sides).values():
                    sites.require_up(state, sides)
                    return
            self.call.wait(_POLL_SECONDS)

    @contextlib.contextmanager
    def change(self, sides: Collection[str]) -> Iterator[sqlite3.Connection]:
        """Run one transaction on sides that must answer, fenced by the call's epoch."""
        self.reach(sides)
        with self._state.transaction() as state:
            sites.require_up(state, sides)
            sites.fence(state, sides, owner=self._fenced_as, epoch=self.call.epoch)
            yield state

    @contextlib.contextmanager
    def look(self, sides: Collection[str]) -> Iterator[sqlite3.Connection]:
        """Run statements that only look, on sides that must answer."""
        self.reach(sides)
        with self._state.snapshot() as state:
            yield state

    def carry_out(
        self,
        *,
        sides: Collection[str],
        volumes: Sequence[Volume],
        each: Effect,
        begin: Effect | None = None,
        finish: Effect | None = None,
    ) -> None:
        """Do the three parts of a changing call; members told to be skipped miss `each` and `finish`."""
        skipped = self._skipped(volumes)
        kept = [volume for volume in volumes if volume.id not in skipped]
        chunks = self._chunks(volumes)
        if len(chunks) == 1 and not skipped and not self._pauses(volumes):
            with self.change(sides) as state:
                for effect in (begin, each, finish):
                    if effect is not None:
                        effect(state, volumes)
            return
        self._part(sides, volumes, begin)
        done = 0
        for chunk in chunks:
            done += len(chunk)
            self._act_out(done, "before")
            self._part(sides, [volume for volume in chunk if volume.id not in skipped], each)
            self._act_out(done, "after")
            self._rest(done, len(volumes))
        self._part(sides, kept, finish)

    def _part(self, sides: Collection[str], volumes: Sequence[Volume], effect: Effect | None) -> None:
        if effect is not None and volumes:
            with self.change(sides) as state:
                effect(state, volumes)

    def _rest(self, done: int, total: int) -> None:
        if self._pace.volume_seconds:
            self.call.wait(self._pace.volume_seconds)
            self.call.progress(done=done, total=total, unit="volumes")

    def _pauses(self, volumes: Sequence[Volume]) -> set[int]:
        """Return the places, counted from 1, where something comes between two members."""
        if self._pace.volume_seconds:
            return set(range(1, len(volumes) + 1))
        return {fault.volume for fault in self._faults if fault.volume is not None and fault.volume <= len(volumes)}

    def _chunks(self, volumes: Sequence[Volume]) -> list[Sequence[Volume]]:
        """Return the members cut so that each place with a pause is a stretch of its own."""
        pauses = self._pauses(volumes)
        cuts = sorted({0, len(volumes)} | pauses | {place - 1 for place in pauses})
        return [volumes[start:end] for start, end in itertools.pairwise(cuts)] or [volumes]

    def _skipped(self, volumes: Sequence[Volume]) -> set[str]:
        skipped: set[str] = set()
        for fault in self._faults:
            if fault.action == "skip" and self._take(fault):
                skipped |= {volume.id for volume in _meant(fault, volumes)}
        return skipped

    def _distorted(self, result: T) -> T:
        """Return facts as the storage was told to misstate them."""
        facts: object = result
        for fault in self._faults:
            if fault.action == "wrong-facts" and isinstance(facts, GroupFacts) and self._take(fault):
                facts = _misstated(facts, fault)
        return cast(T, facts)

    def _act_out(self, place: int | None, moment: Literal["before", "after"]) -> None:
        for fault in self._faults:
            here = fault.volume == place and fault.when == moment and fault.action not in _NO_MOMENT
            if here and self._take(fault):
                self._happen(fault)

    def _take(self, fault: faults.Fault) -> bool:
        with self._state.transaction() as state:
            return faults.take(state, fault)

    def _happen(self, fault: faults.Fault) -> None:
        if fault.action == "slow":
            self.call.wait(fault.seconds)
        elif fault.action in {"hang", "ignore-cancel"}:
            self._hang(fault)
        elif fault.action == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            _fail(fault)

    def _hang(self, fault: faults.Fault) -> None:
        """Wait until the fault is cleared or its time is over, or, unless deaf, the call should end."""
        ends = time.monotonic() + fault.seconds if fault.seconds else float("inf")
        while time.monotonic() < ends:
            with self._state.snapshot() as state:
                if not faults.stands(state, fault):
                    return
            if fault.action == "hang":
                self.call.wait(_POLL_SECONDS)
            else:
                time.sleep(_POLL_SECONDS)


def _fail(fault: faults.Fault) -> NoReturn:
    """Raise what a fault says."""
    where = "" if fault.volume is None else f" at volume {fault.volume}"
    if fault.action == "return-none":
        raise _ReturnNone
    if fault.action == "raise-value-error":
        raise ValueError(f"The fake storage was told to have a bug in {fault.call}{where}.")
    raise DriverError(
        f"The fake storage was told to fail in {fault.call}{where}.", retryable=fault.action == "fail-retryable"
    )


def _misstated(facts: GroupFacts, fault: faults.Fault) -> GroupFacts:
    """Return facts that put the members meant on no side."""
    meant = _meant(fault, facts.volumes)
    said = "The fake storage was told to say so."
    volumes = [
        dataclasses.replace(volume, active_side=None, protected=False, error=said) if volume in meant else volume
        for volume in facts.volumes
    ]
    return dataclasses.replace(facts, active_side=None, writable=False, volumes=tuple(volumes))


V = TypeVar("V")


def _meant(fault: faults.Fault, volumes: Sequence[V]) -> Sequence[V]:
    """Return the members a fault is about: the k-th, or all."""
    return volumes if fault.volume is None else volumes[fault.volume - 1 : fault.volume]
