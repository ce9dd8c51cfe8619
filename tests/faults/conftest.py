"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases
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
