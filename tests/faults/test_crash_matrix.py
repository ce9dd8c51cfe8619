"""Every operation, with its worker or the web process killed -9 at every point: it ends as if undisturbed."""

from __future__ import annotations

import collections
import pprint
import random
from collections.abc import Callable

import pytest

from groups import models
from groups.engine import journal
from groups.services import replication
from tests.faults import killing, matrix, places
from tests.faults.cases import CASES, QUICK, enabled
from tests.support import domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(3600)]

SOME = 2


@pytest.mark.parametrize(
    "name, most",
    [*((name, SOME) for name in QUICK), *(pytest.param(name, None, marks=pytest.mark.soak) for name in CASES)],
)
def test_killed_anywhere_an_operation_ends_as_if_undisturbed(site, name, most, record_property):
    """The soak run takes every place; each other run some, others each time."""
    bench = matrix.Bench(site, CASES[name], matrix.Fake(site.control))
    references = places.undisturbed(bench)
    found = {
        "worker at a point": places.at_points(references[0]),
        "worker within a call": places.within_calls(references[0]),
        "web at a point": places.of_request(bench),
    }

    wrong, died = {}, collections.Counter[str]()
    for kind, all_of_kind in found.items():
        for place in chosen(all_of_kind, most=most):
            problems = place.disturb(bench, references)
            died[kind] += problems is not None
            if problems:
                wrong[f"{kind}, {place.label}"] = problems

    for kind, count in died.items():
        record_property(kind, count)
    assert not wrong, pprint.pformat(wrong, width=200)
    assert len(found["worker at a point"]) >= 20
    assert len(found["web at a point"]) >= 4
    assert found["worker within a call"] or name == "adopt"


def chosen(found: list[places.Place], *, most: int | None) -> list[places.Place]:
    """Return all places, or some of them, others each time."""
    return found if most is None or len(found) <= most else random.sample(found, most)


@pytest.mark.parametrize("word", ["disabled", "enabled", "failed-over", "error"])
def test_a_web_process_killed_in_a_reset_has_done_all_of_it_or_nothing(site, word):
    bench = matrix.Bench(site, matrix.Case(prepare=enabled, ask=reset_to(word)), matrix.Fake(site.control))
    points = places.points_of_request(bench)
    undisturbed = bench.state(), events(bench)

    wrong = {}
    for number, point in enumerate(points, 1):
        bench.ready()
        before = bench.state(), events(bench)
        places.ask_and_die(bench, at=number)
        if (bench.state(), events(bench)) == before:
            bench.ask()
        if (bench.state(), events(bench)) != undisturbed:
            wrong[f"{number}: {point.name}"] = bench.state(), events(bench)

    assert not wrong, pprint.pformat(wrong, width=200)
    assert len(points) >= 6
    assert undisturbed[0]["group"][0]["replication_status"] == word


def reset_to(word: str) -> Callable[[domain.Site, models.Group], None]:
    """Return what asks for a reset by hand."""
    return lambda site, group: replication.reset(
        site.admin, group_id=group.pk, replication_status=word, reason="mended by hand"
    )


def events(bench: matrix.Bench) -> list[object]:
    """Return what happened to the group, by its events."""
    rows = models.Event.objects.filter(subject_id=bench.group.pk).order_by("id")
    return list(rows.values_list("axis", "old", "new", "volumes", "reason"))


def test_a_worker_killed_while_copies_are_dropped_leaves_none_of_them_behind(site):
    group = CASES["restore that nothing is copied"].prepare(site)
    site.control.add_fault(call="disable_replication", action="crash", volume=2, times=1)
    replication.restore(site.admin, group_id=group.pk, reason="it was not meant")

    assert killing.run(domain.drain).killed
    killing.recover()

    assert domain.last_operation(group).state == "succeeded"
    assert not any(str(volume.pk) in name for volume in domain.members(group) for name in inventories(site))


def inventories(site: domain.Site) -> set[str]:
    """Return the names of all that the secondaries keep."""
    return {name for side in matrix.SIDES[1:] for name in site.control.inventory(side)}


def test_an_engine_that_begins_anew_after_each_death_is_caught(site, monkeypatch):
    bench = matrix.Bench(site, CASES["failback"], matrix.Fake(site.control))
    references = places.undisturbed(bench)
    late = [place for place in places.at_points(references[0]) if "before call replicate again" in place.label]

    monkeypatch.setattr(journal.Journal, "is_settled", lambda *_: False)

    assert all(place.disturb(bench, references) for place in late)
    assert late
