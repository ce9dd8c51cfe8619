"""Every operation on real storage, with its worker killed -9 at every point: it ends as if undisturbed.

A real storage keeps no log of calls; what counts is what each side holds, who may write where, and
that nothing is left behind: no files, nothing open in a daemon, no process.
"""

from __future__ import annotations

import pprint
import random
from collections.abc import Iterator

import pytest

from tests.drivers.qemu.daemons import Sites
from tests.faults import matrix, places, real
from tests.faults.cases import CASES, QUICK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(3600)]

SOME = 2
NEED_FAULTS = {"failover canceled", "failover that fails and is undone"}
NAMES = [name for name in CASES if name not in NEED_FAULTS]
PLANS = [
    *((name, SOME) for name in NAMES if name in QUICK),
    *(pytest.param(name, None, marks=pytest.mark.soak) for name in NAMES),
]


@pytest.fixture(autouse=True)
def _patient(settings) -> None:
    """No round runs here: how far behind a group is says how busy the machine is, and nothing of the operation."""
    settings.REPLSITE = settings.REPLSITE.model_copy(
        update={"rpo_warning_seconds": 3600.0, "rpo_critical_seconds": 7200.0}
    )


@pytest.fixture
def sites() -> Iterator[Sites]:
    """A primary and two targets, each with a real daemon."""
    running = Sites(targets=matrix.SIDES[1:])
    yield running
    running.end()


@pytest.mark.parametrize("name, most", PLANS)
def test_killed_at_any_point_on_real_storage_an_operation_ends_as_if_undisturbed(
    site, sites, name, most, record_property
):
    """The soak run takes every point; each other run some, others each time."""
    bench = matrix.Bench(real.on_real_storage(site, sites), CASES[name], real.Real(sites))
    references = places.undisturbed(bench)
    found = places.at_points(references[0])

    chosen = found if most is None else random.sample(found, most)
    wrong, survived = {}, 0
    for place in chosen:
        problems = place.disturb(bench, references)
        # How often a lease is renewed depends on how long reading takes: a run may end before its last points.
        if problems == [places.NOBODY]:
            survived += 1
        elif problems:
            wrong[place.label] = problems

    record_property("worker at a point", len(chosen) - survived)
    assert not wrong, pprint.pformat(wrong, width=200)
    assert survived <= max(1, len(chosen) // 20)
