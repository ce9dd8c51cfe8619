"""Who counts as alive, what counts as waiting, and what is said of it."""

from __future__ import annotations

import datetime
import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from groups import findings, models, queues, statuses, transitions
from groups.queries import problems, watching
from groups.statuses import OperationState
from tests.support import watched

STATES = sorted(statuses.OPEN)
AGO, AHEAD = datetime.timedelta(seconds=-60), datetime.timedelta(seconds=60)


@pytest.fixture(autouse=True)
def _rows(db):
    """Every test reads tables."""


def told() -> dict[str, problems.Problem]:
    """Return the problems, by code."""
    return {problem.code: problem for problem in problems.of(watching.standing())}


class TestAnOperation:
    @pytest.mark.parametrize("state", STATES)
    def test_waits_for_a_worker_exactly_when_one_may_claim_it(self, state):
        now = timezone.now()
        times = (None, now + AGO, now + AHEAD)
        for lease, not_before in itertools.product(times, times):
            if state == OperationState.WAITING and not_before is None:
                continue
            watched.operation(state=state, lease_until=lease, not_before=not_before, heartbeat_at=now + AGO)

        claimable = set(models.Operation.objects.filter(transitions.claimable()).values_list("pk", flat=True))

        rows = models.Operation.objects.annotate(due=watching.due_at())
        assert {row.pk for row in rows if row.due <= timezone.now()} == claimable

    def test_waits_in_the_queue_that_will_wake_its_worker(self):
        watched.operation(kind="failover", created_at=timezone.now() - datetime.timedelta(seconds=40))
        watched.operation(kind="enable-replication", created_at=timezone.now() - datetime.timedelta(seconds=90))

        waiting = watching.standing().waiting_seconds

        assert {queue: round(seconds, -1) for queue, seconds in waiting.items()} == {"failover": 40, "replication": 90}

    def test_whose_lease_ran_out_is_counted_with_the_time_since(self):
        for seconds in (20, 50, -50):
            watched.operation(
                state="running", lease_until=timezone.now() - datetime.timedelta(seconds=seconds), owner="gone"
            )

        standing = watching.standing()

        assert standing.expired_leases == 2
        assert 50 <= standing.expired_seconds < 80

    def test_that_ended_or_is_owned_does_not_wait(self):
        watched.operation(state="running", lease_until=timezone.now() + AHEAD)
        watched.operation(state="succeeded", ended_at=timezone.now())

        assert watching.standing().waiting_seconds == {}


class TestAWorker:
    def test_is_alive_until_it_has_left_out_three_signs(self, settings):
        settings.REPLSITE = settings.REPLSITE.model_copy(update={"heartbeat_seconds": 4})
        watched.worker("young", seen_seconds_ago=10)
        watched.worker("silent", seen_seconds_ago=14)

        assert [worker.name for worker in watching.standing().workers] == ["young"]

    @pytest.mark.parametrize("heartbeat,pulse", [(0.1, 1), (3, 3), (300, 5)])
    def test_shows_life_often_enough_and_not_too_often(self, settings, heartbeat, pulse):
        settings.REPLSITE = settings.REPLSITE.model_copy(update={"heartbeat_seconds": heartbeat})

        assert watching.pulse_seconds() == pulse


