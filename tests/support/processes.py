"""Real processes of a site of their own, and waiting for them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parent.parent.parent
_NOT_INHERITED = ("REPLSITE_", "DJANGO_", "PYTEST_")


def environment(state_dir: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a process of a site kept in a folder; settings without their prefix."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    own = {f"REPLSITE_{name.upper()}": value for name, value in settings.items()}
    path = os.pathsep.join([str(CHECKOUT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]).rstrip(os.pathsep)
    return inherited | {"REPLSITE_STATE_DIR": str(state_dir), "PYTHONPATH": path} | own


def run(
    *words: str, env: dict[str, str], seconds: float = 60, cwd: Path = CHECKOUT
) -> subprocess.CompletedProcess[str]:
    """Run Python with arguments to its end and return what it said."""
    return subprocess.run(
        [sys.executable, *words], env=env, cwd=cwd, timeout=seconds, check=False, capture_output=True, text=True
    )


def wait_until(
    claim: Callable[[], object], *, seconds: float = 60, what: str = "the claim", pause: float = 0.05
) -> None:
    """Wait until a claim is true; fail when it stays false."""
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(pause)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def of_site(state_dir: Path) -> list[psutil.Process]:
    """Return the running processes of the site kept in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            gone = process.status() == psutil.STATUS_ZOMBIE
            if not gone and process.environ().get("REPLSITE_STATE_DIR") == str(state_dir):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def children(pid: int) -> list[psutil.Process]:
    """Return the processes that a process has started, and theirs."""
    return psutil.Process(pid).children(recursive=True)


def end_site(state_dir: Path) -> None:
    """Kill whatever still runs of the site kept in a folder."""
    for process in of_site(state_dir):
        process.kill()


def is_running(pid: int) -> bool:
    """Tell whether there is such a process, and more of it than its end."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
