"""The site's clients: the real `cinder` command, and a quicker look at a status."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demo import asking, processes
from demo.places import CHECKOUT
from demo.stack import PROJECT, USER, Stack
from demo.surprise import Surprise
from demo.telling import Teller

_CINDER = Path(sys.executable).parent / "cinder"
_COMMAND_SECONDS = 60
_LONGEST_WAIT_SECONDS = 300
_LOOK_SECONDS = 0.1


class Client:
    """Asks as a user would."""

    def __init__(self, stack: Stack, teller: Teller) -> None:
        self._stack = stack
        self._teller = teller
        self._token = ""

    def cinder(self, *words: str, rows: Sequence[str] = ()) -> dict[str, str]:
        """Run the command, show it with its answer, and return the answer's table of properties.

        `rows` shows only these properties of a long table.
        """
        self._teller.command(f"cinder {shlex.join(words)}")
        done = subprocess.run(
            [_CINDER, *words],
            cwd=CHECKOUT,
            env=processes.environment(self._stack.client_settings()),
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
        self._teller.answer(_shortened(done.stdout, rows) if rows else done.stdout)
        if done.returncode:
            raise Surprise(expected="the command to work", seen=done.stderr.strip() or f"exit code {done.returncode}")
        return _properties(done.stdout)

    def wait(self, path: str, *, field: str, wanted: str, passing: str, what: str) -> None:
        """Wait until a field of `groups/ID` or `volumes/ID` has a value, showing how it goes.

        Raises `Surprise` for any value but the passing one, and past the time.
        """
        with self._teller.timed(what) as progress:
            while (found := self._field(path, field)) != wanted:
                progress.show(found)
                self._stack.check()
                if found != passing or progress.elapsed() > _LONGEST_WAIT_SECONDS:
                    raise Surprise(expected=f"{field} '{wanted}'", seen=f"'{found}' after {progress.elapsed():.1f} s")
                time.sleep(_LOOK_SECONDS)

    def wait_until_gone(self, path: str, *, what: str) -> None:
        """Wait until `groups/ID` or `volumes/ID` is not found."""
        with self._teller.timed(what) as progress:
            while (found := self._field(path, "status")) != "gone":
                progress.show(found)
                self._stack.check()
                if found != "deleting" or progress.elapsed() > _LONGEST_WAIT_SECONDS:
                    raise Surprise(expected="it to be gone", seen=f"'{found}' after {progress.elapsed():.1f} s")
                time.sleep(_LOOK_SECONDS)

    def get(self, path: str) -> dict[str, Any]:
        """Return what the site's own API answers at a path."""
        return self._asked(path).json()

    def download(self, path: str) -> bytes:
        """Return a file that the site's own API gives."""
        return self._asked(path).body

    def post(self, path: str, body: Mapping[str, object]) -> None:
        """Post to the site's own API, and show it."""
        self._teller.command(f"POST {path} {json.dumps(body)}")
        self._asked(path, body)

    def _asked(self, path: str, body: Mapping[str, object] | None = None) -> asking.Answer:
        answer = asking.ask(self._stack.places.port, path, headers={"X-Auth-Token": self._token_of_mine()}, body=body)
        if answer.status not in range(200, 300):
            raise Surprise(expected=f"{path} to answer", seen=f"{answer.status}: {answer.body[:200]!r}")
        return answer

    def _field(self, path: str, field: str) -> str:
        """Return a field's value, or `gone` when there is no such thing."""
        headers = {"X-Auth-Token": self._token_of_mine(), "OpenStack-API-Version": "volume 3.38"}
        answer = asking.ask(self._stack.places.port, f"/v3/{path}", headers=headers)
        if answer.status == 404:
            return "gone"
        if answer.status != 200:
            raise Surprise(expected=f"GET /v3/{path} to answer 200", seen=f"{answer.status}: {answer.body[:200]!r}")
        (found,) = answer.json().values()
        return str(found[field])

    def _token_of_mine(self) -> str:
        self._token = self._token or self._log_in()
        return self._token

    def _log_in(self) -> str:
        domain = {"id": "default"}
        user = {"name": USER, "password": self._stack.password, "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": PROJECT, "domain": domain}}
        path = "/identity/v3/auth/tokens"
        answer = asking.ask(self._stack.places.port, path, body={"auth": {"identity": identity, "scope": scope}})
        if answer.status != 201:
            raise Surprise(expected=f"POST {path} to answer 201", seen=f"{answer.status}: {answer.body[:200]!r}")
        return answer.headers["X-Subject-Token"]


def _shortened(text: str, names: Sequence[str]) -> str:
    """Return a table with the named rows only, and how many were left out."""
    lines = text.splitlines()
    kept = [line for line in lines if not line.startswith("|") or line.split("|")[1].strip() in ("Property", *names)]
    return "\n".join([*kept, f"({len(lines) - len(kept)} more rows)"])


def _properties(text: str) -> dict[str, str]:
    """Return the rows of a table of two columns, as `cinder` draws it."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return {row[0].strip(): row[1].strip() for row in rows if len(row) == 2}
