"""A PostgreSQL of a test's own, with power over it, and the test process moved onto it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from groups import clock
from replsite.databases import configuration
from tests.support import processes, servers

OWNER = "replsite"
LEASE_SECONDS = 30


class PostgreSQL:
    """A PostgreSQL on a free port of 127.0.0.1 that may be stopped and started again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="replsite-postgresql-"))
        self.port = processes.free_port()
        servers.give_to_postgres(self.folder)
        self._run("initdb", "-D", str(self._data), "-U", OWNER, "--auth", "trust", "--no-sync")

    @property
    def address(self) -> str:
        """Return what to set as the site's database."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it; it answers once this returns."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    def crash(self) -> None:
        """Stop it as a power cut would, in the middle of whatever it does."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def end(self) -> None:
        """Stop it for good and remove its folder."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *words: str) -> None:
        command = servers.as_postgres([servers.postgresql_program(program), *words])
        # Into a file: a server would keep a pipe open.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, check=False, stdout=said, stderr=said, cwd=self.folder, timeout=60)
            said.seek(0)
            if done.returncode != 0:
                raise subprocess.CalledProcessError(done.returncode, command, output=said.read())


@contextlib.contextmanager
def default_at(address: str) -> Iterator[None]:
    """Move this process onto another, empty database, and back in the end."""
    old = connections.settings["default"]
    connections.close_all()
    tests = {**old["TEST"]}
    new = configuration(address, lease_seconds=LEASE_SECONDS)
    connections.settings["default"] = {**old, **new, "TEST": tests}
    kept = connections["default"]
    del connections["default"]
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = old
        connections["default"] = kept
        clock.synchronize()


@contextlib.contextmanager
def leases_of(seconds: float) -> Iterator[None]:
    """Have the database of this process act as with leases of this length."""
    old = connections.settings["default"]["OPTIONS"]
    given = old["options"].replace(f"={LEASE_SECONDS * 1000}", f"={round(seconds * 1000)}")
    assert given != old["options"]
    connections.close_all()
    connections.settings["default"]["OPTIONS"] = {**old, "options": given}
    try:
        yield
    finally:
        connections.close_all()
        connections.settings["default"]["OPTIONS"] = old


def cut(wrapper: BaseDatabaseWrapper) -> None:
    """Cut a connection to the database, maybe another thread's, as a failing network or an administrator does."""
    if wrapper.connection is None:
        return
    other = wrapper.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [wrapper.connection.info.backend_pid])
    finally:
        other.close()
