"""Operations in our own API: listed, followed, waited for, canceled, run again, and started once."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from groups import models
from groups.api.native import waiting
from tests.api.native.asking import ask
from tests.api.v3 import people
from tests.api.v3.people import Cast
from tests.support import domain


class TestLists:
    def test_are_filtered_by_group_kind_state_and_time(self, cast: Cast, site: domain.Site) -> None:
        group, other = site.enabled_group(1), site.new_group(1)
        ask(cast.olga, "POST", f"/groups/{group.pk}/failover")
        [enabled] = ask(cast.olga, "GET", "/operations", kind="enable-replication").body["operations"]

        by_group = ask(cast.olga, "GET", "/operations", group_id=str(other.pk)).body["operations"]
        still_open = ask(cast.olga, "GET", "/operations", state="open").body["operations"]
        later = ask(cast.olga, "GET", "/operations", since=enabled["created_at"]).body["operations"]
        earlier = ask(cast.olga, "GET", "/operations", until=enabled["created_at"]).body["operations"]

        assert {each["subject"]["id"] for each in by_group} == {str(other.pk)}
        assert [each["kind"] for each in still_open] == ["failover"]
        assert enabled in later
        assert len(later) + len(earlier) == models.Operation.objects.count()

    def test_a_time_that_is_none_is_refused(self, cast: Cast, site: domain.Site) -> None:
        assert ask(cast.olga, "GET", "/operations", since="yesterday").status == 400


class TestShowing:
    def test_shows_steps_events_receipt_and_what_can_be_done(self, cast: Cast, site: domain.Site) -> None:
        group = site.failed_over_group(2)

        shown = ask(cast.olga, "GET", f"/operations/{domain.last_operation(group).pk}").body["operation"]

        assert (shown["state"], shown["arguments"]["target"], shown["volumes"]) == ("succeeded", "site-b", 2)
        assert {"preflight", "promote", "verify"} <= {step["name"] for step in shown["steps"]}
        assert [(each["old"], each["new"]) for each in shown["events"] if each["axis"] == "replication_status"] == [
            ("enabled", "failing-over"),
            ("failing-over", "failed-over"),
        ]
        assert shown["result"]["target"] == "site-b"
        assert shown["verbs"]["retry"] == {
            "possible": False,
            "why_not": "It is succeeded; only what failed or was canceled is run again.",
        }

    def test_a_failed_one_says_what_is_true_now_and_what_to_do(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        site.control.add_fault(call="promote", action="fail", times=1)
        ask(cast.olga, "POST", f"/groups/{group.pk}/failover")
        domain.drain_with_retries()

        shown = ask(cast.olga, "GET", f"/operations/{domain.last_operation(group).pk}").body["operation"]

        assert shown["state"] == "failed"
        assert all(shown["error"][name] for name in ("code", "message", "truth", "remedy"))
        assert shown["verbs"]["retry"]["possible"]

    def test_is_not_sent_again_while_it_is_as_it_was(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        path = f"/operations/{ask(cast.olga, 'POST', f'/groups/{group.pk}/failover').body['operation']['id']}"
        first = ask(cast.olga, "GET", path)

        same = ask(cast.olga, "GET", path, headers={"If-None-Match": first.headers["ETag"]})
        weakened = ask(cast.olga, "GET", path, headers={"If-None-Match": f"W/{first.headers['ETag']}"})
        domain.drain()
        changed = ask(cast.olga, "GET", path, headers={"If-None-Match": first.headers["ETag"]})

        assert (same.status, same.body, same.headers["ETag"]) == (304, None, first.headers["ETag"])
        assert weakened.status == 304
        assert changed.status == 200
        assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.django_db(transaction=True)
class TestWaiting:
    def test_who_would_wait_is_answered_at_the_end(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        worker = threading.Thread(target=_work_in_a_while)
        worker.start()

        answer = ask(cast.olga, "POST", f"/groups/{group.pk}/failover", headers={"Prefer": "wait=30"})
        worker.join()

        assert (answer.status, answer.body["operation"]["state"]) == (200, "succeeded")
        assert answer.headers["Preference-Applied"] == "wait=30"

    def test_the_time_is_over_before_the_end(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        answer = ask(cast.olga, "POST", f"/groups/{group.pk}/failover", headers={"Prefer": "respond-async, wait=0"})
        again = ask(cast.olga, "GET", f"/operations/{answer.body['operation']['id']}", headers={"Prefer": "wait=0"})

        assert (answer.status, again.status) == (202, 200)
        assert again.body["operation"]["state"] == "queued"
        domain.drain()

    def test_who_finds_no_place_to_wait_at_is_answered_at_once(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        for _ in range(waiting.PLACES):
            assert waiting._places.acquire(blocking=False)
        try:
            answer = ask(cast.olga, "POST", f"/groups/{group.pk}/failover", headers={"Prefer": "wait=30"})
        finally:
            waiting._places.release(waiting.PLACES)

        assert answer.status == 202
        assert "Preference-Applied" not in answer.headers
        domain.drain()

    @pytest.mark.parametrize("preference", ["wait=soon", "wait=", "wait=-1"])
    def test_a_time_that_is_no_number_is_refused_and_starts_nothing(
        self, cast: Cast, site: domain.Site, preference: str
    ) -> None:
        group = site.enabled_group(1)

        answer = ask(cast.olga, "POST", f"/groups/{group.pk}/failover", headers={"Prefer": preference})

        assert answer.status == 400
        assert domain.last_operation(group).kind == "enable-replication"


class TestRequestKeys:
    def test_a_request_sent_again_starts_nothing_anew(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        send = {"method": "POST", "path": f"/groups/{group.pk}/failover", "headers": {"Idempotency-Key": "night-1"}}
        first = ask(cast.olga, **send)
        during = ask(cast.olga, **send)
        domain.drain()

        after = ask(cast.olga, **send)

        assert {first.status, during.status, after.status} == {202}
        assert {each.body["operation"]["id"] for each in (first, during, after)} == {first.body["operation"]["id"]}
        assert after.body["operation"]["state"] == "succeeded"
        assert [each.headers.get("Idempotency-Replayed") for each in (first, during, after)] == [None, "true", "true"]

    def test_a_key_of_another_request_is_refused(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        headers = {"Idempotency-Key": "night-1"}
        ask(cast.olga, "POST", f"/groups/{group.pk}/failover", headers=headers)
        domain.drain()

        answer = ask(cast.olga, "POST", f"/groups/{group.pk}/failback", headers=headers)

        assert (answer.status, answer.body["error"]["code"]) == (422, "request_key_reused")
        group.refresh_from_db()
        assert group.replication_status == "failed-over"

    def test_two_people_may_use_the_same_key(self, cast: Cast, site: domain.Site) -> None:
        one, two = site.enabled_group(1), site.enabled_group(1)
        headers = {"Idempotency-Key": "night-1"}

        assert ask(cast.olga, "POST", f"/groups/{one.pk}/failover", headers=headers).status == 202
        assert ask(cast.carl, "POST", f"/groups/{two.pk}/failover", headers=headers).status == 202
        domain.drain()

    def test_a_refused_request_leaves_its_key_free(self, cast: Cast, site: domain.Site) -> None:
        group = site.new_group(1)
        send = {"method": "POST", "path": f"/groups/{group.pk}/failover", "headers": {"Idempotency-Key": "night-1"}}
        assert ask(cast.olga, **send).status == 409
        ask(cast.olga, "POST", f"/groups/{group.pk}/enable")
        domain.drain()

        assert ask(cast.olga, **send).status == 202
        domain.drain()

    @pytest.mark.parametrize("key", ["", "k" * 256])
    def test_a_key_that_is_none_is_refused(self, cast: Cast, site: domain.Site, key: str) -> None:
        group = site.enabled_group(1)

        answer = ask(cast.olga, "POST", f"/groups/{group.pk}/failover", headers={"Idempotency-Key": key})

        assert answer.status == 400

    @pytest.mark.django_db(transaction=True)
    def test_the_same_request_twice_at_once_starts_one_operation(self, cast: Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        answers: list[people.Answer] = []

        def send() -> None:
            answers.append(
                ask(cast.olga, "POST", f"/groups/{group.pk}/failover", headers={"Idempotency-Key": "night-1"})
            )
            connection.close()

        senders = [threading.Thread(target=send) for _ in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

        assert [answer.status for answer in answers] == [202] * 4
        assert models.Operation.objects.filter(kind="failover").count() == 1
        domain.drain()


class TestCancelingAndRetrying:
    def test_a_queued_one_is_canceled(self, cast, site):
        group = site.enabled_group(1)
        cast.olga.act(group, "failover_replication", {"secondary_backend_id": "site-b"})
        operation = domain.last_operation(group)

        answer = ask(cast.olga, "POST", f"/operations/{operation.pk}/cancel")

        assert answer.status == 202
        assert answer.body["operation"]["state"] == "canceled"
        group.refresh_from_db()
        assert group.replication_status == "enabled"

    def test_an_ended_one_is_not_canceled(self, cast, site):
        operation = domain.last_operation(site.enabled_group(1))

        assert ask(cast.olga, "POST", f"/operations/{operation.pk}/cancel").status == 409

    def test_a_failed_one_is_run_again(self, cast, site):
        group = site.enabled_group(1)
        site.control.add_fault(call="promote", action="fail", times=1)
        cast.olga.act(group, "failover_replication", {"secondary_backend_id": "site-b"})
        domain.drain_with_retries()

        answer = ask(cast.olga, "POST", f"/operations/{domain.last_operation(group).pk}/retry")
        domain.drain_with_retries()

        assert answer.status == 202
        group.refresh_from_db()
        assert group.replication_status == "failed-over"

    def test_those_of_other_projects_are_not_found(self, cast, site):
        operation = domain.last_operation(site.enabled_group(1))

        assert ask(cast.otto, "GET", f"/operations/{operation.pk}").status == 404
        assert ask(cast.otto, "POST", f"/operations/{operation.pk}/retry").status == 404


def _work_in_a_while() -> None:
    """Do what workers would, once there is something to do."""
    try:
        for _ in range(200):
            if domain.drain():
                return
            time.sleep(0.05)
    finally:
        connection.close()
