"""Several workers and a beat on one spool."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replsite import celery, schedule
from tests.support import processes

WORKER = ("worker", "--queues", ",".join(schedule.QUEUES), "--without-gossip", "--without-mingle")


Start = Callable[..., Path]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process of Celery on a site of its own; return the file of what it says."""
    settings = {"log_level": "debug", "sweep_seconds": "0.2", "observe_seconds": "0.3", "rounds_tick_seconds": "0.2"}
    env = processes.environment(tmp_path / "site", **settings)
    made = processes.run("manage.py", "migrate", "--skip-checks", env=env)
    assert made.returncode == 0, made.stderr
    started: list[subprocess.Popen[bytes]] = []

    def _start(name: str, *words: str) -> Path:
        command = [sys.executable, "-m", "celery", "--app", "replsite", *words]
        log = tmp_path / f"{name}.log"
        with log.open("w") as output:
            started.append(
                subprocess.Popen(command, env=env, cwd=processes.CHECKOUT, stdout=output, stderr=subprocess.STDOUT)
            )
        return log

    yield _start
    for process in started:
        process.kill()
        process.wait()


def test_every_tick_names_a_known_task_and_depends_on_no_clock_of_day() -> None:
    celery.app.loader.import_default_modules()

    for tick in celery.app.conf.beat_schedule.values():
        assert tick["task"] in celery.app.tasks
        assert "expires" not in tick["options"]
        assert tick["options"]["queue"] in schedule.QUEUES


@pytest.mark.slow
def test_two_workers_share_the_ticks_of_one_beat(start: Start) -> None:
    logs = [start(name, *WORKER, "--hostname", f"{name}@here") for name in ("one", "two")]
    start("beat", "beat", "--pidfile=")

    def did_some_of_each(log: Path) -> bool:
        text = log.read_text()
        return all(f"Task groups.tasks.{name}[" in text for name in ("sweep", "observe", "lag", "rounds", "drills"))

    processes.wait_until(lambda: all(did_some_of_each(log) for log in logs), seconds=60, what="both workers got ticks")

    said = "\n".join(log.read_text() for log in logs)
    ticks = re.findall(r"Task groups\.tasks\.\w+\[([0-9a-f-]+)\] received", said)
    assert len(ticks) == len(set(ticks)), "a tick was run twice"
    assert "Traceback" not in said
