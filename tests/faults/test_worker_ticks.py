"""Ticks that piled up while no worker took them: one of each kind is done, at once, and the rest left out."""

from __future__ import annotations

import itertools

import pytest

from groups import tasks
from groups.engine import observing
from groups.tasks import pacing
from tests.support import processes

_names = (f"tick-{number}" for number in itertools.count())


@pytest.fixture
def tick() -> str:
    """The name of a tick nobody has done yet."""
    return next(_names)


def test_the_first_of_a_pile_is_done_and_the_rest_left_out(tick):
    done = [pacing.is_due(tick, every=3600) for _ in range(100)]

    assert done == [True] + [False] * 99


def test_another_kind_of_tick_is_done_all_the_same(tick):
    pacing.is_due(tick, every=3600)

    assert pacing.is_due(next(_names), every=3600)


def test_the_next_one_in_time_is_done(tick):
    pacing.is_due(tick, every=0.1)

    processes.wait_until(lambda: pacing.is_due(tick, every=0.1), what="the next tick")


def test_a_pile_of_observe_ticks_looks_at_the_storage_once(site, monkeypatch):
    monkeypatch.setattr(pacing, "_began", {})
    looks = []
    observe_all = observing.observe_all
    monkeypatch.setattr(observing, "observe_all", lambda: looks.append(1) or observe_all())

    for _ in range(20):
        tasks.observe()

    assert len(looks) == 1
