"""Findings in our own API: seen, mended, ignored, by whom it may be."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from groups import models
from groups.engine import observing
from tests.api.native.asking import ask
from tests.api.v3.people import Cast
from tests.support import differing, domain


@pytest.fixture
def moved(site: domain.Site) -> models.Group:
    """A group that somebody moved to the first secondary behind our back, and the look that found it."""
    group = site.enabled_group(2)
    differing.moved(group, to="site-b")
    observing.observe_all()
    return group


def the_finding(cast: Cast) -> dict:
    """Return the one open finding."""
    [found] = ask(cast.ada, "GET", "/findings").body["findings"]
    return found


class TestSeeing:
    def test_a_finding_says_what_differs_since_when_how_bad_and_what_mends_it(self, cast, moved):
        found = the_finding(cast)

        assert (found["code"], found["severity"]) == ("active-elsewhere", "critical")
        assert found["recorded"] == "Active on the primary."
        assert "site-b" in found["actual"]
        assert found["verbs"] == ["adopt", "restore", "ignore"]
        assert found["subject"] == {"id": str(moved.pk), "name": moved.name, "kind": "group"}
        assert found["found_at"] <= found["seen_at"]
        assert found["closed_at"] is None

    def test_members_and_readers_see_their_project_s(self, cast, moved):
        assert len(ask(cast.olga, "GET", "/findings").body["findings"]) == 1
        assert len(ask(cast.rita, "GET", "/findings").body["findings"]) == 1

    def test_others_learn_nothing(self, cast, moved):
        found = the_finding(cast)

        assert ask(cast.otto, "GET", "/findings").body["findings"] == []
        assert ask(cast.otto, "GET", f"/findings/{found['id']}").status == 404
        assert ask(cast.otto, "POST", f"/findings/{found['id']}/adopt", {"reason": "mine"}).status == 404

    def test_what_is_no_project_s_is_for_admins(self, cast, site):
        site.new_group(1)
        models.Backend.objects.update(driver="gone")
        observing.observe_all()

        assert the_finding(cast)["subject"]["kind"] == "backend"
        assert ask(cast.olga, "GET", "/findings").body["findings"] == []

    def test_pages_are_followed_to_the_end(self, cast, site):
        groups = [site.new_group(1) for _ in range(3)]
        for group in groups:
            differing.armed(group)
        observing.observe_all()

        seen, marker = [], {}
        while True:
            page = ask(cast.olga, "GET", "/findings", limit="2", **marker).body
            seen += [found["subject"]["id"] for found in page["findings"]]
            if page["next"] is None:
                break
            marker = {"marker": page["findings"][-1]["id"]}

        assert sorted(seen) == sorted(str(group.pk) for group in groups)

    @pytest.mark.parametrize("query", [{"colour": "red"}, {"state": "odd"}, {"limit": "many"}])
    def test_a_question_nobody_understands_is_refused(self, cast, moved, query):
        answer = ask(cast.ada, "GET", "/findings", **query)

        assert answer.status == 400
        assert answer.body["error"]["code"] == "invalid_input"

    def test_nobody_sees_them_without_logging_in(self, client, moved):
        assert client.get("/api/findings").status_code == 401


class TestMending:
    def test_adopting_is_accepted_as_an_operation_that_can_be_followed(self, cast, moved):
        answer = ask(cast.ada, "POST", f"/findings/{the_finding(cast)['id']}/adopt", {"reason": "moved by hand"})
        domain.drain_with_retries()

        assert answer.status == 202
        operation = ask(cast.ada, "GET", answer.headers["Location"].removeprefix("/api")).body["operation"]
        assert (operation["kind"], operation["state"]) == ("adopt", "succeeded")
        assert [step["name"] for step in operation["steps"]] == ["look"]
        moved.refresh_from_db()
        assert (moved.replication_status, moved.active_backend_id) == ("failed-over", "site-b")

    def test_restoring_brings_the_storage_back(self, cast, moved, site):
        answer = ask(cast.ada, "POST", f"/findings/{the_finding(cast)['id']}/restore", {"reason": "a mistake"})
        domain.drain_with_retries()

        assert answer.status == 202
        moved.refresh_from_db()
        assert (moved.replication_status, moved.active_backend_id) == ("enabled", "")
        assert site.control.can_write(side="", volume_id=str(domain.members(moved)[0].pk))

    @pytest.mark.parametrize("verb", ["adopt", "restore", "ignore", "heed"])
    def test_is_not_for_members(self, cast, moved, verb):
        body = {
            "adopt": {"reason": "why"},
            "restore": {"reason": "why"},
            "ignore": {"reason": "why", "until": (timezone.now() + datetime.timedelta(days=1)).isoformat()},
            "heed": {},
        }[verb]

        answer = ask(cast.olga, "POST", f"/findings/{the_finding(cast)['id']}/{verb}", body)

        assert answer.status == 403
        assert not models.Operation.objects.filter(kind__in=("adopt", "restore")).exists()

    @pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x", "more": 1}, [], {"reason": 7}])
    def test_what_is_not_well_formed_is_refused_and_changes_nothing(self, cast, moved, body):
        answer = ask(cast.ada, "POST", f"/findings/{the_finding(cast)['id']}/adopt", body)

        assert answer.status == 400
        assert not models.Operation.objects.filter(kind="adopt").exists()

    def test_while_an_operation_is_open_is_a_conflict(self, cast, moved):
        found = the_finding(cast)
        ask(cast.ada, "POST", f"/findings/{found['id']}/adopt", {"reason": "first"})

        answer = ask(cast.ada, "POST", f"/findings/{found['id']}/restore", {"reason": "second"})

        assert answer.status == 409
        assert answer.body["error"]["remedy"]


class TestIgnoring:
    def test_takes_it_off_the_list_until_then(self, cast, moved):
        found = the_finding(cast)
        until = (timezone.now() + datetime.timedelta(hours=2)).isoformat()

        answer = ask(cast.ada, "POST", f"/findings/{found['id']}/ignore", {"reason": "known", "until": until})

        assert answer.status == 200
        assert ask(cast.ada, "GET", "/findings").body["findings"] == []
        [ignored] = ask(cast.ada, "GET", "/findings", state="ignored").body["findings"]
        assert (ignored["ignored"]["by"], ignored["ignored"]["reason"]) == ("ada", "known")

    def test_is_taken_back(self, cast, moved):
        found = the_finding(cast)
        until = (timezone.now() + datetime.timedelta(hours=2)).isoformat()
        ask(cast.ada, "POST", f"/findings/{found['id']}/ignore", {"reason": "known", "until": until})

        ask(cast.ada, "POST", f"/findings/{found['id']}/heed", {})

        assert the_finding(cast)["id"] == found["id"]

    @pytest.mark.parametrize("until", ["soon", "2020-01-01T00:00:00Z", "2026-02-30T00:00:00Z"])
    def test_until_no_time_ahead_is_refused(self, cast, moved, until):
        answer = ask(cast.ada, "POST", f"/findings/{the_finding(cast)['id']}/ignore", {"reason": "x", "until": until})

        assert answer.status == 400


@pytest.mark.parametrize("path", ["/nothing", "/findings/", "/groups/no-id", "/operations/1/cancel"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_where_nothing_is_says_so_in_json(cast: Cast, method: str, path: str) -> None:
    answer = ask(cast.olga, method, path)

    assert (answer.status, answer.body["error"]["code"]) == (404, "not_found")
