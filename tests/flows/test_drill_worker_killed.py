"""A drill that rehearses the death of its worker kills a real one, and says how long it took to be safe."""

from __future__ import annotations

import json

import pytest

from groups import models
from groups.engine.drills import following
from groups.reports import fields
from groups.services import drills
from tests.support import domain, processes, workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_the_worker_of_a_drill_is_killed_while_it_reads_the_copy_and_another_one_goes_on(site, monkeypatch, settings):
    # The worker that is to die finds the test's site as this process has it.
    monkeypatch.setenv("REPLSITE_DATABASE_URL", workers.environment()["REPLSITE_DATABASE_URL"])
    monkeypatch.setenv("REPLSITE_LEASE_SECONDS", "3")
    monkeypatch.setenv("REPLSITE_HEARTBEAT_SECONDS", "1")
    group = site.enabled_group(2)
    # Longer than it has to live: it dies in the middle of the call.
    site.control.add_fault(call="check_test_copy", action="slow", seconds=2.0, times=1)
    plan = drills.create_plan(site.owner, name="plan", groups=[group.pk])
    [run] = drills.run_now(site.owner, plan_id=plan.pk, injections=["worker-killed"])

    domain.drain()
    operation = models.Operation.objects.get(pk=run.operation_id)
    processes.wait_until(lambda: killed(operation) and domain.drain(), what="somebody to take the drill over")
    following.follow_up()

    run.refresh_from_db()
    assert run.verdict == "passed", run.why
    report = json.loads(run.entries.get(kind="report").body)
    told = {each["what"]: each for each in fields.value(report, "incidents")}
    victim = told["the worker was killed on purpose"]
    assert victim["seconds_to_safe"] >= victim["seconds_to_taken_over"] > 1
    assert {name for name in site.control.inventory("site-b") if name.startswith("test")} == set()


def killed(operation: models.Operation) -> bool:
    """Tell whether the worker that is to die has had the drill, and is gone."""
    operation.refresh_from_db()
    name, _, pid = operation.owner.partition("@")
    return name == "to-be-killed" and not processes.is_running(int(pid))
