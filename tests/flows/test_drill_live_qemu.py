"""Drills that nobody asks for: beat and a worker alone, on real storage whose clients go on writing."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import statistics
import threading
import time
from collections.abc import Iterator

import jsonschema
import pytest
from django.utils import timezone

from drivers import base, write_order
from groups import drills as words, models, specs
from groups.engine import storage
from groups.reports import fields
from groups.services import drills, replication, types
from tests.drivers.qemu.daemons import Sites
from tests.faults.real import Real
from tests.flows.test_worker_killed_qemu import make_group
from tests.support import domain, processes
from tests.support.crew import Crew

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(1800)]

BLOCKS = 64
_ROUND_SECONDS = "2"
_LOOK_SECONDS = 0.2


@pytest.fixture
def sites() -> Iterator[Sites]:
    """Two real sites."""
    made = Sites(targets=["west"])
    yield made
    made.end()


@dataclasses.dataclass
class Live:
    """A group under load, with the crew that drills it by itself."""

    site: domain.Site
    sites: Sites
    group: models.Group
    writer: write_order.Writer
    lags: list[tuple[float, bool]] = dataclasses.field(default_factory=list)
    """How far behind the target was at each look, and whether a copy was there then."""

    def plan(self, name: str, **calendar: object) -> models.DrillPlan:
        """Make a plan whose time came half an hour ago, while nobody was there; or at another time."""
        past = timezone.now() - datetime.timedelta(minutes=30)
        plan = drills.create_plan(
            self.site.owner,
            name=name,
            groups=[self.group.pk],
            checks=[{"kind": "write-order", "name": "order", "blocks": BLOCKS}],
            **({"cron": f"{past.minute} {past.hour} * * *"} | calendar),
        )
        if not calendar:
            plan.created_at = past - datetime.timedelta(minutes=5)
            plan.save(update_fields=["created_at"])
        return plan

    def await_verdict(self, plan: models.DrillPlan) -> models.DrillRun:
        """Wait until beat has begun a plan's first drill, and its report is written."""
        runs = models.DrillRun.objects.filter(plan=plan).exclude(verdict="").select_related("operation")
        processes.wait_until(runs.exists, seconds=240, what=f"the verdict of {plan}", pause=0.1)
        return runs.earliest("planned_at")


@pytest.fixture
def live(site, sites, crew: Crew) -> Iterator[Live]:
    """Everything is up; clients write and rounds go on all the time."""
    types.set_specs(site.admin, family=types.GROUP, type_id=site.group_type.pk, values={specs.INTERVAL: _ROUND_SECONDS})
    group = make_group(site, sites)
    replication.enable(site.owner, group_id=group.pk)
    domain.drain()
    group.refresh_from_db()
    value = storage.group_value(group, domain.members(group))
    assert domain.run_round(group)
    before = Real(sites).inventory()
    with sites.writer("", value, blocks=BLOCKS) as writer:
        writer.await_acknowledged(50)
        assert domain.run_round(group)
        crew.worker(drills_tick_seconds="0.5")
        crew.beat(drills_tick_seconds="0.5")
        found = Live(site, sites, group, writer)
        with looking(domain.storage_driver(group), value, found.lags):
            yield found
    sites.hang_up()
    # Between two rounds there is what there was before the first drill: files, what daemons have open, lines to them.
    processes.wait_until(lambda: Real(sites).inventory() == before, what="nothing to be left behind")


@contextlib.contextmanager
def looking(driver: base.Driver, value: base.Group, lags: list[tuple[float, bool]]) -> Iterator[None]:
    """Note the target's lag again and again, from the side, and whether a copy is there."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_SECONDS):
            call = base.Call(epoch=0)
            drilled = bool(driver.test_copies(value, call=call))
            facts = driver.observe(value, call=call)
            lags.append((facts.observed_at - (facts.side("west").consistent_at or 0.0), drilled))

    thread = threading.Thread(target=look, name="lag")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(60)


def report_of(run: models.DrillRun) -> dict[str, object]:
    return json.loads(run.entries.get(kind=words.EntryKind.REPORT).body)


def assert_good(run: models.DrillRun) -> None:
    """Fail unless a drill passed, was begun by its calendar, found no hole, and left nothing behind."""
    assert (run.verdict, run.why) == ("passed", "")
    assert (run.trigger, run.operation.door) == ("scheduled", "beat")
    report = report_of(run)
    jsonschema.validate(report, fields.schema())
    [order] = fields.value(report, "application_checks")
    assert (order["ok"], order["holes"]) == (True, 0)
    assert order["reached"] >= 50
    assert sum(each["bytes_different"] for each in fields.value(report, "data_verification")["volumes"]) == 0
    assert fields.value(report, "clean_up")["left"] == "nothing"
    looks = fields.value(report, "production_impact")
    assert all(looks[moment]["replicating"] for moment in ("before", "during", "after"))


def test_a_drill_is_run_by_beat_alone_while_clients_write(live):
    before = live.writer.acknowledged

    run = live.await_verdict(live.plan("half an hour ago"))

    assert_good(run)
    live.writer.await_acknowledged(before + 50)
    assert models.Round.objects.get(pk=live.group.pk).failures == 0


@pytest.mark.soak
def test_twenty_drills_by_beat_alone_are_each_one_moment_and_cost_replication_nothing(live, record_property):
    coming = live.plan("every minute", cron="* * * * *")
    first = live.await_verdict(coming)
    drills.freeze(live.site.owner, plan_id=coming.pk, frozen=True)
    assert_good(first)
    for number in range(19):
        run = live.await_verdict(live.plan(f"number {number}"))
        assert_good(run)
        # As long without a copy as with one, to compare the lag with.
        time.sleep((run.operation.ended_at - run.operation.started_at).total_seconds())
    during = [lag for lag, drilled in live.lags if drilled]
    without = [lag for lag, drilled in live.lags if not drilled]
    record_property("lag with a copy", f"{statistics.median(during):.2f} s in the middle, {max(during):.2f} s at most")
    record_property("lag without", f"{statistics.median(without):.2f} s in the middle, {max(without):.2f} s at most")
    assert len(during) >= 40
    assert statistics.median(during) <= statistics.quantiles(without, n=20)[-1]
    assert_a_block_that_rotted_is_named(live)


def assert_a_block_that_rotted_is_named(live: Live) -> None:
    """Spoil one byte on the target, where clients do not write: the next drill names its block."""
    rotten = domain.members(live.group)[1]
    live.sites.rot("west", str(rotten.pk), BLOCKS * write_order.BLOCK + 5)

    run = live.await_verdict(live.plan("rotten"))

    assert run.verdict == "failed"
    assert f"Volume {rotten.pk} differs" in run.why
    [gap] = run.gaps.all()
    assert (gap.code, gap.severity) == (f"data-differs:{rotten.pk}"[:64], "critical")
    assert f"at byte {BLOCKS * write_order.BLOCK}" in gap.detail
