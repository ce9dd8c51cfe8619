"""The whole stack on one machine: two storage sites, and web, workers and beat of one Replsite site."""

from __future__ import annotations

import secrets
import shlex
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from demo import asking, processes
from demo.places import CHECKOUT, PRIMARY, SECONDARY, Places
from demo.surprise import Surprise
from demo.telling import Progress, Teller

USER = "admin"
PROJECT = "admin"
_READY_SECONDS = 60
_LOOK_SECONDS = 0.1


class Stack:
    """Starts everything in order, and stops it in the other order."""

    def __init__(self, places: Places, teller: Teller) -> None:
        self.places = places
        self.password = secrets.token_urlsafe(12)
        self._teller = teller
        self._children: list[processes.Child] = []
        self._env = processes.environment(
            {
                "REPLSITE_STATE_DIR": str(places.state),
                "REPLSITE_BIND": f"127.0.0.1:{places.port}",
                "REPLSITE_ADMIN_PASSWORD": self.password,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self._children):
            child.stop()
        processes.end_all(f"REPLSITE_STATE_DIR={self.places.state}")

    def start(self) -> None:
        """Start it all, and return once everything answers."""
        with self._teller.timed("start") as progress:
            for site in (PRIMARY, SECONDARY):
                progress.show(f"storage site {site}")
                folder = str(self.places.site(site).path)
                self._launch(f"site-{site}", sys.executable, "-m", "drivers.qemu.site", folder)
            progress.show("database, user and project")
            self._manage("bootstrap")
            progress.show("web, workers and beat")
            self._launch("replsite", sys.executable, "-m", "replsite.serve")
            self._await_answers(progress)

    def add_backend(self) -> None:
        """Tell the site about its storage, by its own command."""
        east, west = (self.places.site(name).path for name in (PRIMARY, SECONDARY))
        words = ["add_backend", PRIMARY, "--driver", "qemu", "--option", f"site={east}"]
        words += ["--target", f"{SECONDARY}:site={west}"]
        self.manage(*words)

    def manage(self, *words: str) -> str:
        """Run one of the site's own commands, show it with its answer, and return that."""
        self._teller.command(f"manage.py {shlex.join(words)}")
        said = self._manage(*words)
        self._teller.answer(said)
        return said

    def client_settings(self) -> dict[str, str]:
        """Return what a client's environment needs to reach the site."""
        return {
            "OS_AUTH_URL": f"{self.places.address}/identity/v3",
            "OS_USERNAME": USER,
            "OS_PASSWORD": self.password,
            "OS_PROJECT_NAME": PROJECT,
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_VOLUME_API_VERSION": "3.38",
        }

    def check(self, *, seconds: float = 0) -> None:
        """Raise `Surprise` when a process has ended, or does so within the time."""
        end = time.monotonic() + seconds
        while True:
            for child in self._children:
                child.check()
            if time.monotonic() >= end:
                return
            time.sleep(_LOOK_SECONDS)

    def _launch(self, name: str, *words: str) -> None:
        log = self.places.logs / f"{name}.log"
        self._children.append(processes.Child(name, *words, env=self._env, log=log))

    def _manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=CHECKOUT, env=self._env, capture_output=True, text=True, check=False)
        (self.places.logs / f"{words[0]}.log").write_text(done.stdout + done.stderr)
        if done.returncode:
            raise Surprise(expected=f"manage.py {words[0]} to work", seen=done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def _await_answers(self, progress: Progress) -> None:
        end = time.monotonic() + _READY_SECONDS
        while not (self._web_answers() and all(self._site_answers(site) for site in (PRIMARY, SECONDARY))):
            self.check()
            if time.monotonic() > end:
                raise Surprise(expected=f"everything to answer within {_READY_SECONDS} s", seen="that it does not")
            progress.show("web, workers and beat")
            time.sleep(_LOOK_SECONDS)

    def _web_answers(self) -> bool:
        try:
            return asking.ask(self.places.port, "/readyz").status == 200
        except OSError:
            return False

    def _site_answers(self, site: str) -> bool:
        return self.places.site(site).nbd_socket.exists()
