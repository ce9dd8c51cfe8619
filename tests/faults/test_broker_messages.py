"""A message is lost, or comes twice: the operation runs, and runs once."""

from __future__ import annotations

import itertools
import re

import pytest

from groups import models, specs
from groups.services import replication
from tests.support import messages, processes, workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

IN_SOAK = [pytest.param(name, marks=pytest.mark.soak) for name in ("redis", "rabbitmq")]
ALL_BROKERS = pytest.mark.parametrize("broker", ["spool", "redis", IN_SOAK[1]], indirect=True)


def claims(operation: models.Operation) -> int:
    return models.Event.objects.filter(operation=operation, axis="operation.state", new="running").count()


def taken(worker: workers.Process) -> int:
    """Return how many wake-up calls a worker got."""
    return len(re.findall(r"Task groups\.tasks\.run_operation\[\S+\] received", worker.log.read_text(errors="replace")))


@ALL_BROKERS
def test_an_operation_whose_message_is_lost_runs_all_the_same(site, broker, brokered):
    group = site.new_group(1)
    with messages.sent_to(broker.address):
        operation = replication.enable(site.owner, group_id=group.pk)

    lost = messages.lose_all(broker.address)
    brokered.beat()
    brokered.worker()
    brokered.wait_for_end(operation)

    assert lost == 1
    assert (operation.state, claims(operation)) == ("succeeded", 1)


@ALL_BROKERS
def test_of_many_messages_to_two_workers_at_once_one_is_heeded(site, broker, brokered):
    group = site.enabled_group(2)
    site.control.forget_log()
    site.control.add_fault(call="promote", action="hang", times=1)
    pair = [brokered.worker(log_level="debug"), brokered.worker(log_level="debug")]
    with messages.sent_to(broker.address):
        operation = replication.failover(site.owner, group_id=group.pk)
        processes.wait_until(
            lambda: messages.send_again(operation) or all(taken(worker) >= 3 for worker in pair),
            what="both workers to get messages",
        )

    site.control.clear_faults()
    brokered.wait_for_end(operation)

    assert (operation.state, operation.attempt, claims(operation)) == ("succeeded", 1, 1)
    assert [call.outcome for call in site.control.log(method="promote")] == ["ok"]


@pytest.mark.parametrize(
    "broker", ["spool", *(pytest.param(name, marks=pytest.mark.soak) for name in ("redis", "rabbitmq"))], indirect=True
)
def test_with_two_beats_nothing_runs_twice(site, broker, brokered):
    models.GroupSpec.objects.create(group_type=site.group_type, key=specs.INTERVAL, value="1")
    group = site.new_group(2)
    site.control.forget_log()
    for _ in range(2):
        brokered.beat()
        brokered.worker()

    with messages.sent_to(broker.address):
        operations = []
        for verb, options in (
            (replication.enable, {}),
            (replication.failover, {}),
            (replication.failover, {"secondary_backend_id": "default"}),
        ):
            operations.append(verb(site.owner, group_id=group.pk, **options))
            brokered.wait_for_end(operations[-1])
    site.control.forget_log()
    processes.wait_until(lambda: len(site.control.log(method="replicate")) >= 4, what="four rounds")

    assert [(each.state, each.attempt, claims(each)) for each in operations] == [("succeeded", 1, 1)] * 3
    rounds = site.control.log(method="replicate")
    assert {each.outcome for each in rounds} <= {"ok", None}
    pauses = [late.started_at - early.started_at for early, late in itertools.pairwise(rounds)]
    assert min(pauses) >= 0.9, "rounds came more often than the group asks for"
