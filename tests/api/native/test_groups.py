"""Groups and their verbs in our own API."""

from __future__ import annotations

import pytest

from groups import models
from tests.api.native.asking import ask, follow
from tests.api.v3 import standing
from tests.api.v3.people import Cast
from tests.support import domain


def shown(cast: Cast, group: models.Group) -> dict:
    """Return a group as its owner sees it."""
    return ask(cast.olga, "GET", f"/groups/{group.pk}").body["group"]


class TestSeeing:
    def test_a_group_says_where_it_is_and_what_can_be_done(self, cast: Cast, site: domain.Site) -> None:
        group = site.failed_over_group(2)

        found = shown(cast, group)

        assert (found["replication_status"], found["active_backend_id"], found["volumes"]) == (
            "failed-over",
            "site-b",
            2,
        )
        assert found["targets"] == ["site-b", "site-c"]
        assert {name: verb["possible"] for name, verb in found["verbs"].items()} == {
            "enable": False,
            "disable": False,
            "failover": True,
            "failback": True,
            "reset": False,
        }
        assert "failed-over" in found["verbs"]["disable"]["why_not"]
        assert "admin" in found["verbs"]["reset"]["why_not"]

    def test_a_reader_is_told_which_role_a_verb_needs(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)

        verbs = ask(cast.rita, "GET", f"/groups/{group.pk}").body["group"]["verbs"]

        assert not verbs["failover"]["possible"]
        assert "role member" in verbs["failover"]["why_not"]

    def test_the_operation_that_is_open_is_named(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        operation = ask(cast.olga, "POST", f"/groups/{group.pk}/failover").body["operation"]

        assert shown(cast, group)["open_operation_id"] == operation["id"]
        assert "wait for its end" in shown(cast, group)["verbs"]["failback"]["why_not"]

    def test_those_on_the_primary_are_found_by_its_name(self, cast: Cast, site: domain.Site) -> None:
        home, away = site.enabled_group(1), site.failed_over_group(1)

        def ids(**query: str) -> list[str]:
            return [each["id"] for each in ask(cast.olga, "GET", "/groups", **query).body["groups"]]

        assert ids(active_backend_id="default") == [str(home.pk)]
        assert ids(active_backend_id="site-b", backend="array") == [str(away.pk)]
        assert ids(replication_status="enabled") == [str(home.pk)]
        assert ids(group_type="other") == []

    def test_others_learn_nothing(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)

        assert ask(cast.otto, "GET", "/groups").body["groups"] == []
        assert ask(cast.otto, "GET", f"/groups/{group.pk}").status == 404
        assert ask(cast.otto, "POST", f"/groups/{group.pk}/failover").status == 404

    def test_a_page_costs_the_same_however_many_groups_there_are(
        self, cast: Cast, site: domain.Site, django_assert_num_queries
    ) -> None:
        standing.add_groups(site, 5)
        ask(cast.olga, "GET", "/groups", limit="1")

        with django_assert_num_queries(2) as few:
            ask(cast.olga, "GET", "/groups", limit="1")
        with django_assert_num_queries(len(few)):
            assert len(ask(cast.olga, "GET", "/groups").body["groups"]) == 5

    def test_pages_are_followed_to_the_end(self, cast: Cast, site: domain.Site) -> None:
        made = standing.add_groups(site, 5)

        seen, path = [], "/groups?limit=2"
        while path:
            page = ask(cast.olga, "GET", path).body
            seen += [each["id"] for each in page["groups"]]
            path = (page["next"] or "").removeprefix("http://testserver/api")

        assert sorted(seen) == sorted(str(group.pk) for group in made)
        assert len(seen) == 5


class TestVerbs:
    def test_a_group_goes_there_and_back(self, cast: Cast, site: domain.Site) -> None:
        group = site.new_group(2)
        for verb, body, ends in (
            ("enable", None, ("enabled", "default")),
            (
                "failover",
                {"target": "site-c", "mode": "unplanned", "reason": "site a burns"},
                ("failed-over", "site-c"),
            ),
            ("failback", {"mode": "planned", "discard_bytes": 0}, ("enabled", "default")),
            ("disable", {}, ("disabled", "default")),
        ):
            answer = ask(cast.olga, "POST", f"/groups/{group.pk}/{verb}", body)
            domain.drain_with_retries()

            assert answer.status == 202, answer.body
            assert follow(cast.olga, answer)["state"] == "succeeded", follow(cast.olga, answer)["error"]
            found = shown(cast, group)
            assert (found["replication_status"], found["active_backend_id"]) == ends

    def test_what_is_not_possible_now_is_a_conflict(self, cast: Cast, site: domain.Site) -> None:
        answer = ask(cast.olga, "POST", f"/groups/{site.new_group(1).pk}/failover")

        assert (answer.status, answer.body["error"]["code"]) == (409, "wrong_state")

    def test_the_reason_is_kept_with_the_change(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        ask(cast.olga, "POST", f"/groups/{group.pk}/failover", {"reason": "site a burns"})

        [event] = ask(cast.olga, "GET", "/events", group_id=str(group.pk), new="failing-over").body["events"]

        assert (event["reason"], event["actor"], event["old"]) == ("site a burns", "olga", "enabled")
        domain.drain()

    def test_failing_over_to_the_primary_is_called_failing_back(self, cast: Cast, site: domain.Site) -> None:
        answer = ask(cast.olga, "POST", f"/groups/{site.failed_over_group(1).pk}/failover", {"target": "default"})

        assert answer.status == 400
        assert "failback" in answer.body["error"]["remedy"]

    @pytest.mark.parametrize(
        "body",
        [{"target": ""}, {"mode": "quick"}, {"discard_bytes": -1}, {"to": "site-b"}, [], "site-b", {"target": 7}],
    )
    def test_what_is_not_well_formed_is_refused_and_starts_nothing(
        self, cast: Cast, site: domain.Site, body: object
    ) -> None:
        group = site.enabled_group(1)

        assert ask(cast.olga, "POST", f"/groups/{group.pk}/failover", body).status == 400
        assert domain.last_operation(group).kind == "enable-replication"

    def test_an_unknown_target_is_refused_with_the_known_ones(self, cast: Cast, site: domain.Site) -> None:
        answer = ask(cast.olga, "POST", f"/groups/{site.enabled_group(1).pk}/failover", {"target": "nowhere"})

        assert answer.status == 400
        assert "site-b, site-c" in answer.body["error"]["message"]

    @pytest.mark.parametrize("verb", ["enable", "disable", "failover", "failback"])
    def test_are_not_for_readers(self, cast: Cast, site: domain.Site, verb: str) -> None:
        assert ask(cast.rita, "POST", f"/groups/{site.enabled_group(1).pk}/{verb}").status == 403


class TestResetting:
    def test_corrects_both_statuses_and_keeps_who_and_why(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(2)

        answer = ask(
            cast.ada,
            "POST",
            f"/groups/{group.pk}/reset",
            {"status": "error", "replication_status": "disabled", "reason": "checked by hand"},
        )

        assert answer.status == 200
        assert (answer.body["group"]["status"], answer.body["group"]["replication_status"]) == ("error", "disabled")
        events = ask(cast.olga, "GET", "/events", group_id=str(group.pk), actor="ada").body["events"]
        assert {(each["new"], each["reason"]) for each in events} == {
            ("error", "checked by hand"),
            ("disabled", "checked by hand"),
        }

    def test_both_or_neither(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)

        answer = ask(
            cast.ada,
            "POST",
            f"/groups/{group.pk}/reset",
            {"status": "error", "replication_status": "odd", "reason": "checked by hand"},
        )

        assert answer.status == 400
        assert shown(cast, group)["status"] == "available"

    @pytest.mark.parametrize("body", [{"reason": "x"}, {"status": "error"}, {"status": "error", "reason": " "}])
    def test_needs_a_status_and_a_reason(self, cast: Cast, site: domain.Site, body: object) -> None:
        assert ask(cast.ada, "POST", f"/groups/{site.enabled_group(1).pk}/reset", body).status == 400

    def test_is_not_for_members(self, cast: Cast, site: domain.Site) -> None:
        body = {"status": "error", "reason": "x"}

        assert ask(cast.olga, "POST", f"/groups/{site.enabled_group(1).pk}/reset", body).status == 403
