"""A drill on a test copy: what it does, what it finds, and that it is in nobody's way."""

from __future__ import annotations

import datetime
import json

import jsonschema
import pytest
from django.utils import timezone

from drivers import write_order
from groups import drills as words, errors, models
from groups.engine.drills import following
from groups.engine.drills.facts import Facts
from groups.queries import proofs
from groups.reports import fields
from groups.services import drill_starting, drills, operations, replication
from tests.support import domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(site: domain.Site) -> models.Group:
    found = site.enabled_group(2)
    for volume in domain.members(found):
        site.write(volume, "precious")
    assert domain.run_round(found)
    return found


def plan_of(site: domain.Site, group: models.Group, **wanted: object) -> models.DrillPlan:
    return drills.create_plan(site.owner, name=f"plan of {group}", groups=[group.pk], **wanted)


def drilled(site: domain.Site, plan: models.DrillPlan, **wanted: object) -> models.DrillRun:
    """Run a plan's only group now, to its end and its report."""
    [run] = drills.run_now(site.owner, plan_id=plan.pk, **wanted)
    domain.drain()
    following.follow_up()
    run.refresh_from_db()
    return run


def report_of(run: models.DrillRun) -> dict[str, object]:
    return json.loads(run.entries.get(kind=words.EntryKind.REPORT).body)


def left_on(site: domain.Site) -> set[str]:
    return {name for side in ("site-b", "site-c") for name in site.control.inventory(side) if name.startswith("test")}


def test_a_drill_passes_and_leaves_nothing_behind(site, group):
    before = {side: set(site.control.inventory(side)) for side in ("", "site-b", "site-c")}

    run = drilled(site, plan_of(site, group, rpo_seconds=3600, rto_seconds=3600))

    assert (run.verdict, run.why) == ("passed", ""), run.operation.error
    assert {side: set(site.control.inventory(side)) for side in before} == before
    assert run.operation.state == "succeeded"
    assert run.rto_seconds > 0
    assert run.rpo_seconds >= 0
    group.refresh_from_db()
    assert (group.status, group.replication_status) == ("available", "enabled")


def test_the_report_has_every_field_or_says_why_not(site, group):
    run = drilled(site, plan_of(site, group, scenario="The site burns down.", regulatory_tags=["DORA Art. 11(6)"]))

    report = report_of(run)

    jsonschema.Draft202012Validator(fields.schema()).validate(report)
    assert [field["number"] for field in report["fields"]] == list(range(1, 47))
    volumes = fields.value(report, "data_verification")["volumes"]
    assert {each["id"] for each in volumes} == {str(volume.pk) for volume in domain.members(group)}
    assert all(len(each["digest"]) == 64 and each["bytes_same"] == 1024**3 for each in volumes)
    assert fields.value(report, "clean_up")["left"] == "nothing"
    assert len(fields.value(report, "clean_up")["created"]) == 3
    assert fields.value(report, "steps")[0]["name"] == "preflight"


def test_rounds_go_on_during_a_drill(site, group):
    plan = plan_of(site, group, checks=[{"kind": "write-order", "name": "order", "on_failure": "warn"}])
    site.control.add_fault(call="check_test_copy", action="fail-retryable", times=1)
    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain()
    assert models.Operation.objects.get(pk=run.operation_id).state == "waiting"
    for volume in domain.members(group):
        site.write(volume, "later")

    assert domain.run_round(group)

    domain.drain_with_retries()
    following.follow_up()
    run.refresh_from_db()
    assert run.verdict == "passed", run.why
    assert models.Round.objects.get(group=group).failures == 0


def test_a_block_that_rotted_is_found_named_and_a_gap(site, group):
    volume = domain.members(group)[1]
    site.control.flip(side="site-b", volume_id=str(volume.pk), offset=7)

    run = drilled(site, plan_of(site, group))

    assert run.verdict == "failed"
    assert run.operation.error_code == "drill_failed"
    [gap] = run.gaps.all()
    assert (gap.code, gap.severity) == (f"data-differs:{volume.pk}"[:64], "critical")
    assert "4096 at byte 0" in gap.detail
    assert left_on(site) == set()
    assert run.fingerprint == ""


def test_a_missed_objective_fails_the_drill(site, group):
    plan = plan_of(site, group, rto_seconds=0.000001)

    run = drilled(site, plan)

    assert run.verdict == "failed"
    assert [gap.code for gap in run.gaps.all()] == ["rto_seconds"]


