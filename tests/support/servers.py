"""A private PostgreSQL, Redis and RabbitMQ, on free ports of 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support import brokers, processes


def as_postgres(words: Sequence[str]) -> list[str]:
    """Return the command that runs a program as the user PostgreSQL needs: it refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else [*words]


def give_to_postgres(folder: Path) -> None:
    """Let PostgreSQL's user write into a folder."""
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")


def postgresql_program(name: str) -> str:
    """Return the newest PostgreSQL's program of this name."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        raise AssertionError("PostgreSQL is not installed: apt-get install postgresql")
    return str(found[-1])


@contextlib.contextmanager
def postgresql(*, fsync: bool = False) -> Iterator[str]:
    """Run a PostgreSQL; yield its address. Tests need none of what `fsync` keeps over a power cut."""
    folder = Path(tempfile.mkdtemp(prefix="replsite-postgresql-"))
    give_to_postgres(folder)
    data, port = folder / "data", processes.free_port()
    subprocess.run(
        as_postgres(
            [postgresql_program("initdb"), "-D", str(data), "-U", "replsite", "--auth", "trust", "--no-sync"],
        ),
        check=True,
        capture_output=True,
        cwd=folder,
    )
    kept = "on" if fsync else "off"
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync={kept} -c max_connections=200"
    control = [postgresql_program("pg_ctl"), "-D", str(data), "-w"]
    with (folder / "log").open("wb") as log:
        (folder / "log").chmod(0o666)
        subprocess.run(
            as_postgres([*control, "-o", options, "start"]),
            check=True,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        yield f"postgresql://replsite@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(as_postgres([*control, "-m", "immediate", "stop"]), check=False, capture_output=True, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a Redis that keeps nothing on disk; yield its address."""
    with _running(brokers.Redis()) as server:
        yield server.address


@contextlib.contextmanager
def rabbitmq() -> Iterator[str]:
    """Run a RabbitMQ; yield its address."""
    with _running(brokers.RabbitMQ()) as server:
        yield server.address


@contextlib.contextmanager
def _running(server: brokers.Server) -> Iterator[brokers.Server]:
    try:
        server.start()
        yield server
    finally:
        server.end()
