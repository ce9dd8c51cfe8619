"""The disk of the state folder is full: requests are refused and leave no trace, and nothing that runs is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from groups import models
from groups.services import replication
from tests.support import disks, domain, doors, processes

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "The database cannot be written: its disk is full or failing."


def rows() -> dict[str, list[dict[str, object]]]:
    """Return every row of ours, to compare."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in apps.get_app_config("groups").get_models()
    }


def refused_at_last(ask: Callable[[], Any], *, accepted: int) -> tuple[Any, bool]:
    """Ask until the room in the database is used up; return the refusal, and whether it left a trace."""
    with disks.nearly_full_database():
        for _ in range(300):
            before = rows()
            answer = ask()
            if answer.status_code != accepted:
                return answer, rows() != before
    raise AssertionError("there was always room")


class TestARequestForWhichThereIsNoRoom:
    @pytest.fixture
    def browser(self) -> Client:
        """Show what people are shown when something goes wrong."""
        return Client(raise_request_exception=False)

    def test_is_refused_by_the_v3_api_and_leaves_no_trace(self, site, browser):
        body = {"group": {"group_type": site.group_type.name, "volume_types": [site.volume_type.name], "name": "one"}}
        token = doors.token_of_member(site.project)

        def ask() -> Any:
            return browser.post(
                f"/v3/{site.project.pk}/groups",
                data=body,
                content_type="application/json",
                headers={"X-Auth-Token": token, "OpenStack-API-Version": "volume 3.38"},
            )

        answer, left_trace = refused_at_last(ask, accepted=202)

        assert answer.status_code == 503
        assert SENTENCE in answer.json()["serviceUnavailable"]["message"]
        assert not left_trace
        assert ask().status_code == 202

    def test_is_refused_by_the_identity_api_and_leaves_no_trace(self, site, browser):
        token = doors.token_of_member(site.project)
        identity = {"methods": ["token"], "token": {"id": token}}

        def ask() -> Any:
            body = {"auth": {"identity": identity}}
            return browser.post("/identity/v3/auth/tokens", data=body, content_type="application/json")

        answer, left_trace = refused_at_last(ask, accepted=201)

        assert answer.status_code == 503
        assert SENTENCE in answer.json()["error"]["message"]
        assert not left_trace
        assert ask().status_code == 201

    def test_is_refused_by_the_console_and_leaves_no_trace(self, site, browser):
        browser.force_login(User.objects.create_superuser("ada"))
        values = {
            "project": site.project.pk,
            "name": "one",
            "group_type": str(site.group_type.pk),
            "volume_types": [str(site.volume_type.pk)],
            "availability_zone": "nova",
        }

        answer, left_trace = refused_at_last(
            lambda: browser.post(reverse("admin:groups_group_add"), values), accepted=302
        )

        assert answer.status_code == 503
        assert SENTENCE in answer.content.decode()
        assert not left_trace
        assert browser.post(reverse("admin:groups_group_add"), values).status_code == 302


@pytest.mark.slow
def test_while_no_process_can_write_requests_are_refused_and_then_everything_goes_on_by_itself(site, crew):
    token, group, other = doors.token_of_member(site.project), site.enabled_group(2), site.enabled_group(1)
    site.control.add_fault(call="promote", action="hang", group_id=str(group.pk), times=1)
    web, worker, beat = crew.web(), crew.worker(), crew.beat()
    # What begins on a full disk ends at once, and is begun anew by whoever looks after it.
    beat.wait_for("maxinterval")
    operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(lambda: not any(fault.times_left for fault in site.control.faults()), what="a call that hangs")

    with disks.full_for(web.process, worker, beat):
        refused = web.act(token, other, disable_replication={})
        processes.wait_until(lambda: lease_has_run_out(operation), what="the end of the lease")
    site.control.clear_faults()
    accepted = web.act(token, other, disable_replication={})
    crew.wait_for_end(operation)
    crew.wait_for_end(domain.last_operation(other))

    group.refresh_from_db()
    other.refresh_from_db()
    assert (refused.status, accepted.status) == (503, 202)
    assert (operation.state, group.replication_status) == ("succeeded", "failed-over")
    assert other.replication_status == "disabled"
    assert other.operations.filter(kind="disable-replication").count() == 1
    assert [process.popen.poll() for process in (web.process, worker, beat)] == [None, None, None]


def lease_has_run_out(operation: models.Operation) -> bool:
    """Tell whether nobody renewed an operation's lease for its length."""
    operation.refresh_from_db()
    return operation.lease_until is not None and operation.lease_until < timezone.now()
