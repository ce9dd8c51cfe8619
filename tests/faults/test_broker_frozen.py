"""The broker takes connections and never answers: no request waits for it, and neither does the sweeper."""

from __future__ import annotations

import concurrent.futures
import time

import pytest

from groups import models
from groups.engine import sweeper
from groups.services import replication
from tests.support import domain, doors, messages

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]

BOTH = pytest.mark.parametrize("broker", ["redis", pytest.param("rabbitmq", marks=pytest.mark.soak)], indirect=True)
LONGEST_ANSWER_SECONDS = 3


@pytest.mark.parametrize("frozen_seconds", [1, pytest.param(40, marks=pytest.mark.soak)])
@BOTH
def test_what_is_asked_while_the_broker_is_frozen_is_answered_in_time_and_runs(site, broker, brokered, frozen_seconds):
    """Forty seconds are longer than any time-out: workers and beat have lost their connections by then."""
    groups = [site.new_group(1) for _ in range(6)]
    token = doors.token_of_member(site.project)
    brokered.beat()
    brokered.worker()
    door = brokered.web()

    broker.freeze()
    answers = [door.act(token, group, enable_replication={}) for group in groups[:3]]
    with concurrent.futures.ThreadPoolExecutor() as people:
        asked = [people.submit(door.act, token, group, enable_replication={}) for group in groups[3:]]
        answers += [each.result() for each in asked]
    time.sleep(frozen_seconds)
    broker.wake()
    for group in groups:
        brokered.wait_for_end(domain.last_operation(group))

    assert [answer.status for answer in answers] == [202] * 6
    assert max(answer.seconds for answer in answers) < LONGEST_ANSWER_SECONDS
    ends = [(each.state, each.attempt) for each in map(domain.last_operation, groups)]
    assert ends == [("succeeded", 1)] * 6


@BOTH
def test_a_sweep_ends_in_time_while_the_broker_is_frozen(site, broker):
    groups = [site.new_group(0) for _ in range(20)]
    for group in groups:
        replication.enable(site.owner, group_id=group.pk)
    models.Operation.objects.update(dispatched_at=None)
    with messages.sent_to(broker.address):
        broker.freeze()
        began = time.monotonic()

        found = sweeper.sweep()

        seconds = time.monotonic() - began
        broker.wake()
    assert found == 20
    assert seconds < 2 * LONGEST_ANSWER_SECONDS
