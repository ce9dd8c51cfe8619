"""The processes the demo starts. None of them outlives it, however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from demo.places import CHECKOUT
from demo.surprise import Surprise

_STOP_SECONDS = 20
_LINGER_SECONDS = 5
_LOOK_SECONDS = 0.05
_NOT_INHERITED = ("REPLSITE_", "DJANGO_", "OS_", "CINDER_")


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the settings of other sites and clients."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_INHERITED)}
    # What runs on this machine is not asked for through a proxy.
    return inherited | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"} | dict(own)


def end_all(mark: str) -> None:
    """Wait for the end of every process with this in its environment; kill what takes too long.

    A supervisor that had to be killed leaves grandchildren that notice it a moment later.
    """
    end = time.monotonic() + _LINGER_SECONDS
    while left := _marked(mark):
        if time.monotonic() > end:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_SECONDS)


def _marked(mark: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it ended, or is somebody else's
            if mark.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


class Child:
    """One process in the background, with a log."""

    def __init__(self, name: str, *words: str, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as file:
            # A session of its own: Ctrl-C reaches the demo alone, which then stops things in order.
            # It is killed with the demo all the same, by the lifeline.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "replsite.lifeline", "--parent", str(os.getpid()), *words],
                cwd=CHECKOUT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise `Surprise` when the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise Surprise(
                expected=f"{self.name} to run", seen=f"that it ended with {code}; its last words: {self._last_words()}"
            )

    def stop(self) -> None:
        """Ask the process to end, and wait; kill it when it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return " / ".join(lines[-3:]) or "none"
