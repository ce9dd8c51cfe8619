"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import brokers, databases, messages
from tests.support.crew import Crew


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """Real processes on the test's database and broker."""
    members = Crew(tmp_path)
    yield members
    members.dismiss()


@pytest.fixture(scope="module")
def postgresql(django_db_setup: None, django_db_blocker: Any) -> Iterator[databases.PostgreSQL]:
    """A PostgreSQL on which all tests of the module run."""
    server = databases.PostgreSQL()
    try:
        server.start()
        with django_db_blocker.unblock(), databases.default_at(server.address):
            yield server
    finally:
        server.end()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[brokers.Redis]:
    """A Redis that tests may hurt."""
    yield from _running(brokers.Redis())


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[brokers.RabbitMQ]:
    """A RabbitMQ that tests may hurt; it takes seconds to start."""
    yield from _running(brokers.RabbitMQ())


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> brokers.Broker:
    """What the test is run with, `spool`, `redis` or `rabbitmq`: it answers, and no message waits."""
    if request.param == "spool":
        return brokers.Spool(tmp_path / "spool")
    server: brokers.Server = request.getfixturevalue(f"{request.param}_server")
    server.wake()
    if not server.answers():
        server.kill()
        server.start()
    messages.lose_all(server.address)
    return server


@pytest.fixture
def brokered(tmp_path: Path, broker: brokers.Broker) -> Iterator[Crew]:
    """Real processes on the test's database and the broker it is run with."""
    members = Crew(tmp_path, broker_url=broker.address)
    yield members
    members.dismiss()


def _running(server: brokers.Server) -> Iterator[Any]:
    try:
        server.start()
        yield server
    finally:
        server.end()
