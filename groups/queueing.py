"""Wakes a worker for an operation.

A message is only a wake-up call: it may be lost or come twice. It is sent once the transaction
is committed, nobody waits long for it, and a failure to send is logged and left to the sweeper.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Mapping

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from groups import models, queues, sending

RUN_OPERATION = "groups.tasks.run_operation"
RUN_ROUND = "groups.tasks.run_round"
CHECK_CONNECTION = "groups.tasks.check_connection"
RUN_SITE = "groups.tasks.run_site"

# A connection kept since the last message may be one that the broker closed meanwhile.
_ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}

log = structlog.get_logger(__name__)


def wake(operation: models.Operation) -> None:
    """Send the wake-up call once the running transaction is committed."""
    send = functools.partial(send_operation, operation_id=operation.pk, kind=operation.kind)
    transaction.on_commit(send, robust=True)


def send_operation(*, operation_id: uuid.UUID, kind: str) -> bool:
    """Send an operation's wake-up call now; return whether the broker took it."""
    return _send(RUN_OPERATION, queue=queues.of_kind(kind), operation_id=str(operation_id))


def wake_site(site_failover_id: uuid.UUID) -> None:
    """Have a site failover gone on with once the running transaction is committed."""
    transaction.on_commit(functools.partial(send_site, site_failover_id=site_failover_id), robust=True)


def send_site(*, site_failover_id: uuid.UUID) -> bool:
    """Send a site failover's wake-up call now; return whether the broker took it."""
    return _send(RUN_SITE, queue=queues.FAILOVER, site_failover_id=str(site_failover_id))


def send_round(*, group_id: uuid.UUID) -> bool:
    """Send the wake-up call for a group's due round now; return whether the broker took it."""
    return _send(RUN_ROUND, queue=queues.REPLICATION, group_id=str(group_id))


def wake_to_check(check: models.ConnectionCheck) -> None:
    """Ask a worker to look whether a backend's sides answer, once the running transaction is committed."""
    send = functools.partial(_send, CHECK_CONNECTION, queue=queues.MAINTENANCE, check_id=str(check.pk))
    transaction.on_commit(send, robust=True)


def _send(name: str, *, queue: str, **ids: str) -> bool:
    # The app of this thread, which need not be that of the sender's.
    publish = functools.partial(_publish, current_app.send_task, name, queue=queue, ids=ids)
    return sending.hand_in(publish)


def _publish(send_task: Callable[..., object], name: str, *, queue: str, ids: Mapping[str, str]) -> bool:
    try:
        send_task(name, kwargs=ids, queue=queue, retry=True, retry_policy=_ONCE_MORE, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("wake_up_not_sent", task=name, queue=queue, error=type(error).__name__, **ids)
        return False
    return True
