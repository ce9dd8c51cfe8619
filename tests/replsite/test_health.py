"""What the site says about itself."""

from __future__ import annotations

import datetime
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connections
from django.test import Client
from django.utils import timezone

import replsite
from groups import models, queues
from groups.engine import watching
from replsite import health, schedule
from tests.support import processes, watched, workers

ALL_WELL = {"failover": 2, "replication": 1, "maintenance": 2}


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The address of something that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def use_broker() -> Iterator[Callable[[str], None]]:
    """Have this process send its messages elsewhere until the test is over."""

    def _use(address: str) -> None:
        elsewhere = Celery("elsewhere", broker=address)
        elsewhere.conf.broker_transport_options = schedule.transport_options(address)
        elsewhere.set_default()

    yield _use
    replsite.celery_app.set_current()
    replsite.celery_app.set_default()


@pytest.fixture
def crewed(transactional_db: None) -> None:
    """Everybody works who should."""
    watched.everybody()


def ask(client: Client) -> tuple[int, dict[str, Any]]:
    """Return what `/readyz` answers."""
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_a_process_that_answers_is_live_whatever_its_database_does(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.usefixtures("crewed")
class TestASite:
    def test_where_everybody_works_is_ready(self, client: Client) -> None:
        status, report = ask(client)

        ages = report.pop("tick_seconds")
        assert status == 200, report
        assert report == {
            "status": "ok",
            "database": "ok",
            "broker": "ok",
            "workers": ALL_WELL,
            "waiting_seconds": 0.0,
            "expired_leases": 0,
            "problems": [],
        }
        assert all(0 <= age < 60 for age in ages.values())

    @pytest.mark.parametrize("queue", queues.ALL)
    def test_without_a_live_worker_for_a_queue_is_not_ready_and_names_it(self, client: Client, queue: str) -> None:
        models.Pulse.objects.filter(kind="worker").delete()
        watched.worker("frozen", seen_seconds_ago=60)
        watched.worker("other", reads=[each for each in queues.ALL if each != queue])

        status, report = ask(client)

        assert status == 503
        assert report["workers"][queue] == 0
        assert [f"'{queue}'" in said for said in report["problems"]] == [True]

    def test_whose_beat_is_dead_is_not_ready_and_names_it(self, client: Client) -> None:
        watched.everybody(ticks_seconds_ago=100)

        status, report = ask(client)

        assert status == 503
        assert min(report["tick_seconds"].values()) >= 100
        assert "beat is not running" in report["problems"][0]

    def test_whose_operations_wait_or_lost_their_workers_is_not_ready(self, client: Client) -> None:
        watched.operation(created_at=timezone.now() - datetime.timedelta(seconds=77))
        watched.operation(state="running", lease_until=timezone.now() - datetime.timedelta(seconds=55))

        status, report = ask(client)

        assert status == 503
        assert 77 <= report["waiting_seconds"] < 150
        assert report["expired_leases"] == 1
        assert "has waited" in report["problems"][0]

    def test_that_was_only_just_started_is_not_called_ready_before_its_workers_are(self, client: Client) -> None:
        models.Pulse.objects.all().delete()
        assert ask(client)[0] == 503

        watching.show_life(name="worker@here", queues=queues.ALL)

        status, report = ask(client)
        assert status == 200, report
        ticks = ("sweep", "observe", "lag", "rounds", "drills")
        assert report["tick_seconds"] == dict.fromkeys(ticks)

    def test_tells_no_names_of_groups(self, client: Client) -> None:
        row = watched.operation(created_at=timezone.now() - datetime.timedelta(days=1))

        said = json.dumps(ask(client)[1])

        assert row.subject_name not in said
        assert str(row.subject_id) not in said

    def test_without_its_database_is_not_ready(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(connections.settings["default"], "NAME", "/nowhere/replsite.sqlite3")

        status, report = ask(client)

        assert status == 503
        assert report == {
            "status": "unavailable",
            "database": "failed",
            "broker": "ok",
            "problems": ["The database cannot be used; the log has the error."],
        }

    def test_whose_broker_refuses_is_not_ready(self, client: Client, use_broker: Callable[[str], None]) -> None:
        use_broker("redis://127.0.0.1:1/0")

        status, report = ask(client)

        assert status == 503
        assert (report["database"], report["broker"]) == ("ok", "failed")
        assert report["problems"] == ["The broker cannot be used; the log has the error."]

    def test_whose_broker_hangs_says_so_in_time_and_leaves_no_threads_behind(
        self, client: Client, use_broker: Callable[[str], None], silent_address: str
    ) -> None:
        use_broker(silent_address)
        client.get("/healthz")  # the first request imports the site, which takes its time

        def asking() -> int:
            return sum(thread.name.startswith("asking") for thread in threading.enumerate())

        # The second request waits for the first one's question, which may fail meanwhile.
        for words in ({"no answer"}, {"no answer", "failed"}):
            began = time.monotonic()
            status, report = ask(client)

            assert status == 503
            assert report["database"] == "ok"
            assert report["broker"] in words
            assert time.monotonic() - began < health.LIMIT_SECONDS + 1.5
            assert asking() <= 1


@pytest.mark.slow
@pytest.mark.usefixtures("transactional_db")
def test_a_real_crew_is_ready_and_a_frozen_worker_is_missed(client: Client, tmp_path: Path, settings: Any) -> None:
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"heartbeat_seconds": 0.5, "sweep_seconds": 0.5})
    beat = workers.beat(tmp_path / "beat.log", tmp_path / "schedule", observe_seconds="1")
    worker = workers.worker(tmp_path / "one.log")
    try:

        def ticked() -> bool:
            return all(age is not None for age in ask(client)[1]["tick_seconds"].values())

        processes.wait_until(ticked, what="every tick to have been done")
        processes.wait_until(lambda: ask(client)[0] == 200, what="the site to be ready")

        worker.freeze()
        processes.wait_until(lambda: ask(client)[0] == 503, what="the frozen worker to be missed")
        assert ask(client)[1]["problems"] == ["No worker reads any queue: nothing is done, and failovers wait."]

        worker.wake()
        processes.wait_until(lambda: ask(client)[0] == 200, what="the worker to be back")

        worker.popen.send_signal(signal.SIGTERM)
        worker.popen.wait(60)
        assert not models.Pulse.objects.filter(kind="worker").exists()
    finally:
        for process in (worker, beat):
            process.wake()
            process.kill()


def test_openstack_s_load_balancers_are_answered_in_their_words(client):
    answer = client.get("/healthcheck")

    assert (answer.status_code, answer.json()) == (200, {"detailed": False, "reasons": ["OK"]})