def test_a_drill_whose_target_is_down_fails_and_says_so(site, group):
    site.control.site_down("site-b")
    [run] = drills.run_now(site.owner, plan_id=plan_of(site, group).pk)

    domain.drain_with_retries()
    following.follow_up()

    run.refresh_from_db()
    assert run.verdict == "failed"
    assert [gap.code for gap in run.gaps.all()] == ["failed"]
    jsonschema.validate(report_of(run), fields.schema())


@pytest.mark.parametrize("call", ["start_test_copy", "check_test_copy", "inventory"])
def test_a_driver_that_fails_leaves_no_copy(site, group, call):
    site.control.add_fault(call=call, action="fail", when="after", times=1)

    run = drilled(site, plan_of(site, group))

    assert run.verdict == "failed"
    assert left_on(site) == set()


def test_a_canceled_drill_leaves_no_copy(site, group):
    site.control.add_fault(call="check_test_copy", action="fail-retryable", times=1)
    [run] = drills.run_now(site.owner, plan_id=plan_of(site, group).pk)
    domain.drain()
    assert left_on(site)

    operations.cancel(site.owner, operation_id=run.operation_id)
    domain.drain()
    following.follow_up()

    run.refresh_from_db()
    assert (run.verdict, run.gaps.count()) == ("canceled", 0)
    assert left_on(site) == set()
    decisions = fields.value(report_of(run), "decisions")
    assert [(each["what"], each["by"]) for each in decisions] == [("cancel", "olga")]


def test_a_drill_canceled_before_it_began_has_a_report_too(site, group):
    [run] = drills.run_now(site.owner, plan_id=plan_of(site, group).pk)

    operations.cancel(site.owner, operation_id=run.operation_id)
    following.follow_up()

    run.refresh_from_db()
    assert run.verdict == "canceled"
    jsonschema.validate(report_of(run), fields.schema())


def test_a_failover_goes_before_a_drill(site, group):
    site.control.add_fault(call="check_test_copy", action="fail-retryable", times=1)
    [run] = drills.run_now(site.owner, plan_id=plan_of(site, group).pk)
    domain.drain()

    failover = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="site-b")
    domain.drain()
    domain.drain_with_retries()
    following.follow_up()

    failover.refresh_from_db()
    run.refresh_from_db()
    assert failover.state == "succeeded", failover.error
    assert run.verdict == "canceled"
    assert "failed over meanwhile" in run.why
    assert left_on(site) == set()


def test_a_drill_is_no_open_operation_of_its_group(site, group):
    drills.run_now(site.owner, plan_id=plan_of(site, group).pk)

    operation = replication.disable(site.owner, group_id=group.pk)

    domain.drain()
    operation.refresh_from_db()
    assert operation.state == "succeeded"


@pytest.mark.parametrize("what", [each for each in words.Injection if each is not words.Injection.WORKER_KILLED])
def test_what_is_broken_on_purpose_is_noticed_and_nothing_is_left(site, group, what, monkeypatch):
    monkeypatch.setattr("groups.engine.handlers.drills.SLOWED_SECONDS", 0.01)
    plan = plan_of(site, group, checks=[{"kind": "write-order", "name": "order", "on_failure": "warn"}])

    [run] = drills.run_now(site.owner, plan_id=plan.pk, injections=[what.value])
    domain.drain()
    following.follow_up()

    run.refresh_from_db()
    assert run.verdict == "passed", run.why
    assert left_on(site) == set()
    told = fields.value(report_of(run), "incidents")
    if what is words.Injection.LINK_CUT:
        assert told[0]["seconds_to_safe"] >= 0
        assert run.fingerprint == ""


def test_a_worker_that_is_to_be_killed_and_does_not_start_fails_the_drill(site, group, monkeypatch):
    monkeypatch.setattr("groups.engine.drills.victim._PROGRAM", "raise SystemExit(1)")
    [run] = drills.run_now(site.owner, plan_id=plan_of(site, group).pk, injections=["worker-killed"])

    domain.drain()
    following.follow_up()

    run.refresh_from_db()
    assert (run.verdict, run.why) == ("failed", "The worker that was to be killed did not start.")
    assert left_on(site) == set()


def test_two_callers_at_once_make_one_drill_after_the_other(site, group):
    plan = plan_of(site, group)
    [first] = drills.run_now(site.owner, plan_id=plan.pk)

    [second] = drills.run_now(site.colleague, plan_id=plan.pk)

    assert first.operation is not None
    assert second.operation is None
    assert "limit" in second.waiting_for


