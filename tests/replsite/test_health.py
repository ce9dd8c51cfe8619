"""What the site says about itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from celery import Celery
from django.db import connections
from django.test import Client

import replsite
from replsite import health, schedule


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The address of something that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def use_broker() -> Iterator[Callable[[str], None]]:
    """Have this process send its messages elsewhere until the test is over."""

    def _use(address: str) -> None:
        elsewhere = Celery("elsewhere", broker=address)
        elsewhere.conf.broker_transport_options = schedule.transport_options(address)
        elsewhere.set_default()

    yield _use
    replsite.celery_app.set_current()
    replsite.celery_app.set_default()


def test_a_process_that_answers_is_live_whatever_its_database_does(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_a_site_with_database_and_broker_is_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok"}
    assert answer.status_code == 200


@pytest.mark.django_db
def test_a_missing_database_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "NAME", "/nowhere/replsite.sqlite3")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "failed", "broker": "ok"}


@pytest.mark.django_db
def test_a_broker_that_refuses_is_named(client: Client, use_broker: Callable[[str], None]) -> None:
    use_broker("redis://127.0.0.1:1/0")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "broker": "failed"}


@pytest.mark.django_db
def test_a_broker_that_hangs_is_named_in_time(
    client: Client, use_broker: Callable[[str], None], silent_address: str
) -> None:
    use_broker(silent_address)
    client.get("/healthz")  # the first request imports the site, which takes its time
    began = time.monotonic()

    answer = client.get("/readyz")

    assert answer.json() == {"status": "unavailable", "database": "ok", "broker": "no answer"}
    assert time.monotonic() - began < health.LIMIT_SECONDS + 1.5
