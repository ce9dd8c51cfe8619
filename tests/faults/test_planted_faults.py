"""A broken engine is caught by the judge; the same scenes with a whole one are not complained of."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, connections

from groups import models, transitions
from groups.engine import runner
from groups.services import replication
from tests.judging import history, plants, verdict
from tests.support import domain, processes, workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.unjudged("it judges for itself")]

LEASE_SECONDS = 2.0


@contextlib.contextmanager
def engine(fault: str | None) -> Iterator[None]:
    """Break the engine with a fault, or leave it whole."""
    with plants.planted(fault) if fault else contextlib.nullcontext():
        yield


def complaints(site: domain.Site) -> list[str]:
    """Judge what happened on a site where all is at rest."""
    return verdict.judge(history.collect(logs=site.control.log(), observe=history.look, at_rest=True))


def enabling(site: domain.Site, *, action: str) -> models.Operation:
    """Ask for a group's replication on a storage that acts up once while it copies."""
    group = site.new_group(2)
    site.control.add_fault(call="enable_replication", action=action, times=1)
    return replication.enable(site.owner, group_id=group.pk)


def wait_for_copying(site: domain.Site, *, calls: int = 1) -> None:
    processes.wait_until(lambda: len(site.control.log(method="enable_replication")) == calls, what="the copying")


def work() -> None:
    """Do in a thread what is due."""
    try:
        domain.drain()
    finally:
        connection.close()


class TestASecondWorkerForWorkThatHasALiveOne:
    """The lease check."""

    def scene(self, site: domain.Site) -> bool:
        operation = enabling(site, action="hang")
        first = threading.Thread(target=work)
        first.start()
        wait_for_copying(site)
        taken = runner.run(operation_id=operation.pk, owner="second")
        site.control.clear_faults()
        first.join(60)
        domain.drain_with_retries()
        return taken

    def test_gets_it_from_an_engine_without_a_lease_check_and_the_judge_says_so(self, site):
        with engine("no lease check"):
            taken = self.scene(site)

        assert taken
        assert any("within a lease" in complaint for complaint in complaints(site))

    def test_does_not_get_it_from_a_whole_engine(self, site):
        taken = self.scene(site)

        assert not taken
        assert complaints(site) == []


class TestAWorkerFrozenInItsCallPastItsLease:
    """The fence."""

    @pytest.fixture(autouse=True)
    def impatient(self, settings):
        settings.REPLSITE = settings.REPLSITE.model_copy(
            update={"lease_seconds": LEASE_SECONDS, "heartbeat_seconds": LEASE_SECONDS / 4}
        )

    def scene(self, site: domain.Site) -> tuple[str | None, str | None]:
        """Wake the frozen one while another worker is at it; return how the call of each ended."""
        operation = enabling(site, action="ignore-cancel")
        connections.close_all()
        frozen = multiprocessing.get_context("fork").Process(target=domain.drain)
        frozen.start()
        try:
            wait_for_copying(site)
            os.kill(frozen.pid, signal.SIGSTOP)
            row = models.Operation.objects.filter(pk=operation.pk)
            processes.wait_until(lambda: row.filter(transitions.claimable()).exists(), what="the lease's end")
            # After its effect: the storage has seen the epoch of the take-over when the frozen one wakes.
            site.control.add_fault(call="enable_replication", action="hang", when="after", times=1)
            second = threading.Thread(target=work)
            second.start()
            wait_for_copying(site, calls=2)
            processes.wait_until(lambda: site.control.faults()[-1].times_left == 0, what="the second worker's effect")
            first_fault, _ = site.control.faults()
            site.control.clear_faults(first_fault.id)
            os.kill(frozen.pid, signal.SIGCONT)
            frozen.join(60)
        finally:
            frozen.kill()
            frozen.join(60)
        site.control.clear_faults()
        second.join(60)
        late, good = site.control.log(method="enable_replication")
        return late.outcome, good.outcome

    def test_still_has_an_effect_with_an_engine_without_a_fence_and_the_judge_says_so(self, site):
        with engine("no fence"):
            late, _ = self.scene(site)

        assert late == "ok"
        assert any("two writers in one epoch" in complaint for complaint in complaints(site))

    def test_has_none_with_a_whole_engine(self, site):
        late, good = self.scene(site)

        assert late != "ok"
        assert good == "ok"
        assert complaints(site) == []


class TestAStepThatDoesNotGoAsItsStatusSays:
    """The end is written last."""

    @pytest.mark.parametrize("action", ["fail", "slow"])
    def test_stands_as_a_false_success_where_the_status_comes_first_and_the_judge_says_so(self, site, action):
        operation = enabling(site, action=action)
        with engine("success before step"):
            domain.drain()

        operation.refresh_from_db()
        assert operation.state == "succeeded"
        assert any(str(operation.pk) in complaint and "success" in complaint for complaint in complaints(site))

    def test_leaves_a_record_the_storage_contradicts_and_the_judge_says_so(self, site):
        enabling(site, action="fail")
        with engine("success before step"):
            domain.drain()

        assert any("replication does not run" in complaint for complaint in complaints(site))

    @pytest.mark.parametrize("action, state", [("fail", "failed"), ("slow", "succeeded")])
    def test_is_not_called_a_success_by_a_whole_engine(self, site, action, state):
        operation = enabling(site, action=action)

        domain.drain()

        operation.refresh_from_db()
        assert operation.state == state
        assert complaints(site) == []


@pytest.mark.slow
def test_a_real_worker_can_carry_a_planted_fault(site, tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_FAULT", "success before step")
    operation = enabling(site, action="fail")
    words = ("-m", "celery", "-A", "tests.judging.planted_app", "worker", "--pool", "solo", "--without-mingle")
    worker = workers.Process(*words, log=tmp_path / "planted.log")
    try:
        processes.wait_until(lambda: site.control.log(method="enable_replication"), what="the copying")
        worker.wait_for("lease_lost")
    finally:
        worker.kill()

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert any(str(operation.pk) in complaint for complaint in complaints(site))


def test_a_fault_nobody_knows_is_not_planted():
    with pytest.raises(ValueError, match="no lease check"):
        plants.plant("no sense")


def test_a_planted_fault_is_gone_in_the_end():
    whole = transitions.claimable

    with engine("no lease check"):
        assert transitions.claimable is not whole

    assert transitions.claimable is whole
