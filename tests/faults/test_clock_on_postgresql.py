"""The site's clock is set by the database's, and never back by what a slow turn leaves open."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection

from groups import clock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("postgresql")]


@pytest.fixture(autouse=True)
def _asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_GOOD_SECONDS", -1.0)


def put_ahead(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the clock be ahead of the database's, whose is this host's."""
    monkeypatch.setattr(clock, "_look", clock._Look(unix=time.time() + seconds, at=time.monotonic()))


def slowly(execute: Any, *given: Any) -> Any:
    time.sleep(0.4)
    return execute(*given)


def test_a_slow_turn_does_not_put_back_a_clock_that_may_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    put_ahead(monkeypatch, 0.1)

    # The database tells the time at the end of the turn, which is 0.2 s ahead of its middle.
    with connection.execute_wrapper(slowly):
        clock.synchronize()

    assert clock.host_offset_seconds() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("seconds", [-30.0, 30.0])
def test_a_clock_that_is_wrong_is_set_right(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    put_ahead(monkeypatch, seconds)

    clock.synchronize()

    assert abs(clock.host_offset_seconds()) < 5
