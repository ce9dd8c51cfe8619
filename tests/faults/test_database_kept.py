"""A kept connection to PostgreSQL costs no turn of the server at each request, and is replaced when it is of no use."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.core import signals
from django.db import connection

from groups import models
from replsite.postgresql import base
from tests.support import databases

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("postgresql", "lately"),
]


@pytest.fixture
def lately(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a server answered, it was lately."""
    monkeypatch.setattr(base, "GOOD_SECONDS", 600.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The server's process of each connection that was asked whether it is there."""
    found: list[int] = []
    is_usable = base.DatabaseWrapper.is_usable

    def noted(wrapper: base.DatabaseWrapper) -> bool:
        found.append(wrapper.connection.info.backend_pid)
        return bool(is_usable(wrapper))

    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", noted)
    return found


def request() -> int:
    """Do what a request does with the database; return which process of the server served it."""
    signals.request_started.send(sender=None, environ={})
    assert models.Group.objects.count() == 0
    served: int = connection.connection.info.backend_pid
    signals.request_finished.send(sender=None)
    return served


def in_a_thread_of_its_own(work: Callable[[], None]) -> None:
    """Run some work where the connection is its own, as a web server's thread does."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    # The test's own would be hurt along, and what comes after the test uses it.
    connection.close()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def test_requests_one_after_the_other_use_one_connection_and_ask_once(asked: list[int]) -> None:
    def work() -> None:
        served = {request() for _ in range(5)}

        assert len(served) == 1
        assert asked == list(served)

    in_a_thread_of_its_own(work)


def test_a_connection_that_was_cut_is_replaced_without_an_error() -> None:
    def work() -> None:
        before = request(), request()
        databases.cut(connection)

        assert request() not in before

    in_a_thread_of_its_own(work)


def test_a_restart_of_the_server_between_two_requests_is_no_error(postgresql: databases.PostgreSQL) -> None:
    def work() -> None:
        before = request(), request()
        postgresql.crash()
        postgresql.start()

        assert request() not in before

    in_a_thread_of_its_own(work)


def test_a_server_that_answered_longer_ago_is_asked_again(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "GOOD_SECONDS", 0.0)

    def work() -> None:
        served = [request() for _ in range(3)]

        assert asked == served[1:]

    in_a_thread_of_its_own(work)
