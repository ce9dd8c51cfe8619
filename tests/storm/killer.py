"""Carries out the kills and faults of the schedule, and later brings back what they took away."""

from __future__ import annotations

import collections
import heapq
import itertools
import time
from collections.abc import Callable

from drivers.errors import DriverError
from tests.storm.components import Components
from tests.storm.plan import Happening
from tests.storm.stack import Stack
from tests.storm.storages import Storage
from tests.storm.watch import BROKER, Watch

_FROZEN_LEASES = 1.3
"""How many leases a frozen worker sleeps at least: long enough for others to take its work over."""

_AGAIN_SECONDS = 1.0


class Killer:
    """Everything happens in the thread that started the processes, one thing after the other."""

    def __init__(
        self, *, stack: Stack, components: Components, storage: Storage, watch: Watch, lease_seconds: float
    ) -> None:
        self._stack, self._components, self._storage, self._watch = stack, components, storage, watch
        self._lease_seconds = lease_seconds
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.diary: list[tuple[float, Happening]] = []
        self.kills: collections.Counter[str] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()

    def carry_out(self, happening: Happening) -> None:
        """Do what the schedule says now."""
        self.diary.append((time.time(), happening))
        if happening.what == "fault":
            self._do(lambda: self._befall(happening))
        elif self._kill(happening):
            self.kills[happening.name] += 1

    def next_due(self) -> float:
        """Return when something is to be brought back, by the monotonic clock; infinity when nothing is."""
        return self._later[0][0] if self._later else float("inf")

    def bring_back(self) -> None:
        """Bring back what is due."""
        while self._later and self._later[0][0] <= time.monotonic():
            self._do(heapq.heappop(self._later)[2])

    def calm(self) -> None:
        """Bring everything back now."""
        while self._later:
            self._do(heapq.heappop(self._later)[2])
        self._mend()
        self._storage.calm()
        self._stack.revive()

    def _kill(self, happening: Happening) -> bool:
        workers = self._stack.worker_places
        victim = workers[int(happening.draw * len(workers))]
        pause = happening.details["pause"]
        match happening.name:
            case "worker":
                self._stack.kill(victim)
            case "frozen worker":
                self._stack.freeze(victim)
                self._do_later(self._lease_seconds * _FROZEN_LEASES + pause, lambda: self._stack.wake(victim))
            case "web" | "beat":
                self._stack.kill(happening.name)
            case "web child":
                return self._stack.kill_web_child(happening.draw)
            case "site daemon":
                self._do_later(pause, self._storage.befall("site down", draw=happening.draw, details=happening.details))
            case _:
                self._hurt(happening)
        return True

    def _hurt(self, happening: Happening) -> None:
        seconds = self._components.hurt(happening.name, draw=happening.draw, seconds=happening.details["pause"])
        if seconds is not None:
            self._watch.gone(happening.name)
            self._do_later(seconds, self._mend)

    def _mend(self) -> None:
        self._components.mend()
        self._watch.back(BROKER)

    def _befall(self, happening: Happening) -> None:
        ending = self._storage.befall(happening.name, draw=happening.draw, details=happening.details)
        self.faults[self._said(happening)] += 1
        self._do_later(happening.details["seconds"], ending)

    def _said(self, happening: Happening) -> str:
        return f"driver: {happening.details['action']}" if happening.name == "driver" else happening.name

    def _do(self, what: Callable[[], None]) -> None:
        """Do something to the storage now, or a little later where a frozen worker holds its state."""
        try:
            what()
        except DriverError as error:
            if not error.retryable:
                raise
            self._do_later(_AGAIN_SECONDS, what)

    def _do_later(self, seconds: float, what: Callable[[], None] | None) -> None:
        if what is not None:
            heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), what))