class TestWhatIsSaid:
    def test_is_nothing_when_all_is_well(self):
        watched.everybody()

        assert told() == {}

    @pytest.mark.parametrize("queue", queues.ALL)
    def test_names_the_queue_that_no_live_worker_reads(self, queue):
        watched.everybody()
        models.Pulse.objects.filter(kind="worker").delete()
        watched.worker("silent", seen_seconds_ago=60)
        watched.worker("other", reads=[each for each in queues.ALL if each != queue])

        assert list(told()) == ["no-worker"]
        problem = told()["no-worker"]
        assert f"'{queue}'" in problem.what
        assert problem.command == f"celery --app replsite worker --queues {queue}"
        assert problem.stops_failovers == (queue == queues.FAILOVER)

    def test_is_one_sentence_when_nobody_works_at_all(self):
        watched.worker("stopping", reads=[])

        (problem,) = problems.of(watching.standing())

        assert problem.stops_failovers
        assert "stopping" in problem.remedy

    def test_names_beat_when_no_tick_comes(self):
        watched.everybody(ticks_seconds_ago=50)

        assert list(told()) == ["no-ticks"]
        assert "beat is not running" in told()["no-ticks"].what
        assert not told()["no-ticks"].stops_failovers

    def test_does_not_name_one_tick_while_a_dead_beat_makes_all_of_them_old(self):
        watched.everybody(ticks_seconds_ago=16)
        watched.tick("rounds", seconds_ago=11)
        assert told() == {}

        watched.tick("rounds", seconds_ago=16)
        assert list(told()) == ["no-ticks"]

    def test_names_the_one_tick_that_is_late(self):
        watched.everybody()
        watched.tick("observe", seconds_ago=100)

        assert list(told()) == ["late-tick"]
        assert "'observe'" in told()["late-tick"].what

    def test_gives_ticks_time_to_come_after_the_workers_were_started(self):
        watched.worker("new", up_seconds=14)
        assert told() == {}

        watched.worker("new", up_seconds=16)
        assert list(told()) == ["no-ticks"]

    def test_does_not_blame_beat_for_ticks_that_no_worker_could_take(self):
        watched.everybody(ticks_seconds_ago=600)
        models.Pulse.objects.filter(kind="worker").delete()
        watched.worker("new", up_seconds=3)

        assert told() == {}

    @pytest.mark.parametrize("kind,seconds", [("failover", 31), ("enable-replication", 301)])
    def test_names_an_operation_that_no_worker_takes(self, kind, seconds):
        watched.everybody()
        row = watched.operation(kind=kind, created_at=timezone.now() - datetime.timedelta(seconds=seconds - 5))
        assert told() == {}

        models.Operation.objects.filter(pk=row.pk).update(
            created_at=timezone.now() - datetime.timedelta(seconds=seconds)
        )

        assert list(told()) == ["long-wait"]
        assert f"{seconds} s" in told()["long-wait"].what
        assert told()["long-wait"].stops_failovers == (kind == "failover")

    def test_names_leases_that_ran_out_and_were_not_taken_over(self):
        watched.everybody()
        watched.operation(
            kind="disable-replication", state="running", lease_until=timezone.now() - datetime.timedelta(seconds=31)
        )

        assert list(told()) == ["expired-leases"]

    def test_names_nobodys_group(self):
        row = watched.operation(kind="failover", created_at=timezone.now() - datetime.timedelta(days=1))

        said = " ".join(problem.what + problem.remedy for problem in told().values())

        assert said
        assert row.subject_name not in said
        assert str(row.subject_id) not in said


def test_only_open_findings_that_nobody_set_aside_are_counted():
    now = timezone.now()
    for changes in ({}, {"closed_at": now}, {"ignored_until": now + AHEAD}, {"ignored_until": now + AGO}):
        watched.finding(code=findings.Code.LAGGING, **changes)
    watched.finding(code=findings.Code.TWO_ACTIVE_SIDES)

    assert watching.open_findings() == {("lagging", "warning"): 2, ("two-active-sides", "critical"): 1}


def test_looking_costs_two_statements_whatever_there_is():
    for size in (0, 20):
        for number in range(size):
            watched.worker(f"worker-{number}")
            watched.operation()

        with CaptureQueriesContext(connection) as statements:
            problems.of(watching.standing())

        # One more asks PostgreSQL for its clock, once a minute.
        asked = [each["sql"] for each in statements if "clock_timestamp" not in each["sql"]]
        assert len(asked) == 2


def test_every_kind_of_operation_has_a_queue_that_is_watched():
    assert {queues.of_kind(kind) for kind in statuses.Kind} == {queues.FAILOVER, queues.REPLICATION}
    assert set(problems.tick_intervals()) == set(watching.TICKS)
