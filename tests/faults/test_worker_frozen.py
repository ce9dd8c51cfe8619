"""A worker is frozen past its lease, anywhere, and woken: nothing it still does has an effect."""

from __future__ import annotations

import itertools
import pprint
import random
from collections.abc import Iterator

import pytest

from groups.services import replication
from tests.faults import freezing, killing, matrix, places
from tests.faults.cases import CASES
from tests.support import databases, domain

# Not on SQLite: who is frozen in the middle of a transaction there holds up everybody.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.usefixtures("postgresql"),
]

SOME = 2
QUICK = ("planned failover",)
MOMENTS = ("before", "after")
CALLS = ("stop_writes", "replicate", "promote", "retire")


@pytest.mark.parametrize(
    "name,most",
    [*((name, SOME) for name in QUICK), *(pytest.param(name, None, marks=pytest.mark.soak) for name in CASES)],
)
def test_a_worker_frozen_at_any_point_and_woken_after_its_operation_ended_changes_nothing(site, name, most):
    """The soak run freezes at every point; each other run at some, others each time."""
    bench = matrix.Bench(site, CASES[name], matrix.Fake(site.control))
    references = places.undisturbed(bench)
    points = references[0].points
    numbers = range(1, len(points) + 1)

    wrong = {}
    for number in numbers if most is None else random.sample(numbers, most):
        bench.begin()
        with freezing.frozen(domain.drain, at=number):
            killing.recover()
            taken_over = bench.end()
        woken = bench.end()
        if woken != taken_over or woken not in [reference.end for reference in references]:
            wrong[f"{number}: {points[number - 1].name}"] = taken_over, woken

    assert not wrong, pprint.pformat(wrong, width=200)
    assert len(points) >= 20


@pytest.mark.parametrize("count", [1, pytest.param(None, marks=pytest.mark.soak)])
def test_a_worker_frozen_within_a_driver_call_and_woken_after_the_failover_ended_changes_nothing(site, count):
    """Some volumes it has done, some it has not when somebody else does all of them."""
    bench = matrix.Bench(site, CASES["planned failover"], matrix.Fake(site.control))
    references = places.undisturbed(bench)
    found = list(itertools.product(CALLS, (None, 1, 3), MOMENTS))

    wrong = {}
    for method, volume, when in found if count is None else random.sample(found, count):
        bench.begin()
        fault = {"call": method, "volume": volume, "when": when}
        site.control.add_fault(action="ignore-cancel", times=1, **fault)
        with freezing.frozen(domain.drain, once=lambda: not site.control.faults()[0].times_left):
            site.control.clear_faults()
            killing.recover()
            taken_over = bench.end()
        woken = bench.end()
        if woken != taken_over or woken not in [reference.end for reference in references]:
            wrong[str(fault)] = taken_over, woken

    assert not wrong, pprint.pformat(wrong, width=200)


@pytest.fixture(autouse=True)
def short_leases(db: None) -> Iterator[None]:
    """Let the database wait two seconds for who is silent in the middle of a transaction."""
    with databases.leases_of(2):
        yield


def test_a_worker_frozen_in_the_middle_of_a_transaction_holds_up_nobody_for_longer_than_a_lease(site):
    group = site.enabled_group(2)
    operation = replication.failover(site.owner, group_id=group.pk)

    with freezing.frozen(domain.drain, at=lambda name: name.startswith('after UPDATE "groups_operation"')):
        killing.recover()
        operation.refresh_from_db()
        taken_over = operation.state

    operation.refresh_from_db()
    assert (taken_over, operation.state, operation.attempt) == ("succeeded", "succeeded", 1)
