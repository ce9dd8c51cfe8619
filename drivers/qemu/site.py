"""Run one site in the foreground: `python -m drivers.qemu.site FOLDER`."""

from __future__ import annotations

import argparse
import fcntl
import os
import pathlib
import shutil
import sys

from drivers.qemu.folder import Folder

PROGRAM = "qemu-storage-daemon"


def command(folder: Folder) -> list[str]:
    """Return the daemon's command line for a site."""
    arguments = [PROGRAM]
    for number, path in enumerate(folder.monitor_sockets()):
        quoted = str(path).replace(",", ",,")
        arguments += ["--chardev", f"socket,id=monitor{number},path={quoted},server=on,wait=off"]
        arguments += ["--monitor", f"monitor{number}"]
    quoted = str(folder.nbd_socket).replace(",", ",,")
    arguments += ["--nbd-server", f"addr.type=unix,addr.path={quoted},max-connections=0"]
    return [*arguments, "--pidfile", str(folder.pid_file)]


def prepare(folder: Folder) -> None:
    """Make the layout, take the site for this process, remove what a killed daemon left.

    Raises `SystemExit` with a sentence when the site cannot run. The lock is inherited by the
    daemon, so that it is free exactly when the daemon has ended.
    """
    if problem := folder.problem():
        raise SystemExit(problem)
    if shutil.which(PROGRAM) is None:
        raise SystemExit(f"{PROGRAM} is not installed; on Debian: apt-get install qemu-system-common qemu-utils")
    try:
        folder.make()
        lock = os.open(folder.site_lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SystemExit(f"The site folder '{folder.path}' cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"A daemon runs in '{folder.path}' already; end it first.") from None
    os.set_inheritable(lock, True)
    for path in [folder.pid_file, folder.nbd_socket, *folder.monitor_sockets()]:
        path.unlink(missing_ok=True)


def main(arguments: list[str]) -> None:
    """Become the daemon of the site named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m drivers.qemu.site", description="Run one storage site.")
    parser.add_argument("folder", type=pathlib.Path, help="the site's folder; made when it is not there")
    folder = Folder(parser.parse_args(arguments).folder.absolute())
    prepare(folder)
    # Being the daemon, rather than its parent, means signals reach it and nothing is left behind.
    os.execvp(PROGRAM, command(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
