"""Shows who lives, and finds what stands still.

A worker writes a sign of life every few seconds, by the database's clock; a tick when it has been
done. Whoever is silent is dead, frozen, or without a database: all three need somebody.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Sequence

import structlog
from django.conf import settings
from django.db import models as db
from django.db.models.functions import Now

from groups import clock, findings as words, models
from groups.engine import comparing, findings, forgetting, sweeper
from groups.statuses import OperationState

FORGOTTEN_AFTER = datetime.timedelta(days=1)

_CODES = (words.Code.NO_PROGRESS,)

_under_way: dict[str, threading.Lock] = {}

log = structlog.get_logger(__name__)


def show_life(*, name: str, queues: Sequence[str], since: datetime.datetime | None = None) -> datetime.datetime:
    """Write a worker's sign of life; return since when it has lived, to be handed in the next time."""
    _write(name=name, kind="worker", queues=queues, since=since, anew=since is None)
    return since or models.Pulse.objects.values_list("started_at", flat=True).get(pk=name)


def end_life(*, name: str, since: datetime.datetime) -> None:
    """Take a worker's sign of life away, unless a younger one of the same name has written its own."""
    models.Pulse.objects.filter(pk=name, kind="worker", started_at__lte=since).delete()


def tick(name: str, *, work: Callable[[], int]) -> int:
    """Do what a tick is for, then write that it was done; return what the work returns.

    One that comes while this process still does the last is left out: when storage hangs, ticks would
    otherwise take one thread after the other, until none is left for failovers.
    """
    under_way = _under_way.setdefault(name, threading.Lock())
    if not under_way.acquire(blocking=False):
        log.info("tick_left_out", tick=name)
        return 0
    try:
        done = work()
        _write(name=name, kind="tick")
    finally:
        under_way.release()
    return done


def sweep() -> int:
    """Wake workers for operations nobody works on, and note what stands still; return how many were woken."""
    woken = sweeper.sweep()
    stalled()
    forgetting.expired_messages()
    models.Pulse.objects.filter(kind="worker", seen_at__lt=Now() - FORGOTTEN_AFTER).delete()
    return woken


def stalled() -> int:
    """Keep a finding of each operation whose step has made no progress for a while; return how many."""
    found = {operation.pk: operation for operation in _standing_still()}
    noted = models.Finding.objects.filter(code__in=_CODES, closed_at__isnull=True)
    gone = list(noted.exclude(subject_id__in=list(found)).values_list("pk", flat=True))
    if gone:
        findings.close(gone)
    now = clock.now()
    for operation in found.values():
        findings.keep(operation, [_describe(operation, now)], scope=_CODES)
    return len(found)


def _standing_still() -> db.QuerySet[models.Operation]:
    long_ago = Now() - datetime.timedelta(seconds=settings.REPLSITE.stalled_after_seconds)
    running = models.Operation.objects.filter(state__in=(OperationState.RUNNING, OperationState.CANCELING))
    return running.filter(progress_at__lt=long_ago).exclude(step="").select_related("group")


def _describe(operation: models.Operation, now: datetime.datetime) -> comparing.Found:
    seconds = 0.0 if operation.progress_at is None else (now - operation.progress_at).total_seconds()
    waiting = f" (waiting for {operation.waiting_for})" if operation.waiting_for else ""
    return comparing.Found(
        code=words.Code.NO_PROGRESS,
        key=operation.step,
        actual=f"No progress for {seconds:.0f} s in step '{operation.step}'{waiting}.",
    )


def _write(
    *,
    name: str,
    kind: str,
    queues: Sequence[str] = (),
    since: datetime.datetime | None = None,
    anew: bool = False,
) -> None:
    models.Pulse.objects.bulk_create(
        [models.Pulse(name=name, kind=kind, queues=list(queues), started_at=since or Now(), seen_at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["queues", "seen_at", "started_at"] if anew else ["queues", "seen_at"],
    )
