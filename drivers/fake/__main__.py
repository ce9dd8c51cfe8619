"""The command line with power over a fake storage: `python -m drivers.fake STATE_FOLDER COMMAND`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Sequence

from drivers.base import PRIMARY
from drivers.errors import DriverError
from drivers.fake import faults
from drivers.fake.control import Control


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; return 0, or 1 with a sentence on standard error."""
    given = _parser().parse_args(arguments)
    folder = given.folder.absolute()
    if not (folder / "state.sqlite3").exists():
        return _complain(f"There is no fake storage in {folder}; it is made by the driver's first call.")
    try:
        given.run(Control(folder=folder), given)
    except (DriverError, ValueError) as error:
        return _complain(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drivers.fake", description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, metavar="STATE_FOLDER", help="the backend's option 'state'")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_fault_commands(_command(commands, "fault", None, "tell what goes wrong").add_subparsers(required=True))
    site = _command(commands, "site", _site, "take a side down, bring it up, freeze it, or restart it")
    site.add_argument("state", choices=["up", "down", "freeze", "restart"])
    site.add_argument("side", type=_side, help="a target's backend_id, or 'default' for the primary")
    write = _command(commands, "write", _write, "write a text into a volume, as a client")
    write.add_argument("volume")
    write.add_argument("side", type=_side)
    write.add_argument("text")
    write.add_argument("--offset", type=int, default=0)
    log = _command(commands, "log", _log, "print the calls, one JSON object a line")
    log.add_argument("--count", action="store_true", help="print how often each method was called instead")
    log.add_argument("--call", default="", help="only this method")
    log.add_argument("--group", default="", help="only this group or lone volume")
    _command(commands, "state", _state, "print sides, volumes and epochs as JSON")
    return parser


def _add_fault_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    actions = "; ".join(f"{name}: {meaning}" for name, meaning in faults.ACTIONS.items())
    add = _command(commands, "add", _fault_add, f"add a fault. Actions: {actions}")
    add.add_argument("--call", required=True, help="a driver method's name, or * for every one")
    add.add_argument("--action", required=True, choices=list(faults.ACTIONS))
    add.add_argument("--group", default="", help="only for this group or lone volume")
    add.add_argument("--volume", type=int, help="at the k-th volume, counted from 1; without it, the call as a whole")
    add.add_argument("--when", choices=faults.MOMENTS, default="before", help="before or after the effect")
    add.add_argument("--seconds", type=float, default=0.0)
    add.add_argument("--times", type=int, help="how often it happens; without it, always")
    _command(commands, "list", _fault_list, "print the faults, one JSON object a line")
    clear = _command(commands, "clear", _fault_clear, "forget one fault or all; what hangs in them goes on")
    clear.add_argument("id", type=int, nargs="?")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[Control, argparse.Namespace], None] | None,
    description: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=description, description=description)
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def _fault_add(control: Control, given: argparse.Namespace) -> None:
    fault_id = control.add_fault(
        call=given.call,
        action=given.action,
        group_id=given.group,
        volume=given.volume,
        when=given.when,
        seconds=given.seconds,
        times=given.times,
    )
    _print(str(fault_id))


def _fault_list(control: Control, given: argparse.Namespace) -> None:
    for fault in control.faults():
        _print(json.dumps(dataclasses.asdict(fault)))


def _fault_clear(control: Control, given: argparse.Namespace) -> None:
    _print(f"{control.clear_faults(given.id)} cleared")


def _site(control: Control, given: argparse.Namespace) -> None:
    change = {
        "up": control.site_up,
        "down": control.site_down,
        "freeze": control.site_frozen,
        "restart": control.site_restart,
    }
    change[given.state](given.side)


def _write(control: Control, given: argparse.Namespace) -> None:
    control.write(side=given.side, volume_id=given.volume, offset=given.offset, data=given.text.encode())


def _log(control: Control, given: argparse.Namespace) -> None:
    calls = control.log(method=given.call, group_id=given.group)
    if given.count:
        methods = [call.method for call in calls]
        for method in sorted(set(methods)):
            _print(f"{methods.count(method)} {method}")
        return
    for call in calls:
        _print(json.dumps(dataclasses.asdict(call)))


def _state(control: Control, given: argparse.Namespace) -> None:
    _print(json.dumps(control.state(), indent=2))


def _side(text: str) -> str:
    return PRIMARY if text in {"default", "primary"} else text


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _complain(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
