"""Takes back what nobody works on: forgotten, due again, or left by a worker that went silent."""

from __future__ import annotations

import datetime

import structlog
from django.conf import settings
from django.db import models as db
from django.db.models.functions import Now

from groups import models, queueing, transitions

log = structlog.get_logger(__name__)

_AT_ONCE = 500


def sweep() -> int:
    """Wake a worker for each such operation; return how many were woken.

    Safe to run in two places at once: a message too many finds its operation claimed.
    """
    forgotten = Now() - datetime.timedelta(seconds=settings.REPLSITE.redispatch_seconds)
    unsent = db.Q(dispatched_at__isnull=True) | db.Q(dispatched_at__lt=forgotten)
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
