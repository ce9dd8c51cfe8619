"""Notes when each part of an operation begins and ends, in every process; for `python -m bench.breakdown` alone.

A worker gets it with `--include bench.tracing`, the web server as `bench.tracing:application`. The clock is the
machine's monotonic one, which all its processes share.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = "BENCH_TRACE"
"""The environment variable that names the folder to write to."""
_PARTS = {
    "run": "groups.engine.runner:run",
    "claim": "groups.transitions:claim",
    "load": "groups.engine.context:load",
    "begin": "groups.engine.journal:Journal.begin",
    "call": "groups.engine.calls:make",
    "driver": "groups.engine.calls:_Thread.run",
    "end": "groups.transitions:end",
    "send": "groups.queueing:_send",
    "commit": "django.db.backends.base.base:BaseDatabaseWrapper._commit",
    "connect": "django.db.backends.base.base:BaseDatabaseWrapper.connect",
}
"""What is noted, and where it is."""


class Note(NamedTuple):
    """One part of some work in one thread of one process."""

    what: str
    began: float
    ended: float
    processor: float
    """How many seconds of the processor its own thread took."""


def notes(folder: Path) -> list[Note]:
    """Return everything noted in a folder, in the order it began."""
    lines = (line for path in folder.glob("*.notes") for line in path.read_text(encoding="utf-8").splitlines())
    return sorted((Note(*json.loads(line)) for line in lines), key=lambda note: note.began)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve a request as the web server's own door does, and note how long it took."""
    from replsite.wsgi import application as serve  # it sets Django up, which a worker has done already

    with noted(environ["REQUEST_METHOD"]):
        return serve(environ, start_response)


@contextlib.contextmanager
def noted(what: str) -> Iterator[None]:
    """Note when a part began and ended."""
    began, processor = time.perf_counter(), time.thread_time()
    try:
        yield
    finally:
        note = Note(what, began, time.perf_counter(), time.thread_time() - processor)
        with (Path(os.environ[FOLDER]) / f"{os.getpid()}.notes").open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")


def _install() -> None:
    import importlib

    import django
    from django.db.backends.signals import connection_created

    django.setup()
    for what, place in _PARTS.items():
        module, _, path = place.partition(":")
        owner = importlib.import_module(module)
        *owners, name = path.split(".")
        for each in owners:
            owner = getattr(owner, each)
        setattr(owner, name, _wrapped(getattr(owner, name), what))
    connection_created.connect(_connected)


def _wrapped(inner: Callable[..., Any], what: str) -> Callable[..., Any]:
    @functools.wraps(inner)
    def outer(*values: Any, **named: Any) -> Any:
        with noted(what):
            return inner(*values, **named)

    return outer


def _connected(connection: Any, **_known: Any) -> None:
    if _statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_statement)


def _statement(execute: Callable[..., Any], *values: Any) -> Any:
    with noted("statement"):
        return execute(*values)


if FOLDER in os.environ:
    _install()
