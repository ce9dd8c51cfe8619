"""Starts a process that ends when the one that started it ends, however that one ends.

`python -m replsite.lifeline [--parent PID] COMMAND ARGUMENTS...` becomes the command. A supervisor
killed with -9 can stop nothing; without this its worker would go on and take the next site's
messages. Starting Python takes a while: with `--parent`, a parent that ended meanwhile is noticed too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def hold(parent: int | None = None) -> None:
    """Have this process killed once its parent is gone, the one named if any. Survives exec, not fork."""
    parent = os.getppid() if parent is None else parent
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:  # it went before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def main(command: list[str]) -> None:
    """Become the command, held to the parent."""
    parent = None
    if command[:1] == ["--parent"] and len(command) > 1 and command[1].isdigit():
        parent, command = int(command[1]), command[2:]
    if not command or command[0].startswith("-"):
        raise SystemExit("Say what to run: python -m replsite.lifeline [--parent PID] COMMAND ARGUMENTS...")
    hold(parent)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise SystemExit(f"Cannot run {command[0]}: {error.strerror}") from error


if __name__ == "__main__":
    main(sys.argv[1:])
