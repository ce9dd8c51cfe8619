"""What is wrong with those who work and watch, and what to do about it, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from django.conf import settings

from groups import queues
from groups.queries import watching

_LEAST_TICK_SECONDS = 15.0
_LATE_TICKS = 3
"""How many intervals ago a tick may have been done."""
_LATE_WAKES = {queues.FAILOVER: 3, queues.REPLICATION: 30}
"""For how many wake-up calls an operation may wait for a worker; behind long copies that is not unusual."""

_WAITS = {
    queues.FAILOVER: "failovers and failbacks wait",
    queues.REPLICATION: "rounds wait, and every operation but failovers",
    queues.MAINTENANCE: "nothing is observed, and rounds and lost operations are not begun again",
}
_WORKER = "celery --app replsite worker --queues {queues}"
_BEAT = "celery --app replsite beat"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is not as it should be."""

    code: str
    what: str
    remedy: str
    command: str = ""
    """What to type for it, where it is a command."""
    stops_failovers: bool = False


def of(standing: watching.Standing) -> list[Problem]:
    """Return what is wrong, the cause alone where one thing follows from another."""
    return [*_workers(standing), *_ticks(standing), *(list(_waiting(standing)) or _leases(standing))]


def tick_intervals() -> dict[str, float]:
    """Return how often each tick is due."""
    site = settings.REPLSITE
    return {
        "sweep": site.sweep_seconds,
        "observe": site.observe_seconds,
        "lag": site.observe_seconds,
        "rounds": site.rounds_tick_seconds,
        "drills": site.drills_tick_seconds,
    }


def is_late(seconds: float, *, every: float) -> bool:
    """Tell whether a tick that is due so often was done too long ago."""
    return seconds > _late(every)


def _workers(standing: watching.Standing) -> Iterator[Problem]:
    unread = [queue for queue in queues.ALL if not standing.readers(queue)]
    idle = [worker.name for worker in standing.workers if not worker.queues]
    remedy, command = "Start one:", _WORKER.format(queues=",".join(unread))
    if idle:
        remedy = f"Alive, but stopping or without the broker: {', '.join(sorted(idle))}. {remedy}"
    if len(unread) == len(queues.ALL):
        yield Problem(
            code="no-worker",
            what="No worker reads any queue: nothing is done, and failovers wait.",
            remedy=remedy,
            command=command,
            stops_failovers=True,
        )
        return
    for queue in unread:
        yield Problem(
            code="no-worker",
            what=f"No worker reads the queue '{queue}': {_WAITS[queue]}.",
            remedy=remedy,
            command=command,
            stops_failovers=queue == queues.FAILOVER,
        )


def _ticks(standing: watching.Standing) -> Iterator[Problem]:
    readers = standing.readers(queues.MAINTENANCE)
    if not readers:
        return
    # Ticks that came while there was no worker for them were dropped.
    longest = max(worker.up_seconds for worker in readers)
    intervals = tick_intervals()
    seconds = {tick: min(standing.tick_seconds.get(tick, longest), longest) for tick in intervals}
    newest = min(seconds.values())
    # Later than the newest: a dead beat makes all of them old, one after the other.
    late = [tick for tick, every in intervals.items() if seconds[tick] - newest > _late(every)]
    if newest > _late(min(intervals.values())):
        yield Problem(
            code="no-ticks",
            what=f"No tick has come for {newest:.0f} s: beat is not running."
            " Nothing is observed, no rounds begin, and lost operations are not found.",
            remedy="If it does run, see whether it and the workers reach the broker. Start it:",
            command=_BEAT,
        )
        return
    for tick in late:
        yield Problem(
            code="late-tick",
            what=f"The tick '{tick}' was last done {seconds[tick]:.0f} s ago and is due every {intervals[tick]:g} s:"
            " it fails, or takes too long.",
            remedy="See the workers' log for what it waits for.",
        )


def _waiting(standing: watching.Standing) -> Iterator[Problem]:
    for queue, wakes in _LATE_WAKES.items():
        waited = standing.waiting_seconds.get(queue, 0.0)
        if waited > wakes * settings.REPLSITE.redispatch_seconds and standing.readers(queue):
            urgent = queue == queues.FAILOVER
            yield Problem(
                code="long-wait",
                what=f"{'A failover' if urgent else 'An operation'} has waited {waited:.0f} s for a worker.",
                remedy=f"All workers of the queue '{queue}' are busy, or do not get its messages."
                " Start another, and see whether they reach the broker.",
                stops_failovers=urgent,
            )


def _leases(standing: watching.Standing) -> Iterator[Problem]:
    late = _LATE_WAKES[queues.FAILOVER] * settings.REPLSITE.redispatch_seconds
    if standing.expired_seconds > late and standing.readers(queues.MAINTENANCE):
        yield Problem(
            code="expired-leases",
            what=f"{standing.expired_leases} running operations have lost their worker, the first"
            f" {standing.expired_seconds:.0f} s ago, and nobody has taken them over.",
            remedy="See whether ticks come and workers are free.",
        )


def _late(every: float) -> float:
    return max(_LATE_TICKS * every, _LEAST_TICK_SECONDS)
