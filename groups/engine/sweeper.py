"""Takes back what nobody works on: forgotten, due again, or left by a worker that went silent."""

from __future__ import annotations

import datetime

import structlog
from django.conf import settings
from django.db import models as db
from django.db.models.functions import Now

from groups import models, queueing, statuses, transitions

log = structlog.get_logger(__name__)

_AT_ONCE = 500


def sweep() -> int:
    """Wake a worker for each such operation; return how many were woken.

    Safe to run in two places at once: a message too many finds its operation claimed.
    """
    forgotten = Now() - datetime.timedelta(seconds=settings.REPLSITE.redispatch_seconds)
    unsent = db.Q(dispatched_at__isnull=True) | db.Q(dispatched_at__lt=forgotten)
    _sweep_sites(unsent)
    rows = list(
        models.Operation.objects.filter(transitions.claimable())
        .filter(unsent)
        .order_by("created_at")
        .values_list("pk", "kind", "state")[:_AT_ONCE]
    )
    if not rows:
        return 0
    models.Operation.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(dispatched_at=Now())
    for pk, kind, state in rows:
        log.info("operation_woken", operation_id=str(pk), kind=kind, state=state)
        queueing.send_operation(operation_id=pk, kind=kind)
    return len(rows)


def _sweep_sites(unsent: db.Q) -> None:
    """Have each open site failover gone on with: the end that should have woken it may have been lost."""
    open_runs = models.SiteFailover.objects.filter(unsent, state__in=statuses.SITE_OPEN)
    ids = list(open_runs.order_by("created_at").values_list("pk", flat=True)[:_AT_ONCE])
    if ids:
        models.SiteFailover.objects.filter(pk__in=ids).update(dispatched_at=Now())
    for pk in ids:
        queueing.send_site(site_failover_id=pk)
