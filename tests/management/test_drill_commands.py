"""What the command line does with drills."""

from __future__ import annotations

import pytest

from groups import models
from groups.engine.drills import following
from groups.queries import drill_reports
from groups.services import drills
from tests.management.test_commands import failure, run
from tests.support import domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def plans(site: domain.Site) -> list[models.DrillPlan]:
    """Two plans, the second one frozen already."""
    group = site.enabled_group(1)
    made = [drills.create_plan(site.owner, name=name, groups=[group.pk]) for name in ("nightly", "yearly")]
    drills.freeze(site.owner, plan_id=made[1].pk, frozen=True)
    return made


def frozen() -> list[bool]:
    return list(models.DrillPlan.objects.order_by("name").values_list("frozen", flat=True))


def test_freeze_drills_freezes_every_plan_and_lifts_it_from_every_plan(plans):
    assert run("freeze_drills")[0] == "1 plan(s) are frozen now.\n"
    assert frozen() == [True, True]
    assert run("freeze_drills")[0] == "0 plan(s) are frozen now.\n"

    assert run("freeze_drills", "--lift")[0] == "2 plan(s) may begin drills again.\n"
    assert frozen() == [False, False]


def test_run_drill_begins_a_plan_s_drill_and_verify_report_checks_its_pack(plans, tmp_path):
    said, _ = run("run_drill", "nightly", "--reason", "new switches")
    [row] = models.DrillRun.objects.all()
    assert said.split() == [str(row.pk), row.group_name, "begun"]
    assert row.reason == "new switches"
    domain.drain()
    following.follow_up()
    pack = tmp_path / "drill.zip"
    pack.write_bytes(drill_reports.pack(row))

    assert "none is missing between them" in run("verify_report", str(pack))[0]

    pack.write_bytes(pack.read_bytes().replace(b"new switches", b"old switches"))
    assert "not the reports that were signed" in failure("verify_report", str(pack))


def test_what_cannot_be_is_said_in_a_sentence(plans, tmp_path):
    assert failure("run_drill", "monthly") == "There is no drill plan 'monthly'."
    assert "frozen" in failure("run_drill", "yearly")
    assert "cannot be read" in failure("verify_report", str(tmp_path / "none.zip"))
