"""Objectives in our own API."""

from __future__ import annotations

from tests.api.native.asking import ask

LEVELS = ("rpo_warning_seconds", "rpo_critical_seconds", "rto_warning_seconds", "rto_critical_seconds")


def levels(**given: float) -> dict[str, float | None]:
    return dict.fromkeys(LEVELS) | given


def test_those_of_a_group_are_set_whole_and_shown_with_those_that_hold(site, cast):
    group = site.enabled_group(1)
    address = f"/groups/{group.pk}/objectives"
    ask(cast.ada, "PUT", "/objectives", {"rto_critical_seconds": 600})

    first = ask(cast.olga, "PUT", address, {"rpo_warning_seconds": 20, "rpo_critical_seconds": 60.5})
    second = ask(cast.olga, "PUT", address, {"rpo_critical_seconds": 30})

    assert first.body["objectives"]["own"] == levels(rpo_warning_seconds=20, rpo_critical_seconds=60.5)
    shown = ask(cast.rita, "GET", address).body["objectives"]
    assert second.body["objectives"]["own"] == shown["own"] == levels(rpo_critical_seconds=30)
    assert shown["hold"] == levels(rpo_critical_seconds=30, rto_critical_seconds=600)
    # Nobody has looked yet, and it never was failed over: absent information is bad news.
    assert (shown["lag_seconds"], shown["rpo_state"]) == (None, "critical")
    assert (shown["recovery_seconds"], shown["rto_state"]) == (None, "critical")


def test_those_of_the_site_are_taken_away_again(site, cast):
    ask(cast.ada, "PUT", "/objectives", {"rpo_critical_seconds": 600})
    assert ask(cast.rita, "GET", "/objectives").body["objectives"]["hold"] == levels(rpo_critical_seconds=600)

    assert ask(cast.ada, "PUT", "/objectives", {}).body["objectives"]["hold"] == levels()


def test_what_cannot_be_kept_is_refused_with_what_to_send(site, cast):
    address = f"/groups/{site.new_group(0).pk}/objectives"

    refused = [
        ask(cast.olga, "PUT", address, body)
        for body in ({"rpo_critical_seconds": 0}, {"rpo": 5}, {"rpo_critical_seconds": "a"})
    ]
    wrong = ask(cast.olga, "PUT", address, {"rto_warning_seconds": 9, "rto_critical_seconds": 3})

    assert {answer.status for answer in (*refused, wrong)} == {400}
    assert "9 is more than 3" in wrong.body["error"]["message"]
    assert ask(cast.olga, "GET", address).body["objectives"]["own"] == levels()
