"""Every operation, with its worker killed -9 at every point: the end is that of an undisturbed run."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest

from groups import models
from groups.services import groups, replication, volumes
from tests.faults import killing
from tests.support import domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(1200)]


@dataclasses.dataclass(frozen=True)
class Case:
    """One operation: what it starts from, how it is asked for, and the driver's call at its heart."""

    prepare: Callable[[domain.Site], models.Group]
    ask: Callable[[domain.Site, models.Group], object]
    call: str


def dark_primary(site: domain.Site) -> models.Group:
    group = site.enabled_group(3)
    site.control.site_down("")
    return group


def with_lone_volume(site: domain.Site) -> models.Group:
    group = site.new_group(2)
    volumes.create(site.owner, size_gib=1, volume_type="replicable", name="lone")
    domain.drain()
    return group


def lone() -> models.Volume:
    return models.Volume.objects.get(name="lone")


def back(site: domain.Site, group: models.Group) -> None:
    replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")


CASES = {
    "create group": Case(
        lambda site: site.new_group(0),
        lambda site, _: groups.create(site.owner, group_type="replicated", volume_types=["replicable"], name="new"),
        "create_group",
    ),
    "create volume": Case(
        lambda site: site.new_group(1),
        lambda site, group: volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk),
        "create_volume",
    ),
    "add volume": Case(
        with_lone_volume,
        lambda site, group: groups.update(site.owner, group_id=group.pk, add_volumes=[str(lone().pk)]),
        "update_group",
    ),
    "remove volume": Case(
        lambda site: site.enabled_group(3),
        lambda site, group: groups.update(
            site.owner, group_id=group.pk, remove_volumes=[str(domain.members(group)[1].pk)]
        ),
        "update_group",
    ),
    "enable": Case(
        lambda site: site.new_group(3),
        lambda site, group: replication.enable(site.owner, group_id=group.pk),
        "enable_replication",
    ),
    "disable": Case(
        lambda site: site.enabled_group(3),
        lambda site, group: replication.disable(site.owner, group_id=group.pk),
        "disable_replication",
    ),
    "planned failover": Case(
        lambda site: site.enabled_group(3),
        lambda site, group: replication.failover(site.owner, group_id=group.pk, mode="planned"),
        "promote",
    ),
    "unplanned failover": Case(
        dark_primary,
        lambda site, group: replication.failover(site.owner, group_id=group.pk, mode="unplanned"),
        "promote",
    ),
    "failback": Case(lambda site: site.failed_over_group(3), back, "promote"),
    "delete volume": Case(
        with_lone_volume, lambda site, _: volumes.delete(site.owner, volume_id=lone().pk), "delete_volume"
    ),
    "delete group": Case(
        lambda site: site.enabled_group(3),
        lambda site, group: groups.delete(site.owner, group_id=group.pk, delete_volumes=True),
        "delete_group",
    ),
}


class Bench:
    """One site on which the same case is run again and again, each time with a new group."""

    def __init__(self, site: domain.Site, case: Case) -> None:
        self.site, self.case = site, case

    def begin(self) -> models.Group:
        """Make everything ready and ask for the operation; nobody has taken it yet."""
        for side in ("", "site-b", "site-c"):
            self.site.control.site_up(side)
        models.Volume.objects.filter(name="lone").update(name="older")
        group = self.case.prepare(self.site)
        self.site.control.forget_log()
        self.case.ask(self.site, group)
        return group

    def end(self, group: models.Group) -> dict[str, Any]:
        """Return all that must not depend on how often workers died."""
        operation = models.Operation.objects.latest("created_at")
        events = models.Event.objects.filter(operation=operation).order_by("id")
        moves = [(event.axis, event.old, event.new, event.volumes) for event in events]
        return {
            "operation": (operation.kind, operation.state, operation.error_code, operation.undoing),
            # A take-over is a move from running to running; all other moves stand once.
            "events": [move for move in moves if move[1] != move[2]],
            "group": list(
                models.Group.objects.filter(pk=group.pk).values("status", "replication_status", "active_backend_id")
            ),
            "volumes": list(
                models.Volume.objects.filter(group=group)
                .order_by("created_at")
                .values("status", "replication_status", "size_gib")
            ),
            "steps": [(step.name, step.state) for step in operation.steps.all()],
            "effects": list(
                dict.fromkeys(
                    call.method
                    for call in self.site.control.log()
                    if call.outcome == "ok" and call.method not in {"observe", "serve"}
                )
            ),
            "storage": self.storage(group),
        }

    def storage(self, group: models.Group) -> dict[str, Any]:
        """Return what each side lets clients do with each member, in the order of creation."""
        return {
            side: [self.site.control.can_write(side=side, volume_id=str(volume.pk)) for volume in domain.members(group)]
            for side in ("", "site-b", "site-c")
        }


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.soak), 8])
@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_point_an_operation_ends_as_if_undisturbed(site, name, every):
    """The soak run takes every point; each other run a few, others each time."""
    bench = Bench(site, CASES[name])
    group = bench.begin()
    points = killing.run_and_die(deadly=None)
    undisturbed = bench.end(group)
    assert undisturbed["operation"][1] == "succeeded"
    assert points is not None

    wrong = {}
    for number in range(random.randint(1, every), len(points) + 1, every):
        group = bench.begin()
        survived = killing.run_and_die(deadly=number)
        killing.recover()
        disturbed = bench.end(group)
        if survived is not None or disturbed != undisturbed:
            wrong[f"{number}: {points[number - 1]}"] = disturbed

    assert wrong == {}
    assert len(points) >= 20


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("volume", [1, 3])
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.prepare is not with_lone_volume])
def test_killed_in_the_middle_of_the_driver_s_call_an_operation_ends_as_if_undisturbed(site, name, volume, when):
    bench = Bench(site, CASES[name])
    group = bench.begin()
    killing.run_and_die(deadly=None)
    undisturbed = bench.end(group)
    group = bench.begin()
    site.control.add_fault(call=CASES[name].call, action="crash", volume=volume, when=when, times=1)

    killing.run_and_die(deadly=None)
    site.control.clear_faults()
    killing.recover()

    assert bench.end(group) == undisturbed
