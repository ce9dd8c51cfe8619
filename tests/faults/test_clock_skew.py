"""The clock of one host is an hour off: nothing is taken over early or late, and nothing waits for it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator

import pytest
import redis as client
from django.utils import timezone

from groups import models, specs
from groups.services import replication
from tests.support import domain, doors, processes, servers, skewed, workers
from tests.support.crew import Crew

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("postgresql")]

HOUR = 3600
NORMAL_SECONDS = 60
"""What is normal takes a few seconds; what waits for a clock to catch up takes an hour."""
EVERY_CASE = [(host, by) for host in ("web", "worker", "beat") for by in (HOUR, -HOUR)]
QUICK = {("worker", HOUR)}
CASES = [case if case in QUICK else pytest.param(*case, marks=pytest.mark.soak) for case in EVERY_CASE]


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    """A broker that keeps no time of its own."""
    with servers.redis() as address:
        yield address


@pytest.fixture
def group(site: domain.Site) -> models.Group:
    """A replicated group with a round each second."""
    models.GroupSpec.objects.create(group_type=site.group_type, key=specs.INTERVAL, value="1")
    return site.enabled_group(2)


class Hosts:
    """A web server, two workers and beat; the clock of one of them is off."""

    def __init__(self, crew: Crew, broker: str, *, wrong: str, by: int) -> None:
        self._crew, self._broker, self._wrong, self._by = crew, broker, wrong, by
        self.web: doors.Door = self.start("web")
        self.worker: workers.Process = self.start("worker")
        self.other = crew.worker(broker_url=broker)
        self.start("beat")

    def start(self, name: str):
        """Start a process of a host."""
        start = getattr(self._crew, name)
        if name != self._wrong:
            return start(broker_url=self._broker)
        with skewed.clock_off_by(self._by):
            return start(broker_url=self._broker)


def wait_for_operation(crew: Crew, group: models.Group) -> models.Operation:
    """Return the newest operation of a group once it has ended."""
    operation = domain.last_operation(group)
    crew.wait_for_end(operation)
    return operation


def rounds_begin(group: models.Group, *, times: int) -> None:
    """Wait until some more rounds have ended; each must leave a lag of seconds, and the next one due soon."""
    seen: set[datetime.datetime] = set()

    def is_so() -> bool:
        row = models.Round.objects.select_related("group").get(pk=group.pk)
        now = timezone.now()
        told = [at for at in (row.due_at, row.finished_at, row.group.consistent_at) if at is not None]
        assert all(abs((now - at).total_seconds()) < NORMAL_SECONDS for at in told), told
        if row.finished_at is not None:
            seen.add(row.finished_at)
        return len(seen) > times

    processes.wait_until(is_so, seconds=NORMAL_SECONDS, what=f"{times} more rounds")


@pytest.mark.parametrize("wrong,by", CASES)
def test_operations_and_rounds_go_on_in_time(site, crew, group, redis, wrong, by):
    token = doors.token_of_member(site.project)
    hosts = Hosts(crew, redis, wrong=wrong, by=by)
    rounds_begin(group, times=3)
    # Longer than a lease: a worker that took the lease for run out would take the operation over.
    site.control.add_fault(call="promote", action="slow", seconds=5, times=1)

    answer = hosts.web.act(token, group, failover_replication={"secondary_backend_id": "site-b"})

    operation = wait_for_operation(crew, group)
    group.refresh_from_db()
    assert answer.status == 202
    assert (operation.state, operation.attempt) == ("succeeded", 1)
    assert group.replication_status == "failed-over"
    steps = list(operation.steps.all())
    times = [operation.created_at, operation.started_at, *(step.started_at for step in steps if step.started_at)]
    assert times == sorted(times)
    assert abs((timezone.now() - times[0]).total_seconds()) < NORMAL_SECONDS
    assert operation.events.filter(at__gt=timezone.now() + datetime.timedelta(seconds=NORMAL_SECONDS)).count() == 0


@pytest.mark.soak
@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_what_a_worker_with_a_wrong_clock_leaves_is_taken_over_in_time(site, crew, group, redis, by):
    site.control.add_fault(call="promote", action="hang", times=1)
    with skewed.clock_off_by(by):
        wrong = crew.worker(broker_url=redis)
    crew.beat(broker_url=redis)
    operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(lambda: not any(fault.times_left for fault in site.control.faults()), what="a call that hangs")

    wrong.kill()
    site.control.clear_faults()
    killed_at = time.monotonic()
    crew.worker(broker_url=redis)
    crew.wait_for_end(operation)

    assert time.monotonic() - killed_at < NORMAL_SECONDS
    assert (operation.state, operation.attempt) == ("succeeded", 2)


@pytest.mark.soak
@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_an_operation_whose_message_got_lost_at_a_host_with_a_wrong_clock_runs_in_time(site, crew, group, redis, by):
    token = doors.token_of_member(site.project)
    with skewed.clock_off_by(by):
        web = crew.web(broker_url=f"redis://127.0.0.1:{processes.free_port()}/0")

    answer = web.act(token, group, disable_replication={})
    crew.worker(broker_url=redis)
    crew.beat(broker_url=redis)

    operation = wait_for_operation(crew, group)
    assert answer.status == 202
    assert operation.state == "succeeded"


def test_setting_the_clock_back_does_not_silence_a_running_beat(crew, tmp_path, redis):
    broker = client.Redis.from_url(redis)
    broker.flushall()
    clock = tmp_path / "clock"
    clock.write_text(f"+{HOUR}s\n")
    with skewed.clock_off_by(clock):
        crew.beat(broker_url=redis)

    def ticks() -> dict[str, int]:
        waiting = broker.lrange("maintenance", 0, -1)
        return {name: sum(name in message for message in waiting) for name in (b"tasks.sweep", b"tasks.rounds")}

    processes.wait_until(lambda: all(count > 2 for count in ticks().values()), what="some ticks of each kind")

    clock.write_text("+0s\n")
    before = ticks()

    processes.wait_until(lambda: all(count > before[name] + 2 for name, count in ticks().items()), what="more ticks")
    broker.close()


def test_nothing_in_the_rooms_asks_for_a_host_s_own_time_of_day():
    """Times that are stored are the database's; only the default of `created_at` is not, which decides nothing."""
    own = ("timezone.now()", "time.time()", "datetime.now(", "utcnow(")
    files = [path for path in (processes.CHECKOUT / "groups").rglob("*.py") if "migrations" not in path.parts]
    asking = {
        str(path.relative_to(processes.CHECKOUT)) for path in files if any(word in path.read_text() for word in own)
    }

    assert len(files) > 50
    assert asking == {"groups/clock.py"}
