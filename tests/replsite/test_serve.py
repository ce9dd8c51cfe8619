"""A whole site: web, worker and beat under one supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes

pytestmark = pytest.mark.slow


class Served:
    """A running site and what it said."""

    def __init__(self, folder: Path) -> None:
        self.state_dir = folder / "site"
        self.address = f"127.0.0.1:{processes.free_port()}"
        self.env = processes.environment(self.state_dir, bind=self.address, log_level="debug", sweep_seconds="0.5")
        made = processes.run("manage.py", "migrate", "--skip-checks", env=self.env)
        assert made.returncode == 0, made.stderr
        self.log = folder / "log"
        with self.log.open("w") as log:
            # A session of its own, as a terminal's foreground has.
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "replsite.serve"],
                env=self.env,
                cwd=processes.CHECKOUT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def get(self, path: str) -> Any:
        """Return what an address answers, or nothing while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def said(self, text: str) -> bool:
        """Tell whether the site said something."""
        return text in self.log.read_text()

    def wait_until_up(self) -> None:
        """Wait until web, worker and beat have each done something."""
        processes.wait_until(lambda: self.get("/readyz"), seconds=60, what="the site is ready")
        processes.wait_until(lambda: self.said("Task groups.tasks.sweep"), seconds=60, what="a tick came to the worker")

    def wait_until_gone(self) -> None:
        """Wait until no process of the site is left."""
        processes.wait_until(
            lambda: not processes.of_site(self.state_dir), seconds=20, what=f"all is gone; see {self.log.read_text()}"
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    site = Served(tmp_path)
    try:
        site.wait_until_up()
        yield site
    finally:
        site.supervisor.kill()
        processes.end_site(site.state_dir)
        site.supervisor.wait()


def test_a_site_ticks_and_answers_and_leaves_nothing_after_an_interrupt(served: Served) -> None:
    ready = served.get("/readyz")
    nodes = processes.run("-m", "celery", "--app", "replsite", "inspect", "ping", "--timeout", "5", env=served.env)

    os.killpg(served.supervisor.pid, signal.SIGINT)  # what Ctrl-C sends

    assert served.supervisor.wait(timeout=30) == 130
    served.wait_until_gone()
    assert (ready["database"], ready["broker"], ready["problems"]) == ("ok", "ok", [])
    assert ready["workers"] == {"failover": 2, "replication": 1, "maintenance": 2}
    assert "2 nodes online" in nodes.stdout
    assert not served.said("Traceback")


def test_a_killed_supervisor_takes_everything_with_it(served: Served) -> None:
    served.supervisor.kill()

    served.wait_until_gone()


def test_a_site_of_which_one_process_ends_stops_as_a_whole(served: Served) -> None:
    beat = next(each for each in processes.of_site(served.state_dir) if "beat" in each.cmdline())

    beat.kill()

    assert served.supervisor.wait(timeout=30) != 0
    served.wait_until_gone()
