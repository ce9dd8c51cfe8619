"""Processes that end with the one that started them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.support import processes

PARENT = """
import subprocess, sys, time
held = subprocess.Popen([sys.executable, "-m", "replsite.lifeline", sys.executable, "-c",
                         "print('up', flush=True); import time; time.sleep(300)"])
time.sleep(300)
"""


def test_a_held_process_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], env=processes.environment(tmp_path), stdout=subprocess.PIPE, text=True
    )
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert len(processes.of_site(tmp_path)) == 2

        parent.kill()

        processes.wait_until(lambda: not processes.of_site(tmp_path), seconds=5, what="the held process is gone")
    finally:
        processes.end_site(tmp_path)
        parent.communicate()


def test_a_process_whose_parent_is_gone_already_does_not_start(tmp_path: Path) -> None:
    words = ("--parent", "1", sys.executable, "-c", "print('up')")

    said = processes.run("-m", "replsite.lifeline", *words, env=processes.environment(tmp_path))

    assert (said.stdout, said.returncode) == ("", -signal.SIGKILL)


def test_a_held_process_answers_as_itself(tmp_path: Path) -> None:
    said = processes.run(
        "-m",
        "replsite.lifeline",
        sys.executable,
        "-c",
        "print('hello'); raise SystemExit(7)",
        env=processes.environment(tmp_path),
    )

    assert (said.stdout, said.returncode) == ("hello\n", 7)


def test_an_unknown_command_is_named(tmp_path: Path) -> None:
    said = processes.run("-m", "replsite.lifeline", "/nowhere/program", env=processes.environment(tmp_path))

    assert (said.stderr, said.returncode) == ("Cannot run /nowhere/program: No such file or directory\n", 1)


def test_no_command_is_refused(tmp_path: Path) -> None:
    said = processes.run("-m", "replsite.lifeline", env=processes.environment(tmp_path))

    assert said.stderr.startswith("Say what to run")
    assert said.returncode == 1
