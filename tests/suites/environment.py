"""Where the suites are installed: an environment of their own, made once for each user and set of pins."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.support import processes

PINS = processes.CHECKOUT / "requirements-suites.txt"


def made() -> Path:
    """Return the folder of the environment, which is made when there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "replsite" / f"suites-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            sys.stderr.write(f"Installing the suites into {folder}\n")
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--no-deps", "--requirement", str(PINS)], check=True)
            (folder / "made").touch()
    return folder
