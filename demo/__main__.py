"""`python -m demo`: run the walkthrough; on a terminal, leave the stack up until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
import types
from pathlib import Path
from typing import NoReturn

from demo import places as where
from demo.client import Client
from demo.stack import Stack
from demo.surprise import Surprise
from demo.telling import Teller
from demo.walkthrough import GROUP, GROUP_TYPE, VOLUME_TYPE, Walkthrough

_NOTICE_SECONDS = 3


def main() -> int:
    """Return 0 when every status and every digest was right."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Fail a group over and back, for real.")
    parser.add_argument(
        "--within", type=Path, default=where.CHECKOUT / "var", help="where to make the folder `demo` (default: var)"
    )
    within = parser.parse_args().within
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    teller = Teller()
    with where.fresh(within) as places:
        try:
            return _run(places, teller)
        except Surprise as surprise:
            teller.say()
            teller.say("The demo failed.", look="bad")
            teller.say(f"  expected  {surprise.expected}")
            teller.say(f"  saw       {surprise.seen}")
            for complaint in places.complaints():
                teller.say(f"  log       {complaint}")
            teller.say(f"  logs in   {places.logs}")
            return 1
        except KeyboardInterrupt:
            teller.say()
            teller.say("Stopped; nothing is left running.")
            return 130


def _run(places: where.Places, teller: Teller) -> int:
    teller.say("A group of three volumes is failed over from one storage site to another, and back.", look="bold")
    teller.say("Everything runs on this machine and listens on 127.0.0.1 only.")
    teller.say()
    with Stack(places, teller) as stack:
        try:
            stack.start()
            teller.good(
                f"web, workers and beat answer at {places.address}; sites {where.PRIMARY} and {where.SECONDARY} run"
            )
            Walkthrough(stack=stack, client=Client(stack, teller), places=places, teller=teller).run()
        except Surprise:
            # What a command says of a process that has died is less than that it has died.
            stack.check(seconds=_NOTICE_SECONDS)
            raise
        teller.chapter("Every status and every byte was right")
        teller.show_times()
        if teller.on_terminal:
            _leave_up(stack, teller)
    return 0


def _leave_up(stack: Stack, teller: Teller) -> None:
    """Say how to reach the stack, and wait for Ctrl-C."""
    settings = stack.client_settings()
    teller.say()
    teller.say("The stack is still up. Look around:", look="bold")
    teller.say()
    teller.say(f"  console   {stack.places.address}/admin/")
    teller.say(f"  log in    {settings['OS_USERNAME']} / {stack.password}")
    teller.say()
    teller.say("For the client, in another terminal:")
    teller.say()
    for name, value in settings.items():
        teller.say(f"  export {name}={shlex.quote(value)}")
    teller.say(f"  export PATH={shlex.quote(str(where.CHECKOUT / '.venv' / 'bin'))}:$PATH")
    teller.say(f"  cinder group-create --name {GROUP} {GROUP_TYPE} {VOLUME_TYPE}")
    teller.say()
    teller.say("Ctrl-C ends everything.")
    try:
        while True:
            stack.check()
            time.sleep(1)
    except KeyboardInterrupt:
        teller.say()
        teller.say("Stopping.")


def _interrupt(_number: int, _frame: types.FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
