"""What stands still is found, and told of no longer than it does."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.utils import timezone

from drivers import base
from groups import models
from groups.engine import leases, runner, watching
from groups.services import replication
from tests.support import domain, processes, watched

STALLED_SECONDS = 1.0


@pytest.fixture
def alert(settings):
    """A site that tells of what has stood still for a second."""
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"stalled_seconds": STALLED_SECONDS})


def open_findings() -> list[models.Finding]:
    """Return what is found of operations that stand still."""
    return list(models.Finding.objects.filter(code="no-progress", closed_at__isnull=True))


def standing_still(seconds: float = 24, **changes: object) -> models.Operation:
    """Write a running operation that made its last progress a while ago."""
    values = {"state": "running", "step": "promote", "waiting_for": "secondary 'site-b'", **changes}
    return watched.operation(progress_at=timezone.now() - datetime.timedelta(seconds=seconds), **values)


class TestAHangingStorageCall:
    @pytest.fixture
    def hanging(self, transactional_db, alert, site) -> Iterator[models.Operation]:
        """A failover whose storage hangs in `promote`, run by a worker's own code in a thread."""
        group = site.enabled_group(2)
        site.control.add_fault(call="promote", action="hang", group_id=str(group.pk))
        operation = replication.failover(site.owner, group_id=group.pk)
        thread = threading.Thread(target=self._work, args=(operation,), name="worker")
        thread.start()
        yield operation
        site.control.clear_faults()
        thread.join(60)

    def _work(self, operation: models.Operation) -> None:
        runner.run(operation_id=operation.pk, owner="worker@here")
        connection.close()

    def test_is_found_with_the_name_of_its_step_before_its_deadline(self, hanging, settings):
        processes.wait_until(watching.stalled, what="the hanging call to be found")

        (found,) = open_findings()
        hanging.refresh_from_db()
        assert hanging.state == "running"
        assert (found.subject_id, found.operation, found.group) == (hanging.pk, hanging, hanging.group)
        assert found.key == "promote"
        assert found.severity == "warning"
        assert found.project_id == hanging.project_id
        assert "in step 'promote'" in found.actual
        assert settings.REPLSITE.driver_deadline_seconds == 60

    def test_is_told_of_no_more_once_it_has_ended(self, site, hanging):
        processes.wait_until(watching.stalled, what="the hanging call to be found")

        site.control.clear_faults()
        processes.wait_until(lambda: domain.last_operation(hanging.group).ended_at, what="the failover's end")

        assert watching.stalled() == 0
        assert open_findings() == []
        assert models.Finding.objects.filter(code="no-progress").count() == 1


@pytest.mark.django_db
class TestAFindingOfNoProgress:
    def test_says_how_long_where_and_what_for(self):
        standing_still(24)

        watching.stalled()

        assert open_findings()[0].actual == "No progress for 24 s in step 'promote' (waiting for secondary 'site-b')."

    def test_stays_one_as_long_as_nothing_moves(self):
        standing_still(24)

        assert [watching.stalled() for _ in range(3)] == [1, 1, 1]

        assert len(open_findings()) == 1

    @pytest.mark.parametrize(
        "change",
        [{"progress_at": Now()}, {"state": "succeeded", "ended_at": Now()}, {"state": "waiting", "not_before": Now()}],
        ids=["progress", "end", "another try"],
    )
    def test_is_closed_by(self, change):
        operation = standing_still()
        watching.stalled()

        models.Operation.objects.filter(pk=operation.pk).update(**change)

        assert watching.stalled() == 0
        assert open_findings() == []

    def test_names_the_step_it_is_at_now(self):
        operation = standing_still()
        watching.stalled()

        models.Operation.objects.filter(pk=operation.pk).update(step="verify")
        watching.stalled()

        assert [finding.key for finding in open_findings()] == ["verify"]

    def test_is_not_made_before_the_time_that_is_set(self, settings):
        settings.REPLSITE = settings.REPLSITE.model_copy(update={"stalled_seconds": 30})
        standing_still(24)

        assert watching.stalled() == 0

    def test_of_the_sweep_tick_comes_along_with_its_sign_of_life(self):
        standing_still()

        watching.tick("sweep", work=watching.sweep)

        assert len(open_findings()) == 1
        assert models.Pulse.objects.filter(pk="sweep", kind="tick").exists()


@pytest.mark.django_db
class TestATick:
    def test_is_noted_only_when_it_has_been_done(self):
        def fail() -> int:
            raise DatabaseError("the tick's own trouble")

        with pytest.raises(DatabaseError):
            watching.tick("observe", work=fail)
        assert not models.Pulse.objects.exists()

        assert watching.tick("observe", work=lambda: 7) == 7
        assert models.Pulse.objects.get().name == "observe"

    def test_that_takes_long_is_not_begun_again_meanwhile_or_it_would_take_every_thread_of_a_worker(self):
        begun, go_on = threading.Event(), threading.Event()
        done: list[str] = []

        def hang() -> int:
            begun.set()
            go_on.wait(60)
            raise DatabaseError("nothing to note")

        def note() -> int:
            done.append("done")
            return 7

        def look() -> None:
            with contextlib.suppress(DatabaseError):
                watching.tick("observe", work=hang)

        first = threading.Thread(target=look)
        first.start()
        begun.wait(60)
        try:
            assert watching.tick("observe", work=note) == 0
            assert watching.tick("sweep", work=note) == 7
        finally:
            go_on.set()
            first.join(60)

        assert watching.tick("observe", work=note) == 7
        assert done == ["done", "done"]

    def test_forgets_workers_that_have_been_silent_for_a_day(self):
        watched.worker("gone", seen_seconds_ago=86_500)
        watched.worker("silent", seen_seconds_ago=86_300)

        watching.sweep()

        assert list(models.Pulse.objects.values_list("name", flat=True)) == ["silent"]


@pytest.mark.django_db
def test_a_call_that_says_the_same_again_and_again_makes_no_progress():
    operation = watched.operation(state="running")
    lease = leases.OperationLease(operation)
    call = base.Call(epoch=1, on_progress=lease.note)

    def say(done: int) -> datetime.datetime | None:
        models.Operation.objects.filter(pk=operation.pk).update(progress_at=None)
        call.progress(done=done, total=10, unit="bytes")
        lease.renew()
        operation.refresh_from_db()
        return operation.progress_at

    first, same, further = say(1), say(1), say(2)

    assert first is not None
    assert same is None
    assert further is not None
    assert operation.progress_done == 2


@pytest.mark.django_db(transaction=True)
def test_progress_that_the_database_did_not_take_is_written_the_next_time():
    operation = watched.operation(state="running")
    lease = leases.OperationLease(operation)
    lease.note(3, 10, "bytes", "")

    def refuse(*_statement: object) -> None:
        raise DatabaseError("gone for a moment")

    with connection.execute_wrapper(refuse), pytest.raises(DatabaseError):
        lease.renew()
    lease.renew()

    operation.refresh_from_db()
    assert operation.progress_done == 3
