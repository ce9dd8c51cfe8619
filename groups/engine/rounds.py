"""Keeps replicated groups up to date: starts due rounds, one at a time a group.

A round is no operation: it must never be in the way of one. Claiming it raises the group's
epoch, and so does claiming an operation, so that the storage refuses what is left of a round
once an operation has begun.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, models as db, transaction
from django.db.models import F
from django.db.models.functions import Now

from drivers import base
from drivers.errors import CallCanceled, DriverError, StaleEpoch
from groups import clock, compiled, errors, models, queueing, statuses
from groups.compiled import slot
from groups.engine import calls, leases, observations, storage

log = structlog.get_logger(__name__)

_AT_ONCE = 1000
_LONGEST_PAUSE_SECONDS = 300.0

# A group whose failover was undone is still replicated from its primary.
_ROUNDS = (statuses.ReplicationStatus.ENABLED, statuses.ReplicationStatus.FAILOVER_ERROR)

_SCHEDULED = compiled.Insert(
    models.Round, over=("due_at", "failures", "error", "lease_until", "dispatched_at", "owner")
)
_DUE_NO_MORE = compiled.Delete(lambda: models.Round.objects.filter(group_id=slot("group_id")))


def schedule(operation: models.Operation, *, driver: base.Driver, group: base.Group) -> None:
    """Make a group's next round due after an interval. Runs within an ending transaction."""
    if not driver.capabilities.rounds or not group.volumes or operation.group is None:
        return
    due = clock.now() + datetime.timedelta(seconds=group.interval_seconds)
    _SCHEDULED.run([models.Round(group=operation.group, due_at=due)])


def ensure(groups: Iterable[models.Group], *, driver: base.Driver) -> None:
    """Make a first round due for each protected group that has none, as after a reset by hand."""
    if not driver.capabilities.rounds:
        return
    wanted = {group.pk for group in groups if group.replication_status == statuses.ReplicationStatus.ENABLED}
    missing = wanted.difference(models.Round.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if missing:
        due = clock.now()
        models.Round.objects.bulk_create(
            [models.Round(group_id=pk, due_at=due) for pk in missing], ignore_conflicts=True
        )


def unschedule(operation: models.Operation) -> None:
    """Plan no further rounds for a group. Runs within an ending transaction."""
    _DUE_NO_MORE.run(group_id=operation.subject_id)


def wake_due() -> int:
    """Send a wake-up call for each round that is due and that nobody runs; return how many."""
    forgotten = Now() - datetime.timedelta(seconds=settings.REPLSITE.redispatch_seconds)
    unsent = db.Q(dispatched_at__isnull=True) | db.Q(dispatched_at__lt=forgotten)
    ids = list(
        models.Round.objects.filter(_claimable())
        .filter(unsent)
        .order_by("due_at")
        .values_list("pk", flat=True)[:_AT_ONCE]
    )
    if ids:
        models.Round.objects.filter(pk__in=ids).update(dispatched_at=Now())
    return sum(queueing.send_round(group_id=pk) for pk in ids)


def run(*, group_id: uuid.UUID, owner: str) -> bool:
    """Run a group's round if it is due and nobody else runs it; return whether it was ours to run."""
    group = _claim(group_id, owner=owner)
    if group is None:
        return False
    with structlog.contextvars.bound_contextvars(group_id=str(group_id), epoch=group.epoch):
        try:
            _run(group)
        except errors.LeaseLost as error:
            log.info("round_given_up", why=str(error))
        except DatabaseError as error:
            # The round's lease runs out, and the next tick finds it due again.
            connection.close()
            log.warning("database_failed", error=type(error).__name__)
    return True


def _run(group: models.Group) -> None:
    began = clock.now()
    members = storage.members(group)
    value = storage.group_value(group, members)
    try:
        driver = storage.driver_for(group.backend)
        facts = calls.make(
            lambda call: driver.replicate(value, call=call),
            name="round",
            epoch=group.epoch,
            deadline_seconds=settings.REPLSITE.driver_deadline_seconds,
            lease=leases.RoundLease(group),
        )
    except (StaleEpoch, CallCanceled) as error:
        # An operation has begun on the group; it decides what becomes of the rounds.
        raise errors.LeaseLost(error.message) from error
    except DriverError as error:
        _finish_failed(group, error, value=value)
        return
    _finish(group, facts, began=began, value=value)


def _claim(group_id: uuid.UUID, *, owner: str) -> models.Group | None:
    """Take a due round and raise the group's epoch, both or neither."""
    with transaction.atomic():
        taken = (
            models.Round.objects.filter(pk=group_id)
            .filter(_claimable())
            .update(owner=owner, lease_until=leases.until(), started_at=Now(), progress_done=0, progress_total=0)
        )
        if taken != 1:
            return None
        growing = models.Volume.objects.filter(group_id=group_id, status=statuses.VolumeStatus.EXTENDING)
        raised = (
            models.Group.objects.filter(
                pk=group_id,
                status=statuses.GroupStatus.AVAILABLE,
                replication_status__in=_ROUNDS,
                active_backend_id=base.PRIMARY,
            )
            .filter(~db.Exists(growing))
            .update(epoch=F("epoch") + 1)
        )
        if raised != 1:
            # Not now: an operation is open on the group, or on a member that grows. Its end decides about
            # further rounds.
            models.Round.objects.filter(pk=group_id).update(lease_until=None, owner="")
            return None
        group = models.Group.objects.select_related("backend", "group_type").get(pk=group_id)
        models.Round.objects.filter(pk=group_id).update(epoch=group.epoch, dispatched_at=None)
    return group


def _claimable() -> db.Q:
    free = db.Q(lease_until__isnull=True) | db.Q(lease_until__lt=Now())
    return db.Q(due_at__lte=Now()) & free


def _finish(group: models.Group, facts: base.GroupFacts, *, began: datetime.datetime, value: base.Group) -> None:
    now = clock.now()
    _write(
        group,
        due_at=max(began + datetime.timedelta(seconds=value.interval_seconds), now),
        finished_at=now,
        failures=0,
        error="",
    )
    observations.record([observations.Look(group=group, value=value, facts=facts, makes_point=True)])


def _finish_failed(group: models.Group, error: DriverError, *, value: base.Group) -> None:
    log.warning("round_failed", error=error.message, code=error.code)
    failures = models.Round.objects.filter(pk=group.pk).values_list("failures", flat=True).first() or 0
    pause = max(value.interval_seconds, min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(failures, 10)))
    _write(
        group,
        due_at=clock.now() + datetime.timedelta(seconds=pause),
        failures=failures + 1,
        error=error.message,
    )
    observations.record([observations.Look(group=group, value=value, problem=error.message, tells_lag=False)])


def _write(group: models.Group, **changes: object) -> None:
    models.Round.objects.filter(pk=group.pk, epoch=group.epoch).update(
        lease_until=None, owner="", dispatched_at=None, **changes
    )
