"""A broker made of folders, for sites without a message server.

kombu's own filesystem transport can be read while a message is still being written, and moves
messages through the system's temporary folder. Here a message is written under a hidden name
and appears by one rename, and whoever renames it away first has it: never half, never twice.
Each queue is a folder. A message taken by a process that then dies is lost, as with any broker
that is acknowledged early.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
import urllib.parse
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

SCHEME = "spool"
POLL_SECONDS = 0.02
HIDDEN = "."
TABLE = ".json"
READ = ".read"
"""A file whose age tells when somebody last looked for messages."""
LEFTOVER_SECONDS = 60
"""How long a half-written or half-taken message may lie before it counts as left by the dead."""
TOUCH_SECONDS = 60
UNREAD_SECONDS = 600
"""How long a queue of Celery's remote control may go unread before it is removed."""

Binding = filesystem.exchange_queue_t


class Channel(filesystem.Channel):
    """Puts and takes messages by renaming files."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._listed: dict[str, deque[str]] = {}
        self._shown: dict[str, float] = {}

    @property
    def folder(self) -> Path:
        """Return the spool's folder, which the address names."""
        return _folder_of(self.connection.client)

    def get_table(self, exchange: str) -> list[Any]:
        """Return which queues an exchange feeds, as bindings."""
        return _table(self._exchange_file_of(exchange))

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        new = Binding(routing_key or "", pattern or "", queue or "")
        file = self._exchange_file_of(exchange)
        if new in _table(file):
            return
        with _locked(self.folder):
            # The folder first: a binding without one counts as left by the dead.
            _show_read(self._queue_folder(new.queue))
            table = _table(file)
            if new not in table:
                _write(file, dumps([new, *table]))

    def _delete(
        self, queue: str, exchange: str, routing_key: str | None, pattern: str | None, *_: Any, **__: Any
    ) -> None:
        gone = Binding(routing_key or "", pattern or "", queue or "")
        with _locked(self.folder):
            file = self._exchange_file_of(exchange)
            _keep(file, [each for each in _table(file) if each != gone])
        shutil.rmtree(self._queue_folder(queue), ignore_errors=True)

    # kombu's classes do not agree on the second parameter's name.
    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        name = f"{time.time_ns():020}-{uuid.uuid4().hex}"
        _write(self._queue_folder(queue) / name, dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = self._queue_folder(queue)
        now = time.monotonic()
        if now - self._shown.get(queue, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            _show_read(folder)
            self._shown[queue] = now
        names = self._listed.get(queue)
        if not names:
            names = self._listed[queue] = deque(sorted(_messages(folder)))
        while names:
            text = _take(folder, names.popleft())
            if text is not None:
                return loads(text)
        raise Empty

    def _purge(self, queue: str) -> int:
        folder = self._queue_folder(queue)
        return sum(_take(folder, name) is not None for name in _messages(folder))

    def _size(self, queue: str) -> int:
        return len(_messages(self._queue_folder(queue)))

    def _exchange_file_of(self, exchange: str) -> Path:
        return self.folder / "exchanges" / f"{_as_name(exchange)}{TABLE}"

    def _queue_folder(self, queue: str) -> Path:
        return self.folder / "queues" / _as_name(queue)


class Transport(filesystem.Transport):
    """Brings messages through a folder on this machine."""

    Channel = Channel
    driver_type = driver_name = SCHEME
    polling_interval = POLL_SECONDS

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        # kombu would share what it knows of queues between all addresses of a process.
        self.state = virtual.BrokerState()

    @property
    def default_connection_params(self) -> dict[str, Any]:
        """Return what an address need not name: there is no host, and none is missing."""
        return {}

    def establish_connection(self) -> Any:
        """Connect; raises when the folder cannot be used. Clears what dead processes left."""
        connection = super().establish_connection()
        folder = _folder_of(self.client)
        for part in ("queues", "exchanges"):
            (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        clear_leftovers(folder, now=time.time())
        return connection


def clear_leftovers(folder: Path, *, now: float) -> None:
    """Remove what dead processes left behind: half messages, and unread queues of remote control."""
    for queue in (folder / "queues").iterdir():
        if _is_control(queue.name) and _age(now, queue / READ, queue) > UNREAD_SECONDS:
            shutil.rmtree(queue, ignore_errors=True)
            continue
        for name in _names(queue):
            if name.startswith(HIDDEN) and name != READ and _age(now, queue / name) > LEFTOVER_SECONDS:
                (queue / name).unlink(missing_ok=True)
    _forget_removed_queues(folder)


def _folder_of(client: Any) -> Path:
    return Path("/", client.virtual_host or "")


def _forget_removed_queues(folder: Path) -> None:
    with _locked(folder):
        left = set(_names(folder / "queues"))
        for file in (folder / "exchanges").glob(f"*{TABLE}"):
            table = _table(file)
            kept = [each for each in table if _as_name(each.queue) in left or not _is_control(each.queue)]
            if kept != table:
                _keep(file, kept)


def _keep(file: Path, bindings: list[Binding]) -> None:
    if bindings:
        _write(file, dumps(bindings))
    else:
        file.unlink(missing_ok=True)


def _is_control(queue: str) -> bool:
    return queue.endswith(".pidbox") or queue.startswith("celeryev")


def _as_name(queue: str) -> str:
    # No name may be hidden, or climb.
    name = urllib.parse.quote(queue, safe="@")
    return f"%2E{name[1:]}" if name.startswith(HIDDEN) else name


def _table(file: Path) -> list[Binding]:
    try:
        return [Binding(*each) for each in loads(file.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []


def _messages(folder: Path) -> list[str]:
    return [name for name in _names(folder) if not name.startswith(HIDDEN)]


def _names(folder: Path) -> Iterable[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _age(now: float, *paths: Path) -> float:
    # Of the first path that is there; a file's last rename counts.
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            return now - path.stat().st_ctime
    return 0


def _show_read(queue: Path) -> None:
    queue.mkdir(mode=0o700, parents=True, exist_ok=True)
    (queue / READ).touch(mode=0o600)


def _write(file: Path, text: str) -> None:
    hidden = file.with_name(f"{HIDDEN}{file.name}.{uuid.uuid4().hex}")
    try:
        hidden.write_text(text, encoding="utf-8")
    except FileNotFoundError:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        hidden.write_text(text, encoding="utf-8")
    hidden.rename(file)


def _take(folder: Path, name: str) -> str | None:
    taken = folder / f"{HIDDEN}{name}"
    try:
        (folder / name).rename(taken)
        text = taken.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None  # another process has it
    taken.unlink(missing_ok=True)
    return text


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
