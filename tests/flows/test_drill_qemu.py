"""Drills on real storage whose clients go on writing: consistent, compared, harmless, and gone."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import write_order
from groups import models
from groups.engine.drills import following
from groups.queries import drill_reports
from groups.reports import fields
from groups.services import drills, replication
from tests.drivers.qemu.daemons import Sites
from tests.flows.test_worker_killed_qemu import make_group
from tests.support import domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(500)]

BLOCKS = 64


@pytest.fixture
def sites() -> Iterator[Sites]:
    """Two real sites."""
    made = Sites(targets=["west"])
    yield made
    made.end()


@contextlib.contextmanager
def written(sites: Sites, group: models.Group) -> Iterator[write_order.Writer]:
    """Let a client write numbers in order to all volumes of a group."""
    layout = write_order.Layout(volume_ids=[str(volume.pk) for volume in domain.members(group)], blocks=BLOCKS)
    with write_order.Writer(layout=layout, write=lambda *place: sites.write("", *place)) as writer:
        writer.await_acknowledged(50)
        yield writer


def test_a_drill_under_load_is_one_moment_and_a_block_that_rotted_is_named(site, sites, settings, tmp_path):
    group = make_group(site, sites)
    replication.enable(site.owner, group_id=group.pk)
    domain.drain()
    seen = tmp_path / "seen.json"
    check = Path(settings.REPLSITE.checks_dir) / "looks-good"
    check.parent.mkdir(parents=True, exist_ok=True)
    check.write_text(f"#!/bin/sh\ncat > {seen}\ngrep -q nbd+unix {seen}\n")
    check.chmod(check.stat().st_mode | stat.S_IXUSR)
    plan = drills.create_plan(
        site.owner,
        name="under load",
        groups=[group.pk],
        checks=[
            {"kind": "write-order", "name": "order", "blocks": BLOCKS},
            {"kind": "command", "name": "looks good", "run": "looks-good"},
        ],
    )
    before = {path.name for path in sites.folders["west"].path.rglob("*") if "copies" in path.parts}

    with written(sites, group) as writer:
        assert domain.run_round(group)
        [run] = drills.run_now(site.owner, plan_id=plan.pk)
        domain.drain_with_retries()
        writer.await_acknowledged(writer.acknowledged + 10)
        assert domain.run_round(group)
    following.follow_up()

    run.refresh_from_db()
    assert (run.verdict, run.why) == ("passed", "")
    report = drill_reports.report(run)
    order, command = fields.value(report, "application_checks")
    assert order["holes"] == 0
    assert order["reached"] >= 50
    assert command["ok"]
    assert {path.name for path in sites.folders["west"].path.rglob("*") if "copies" in path.parts} == before

    rotten = domain.members(group)[0]
    sites.rot("west", str(rotten.pk), BLOCKS * write_order.BLOCK + 5)
    [again] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain_with_retries()
    following.follow_up()

    again.refresh_from_db()
    assert again.verdict == "failed"
    assert f"Volume {rotten.pk} differs" in again.why