def test_a_message_that_comes_twice_or_after_the_end_does_nothing(site, group):
    run = drilled(site, plan_of(site, group))
    calls = len(site.control.log())

    domain.runner.run(operation_id=run.operation_id, owner="late")
    following.follow_up()
    following.conclude(run.pk)

    assert len(site.control.log()) == calls
    assert run.entries.count() == 1


def test_a_proof_holds_until_what_was_proven_changes(site, group):
    plan = plan_of(site, group, proof_days=30)
    run = drilled(site, plan)
    [proof] = proofs.of_groups([group])
    assert (proof.holds, proof.run, proof.overdue) == (True, run, False)

    volume = domain.members(group)[0]
    models.Volume.objects.filter(pk=volume.pk).update(size_gib=2)

    [proof] = proofs.of_groups([group])
    assert not proof.holds
    assert proof.overdue
    assert "sizes" in proof.expired


def test_a_plan_that_changes_ends_its_proofs(site, group):
    plan = plan_of(site, group)
    drilled(site, plan)

    drills.change_plan(site.owner, plan_id=plan.pk, scenario="Another one.")

    [proof] = proofs.of_groups([group])
    assert "plan" in proof.expired


def test_a_late_proof_is_a_finding_until_there_is_one(site, group):
    plan = plan_of(site, group, proof_days=7)
    following.note_late_proofs()
    following.note_late_proofs()
    [finding] = models.Finding.objects.filter(code="proof-overdue")
    assert "never proven" in finding.actual

    drilled(site, plan)

    finding.refresh_from_db()
    assert finding.closed_at is not None


def test_a_drill_compares_itself_with_the_ones_before(site, group):
    plan = plan_of(site, group)
    first = drilled(site, plan)

    second = drilled(site, plan)

    [earlier] = fields.value(report_of(second), "comparison")
    assert earlier["run"] == str(first.pk)
    assert fields.value(report_of(second), "earlier_run") == str(first.pk)


def test_the_number_of_statements_does_not_depend_on_the_number_of_volumes(site, django_assert_max_num_queries):
    counts = []
    for size in (1, 6):
        group = site.enabled_group(size)
        plan = plan_of(site, group)
        drills.run_now(site.owner, plan_id=plan.pk)
        with django_assert_max_num_queries(500) as found:
            domain.drain()
            following.follow_up()
        counts.append(len(found))
    assert counts[0] == counts[1]


def test_a_drill_of_a_group_that_is_not_protected_is_refused(site):
    group = site.new_group(1)
    plan = plan_of(site, group)

    with pytest.raises(errors.WrongState, match="must be enabled"):
        drills.run_now(site.owner, plan_id=plan.pk)

    assert not models.DrillRun.objects.exists()


def test_every_field_of_the_acceptance_list_has_a_composer(site, group):
    run = drilled(site, plan_of(site, group))

    facts = Facts(run, run.operation)

    assert set(facts.results) == {step.name for step in facts.steps}


def test_a_full_drill_goes_there_and_back_and_leaves_the_group_protected(site, group):
    plan = plan_of(site, group, kind="full")

    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain()
    following.follow_up()
    run.refresh_from_db()
    assert run.verdict == ""
    site.write(domain.members(group)[0], "written over there", side="site-b")
    drill_starting.start_due()
    domain.drain()
    following.follow_up()

    run.refresh_from_db()
    group.refresh_from_db()
    assert (run.verdict, run.why) == ("passed", "")
    assert (group.replication_status, group.active_backend_id) == ("enabled", "")
    assert site.read(domain.members(group)[0]) == "written over there"
    assert run.rpo_seconds == 0
    report = report_of(run)
    jsonschema.validate(report, fields.schema())
    assert fields.value(report, "protection_restored")["exposure_seconds"] > 0
    assert "way back: promote" in {step["name"] for step in fields.value(report, "steps")}


def test_a_full_drill_stays_on_its_target_as_long_as_planned(site, group):
    plan = plan_of(site, group, kind="full", hold_minutes=30)
    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain()

    drill_starting.start_due()
    run.refresh_from_db()
    assert run.way_back is None

    drill_starting.start_due(timezone.now() + datetime.timedelta(minutes=31))
    run.refresh_from_db()
    assert run.way_back is not None


