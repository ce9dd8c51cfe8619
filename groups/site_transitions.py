"""The only writer of a site failover's state; `groups.transitions` writes all others.

Each function is one transaction of conditional UPDATEs on the old state, and an event goes in with
the change.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, models as db, transaction
from django.db.models.functions import Now

from groups import clock, errors, models, queueing, statuses
from groups.models import backends
from groups.statuses import Axis, SiteState


def start(run: models.SiteFailover, *, places: Sequence[models.SiteFailoverGroup]) -> None:
    """Record an accepted site failover with its groups; begin it once committed.

    Call it inside the transaction that checked. Raises `Busy` when another one is open on the backend.
    """
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        raise errors.Busy(f"Another site failover is open on backend {run.backend_name}.") from error
    models.SiteFailoverGroup.objects.bulk_create(places)
    if run.target:
        # What would be made there now would be made on the side that is left.
        _disable(run)
    _event(run, "", run.state, reason=run.reason or "accepted", groups=len(places))
    queueing.wake_site(run.pk)


def begin(place: models.SiteFailoverGroup, *, operation: models.Operation) -> None:
    """Record which operation moves a group, in the transaction that accepted it."""
    models.Operation.objects.filter(pk=operation.pk).update(site_failover=place.site_failover_id)
    changed = models.SiteFailoverGroup.objects.filter(pk=place.pk, operation__isnull=True, refusal_code="").update(
        operation=operation
    )
    if changed != 1:
        raise errors.WrongState(f"Group {place.subject_id} was begun by somebody else.")


def refuse(places: db.QuerySet[models.SiteFailoverGroup], *, code: str, why: str) -> int:
    """Record why groups are not begun; return how many that were neither begun nor refused."""
    waiting = places.filter(operation__isnull=True, refusal_code="")
    return waiting.update(refusal_code=code, refusal=why)


def request_cancel(run: models.SiteFailover, *, actor: str) -> bool:
    """Let a site failover begin no further group; return False when it has ended or is stopping."""
    with transaction.atomic():
        changed = models.SiteFailover.objects.filter(pk=run.pk, state=SiteState.RUNNING).update(
            state=SiteState.CANCELING, cancel_requested_at=Now()
        )
        if changed != 1:
            return False
        refuse(run.groups.all(), code=statuses.Left.CANCELED, why=f"Canceled by {actor} before it was begun.")
        _event(run, SiteState.RUNNING, SiteState.CANCELING, reason="cancel requested", actor=actor)
        run.state = SiteState.CANCELING
        queueing.wake_site(run.pk)
    return True


def end(run: models.SiteFailover, *, state: SiteState, outcome: str) -> None:
    """Write a site failover's end, and what the backend is known by from now on."""
    if state not in statuses.SITE_MOVES[SiteState(run.state)]:
        raise errors.WrongState(f"A site failover that is {run.state} does not become {state}.")
    with transaction.atomic():
        changed = models.SiteFailover.objects.filter(pk=run.pk, state=run.state).update(
            state=state, ended_at=Now(), outcome=outcome, dispatched_at=None
        )
        if changed != 1:
            return
        if state == SiteState.SUCCEEDED:
            _backend(run).update(active_backend_id=run.target)
        _enable_when_back(run)
        _event(run, run.state, state, reason=outcome)
        run.state, run.outcome = state, outcome


def _disable(run: models.SiteFailover) -> None:
    _backend(run).filter(enabled=True).update(
        enabled=False, disabled_reason=backends.FAILED_OVER, updated_at=clock.now()
    )


def _enable_when_back(run: models.SiteFailover) -> None:
    """Let a backend take new groups again when none of its groups is away and nobody else disabled it."""
    away = models.Group.objects.filter(backend__in=_backend(run)).exclude(active_backend_id="")
    ours = _backend(run).filter(enabled=False, disabled_reason=backends.FAILED_OVER)
    if not away.exists():
        ours.update(enabled=True, disabled_reason="", updated_at=clock.now())


def _backend(run: models.SiteFailover) -> db.QuerySet[models.Backend]:
    """Return a site failover's backend; nothing when it is gone."""
    return models.Backend.objects.filter(site_failovers=run)


def _event(run: models.SiteFailover, old: str, new: str, *, reason: str, actor: str = "", groups: int = 0) -> None:
    models.Event.objects.create(
        at=clock.now(),
        axis=Axis.SITE,
        subject_id=run.pk,
        old=old,
        new=new,
        reason=f"{groups} groups: {reason}" if groups else reason,
        actor=actor or run.user_name or run.user_id,
    )
