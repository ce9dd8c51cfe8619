"""Drills in our own API: plans, runs, reports, attestation, coverage."""

from __future__ import annotations

import pytest

from groups.engine.drills import following
from tests.api.native.asking import ask
from tests.api.v3.people import Cast
from tests.support import domain


@pytest.fixture
def plan(cast: Cast, site: domain.Site) -> dict:
    """A plan that a member made over the API."""
    wanted = {
        "name": "weekly",
        "groups": [str(site.enabled_group(1).pk)],
        "cron": "30 2 * * 6",
        "webhooks": ["https://hooks.example.org/secret-part"],
        "proof_days": 7,
    }
    answer = ask(cast.olga, "POST", "/drill-plans", wanted)
    assert answer.status == 201, answer.body
    return answer.body["drill_plan"]


def test_a_plan_shows_its_next_times_and_no_address_of_a_webhook(cast, plan):
    assert len(plan["next"]) == 5
    assert plan["webhooks"] == 1
    assert "secret-part" not in str(ask(cast.ada, "GET", f"/drill-plans/{plan['id']}").body)


def test_a_drill_from_the_request_to_the_attested_report(cast, plan):
    run = ask(cast.olga, "POST", f"/drill-plans/{plan['id']}/run", {"reason": "before the audit"})
    assert run.status == 202, run.body
    [drill] = run.body["drills"]
    assert ask(cast.olga, "GET", f"/drills/{drill['id']}/report").status == 404
    domain.drain()
    following.follow_up()

    found = ask(cast.rita, "GET", f"/drills/{drill['id']}").body["drill"]
    report = ask(cast.rita, "GET", f"/drills/{drill['id']}/report.json").body
    own = ask(cast.olga, "POST", f"/drills/{drill['id']}/attest", {"passed": True, "text": "Mine."})
    attested = ask(cast.ada, "POST", f"/drills/{drill['id']}/attest", {"passed": True, "text": "I have read it."})
    noted = ask(cast.olga, "POST", f"/drills/{drill['id']}/notes", {"text": "The link was slow."})

    assert found["verdict"] == "passed"
    assert len(report["fields"]) == 46
    assert (own.status, attested.status, noted.status) == (403, 201, 201)
    assert [entry["kind"] for entry in ask(cast.ada, "GET", f"/drills/{drill['id']}").body["drill"]["entries"]] == [
        "report",
        "attestation",
        "addendum",
    ]
    assert ask(cast.olga, "GET", "/drill-coverage").body["coverage"]["percent"] == 100.0


def test_what_is_wrong_with_a_plan_is_said_and_nothing_is_changed(cast, plan):
    for wanted in (
        {"cron": "never"},
        {"timezone": "Mars"},
        {"checks": [{"kind": "command", "run": "../../bin/sh"}]},
        {"checks": [{"kind": "http", "run": "file:///etc/passwd"}]},
        {"emails": ["nobody"]},
        {"at_once": 0},
        {"kind": "half"},
        {"unknown": 1},
    ):
        assert ask(cast.olga, "POST", f"/drill-plans/{plan['id']}", wanted).status == 400, wanted

    assert ask(cast.olga, "GET", f"/drill-plans/{plan['id']}").body["drill_plan"]["version"] == 1


def test_readers_look_and_others_learn_nothing(cast, plan):
    assert ask(cast.rita, "GET", f"/drill-plans/{plan['id']}").status == 200
    assert ask(cast.rita, "POST", f"/drill-plans/{plan['id']}/run", {}).status == 403
    assert ask(cast.otto, "GET", f"/drill-plans/{plan['id']}").status == 404
    assert ask(cast.otto, "GET", "/drills").body["drills"] == []


def test_a_frozen_plan_runs_nothing_even_on_request(cast, plan):
    assert ask(cast.olga, "POST", f"/drill-plans/{plan['id']}/freeze").body["drill_plan"]["frozen"] is True

    refused = ask(cast.olga, "POST", f"/drill-plans/{plan['id']}/run", {})

    assert (refused.status, refused.body["error"]["code"]) == (409, "wrong_state")
