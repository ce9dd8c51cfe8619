"""Backends and their targets in our own API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.options import MASK
from groups import models
from groups.engine import connecting
from tests.api.native.asking import ask
from tests.api.v3.people import Cast
from tests.support import domain

BODY = {
    "name": "second",
    "driver": "fake",
    "options": {"state": "/nowhere"},
    "targets": [{"backend_id": "west", "options": {"host": "w.example", "password": domain.SECRET}}],
}


def shown(cast: Cast, name: str = "array") -> dict:
    """Return a backend as an admin sees it."""
    return ask(cast.ada, "GET", f"/backends/{name}").body["backend"]


def replacement(backend: dict, **changed: object) -> dict:
    """Return the body that leaves a backend as it is shown, but for what is changed."""
    return {name: backend[name] for name in ("options", "targets", "enabled", "description")} | changed


class TestSeeing:
    def test_secrets_are_masked(self, cast: Cast, site: domain.Site) -> None:
        answer = ask(cast.ada, "GET", "/backends")

        assert domain.SECRET not in json.dumps(answer.body)
        assert answer.body["backends"][0]["targets"][0]["options"]["password"] == MASK

    def test_one_whose_driver_is_gone_shows_no_value(self, cast: Cast, site: domain.Site) -> None:
        models.Backend.objects.update(driver="gone")

        assert set(shown(cast)["targets"][0]["options"].values()) == {MASK}

    def test_the_drivers_say_what_they_take(self, cast: Cast, site: domain.Site) -> None:
        drivers = {each["name"]: each for each in ask(cast.ada, "GET", "/drivers").body["drivers"]}

        assert {"fake", "qemu"} <= set(drivers)
        assert {option["name"] for option in drivers["fake"]["target_options"] if option["secret"]} == {"password"}

    @pytest.mark.parametrize("method, path", [("GET", "/backends"), ("GET", "/backends/array"), ("POST", "/backends")])
    @pytest.mark.parametrize("who", ["olga", "rita", "otto"])
    def test_is_for_admins_alone(self, cast: Cast, site: domain.Site, who: str, method: str, path: str) -> None:
        assert ask(getattr(cast, who), method, path, BODY if method == "POST" else None).status == 403
        assert not models.Backend.objects.filter(name="second").exists()


class TestChanging:
    def test_one_is_added_changed_and_removed(self, cast: Cast, site: domain.Site) -> None:
        added = ask(cast.ada, "POST", "/backends", BODY)
        path = added.headers["Location"].removeprefix("/api")
        target = ask(cast.ada, "PUT", f"{path}/targets/north", {"options": {"host": "n.example"}})
        dropped = ask(cast.ada, "DELETE", f"{path}/targets/west")
        changed = ask(cast.ada, "PUT", path, replacement(shown(cast, "second"), enabled=False))
        removed = ask(cast.ada, "DELETE", path)

        assert [each.status for each in (added, target, dropped, changed, removed)] == [201, 200, 204, 200, 204]
        assert [each["backend_id"] for each in changed.body["backend"]["targets"]] == ["north"]
        assert changed.body["backend"]["enabled"] is False
        assert ask(cast.ada, "GET", path).status == 404

    def test_a_secret_sent_as_it_is_shown_stays_as_it_was(self, cast: Cast, site: domain.Site) -> None:
        ask(cast.ada, "PUT", "/backends/array", replacement(shown(cast), description="the old one"))

        driver = domain.storage.driver_for(models.Backend.objects.get(name="array"))
        assert driver.config.targets[0].options["password"] == domain.SECRET

    def test_a_change_of_what_has_changed_since_is_refused(self, cast: Cast, site: domain.Site) -> None:
        read = ask(cast.ada, "GET", "/backends/array")
        headers = {"If-Match": read.headers["ETag"]}
        body = replacement(read.body["backend"], description="first")

        first = ask(cast.ada, "PUT", "/backends/array", body, headers=headers)
        late = ask(cast.ada, "PUT", "/backends/array", {**body, "description": "late"}, headers=headers)
        target = ask(cast.ada, "PUT", "/backends/array/targets/west", {"options": {}}, headers=headers)

        assert (first.status, late.status, target.status) == (200, 412, 412)
        assert late.body["error"]["code"] == "outdated"
        assert shown(cast)["description"] == "first"

    @pytest.mark.parametrize(
        "change, said",
        [
            ({"options": {"colour": "red"}}, "colour"),
            ({"targets": [{"backend_id": "default"}]}, "back to the primary"),
            ({"targets": [{"backend_id": "x"}, {"backend_id": "x"}]}, "twice"),
            ({"name": "a/b"}, "possible backend name"),
            ({"driver": "nothing"}, "nothing"),
        ],
    )
    def test_what_cannot_work_is_refused_and_leaves_no_trace(
        self, cast: Cast, site: domain.Site, change: dict, said: str
    ) -> None:
        answer = ask(cast.ada, "POST", "/backends", {**BODY, **change})

        assert answer.status == 400
        assert said in answer.body["error"]["message"]
        assert models.Backend.objects.count() == 1

    def test_a_target_that_groups_are_replicated_to_stays(self, cast: Cast, site: domain.Site) -> None:
        site.enabled_group(1)

        answer = ask(cast.ada, "DELETE", "/backends/array/targets/site-c")

        assert (answer.status, answer.body["error"]["code"]) == (409, "in_use")
        assert len(shown(cast)["targets"]) == 2

    def test_one_that_holds_groups_stays(self, cast: Cast, site: domain.Site) -> None:
        site.new_group(1)

        assert ask(cast.ada, "DELETE", "/backends/array").status == 409


def test_a_worker_says_whether_the_sides_answer(cast: Cast, site: domain.Site) -> None:
    before = ask(cast.ada, "GET", "/backends/array/connection")
    asked = ask(cast.ada, "POST", "/backends/array/connection")
    connecting.check(check_id=models.ConnectionCheck.objects.get().pk, owner="tests")
    found = ask(cast.ada, "GET", "/backends/array/connection").body["connection"]

    assert (before.status, asked.status) == (404, 202)
    assert asked.body["connection"]["done_at"] is None
    assert [side["reachable"] for side in found["sides"]] == [True, True, True]
    assert [side["name"] for side in found["sides"]] == ["the primary", "secondary 'site-b'", "secondary 'site-c'"]


def test_the_audit_tells_admins_who_did_what(cast: Cast, site: domain.Site, tmp_path: Path) -> None:
    ask(cast.ada, "POST", "/backends", BODY)

    [entry] = ask(cast.ada, "GET", "/audit", user_name="ada", action="backend:add").body["audit"]

    assert (entry["subject_name"], entry["door"]) == ("second", "api")
    assert domain.SECRET not in json.dumps(entry)
    assert ask(cast.olga, "GET", "/audit").status == 403