def test_a_full_drill_whose_way_back_fails_says_so(site, group):
    [run] = drills.run_now(site.owner, plan_id=plan_of(site, group, kind="full").pk)
    domain.drain()
    site.control.add_fault(call="promote", action="fail")
    drill_starting.start_due()
    domain.drain_with_retries()
    site.control.clear_faults()

    following.follow_up()

    run.refresh_from_db()
    assert run.verdict == "failed"
    assert "way back" in run.why
    assert [gap.severity for gap in run.gaps.all()] == ["critical"]


def test_a_full_drill_that_somebody_else_ended_is_canceled(site, group):
    [run] = drills.run_now(site.owner, plan_id=plan_of(site, group, kind="full", hold_minutes=60).pk)
    domain.drain()
    replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
    domain.drain()

    following.follow_up()

    run.refresh_from_db()
    assert run.verdict == "canceled"


def full_drill(site: domain.Site, plan: models.DrillPlan) -> models.DrillRun:
    """Go there and back, as the tick and workers would."""
    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain()
    drill_starting.start_due()
    domain.drain()
    following.follow_up()
    run.refresh_from_db()
    return run


def test_a_full_drill_compares_both_sides_on_both_ways_and_is_a_proof(site, group):
    run = full_drill(site, plan_of(site, group, kind="full"))

    assert (run.verdict, run.why) == ("passed", "")
    compared = fields.value(report_of(run), "data_verification")
    ids = [str(volume.pk) for volume in domain.members(group)]
    assert [(each["leg"], each["id"]) for each in compared["volumes"]] == [
        (leg, each) for leg in ("there", "back") for each in ids
    ]
    assert all(len(each["digest"]) == 64 and each["bytes_different"] == 0 for each in compared["volumes"])
    rto = fields.value(report_of(run), "achieved_rto")
    assert rto["writes_stopped_seconds"] >= rto["comparing_seconds"] > 0
    assert proofs.of_groups([group])[0].holds


def test_a_full_drill_moves_no_group_to_data_that_rotted(site, group):
    volume = domain.members(group)[1]
    site.control.flip(side="site-b", volume_id=str(volume.pk), offset=7)

    run = full_drill(site, plan_of(site, group, kind="full"))

    group.refresh_from_db()
    assert (run.verdict, run.operation.error_code) == ("failed", "data_differs")
    assert str(volume.pk) in run.why
    assert (group.replication_status, group.active_backend_id) == ("failover-error", "")
    site.write(volume, "goes on")
    jsonschema.validate(report_of(run), fields.schema())


def test_a_full_drill_that_is_not_to_compare_stops_writes_no_longer_and_proves_nothing(site, group):
    run = full_drill(site, plan_of(site, group, kind="full", must_compare=False))

    assert run.verdict == "passed"
    assert not run.operation.steps.filter(name="compare both sides").exists()
    assert fields.value(report_of(run), "data_verification") is None
    assert not proofs.of_groups([group])[0].holds


def test_an_ordinary_failover_compares_nothing(site, group):
    operation = replication.failover(site.owner, group_id=group.pk, mode="planned")
    domain.drain()

    assert not operation.steps.filter(name="compare both sides").exists()


def test_a_full_drill_breaks_nothing_on_purpose(site, group):
    with pytest.raises(errors.InvalidInput, match="breaks nothing on purpose"):
        drills.run_now(site.owner, plan_id=plan_of(site, group, kind="full").pk, injections=["slow-target"])

    assert not models.DrillRun.objects.exists()


def test_the_writes_that_a_failover_would_lose_are_counted(site, group):
    ids = [str(volume.pk) for volume in domain.members(group)]
    layout = write_order.Layout(volume_ids=ids, blocks=8)

    def write(volume_id: str, offset: int, data: bytes) -> None:
        site.control.write(side="", volume_id=volume_id, offset=offset, data=data)

    with write_order.Writer(layout=layout, write=write) as writer:
        writer.await_acknowledged(10)
    assert domain.run_round(group)
    there = writer.acknowledged
    with write_order.Writer(layout=layout, write=write) as writer:
        writer.await_acknowledged(there + 25)

    run = drilled(site, plan_of(site, group, checks=[{"kind": "write-order", "name": "order", "blocks": 8}]))

    assert run.verdict == "passed", run.why
    rpo = fields.value(report_of(run), "achieved_rpo")
    assert (rpo["newest_write"], rpo["newest_write_in_the_copy"]) == (writer.acknowledged, there)
    assert rpo["writes"] == writer.acknowledged - there
