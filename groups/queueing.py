"""Wakes a worker for an operation.

A message is only a wake-up call: it may be lost or come twice. It is sent once the transaction
is committed, with short socket time-outs, and a failure to send is logged and left to the
sweeper.
"""

from __future__ import annotations

import functools
import uuid

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from groups import models, statuses

RUN_OPERATION = "groups.tasks.run_operation"
RUN_ROUND = "groups.tasks.run_round"
FAILOVER_QUEUE = "failover"
REPLICATION_QUEUE = "replication"

_URGENT = frozenset({statuses.Kind.FAILOVER, statuses.Kind.FAILBACK})

log = structlog.get_logger(__name__)


def wake(operation: models.Operation) -> None:
    """Send the wake-up call once the running transaction is committed."""
    send = functools.partial(send_operation, operation_id=operation.pk, kind=operation.kind)
    transaction.on_commit(send, robust=True)


def send_operation(*, operation_id: uuid.UUID, kind: str) -> bool:
    """Send an operation's wake-up call now; return whether the broker took it."""
    queue = FAILOVER_QUEUE if kind in _URGENT else REPLICATION_QUEUE
    return _send(RUN_OPERATION, queue=queue, operation_id=str(operation_id))


def send_round(*, group_id: uuid.UUID) -> bool:
    """Send the wake-up call for a group's due round now; return whether the broker took it."""
    return _send(RUN_ROUND, queue=REPLICATION_QUEUE, group_id=str(group_id))


def _send(name: str, *, queue: str, **ids: str) -> bool:
    try:
        current_app.send_task(name, kwargs=ids, queue=queue, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("wake_up_not_sent", task=name, queue=queue, error=type(error).__name__, **ids)
        return False
    return True
