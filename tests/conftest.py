"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import domain


@pytest.fixture
def site(db: None, tmp_path: Path) -> domain.Site:
    """A site with its cast, a fake backend with two targets, and replicated types."""
    return domain.build(tmp_path / "storage")


@pytest.fixture
def drain():
    """Run every due operation as workers would."""
    return domain.drain
