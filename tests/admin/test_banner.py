"""The banner on every page of the console: nothing when all is well, what is wrong and what to do when not."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from groups import findings, models, queues
from tests.admin.conftest import Cast, page, text
from tests.support import watched
from tests.support.domain import Site

WATCH = reverse("admin:watch")
POLLS = f'hx-get="{WATCH}"'


def poll(browser: Client) -> str:
    """Return what a page shows at its top."""
    answer = browser.get(WATCH, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return text(answer)


@pytest.fixture(autouse=True)
def _crew(db: None) -> None:
    """Everybody works who should."""
    watched.everybody()


def test_every_page_of_the_console_has_a_place_for_it(site: Site, cast: Cast):
    group = site.new_group(1)
    names = ["group", "volume", "operation", "event", "backend", "grouptype", "project", "token", "finding"]
    addresses = [reverse("admin:index"), page(group), page(group, "enable")]
    addresses += [reverse(f"admin:groups_{name}_changelist") for name in names]
    addresses += [reverse("admin:auth_user_changelist"), reverse("admin:auth_user_add")]

    assert [address for address in addresses if POLLS not in text(cast.admin.get(address))] == []


def test_it_is_empty_when_all_is_well(cast: Cast):
    assert poll(cast.admin).strip() == ""


@pytest.mark.parametrize("who", ["admin", "member", "reader", "stranger"])
def test_whoever_is_of_the_staff_sees_that_failovers_wait_and_what_to_do(cast: Cast, who):
    models.Pulse.objects.filter(kind="worker").delete()
    watched.worker("slow@here", reads=[queues.REPLICATION, queues.MAINTENANCE])

    shown = poll(getattr(cast, who))

    assert "No worker reads the queue &#x27;failover&#x27;: failovers and failbacks wait." in shown
    assert "celery --app replsite worker --queues failover" in shown
    assert "c-bad" in shown


def test_what_does_not_keep_failovers_from_being_done_is_not_red(cast: Cast):
    watched.everybody(ticks_seconds_ago=100)

    shown = poll(cast.admin)

    assert "beat is not running" in shown
    assert "c-warning" in shown
    assert "c-bad" not in shown


@pytest.mark.unjudged("nobody did what is only written down")
def test_what_stops_failovers_comes_first(cast: Cast):
    watched.everybody(ticks_seconds_ago=100)
    watched.operation(created_at=timezone.now() - datetime.timedelta(seconds=100))

    shown = poll(cast.admin)

    assert shown.index("A failover has waited") < shown.index("beat is not running")


def test_open_critical_findings_are_counted_and_linked(cast: Cast):
    for changes in ({}, {}, {"closed_at": timezone.now()}, {"ignored_until": timezone.now() + datetime.timedelta(1)}):
        watched.finding(code=findings.Code.TWO_ACTIVE_SIDES, **changes)
    watched.finding(code=findings.Code.LAGGING)

    shown = poll(cast.admin)

    assert "2 open critical findings." in shown
    listed = cast.admin.get(shown.split('href="')[1].split('"')[0].replace("&amp;", "&"))
    assert listed.status_code == 200
    assert len(listed.context["cl"].result_list) == 3  # the one set aside is listed as well


def test_findings_are_not_counted_for_those_who_may_not_see_them(cast: Cast):
    watched.finding(code=findings.Code.TWO_ACTIVE_SIDES)

    assert poll(cast.stranger).strip() == ""
    assert "1 open critical finding." in poll(cast.reader)


def test_nobody_from_outside_is_told_anything(cast: Cast):
    models.Pulse.objects.all().delete()

    polled = Client().get(WATCH, headers={"HX-Request": "true"})
    asked = Client().get(WATCH)

    assert (polled.status_code, polled.content) == (286, b"")
    assert asked.status_code == 302


def test_without_scripts_it_is_a_page_of_its_own(cast: Cast):
    assert "Everybody works who should" in text(cast.admin.get(WATCH))

    models.Pulse.objects.all().delete()
    shown = text(cast.admin.get(WATCH))
    assert "No worker reads any queue" in shown
    assert POLLS not in shown


@pytest.mark.unjudged("nobody did what is only written down")
def test_it_costs_three_statements_more_than_knowing_who_asks(cast: Cast):
    costs = []
    for number in (0, 20):
        for _ in range(number):
            watched.operation(created_at=timezone.now() - datetime.timedelta(seconds=100))
            watched.finding(code=findings.Code.TWO_ACTIVE_SIDES)
        with CaptureQueriesContext(connection) as statements:
            poll(cast.admin)
        costs.append([each for each in statements if "clock_timestamp" not in each["sql"]])

    assert len(costs[0]) == len(costs[1])
    assert len([each for each in costs[0] if '"groups_' in each["sql"]]) == 3
