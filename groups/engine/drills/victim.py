"""A worker of a drill's own, which is killed: how a drill rehearses the death of its worker.

The worker that carries a drill out may have a real failover at work beside it, so it is not the one
to die. It starts another process and leaves its claim of the drill to that one, which kills itself
-9 while it reads the copy: with the lease held, the storage's connections open, nothing written down.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from typing import IO

from django.conf import settings

from drivers import base
from drivers.errors import DriverError
from groups import models

_READY, _GO = "ready", "go"
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_ALIVE_SECONDS = 0.2
_PROGRAM = (
    "import sys, django; django.setup();"
    "from groups.engine import runner; from groups.engine.drills import victim;"
    "victim.live(*sys.argv[1:], run=runner.run)"
)
_here = False


class Victim:
    """The other process, up and waiting for its word."""

    def __init__(self, operation: models.Operation, *, call: base.Call) -> None:
        """Start it and wait until it could go on. Raises `DriverError` when it does not come up."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(operation.pk), str(operation.fence)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": str(settings.SETTINGS_MODULE),
                # It finds what this process has found, wherever it was started.
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            start_new_session=True,
        )
        try:
            self._await(_piped(self._process.stdout), call)
        except BaseException:
            self._process.kill()
            self._reap()
            raise

    def go(self) -> None:
        """Let it have the drill: whoever says so does nothing more under its claim."""
        stdin = _piped(self._process.stdin)
        try:
            stdin.write(f"{_GO}\n")
            stdin.close()
        except OSError:
            # It is dead already, and nobody needs to know: the drill goes on when its lease runs out.
            pass
        threading.Thread(target=self._reap, name="reap a drill's worker", daemon=True).start()

    def _await(self, said: IO[str], call: base.Call) -> None:
        ends = call.now() + _START_SECONDS
        while call.now() < ends and self._process.poll() is None:
            readable, _, _ = select.select([said], [], [], 0)
            if readable and said.readline().strip() == _READY:
                return
            call.wait(_LOOK_SECONDS)
            call.progress(done=0, total=1, unit="workers", waiting_for="the worker that is to be killed")
        raise DriverError("The worker that was to be killed did not start.")

    def _reap(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def live(operation_id: str, fence: str, *, run: Callable[..., bool]) -> None:
    """Be the other process: wait for the word, go on with the drill, and die on the way."""
    global _here
    _here = True
    sys.stdout.write(f"{_READY}\n")
    sys.stdout.flush()
    # Nobody reads this pipe from now on.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if sys.stdin.readline().strip() == _GO:
        run(operation_id=uuid.UUID(operation_id), owner=f"to-be-killed@{os.getpid()}", left_at_fence=int(fence))


def is_here() -> bool:
    """Tell whether this process is the one to die."""
    return _here


def die_soon() -> None:
    """Kill this process -9 in a moment, whatever it does then."""
    threading.Timer(_ALIVE_SECONDS, die).start()


def die() -> None:
    """Kill this process -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def _piped(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise DriverError("The worker that was to be killed cannot be talked to.")
    return pipe
