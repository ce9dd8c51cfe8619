"""Runs what the Procfile names, until Ctrl-C or until one of them ends, and leaves nothing behind.

`python -m replsite.serve` is honcho, with every process held to it by `replsite.lifeline`.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from honcho import command, manager

from replsite import config, lifeline

STOP_SECONDS = 10
"""How long a process may take to stop. An idle worker needs three."""


def main() -> None:
    """Supervise until the end."""
    # Honcho puts a process of its own between itself and each of the Procfile's.
    os.register_at_fork(after_in_child=lifeline.hold)
    manager.KILL_WAIT = STOP_SECONDS
    # The Procfile names its programs as an activated environment would find them.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.chdir(config.CHECKOUT)
    sys.argv = ["honcho", "start", *sys.argv[1:]]
    try:
        command.main()
    except Exception:
        # Honcho fails when it is stopped before it has started everything, and would then
        # wait for its children for ever. Ending at once has the kernel take them along.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
