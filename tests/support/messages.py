"""Messages on a broker, seen and touched from outside the site."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import kombu
from celery import Celery

import replsite
from groups import models, queueing, queues
from replsite import schedule


def lose_all(address: str) -> int:
    """Take away every message that waits; return how many there were."""
    with kombu.Connection(address) as connection, connection.channel() as channel:
        return sum(_declared(queue, channel).purge() or 0 for queue in schedule.queues())


def waiting(address: str) -> int:
    """Return how many messages wait."""
    with kombu.Connection(address) as connection, connection.channel() as channel:
        return sum(_declared(queue, channel).queue_declare().message_count for queue in schedule.queues())


def send_again(operation: models.Operation) -> None:
    """Send an operation's wake-up call once more."""
    queueing.send_operation(operation_id=operation.pk, kind=operation.kind)


@contextlib.contextmanager
def sent_to(address: str) -> Iterator[None]:
    """Have this process send its messages to a broker for a while."""
    with Celery("tests", broker=address) as app:
        app.conf.update(
            broker_transport_options=schedule.transport_options(address),
            task_queues=schedule.queues(),
            task_default_queue=queues.MAINTENANCE,
        )
        app.set_default()
        try:
            yield
        finally:
            replsite.celery_app.set_current()
            replsite.celery_app.set_default()


def _declared(queue: kombu.Queue, channel: object) -> kombu.Queue:
    bound = queue(channel)
    bound.declare()
    return bound
