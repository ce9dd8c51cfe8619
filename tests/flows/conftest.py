"""What the journeys share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.crew import Crew


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """Real workers and beat on the test's database and broker."""
    members = Crew(tmp_path)
    yield members
    members.dismiss()
