"""A whole site in processes of its own, each of which can be killed and started again, and a client of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from drivers.fake.control import Control
from tests.api.v3 import people
from tests.clients import livesite
from tests.support import brokers, databases, processes

NOBODY = 0
"""The status of no answer: the connection was refused or broken."""
_GIVE_UP_SECONDS = 120
_CELERY = (sys.executable, "-m", "celery", "-A", "replsite")
_QUIET = ("--without-gossip", "--without-mingle")
PROGRAMS: dict[str, tuple[str, ...]] = {
    "web": (sys.executable, "-m", "gunicorn", "--config", "python:replsite.gunicorn", "replsite.wsgi"),
    "worker": (*_CELERY, "worker", "--hostname", "worker@%h", "--queues", "failover,replication,maintenance", *_QUIET),
    "urgent": (*_CELERY, "worker", "--hostname", "urgent@%h", "--queues", "failover,maintenance", *_QUIET),
    "beat": (*_CELERY, "beat", "--pidfile="),
}
WORKERS = ("worker", "urgent")


class Program:
    """One of the site's processes, with its children."""

    def __init__(self, name: str, *, folder: Path, env: dict[str, str]) -> None:
        self.name = name
        self._log, self._env = folder / f"{name}.log", env
        self._process: subprocess.Popen[bytes] | None = None
        self._was_ready = 0

    def start(self) -> None:
        """Start it."""
        self._was_ready = self._said(" ready.")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                PROGRAMS[self.name],
                env=self._env,
                cwd=processes.CHECKOUT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Tell whether it takes messages since it was started last; only a worker says so."""
        return self.name not in WORKERS or self._said(" ready.") > self._was_ready

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill -9 it and its children."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait(60)

    def _said(self, words: str) -> int:
        return self._log.read_text(errors="replace").count(words) if self._log.exists() else 0


class Client(people.Person):
    """Somebody with a token, who speaks to the site over the network."""

    def __init__(self, address: str, *, user: str, password: str, project_id: str) -> None:
        self._address = address
        self.project_id = project_id
        self.seconds = 0.0
        scope = {"project": {"id": project_id}}
        login = {"user": {"name": user, "domain": {"id": "default"}, "password": password}}
        body = {"auth": {"identity": {"methods": ["password"], "password": login}, "scope": scope}}
        self.token = ""
        self.token = self.ask("POST", "/auth/tokens", body=body, root="/identity/v3").headers["X-Subject-Token"]

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
        version: str | None = people.LATEST,
        query: dict[str, Any] | None = None,
        root: str = "/v3",
    ) -> people.Answer:
        """Send a request, and note how long its answer took."""
        address = f"{self._address}{root}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        headers = {"Content-Type": content_type, "OpenStack-API-Version": f"volume {version}"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        request = urllib.request.Request(address, data=data, headers=headers, method=method)  # noqa: S310 - our own
        began = time.monotonic()
        try:
            return _sent(request)
        finally:
            self.seconds = time.monotonic() - began


@dataclasses.dataclass(frozen=True)
class Group:
    """A group of the site, known by its id."""

    pk: str
    volumes: tuple[str, ...]


class Deployment(livesite.LiveSite):
    """The site: its processes, its database and broker where it has servers for them, its storage, its admin."""

    def __init__(
        self,
        folder: Path,
        *,
        database: databases.PostgreSQL | None = None,
        broker: brokers.Redis | None = None,
        **settings: str,
    ) -> None:
        super().__init__(folder)
        self.database, self.broker = database, broker
        if database is not None:
            settings["database_url"] = database.address
        if broker is not None:
            settings["broker_url"] = broker.address
        self.env |= {f"REPLSITE_{name.upper()}": value for name, value in settings.items()}
        self.programs = {name: Program(name, folder=folder, env=self.env) for name in PROGRAMS}
        self.control = Control(folder=folder / "fake" / livesite.BACKEND)
        self._made = 0

    def start(self) -> None:
        """Set the site up and start all of it."""
        self.manage("bootstrap")
        self.manage("add_backend", livesite.BACKEND, "--driver", "fake", "--target", "site-b", "--target", "site-c")
        self.restart(*PROGRAMS)
        self.admin = Client(self.address, user="admin", password=livesite.PASSWORD, project_id=livesite.PROJECT_ID)
        specs = {"consistent_group_replication_enabled": "<is> True"}
        self.admin.post("/group_types", {"group_type": {"name": "replicated", "group_specs": specs}})
        specs = {"replication_enabled": "<is> True"}
        self.admin.post("/types", {"volume_type": {"name": "replicable", "extra_specs": specs}})

    def kill(self, *names: str) -> None:
        """Kill -9 some programs."""
        for name in names:
            self.programs[name].kill()

    def restart(self, *names: str) -> None:
        """Start some programs again, as a supervisor would."""
        for name in names:
            self.programs[name].start()
        self.wait_until(lambda: all(self.programs[name].is_ready() for name in names), what=f"{names} to be ready")
        self.wait_until(self.answers, what="the web process to answer")

    def enabled_group(self, size: int = 3) -> Group:
        """Make a group of volumes and enable its replication, as a user does."""
        self._made += 1
        kinds = {"group_type": "replicated", "volume_types": ["replicable"], "name": f"group-{self._made}"}
        made = self.admin.post("/groups", {"group": kinds}).body["group"]["id"]
        self.wait_for_rest(made, status="available")
        fields = {"size": 1, "volume_type": "replicable", "group_id": made}
        volumes = [self.admin.post("/volumes", {"volume": fields}).body["volume"]["id"] for _ in range(size)]
        for volume in volumes:
            self.wait_until(
                lambda path=f"/volumes/{volume}": self.admin.get(path).body["volume"]["status"] == "available"
            )
        group = Group(pk=made, volumes=tuple(volumes))
        assert self.admin.act(group, "enable_replication", {}).status == 202
        self.wait_for_rest(made, replication_status="enabled")
        return group

    def _are_available(self, volumes: list[str]) -> bool:
        shown = [self.admin.get(f"/volumes/{volume}").body["volume"]["status"] for volume in volumes]
        return set(shown) <= {"available"}

    def shown(self, group_id: str) -> dict[str, Any]:
        """Return a group as it is shown; empty while nobody answers, or the database does not."""
        answer = self.admin.get(f"/groups/{group_id}")
        return dict(answer.body["group"]) if answer.status == 200 else {}

    def wait_for_rest(self, group_id: str, **wanted: str) -> dict[str, Any]:
        """Wait until a group is in no passing status; it must then show what is wanted."""

        def rests() -> bool:
            words = self.shown(group_id)
            return bool(words) and not {words["status"], words["replication_status"]} & _PASSING

        self.wait_until(rests, what=f"group {group_id} to rest")
        found = self.shown(group_id)
        assert {name: found[name] for name in wanted} == wanted
        return found

    def wait_for_call(self, method: str, group: Group) -> int:
        """Wait until the storage got a call; return the id of the process that made it."""
        self.wait_until(lambda: self.control.log(method=method, group_id=group.pk), what=f"a call of {method}")
        return self.control.log(method=method, group_id=group.pk)[-1].process_id

    def operations(self, group: Group) -> list[dict[str, Any]]:
        """Return the operations on a group as they are shown, newest first."""
        answer = self.admin.ask("GET", "/operations", root="/api", query={"subject_id": group.pk})
        return list(answer.body["operations"])

    def wait_until(self, claim: Callable[[], object], *, what: str = "the claim", pause: float = 0.1) -> None:
        """Wait until a claim is true; fail with what everybody said when it stays false."""
        try:
            processes.wait_until(claim, what=what, seconds=_GIVE_UP_SECONDS, pause=pause)
        except AssertionError as error:
            logs = {name: self.folder / f"{name}.log" for name in PROGRAMS}
            said = "\n".join(f"--- {name}\n{log.read_text(errors='replace')[-3000:]}" for name, log in logs.items())
            raise AssertionError(f"{error}\n{said}") from error


_PASSING = frozenset({"creating", "updating", "deleting", "enabling", "disabling", "failing-over"})


@contextlib.contextmanager
def running(folder: Path, *, servers: bool, **settings: str) -> Iterator[Deployment]:
    """Run a site, on PostgreSQL and Redis when `servers`; end all of it afterwards."""
    with contextlib.ExitStack() as ending:
        database, broker = None, None
        if servers:
            database, broker = databases.PostgreSQL(), brokers.Redis()
            for server in (database, broker):
                ending.callback(server.end)
                server.start()
        site = Deployment(folder, database=database, broker=broker, **settings)
        ending.callback(site.kill, *PROGRAMS)
        site.start()
        yield site


def _sent(request: urllib.request.Request) -> people.Answer:
    try:
        with urllib.request.urlopen(request, timeout=_GIVE_UP_SECONDS) as answer:  # noqa: S310 - our own address
            return _read(answer.status, answer.read(), dict(answer.headers))
    except urllib.error.HTTPError as refusal:
        with refusal:
            return _read(refusal.code, refusal.read(), dict(refusal.headers))
    except OSError:
        return people.Answer(NOBODY, None, {})


def _read(status: int, text: bytes, headers: dict[str, str]) -> people.Answer:
    return people.Answer(status, json.loads(text) if text else None, headers)
