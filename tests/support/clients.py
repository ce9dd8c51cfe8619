"""The released clients' commands, run as a user runs them but for their imports."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_PROGRAMS = Path(sys.executable).parent
_COMMAND_SECONDS = 60


def run(program: str, words: Sequence[str], *, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of `cinder` or `openstack` to its end, with this environment and no other.

    Raises `subprocess.TimeoutExpired` after a minute.
    """
    with tempfile.TemporaryDirectory() as folder:
        outputs = {name: Path(folder) / name for name in ("out", "err")}
        order = {"words": list(words), "env": dict(env), **{name: str(path) for name, path in outputs.items()}}
        code = _host(program).carry_out(order)
        return subprocess.CompletedProcess(
            [program, *words], code, stdout=outputs["out"].read_text(), stderr=outputs["err"].read_text()
        )


class _Host:
    """The process that has a client's imports done; see `tests/support/client_host.py`."""

    def __init__(self, program: str) -> None:
        words = [sys.executable, "-m", "tests.support.client_host", str(_PROGRAMS / program)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.end)

    def carry_out(self, order: Mapping[str, object]) -> int:
        """Have a command run, and return its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(_COMMAND_SECONDS):
                self.end()
                _host.cache_clear()
                raise subprocess.TimeoutExpired(str(order["words"]), _COMMAND_SECONDS)
        return int(self._process.stdout.readline())

    def end(self) -> None:
        """Let the process go, with the command it runs."""
        atexit.unregister(self.end)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


@functools.cache
def _host(program: str) -> _Host:
    return _Host(program)
