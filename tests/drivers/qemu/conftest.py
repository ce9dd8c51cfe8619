"""What the tests of the qemu driver share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drivers.qemu.daemons import Sites


@pytest.fixture
def sites() -> Iterator[Sites]:
    """A primary and one target, each with a real daemon."""
    running = Sites(targets=["target-a"])
    yield running
    running.end()
