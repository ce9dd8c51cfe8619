"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judging import history, verdict
from tests.support import domain


@pytest.fixture
def site(db: None, tmp_path: Path) -> domain.Site:
    """A site with its cast, a fake backend with two targets, and replicated types."""
    return domain.build(tmp_path / "storage")


@pytest.fixture
def drain():
    """Run every due operation as workers would."""
    return domain.drain


@pytest.fixture(autouse=True)
def judged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Judge what each test did on its site once the test is over; a broken promise fails the test."""
    if "site" not in request.fixturenames or request.node.get_closest_marker("unjudged"):
        yield
        return
    site: domain.Site = request.getfixturevalue("site")
    yield
    # What tests do to the storage by hand would be held against the record: that is compared by those that mean to.
    complaints = verdict.judge(history.collect(logs=site.control.log()))
    assert complaints == [], "the judge found what must never happen"
