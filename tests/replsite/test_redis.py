"""Redis as the broker: what our options save us from."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from replsite import schedule
from tests.support import processes


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis of our own: its address and process."""
    port = processes.free_port()
    server = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def app(redis: tuple[str, subprocess.Popen[bytes]]) -> Iterator[Celery]:
    """An app that sends to that Redis with our options."""
    address, _ = redis
    made = Celery("tried", broker=address, set_as_current=False)
    made.conf.update(
        broker_transport_options=schedule.transport_options(address),
        task_publish_retry=False,
        task_queues=schedule.queues(),
        task_ignore_result=True,
    )
    yield made
    made.close()


def taken(app: Celery) -> bool:
    try:
        app.send_task("groups.tasks.sweep", queue=schedule.MAINTENANCE, retry=False)
    except OperationalError:
        return False
    return True


def test_a_message_is_taken_and_waits_for_a_worker(app: Celery) -> None:
    processes.wait_until(lambda: taken(app), seconds=10, what="Redis takes a message")

    with app.connection_for_read() as connection:
        assert connection.SimpleQueue(schedule.queues()[2]).get(timeout=5).headers["task"] == "groups.tasks.sweep"


def test_a_frozen_redis_does_not_hang_the_sender(app: Celery, redis: tuple[str, subprocess.Popen[bytes]]) -> None:
    processes.wait_until(lambda: taken(app), seconds=10, what="Redis takes a message")
    redis[1].send_signal(signal.SIGSTOP)
    began = time.monotonic()

    sent = taken(app)

    assert not sent
    assert time.monotonic() - began < 15
