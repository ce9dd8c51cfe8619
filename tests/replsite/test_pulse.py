"""A worker shows that it lives, and is missed when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from groups import models, queues
from groups.queries import watching
from replsite import pulse
from tests.support import processes, servers, workers


@pytest.fixture(autouse=True)
def _quick(db: None, settings: settings) -> None:
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"heartbeat_seconds": 0.5})


@pytest.fixture
def _committed(transactional_db: None) -> None:
    """What other threads and processes write can be seen."""


def reading() -> dict[str, tuple[str, ...]]:
    """Return what each live worker reads."""
    return {worker.name: worker.queues for worker in watching.standing().workers}


@pytest.mark.usefixtures("_committed")
class TestAPulse:
    @pytest.fixture
    def beating(self) -> Iterator[pulse.Pulse]:
        """The pulse of a worker that reads one queue."""
        own = pulse.Pulse(name="one@here", queues=lambda: [queues.FAILOVER])
        own.start()
        yield own
        own.stop()

    def test_names_the_worker_and_what_it_reads_until_it_is_stopped(self, beating: pulse.Pulse) -> None:
        processes.wait_until(lambda: reading() == {"one@here": (queues.FAILOVER,)}, what="the first sign of life")

        beating.stop()

        assert not beating.is_alive()
        assert not models.Pulse.objects.exists()

    def test_goes_on_after_its_connection_broke(self) -> None:
        told: list[str] = []

        def break_once() -> list[str]:
            told.append("asked")
            if len(told) == 2:
                connection.ensure_connection()
                connection.connection.close()
            return [f"answer-{len(told)}"]

        own = pulse.Pulse(name="one@here", queues=break_once)
        own.start()

        processes.wait_until(lambda: reading().get("one@here") == ("answer-3",), what="the sign after the broken one")
        own.stop()

    def test_that_stops_leaves_the_sign_of_a_younger_worker_of_its_name(self, beating: pulse.Pulse) -> None:
        processes.wait_until(reading, what="the first sign of life")
        younger = pulse.Pulse(name="one@here", queues=lambda: [queues.REPLICATION])
        younger.start()
        processes.wait_until(lambda: reading()["one@here"] == (queues.REPLICATION,), what="the younger one's sign")

        beating.stop()

        assert models.Pulse.objects.filter(pk="one@here").exists()
        younger.stop()


@pytest.mark.slow
@pytest.mark.usefixtures("_committed")
def test_a_real_worker_that_lost_its_broker_says_that_it_reads_nothing(tmp_path: Path) -> None:
    with servers.redis() as address:
        worker = workers.worker(tmp_path / "one.log", broker_url=address)
        try:
            processes.wait_until(lambda: reading() == {"one@tests": queues.ALL}, what="a sign of life")
        except AssertionError:
            worker.kill()
            raise
    try:
        processes.wait_until(lambda: reading() == {"one@tests": ()}, what="the worker to miss its broker")
    finally:
        worker.kill()
