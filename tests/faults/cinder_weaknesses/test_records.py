"""W11: of every operation it is on record who asked for what, when, how far it is, how it ended and why."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from drivers import base
from groups import models
from tests.api.v3 import people
from tests.faults.cinder_weaknesses import foreign, story
from tests.support import domain, processes


def shown(person: people.Person, operation: models.Operation) -> dict[str, Any]:
    """Return an operation as the API shows it."""
    answer = person.ask("GET", f"/operations/{operation.pk}", root="/api")
    return dict(answer.body["operation"])


def test_w11_a_failure_is_told_to_the_one_who_asked_with_its_cause_the_truth_and_the_way_on(cast, site):
    group = site.enabled_group(3)
    site.control.add_fault(call="promote", action="fail", volume=2, times=1)
    cast.olga.act(group, story.FAILOVER, {"mode": "planned"})
    domain.drain()
    operation = domain.last_operation(group)

    told = shown(cast.olga, operation)

    cause = "The fake storage was told to fail in promote at volume 2."
    assert (told["error"]["message"], told["error"]["code"]) == (cause, "driver_error")
    assert told["error"]["truth"].startswith("The group is active on the primary and can be written there.")
    assert "then run the operation again" in told["error"]["remedy"]
    assert (told["asked_by"], told["kind"], told["state"], told["volumes"]) == ("olga", "failover", "failed", 3)
    assert told["request_id"].startswith("req-")
    assert told["created_at"] < told["started_at"] < told["ended_at"]
    assert {step["name"]: step["state"] for step in told["steps"]} == {
        "preflight": "done",
        "resume replication": "skipped",
        "stop writes": "undone",
        "final round": "done",
        "promote": "undone",
        "retire old side": "pending",
        "verify": "pending",
    }
    assert cast.otto.ask("GET", f"/operations/{operation.pk}", root="/api").status == 404


def test_w11_who_knows_only_the_group_finds_all_its_operations_newest_first(cast, site):
    group, other = site.failed_over_group(1), site.enabled_group(1)
    cast.carl.act(group, "delete", {"delete-volumes": True})
    domain.drain()

    def kinds(person: people.Person, **query: Any) -> list[str]:
        answer = person.ask("GET", "/operations", root="/api", query={"subject_id": str(group.pk), **query})
        return [operation["kind"] for operation in answer.body["operations"]]

    assert kinds(cast.olga) == ["delete-group", "failover", "enable-replication", "create-group"]
    assert kinds(cast.olga, kind="failover", state="succeeded") == ["failover"]
    assert kinds(cast.olga, limit=1) == ["delete-group"]
    assert kinds(cast.otto) == []
    everything = cast.rita.ask("GET", "/operations", root="/api").body["operations"]
    assert {operation["subject"]["id"] for operation in everything} > {str(group.pk), str(other.pk)}
    assert cast.olga.ask("GET", "/operations", root="/api", query={"verb": "x"}).status == 400


@pytest.mark.django_db(transaction=True)
def test_w11_an_open_operation_says_how_far_it_is_and_what_it_waits_for(cast, site):
    group = site.new_group(2)
    assert cast.olga.act(group, "enable_replication", {}).status == 202
    operation = domain.last_operation(group)
    seen: dict[str, Any] = {}

    def copy_half(work: Any, call: base.Call) -> Any:
        call.progress(done=1, total=2, unit="volumes", waiting_for="the second one")
        processes.wait_until(lambda: shown(cast.olga, operation)["progress"]["done"], what="the progress to show")
        seen.update(shown(cast.olga, operation))
        connections.close_all()
        return work()

    with foreign.doing("enable_replication", copy_half):
        domain.drain()

    progress = seen["progress"]
    assert (seen["state"], seen["owner"], seen["ended_at"]) == ("running", "tests", None)
    assert (progress["step"], progress["done"], progress["total"], progress["unit"], progress["waiting_for"]) == (
        "copy", 1, 2, "volumes", "the second one",
    )  # fmt: skip
    assert shown(cast.olga, operation)["state"] == "succeeded"


def test_w11_every_change_of_status_is_kept_with_who_why_and_when_also_when_the_group_is_gone(cast, site):
    group = site.failed_over_group(2)
    cast.olga.act(group, story.FAILOVER, {"secondary_backend_id": "default"})
    domain.drain()
    cast.ada.act(group, "reset_status", {"replication_status": "error", "reason": "A drill."})
    cast.carl.act(group, "delete", {"delete-volumes": True})
    domain.drain()

    events = models.Event.objects.filter(subject_id=group.pk).order_by("id")

    assert [(event.old, event.new, event.actor) for event in events] == [
        ("", "creating", "olga"),
        ("creating", "available", "olga"),
        ("disabled", "enabling", "olga"),
        ("enabling", "enabled", "olga"),
        ("enabled", "failing-over", "olga"),
        ("failing-over", "failed-over", "olga"),
        ("failed-over", "failing-over", "olga"),
        ("failing-over", "enabled", "olga"),
        ("enabled", "error", "ada"),
        ("available", "deleting", "carl"),
        ("deleting", "(gone)", "carl"),
    ]
    assert all(event.reason and event.at for event in events)
    assert events[8].reason == "A drill."
    gone = models.Operation.objects.filter(subject_id=group.pk)
    assert {operation.kind for operation in gone} >= {"failover", "failback", "delete-group"}
    assert {operation.subject_name for operation in gone} == {group.name}
