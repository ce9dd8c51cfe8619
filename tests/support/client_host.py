"""Runs a released client's commands, each in a child that has what the client imports already.

A start of `openstack` takes seconds of imports. This program, one a client, imports them once; then it
reads commands, a line of JSON each, and runs the client's own entry point in a fork of itself, with the
arguments, the environment and the outputs of a command of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

# What the clients import only once they know the command.
WANTED = {
    "cinder": ("cinderclient.shell", "cinderclient.v3.client", "cinderclient.v3.shell", "keystoneauth1.identity"),
    "openstack": (
        "openstackclient.shell",
        "openstackclient.identity.client",
        "openstackclient.volume.client",
        "openstackclient.volume.v3.volume",
        "openstackclient.volume.v3.volume_group",
        "openstackclient.volume.v3.volume_group_type",
        "openstackclient.volume.v3.volume_type",
        "openstack.block_storage.v3._proxy",
        "openstack.identity.v3._proxy",
        "keystoneauth1.loading",
    ),
}


def main(program: str) -> None:
    """Run commands until the input ends."""
    entry, *_ = [importlib.import_module(name) for name in WANTED[program]]
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(entry, program, command)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(entry: object, program: str, command: dict) -> NoReturn:
    """Be the command: never returns."""
    os.environ.clear()
    os.environ.update(command["env"])
    for number, path in ((0, os.devnull), (1, command["out"]), (2, command["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.argv = [program, *command["words"]]
    code: object = 1
    try:
        code = entry.main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).name)
