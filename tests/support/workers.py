"""Real workers, beat and web server on the test's own database and broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from tests.support import processes

QUICK = {
    "lease_seconds": "2",
    "heartbeat_seconds": "0.5",
    "sweep_seconds": "0.5",
    "redispatch_seconds": "1",
    "rounds_tick_seconds": "0.5",
    "retry_base_seconds": "0.2",
    "retry_max_seconds": "1",
}
_CELERY = ("-m", "celery", "-A", "replsite")


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process that shares the test's database and broker."""
    return processes.environment(
        settings.REPLSITE.state_dir,
        **{"database_url": _database_url(), "broker_url": settings.CELERY_BROKER_URL, **QUICK, **changes},
    )


class Process:
    """A program of the site in a process group of its own."""

    def __init__(self, *words: str, log: Path, **changes: str) -> None:
        self.log = log
        self._out = log.open("ab")
        self.popen = subprocess.Popen(
            [sys.executable, *words],
            env=environment(**changes),
            cwd=processes.CHECKOUT,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_for(self, text: str) -> None:
        """Wait until the process has said something."""
        processes.wait_until(lambda: text in self.log.read_text(errors="replace"), what=f"'{text}' in {self.log}")

    @property
    def has_ended(self) -> bool:
        """Tell whether the process is gone."""
        return self.popen.poll() is not None

    def kill(self) -> None:
        """Kill -9 the process and its children."""
        self._signal(signal.SIGKILL)
        self.popen.wait(30)
        self._out.close()

    def freeze(self) -> None:
        """Stop the process where it is."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            return


def worker(log: Path, **changes: str) -> Process:
    """Start a worker and wait until it takes messages."""
    process = Process(
        *_CELERY, "worker", "--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle",
        "--hostname", f"{log.stem}@tests", log=log, **changes,
    )  # fmt: skip
    process.wait_for("ready")
    return process


def beat(log: Path, schedule: Path, **changes: str) -> Process:
    """Start beat."""
    return Process(*_CELERY, "beat", "--schedule", str(schedule), "--pidfile=", log=log, **changes)


def web(log: Path, *, port: int, application: str = "replsite.wsgi", **changes: str) -> Process:
    """Start the web server; it answers a little later."""
    words = ("-m", "gunicorn", "--config", "python:replsite.gunicorn", application)
    return Process(*words, log=log, bind=f"127.0.0.1:{port}", **changes)


def _database_url() -> str:
    values: dict[str, Any] = connection.settings_dict
    name = str(values["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"postgresql://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{name}"
