"""Starts a process that ends when the one that started it ends, however that one ends.

`python -m replsite.lifeline COMMAND ARGUMENTS...` becomes the command. A supervisor killed with
-9 can stop nothing; without this its worker would go on and take the next site's messages.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def hold() -> None:
    """Have this process killed once its parent is gone. Survives exec, not fork."""
    parent = os.getppid()
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:  # it went between the two lines
        os.kill(os.getpid(), signal.SIGKILL)


def main(command: list[str]) -> None:
    """Become the command, held to the parent."""
    if not command:
        raise SystemExit("Say what to run: python -m replsite.lifeline COMMAND ARGUMENTS...")
    hold()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise SystemExit(f"Cannot run {command[0]}: {error.strerror}") from error


if __name__ == "__main__":
    main(sys.argv[1:])
