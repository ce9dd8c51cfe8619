"""A worker's database connections outlive its tasks."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from replsite import celery

TASK = SimpleNamespace(request=SimpleNamespace(is_eager=False))


def in_a_thread_of_its_own(work: Any) -> list[object]:
    """Return what some work found in a thread whose connection is its own, as a worker's is."""
    found: list[object] = []

    def run() -> None:
        try:
            found.extend(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


def between_two_tasks() -> None:
    """Do what Celery does between one task and the next."""
    (fixup,) = celery.app._fixups
    fixup.worker_fixup.on_task_postrun(sender=TASK)
    fixup.worker_fixup.on_task_prerun(sender=TASK)


@pytest.mark.django_db(transaction=True)
def test_a_thread_keeps_its_connection_from_one_task_to_the_next() -> None:
    def work() -> list[object]:
        connection.ensure_connection()
        kept = connection.connection
        between_two_tasks()
        return [kept is not None, connection.connection is kept]

    assert in_a_thread_of_its_own(work) == [True, True]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_too_old_is_not_kept() -> None:
    def work() -> list[object]:
        connection.ensure_connection()
        connection.close_at = 0
        between_two_tasks()
        return [connection.connection is None]

    assert in_a_thread_of_its_own(work) == [True]
