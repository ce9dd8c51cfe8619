"""Whole sites in our own API, and on the command line."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from groups import models
from tests.support import domain


def ask(person, method: str, path: str, body: object = None, **query: object):
    return person.ask(method, path, body=body, root="/api", version=None, query=query)


def command(*words: str) -> tuple[str, str]:
    out, warned = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=warned)
    return out.getvalue(), warned.getvalue()


class TestASiteFailover:
    def test_is_looked_at_begun_followed_and_shown_group_by_group(self, site, cast):
        group = site.enabled_group(2)
        bare = site.new_group(1)

        looked = ask(cast.ada, "GET", "/backends/array/outlook").body
        assert [(each["name"], each["volumes"], each["left"]) for each in looked["groups"]] == [
            (group.name, 2, ""),
            (bare.name, 1, "unprotected"),
        ]
        assert looked["target"] == "site-b"
        begun = ask(cast.ada, "POST", "/backends/array/failover", {"concurrency": 5, "reason": "flood"})
        assert (begun.status, begun.body["site_failover"]["state"]) == (202, "running")
        domain.drain()

        shown = ask(cast.ada, "GET", begun.headers["Location"].removeprefix("/api")).body["site_failover"]
        assert (shown["state"], shown["target"], shown["concurrency"]) == ("succeeded", "site-b", 5)
        assert {name: shown["totals"][name] for name in ("groups", "done", "unprotected", "failed")} == {
            "groups": 2,
            "done": 1,
            "unprotected": 1,
            "failed": 0,
        }
        assert ask(cast.ada, "GET", "/backends/array/failover").body["site_failover"]["id"] == shown["id"]
        assert [each["id"] for each in ask(cast.ada, "GET", "/site-failovers").body["site_failovers"]] == [shown["id"]]
        first = ask(cast.ada, "GET", f"/site-failovers/{shown['id']}/groups", limit=1).body
        assert [(each["name"], each["state"]) for each in first["groups"]] == [(group.name, "succeeded")]
        rest = ask(cast.ada, "GET", f"/site-failovers/{shown['id']}/groups", marker=first["groups"][0]["id"]).body
        assert [(each["name"], each["state"]) for each in rest["groups"]] == [(bare.name, "unprotected")]

    def test_is_canceled(self, site, cast):
        site.enabled_group(1)
        run_id = ask(cast.ada, "POST", "/backends/array/failover", {}).body["site_failover"]["id"]

        canceled = ask(cast.ada, "POST", f"/site-failovers/{run_id}/cancel")

        assert (canceled.status, canceled.body["site_failover"]["state"]) == (202, "canceling")
        domain.drain()
        again = ask(cast.ada, "POST", f"/site-failovers/{run_id}/cancel")
        assert (again.status, again.body["error"]["code"]) == (409, "wrong_state")

    @pytest.mark.parametrize(
        "body, status",
        [({"secondary_backend_id": "moon"}, 400), ({"concurrency": 0}, 400), ({"mode": "x"}, 400), ({"x": 1}, 400)],
    )
    def test_is_refused_with_bad_input(self, site, cast, body, status):
        assert ask(cast.ada, "POST", "/backends/array/failover", body).status == status
        assert not models.SiteFailover.objects.exists()

    @pytest.mark.parametrize(
        "method, path",
        [
            ("POST", "/backends/array/failover"),
            ("GET", "/backends/array/failover"),
            ("GET", "/backends/array/outlook"),
            ("GET", "/site-failovers"),
            ("GET", "/site-failovers/6f1c0a9e-0000-4000-8000-000000000000"),
            ("GET", "/site-failovers/6f1c0a9e-0000-4000-8000-000000000000/groups"),
            ("POST", "/site-failovers/6f1c0a9e-0000-4000-8000-000000000000/cancel"),
        ],
    )
    def test_is_for_admins_alone(self, site, cast, method, path):
        assert ask(cast.olga, method, path, {} if method == "POST" else None).status == 403

    def test_of_an_unknown_backend_is_not_there(self, site, cast):
        assert ask(cast.ada, "POST", "/backends/moon/failover", {}).status == 404
        assert ask(cast.ada, "GET", "/backends/array/failover").status == 404

    def test_takes_a_group_s_priority_from_its_members(self, site, cast):
        group = site.new_group(0)
        path = f"/groups/{group.pk}/failover-priority"

        assert ask(cast.carl, "POST", path, {"priority": 3}).body["group"]["failover_priority"] == 3
        assert ask(cast.rita, "POST", path, {"priority": 3}).status == 403
        assert ask(cast.otto, "POST", path, {"priority": 3}).status == 404
        assert ask(cast.carl, "POST", path, {"priority": -3}).status == 400


class TestTheCommand:
    def test_looks_without_changing_anything(self, site):
        group = site.enabled_group(1)

        said, _ = command("fail_over_site", "array", "--look")

        assert group.name in said
        assert "be moved" in said
        assert not models.SiteFailover.objects.exists()

    def test_waits_for_the_end_and_fails_unless_every_group_moved(self, site, monkeypatch):
        failing = site.enabled_group(1)
        site.control.add_fault(call="promote", action="fail", group_id=str(failing.pk))
        monkeypatch.setattr("time.sleep", lambda _: domain.drain())

        with pytest.raises(CommandError, match="is failed"):
            command("fail_over_site", "array", "--wait")

        site.control.clear_faults()
        said, _ = command("fail_over_site", "array", "--wait", "--concurrency", "3")
        assert "1 of 1 groups moved" in said

    def test_cancels_the_open_one(self, site):
        site.enabled_group(1)
        command("fail_over_site", "array")

        assert "is canceling" in command("fail_over_site", "array", "--cancel")[0]
        domain.drain()
        with pytest.raises(CommandError, match="is open"):
            command("fail_over_site", "array", "--cancel")

    def test_sets_a_priority(self, site):
        group = site.new_group(0)

        said, _ = command("set_failover_priority", str(group.pk), "7")

        assert said == f"Group {group.name} has failover priority 7.\n"
