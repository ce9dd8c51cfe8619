"""The broker dies and comes back: no request waits for it, nothing is lost, everybody finds it again by themselves."""

from __future__ import annotations

import pytest

import replsite
from groups import models
from groups.services import replication
from tests.support import domain, doors, messages, processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]

BOTH = pytest.mark.parametrize("broker", ["redis", "rabbitmq"], indirect=True)
QUICK_REDIS = pytest.mark.parametrize(
    "broker", ["redis", pytest.param("rabbitmq", marks=pytest.mark.soak)], indirect=True
)
LONGEST_ANSWER_SECONDS = 3


@BOTH
def test_what_is_asked_while_the_broker_is_dead_runs_once_it_is_back(site, broker, brokered):
    groups = [site.new_group(1) for _ in range(3)]
    token = doors.token_of_member(site.project)
    beat = brokered.beat()
    brokered.worker()
    door = brokered.web()

    broker.kill()
    answers = [door.act(token, group, enable_replication={}) for group in groups[:2]]
    broker.start()
    for group in groups[:2]:
        brokered.wait_for_end(domain.last_operation(group))
    beat.kill()
    door.act(token, groups[2], enable_replication={})
    brokered.wait_for_end(domain.last_operation(groups[2]))

    assert [answer.status for answer in answers] == [202, 202]
    assert max(answer.seconds for answer in answers) < LONGEST_ANSWER_SECONDS
    operations = [domain.last_operation(group) for group in groups]
    assert [(each.state, each.attempt) for each in operations] == [("succeeded", 1)] * 3


@pytest.mark.parametrize("broker", ["spool"], indirect=True)
def test_what_is_asked_while_the_folder_of_messages_is_gone_runs_once_it_is_back(site, broker, brokered, tmp_path):
    group = site.new_group(1)
    spool = tmp_path / "spool"
    spool.write_text("in the way")
    with messages.sent_to(broker.address):
        operation = replication.enable(site.owner, group_id=group.pk)

    spool.unlink()
    brokered.beat()
    brokered.worker()
    brokered.wait_for_end(operation)

    assert (operation.state, operation.attempt) == ("succeeded", 1)


@pytest.mark.parametrize("way", ["kill", pytest.param("stop", marks=pytest.mark.soak)])
@QUICK_REDIS
def test_what_waits_in_a_broker_that_is_ended_and_started_runs_once(site, broker, brokered, way):
    """The Redis keeps nothing on disk: what waited there is gone."""
    group = site.new_group(1)
    with messages.sent_to(broker.address):
        operation = replication.enable(site.owner, group_id=group.pk)
    waited = messages.waiting(broker.address)

    getattr(broker, way)()
    broker.start()
    brokered.beat()
    brokered.worker()
    brokered.wait_for_end(operation)

    assert waited == 1
    assert (operation.state, operation.attempt) == ("succeeded", 1)


def test_nobody_gives_up_on_a_broker_that_is_away_for_long():
    tries = []

    class EnoughError(Exception):
        """It was tried often enough."""

    def on_failure(error: Exception, seconds: float) -> None:
        tries.append(error)
        if len(tries) == 150:
            raise EnoughError

    nobody = f"amqp://127.0.0.1:{processes.free_port()}//"
    with replsite.celery_app.connection_for_read(nobody) as connection, pytest.raises(EnoughError):
        connection.ensure_connection(
            on_failure,
            replsite.celery_app.conf.broker_connection_max_retries,
            interval_start=0,
            interval_step=0,
            interval_max=0,
        )


@QUICK_REDIS
def test_a_worker_whose_broker_dies_ends_what_it_works_at_once_and_right(site, broker, brokered):
    group = site.enabled_group(2)
    site.control.forget_log()
    site.control.add_fault(call="promote", action="hang", times=1)
    worker = brokered.worker()
    with messages.sent_to(broker.address):
        operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(
        lambda: all(fault.times_left == 0 for fault in site.control.faults()), what="a call of promote that hangs"
    )

    broker.kill()
    worker.wait_for("Connection to broker lost")
    site.control.clear_faults()
    brokered.wait_for_end(operation)

    group.refresh_from_db()
    assert (operation.state, operation.attempt, group.replication_status) == ("succeeded", 1, "failed-over")
    assert [call.outcome for call in site.control.log(method="promote")] == ["ok"]
    assert models.Event.objects.filter(operation=operation, axis="operation.state", new="running").count() == 1
