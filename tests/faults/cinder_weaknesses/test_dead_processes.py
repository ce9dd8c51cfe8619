"""W6, W7: a dead process, a lost message or a service that is not there costs time, and nothing else."""

from __future__ import annotations

import pytest
from celery import current_app

from groups import models
from tests.faults.cinder_weaknesses import story
from tests.support import domain, processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_w6_a_service_killed_in_mid_failover_finishes_it_once_it_is_started_again(cast, site, crew):
    group = site.enabled_group(3)
    site.control.add_fault(call="promote", action="hang", volume=2, when="after", times=1)
    service, beat = crew.worker(), crew.beat()
    assert cast.olga.act(group, story.FAILOVER, {}).status == 202
    processes.wait_until(lambda: site.control.faults()[0].times_left == 0, what="the call of promote")

    service.kill()
    beat.kill()
    found = story.seen(cast.olga, site, group)
    crew.beat()
    crew.worker()
    crew.wait_for_end(domain.last_operation(group))
    crew.dismiss()

    assert found.volumes == (("available", "failing-over"),) * 3
    operation = story.ended(group)
    assert (operation.state, operation.attempt) == ("succeeded", 2)
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="failed-over", on="site-b")
    assert story.moves(operation) == [
        ("replication_status", "enabled", "failing-over", 3),
        ("replication_status", "failing-over", "failed-over", 3),
    ]
    assert story.leads(cast.olga, site, group) == story.LEADS["failed-over"]


def test_w6_w7_what_is_granted_with_nobody_there_is_done_when_somebody_comes_though_the_message_is_lost(
    cast, site, crew
):
    group = site.enabled_group(2)
    site.control.forget_log()

    assert cast.olga.act(group, story.FAILOVER, {"secondary_backend_id": "site-c"}).status == 202
    lost = current_app.control.purge()
    operation = domain.last_operation(group)
    waiting = cast.olga.ask("GET", f"/operations/{operation.pk}", root="/api").body["operation"]
    untouched = site.control.log()
    crew.beat()
    crew.worker()
    crew.wait_for_end(operation)

    assert lost >= 1
    assert (waiting["state"], waiting["owner"], waiting["started_at"]) == ("queued", "", None)
    assert untouched == []
    assert operation.state == "succeeded"
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="failed-over", on="site-c")
    assert models.Event.objects.filter(operation=operation, new="succeeded").count() == 1


def test_w6_w7_what_was_granted_with_nobody_there_can_be_called_off_at_once(cast, site):
    group = site.enabled_group(2)
    assert cast.olga.act(group, story.FAILOVER, {}).status == 202
    operation = domain.last_operation(group)

    answer = cast.olga.ask("POST", f"/operations/{operation.pk}/cancel", root="/api")

    assert (answer.status, answer.body["operation"]["state"]) == (202, "canceled")
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="enabled")
    assert story.leads(cast.olga, site, group) == story.LEADS["enabled"]
