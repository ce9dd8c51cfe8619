"""A whole site in processes of its own, and the released clients that speak to it."""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cinderclient import client as cinderclient, exceptions
from keystoneauth1 import session
from keystoneauth1.identity import v3

from tests.support import clients, processes

# Without blanks: cinderclient's own tests hand it over unquoted.
PASSWORD = "correct-horse-battery"
PROJECT_ID = "5ac7e0d1c0de4b6f9f3b2a1908172635"
BACKEND = "array"
_PROGRAMS = Path(sys.executable).parent


class LiveSite:
    """Says where the site is, and runs commands against it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = processes.free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.env = processes.environment(
            folder,
            bind=f"127.0.0.1:{self.port}",
            admin_password=PASSWORD,
            project_id=PROJECT_ID,
            worker_concurrency="4",
            **settings,
        )

    def manage(self, *words: str) -> None:
        """Run a command of the site."""
        done = processes.run("manage.py", *words, env=self.env, seconds=240)
        assert done.returncode == 0, done.stdout + done.stderr

    def manage_all(self, *commands: Sequence[str]) -> None:
        """Run commands of the site one after the other in one process: most of what one takes is its start."""
        calls = "; ".join(f"call_command(*{list(words)!r})" for words in commands)
        self.manage("shell", "--no-imports", "--command", f"from django.core.management import call_command; {calls}")

    def answers(self) -> bool:
        """Tell whether the web process answers."""
        try:
            with urllib.request.urlopen(f"{self.address}/v3", timeout=5) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except OSError:
            return False

    @functools.cached_property
    def library(self) -> Any:
        """Return the released client as a library, logged in as the admin: quicker than its command."""
        names = {"user_domain_id": "default", "project_domain_id": "default", "project_name": "admin"}
        login = v3.Password(f"{self.address}/identity/v3", username="admin", password=PASSWORD, **names)
        return cinderclient.Client("3.38", session=session.Session(login))

    def await_group(self, group_id: str, **wanted: object) -> None:
        """Wait until a group shows these values."""
        shown = self.library.groups.get
        _await(lambda: shown(group_id), wanted, what=f"group {group_id}: {wanted}")

    def await_volume(self, volume_id: str, **wanted: object) -> None:
        """Wait until a volume shows these values."""
        shown = self.library.volumes.get
        _await(lambda: shown(volume_id), wanted, what=f"volume {volume_id}: {wanted}")

    def await_snapshot(self, snapshot_id: str, **wanted: object) -> None:
        """Wait until a snapshot shows these values."""
        shown = self.library.volume_snapshots.get
        _await(lambda: shown(snapshot_id), wanted, what=f"snapshot {snapshot_id}: {wanted}")

    def await_group_snapshot(self, snapshot_id: str, **wanted: object) -> None:
        """Wait until a group snapshot shows these values."""
        shown = self.library.group_snapshots.get
        _await(lambda: shown(snapshot_id), wanted, what=f"group snapshot {snapshot_id}: {wanted}")

    def await_gone(self, noun: str, found_id: str) -> None:
        """Wait until there is no such thing: `groups`, `volumes`, `volume_snapshots` or `group_snapshots`."""
        manager = getattr(self.library, noun)

        def is_gone() -> bool:
            try:
                manager.get(found_id)
            except exceptions.NotFound:
                return True
            return False

        processes.wait_until(is_gone, what=f"{noun} {found_id} to be gone")

    def client_settings(self, user: str = "admin", *, version: str = "3.38") -> dict[str, str]:
        """Return what a user sets to reach the site in the usual way."""
        return {
            "OS_AUTH_URL": f"{self.address}/identity/v3",
            "OS_USERNAME": user,
            "OS_PASSWORD": PASSWORD,
            "OS_PROJECT_NAME": "admin",
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_VOLUME_API_VERSION": version,
        }


class Command:
    """A client's command with its settings."""

    def __init__(self, program: str, settings: dict[str, str], folder: Path) -> None:
        self._program = program
        inherited = processes.environment(folder)
        self._env = {name: value for name, value in inherited.items() if not name.startswith(("OS_", "CINDER"))}
        self._env |= {**settings, "HOME": str(folder)}

    def __call__(self, *words: str) -> str:
        """Run it; return what it printed. It must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, *words: str) -> str:
        """Run it; return everything it said. It must fail."""
        done = self.run(*words)
        assert done.returncode != 0, f"{' '.join(words)}\n{done.stdout}"
        return done.stdout + done.stderr

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return clients.run(self._program, words, env=self._env)

    def properties(self, *words: str) -> dict[str, str]:
        """Run it; return the table of properties it printed."""
        return dict(_cells(self(*words)))

    def rows(self, *words: str) -> list[dict[str, str]]:
        """Run it; return the table it printed, a dictionary a row."""
        cells = list(_cells(self(*words), header=True))
        return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]

    def document(self, *words: str) -> object:
        """Run a command that can print JSON."""
        return json.loads(self(*words, "-f", "json"))


def _await(show: Callable[[], Any], wanted: dict[str, object], *, what: str) -> None:
    def is_so() -> bool:
        found = show()
        return all(getattr(found, name) == value for name, value in wanted.items())

    processes.wait_until(is_so, what=what)


def _cells(printed: str, *, header: bool = False) -> Iterator[list[str]]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line.startswith("|")
    ]
    yield from rows if header else rows[1:]


@contextlib.contextmanager
def running(
    folder: Path, *, with_beat: bool = False, first: Sequence[Sequence[str]] = (), **settings: str
) -> Iterator[LiveSite]:
    """Start a site with the fake backend; end all of it afterwards. Settings without their prefix.

    `first` are commands of the site to run before its processes start.
    """
    site = LiveSite(folder, **settings)
    site.manage_all(
        ("bootstrap",),
        ("add_backend", BACKEND, "--driver", "fake", "--target", "site-b", "--target", "site-c"),
        ("add_user", "olga", "--project", "admin", "--role", "member", "--password", PASSWORD),
        *first,
    )
    web = [str(_PROGRAMS / "gunicorn"), "--config", "python:replsite.gunicorn", "replsite.wsgi"]
    worker = [sys.executable, "-m", "celery", "-A", "replsite", "worker"]
    worker += ["--queues", "failover,replication,maintenance", "--without-gossip", "--without-mingle"]
    beat = [sys.executable, "-m", "celery", "-A", "replsite", "beat"]
    started = []
    try:
        for name, words in (("web", web), ("worker", worker), *([("beat", beat)] if with_beat else [])):
            with (folder / f"{name}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(
                        words, env=site.env, cwd=processes.CHECKOUT, stdout=log, stderr=log, start_new_session=True
                    )
                )
        processes.wait_until(site.answers, seconds=60, what="the web process to answer")
        said = folder / "worker.log"
        processes.wait_until(lambda: " ready" in said.read_text(errors="replace"), seconds=60, what="the worker")
        yield site
    finally:
        processes.end_site(folder)
        for process in started:
            process.wait(30)
