"""The file the fake storage keeps itself in: where it is, its tables, its transactions.

One SQLite database in one folder is shared by every process and thread. A transaction is whole or
never happened, also when its process is killed with -9; the file does not promise to outlive a
power loss.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import sqlite3
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from typing import NamedTuple

from drivers.base import BackendConfig
from drivers.errors import DriverError

BUSY_SECONDS = 30.0
_LAYOUT = 6
_SCHEMA = """
CREATE TABLE sides (side TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('up', 'down', 'frozen'))) WITHOUT ROWID;
CREATE TABLE epochs (side TEXT, owner TEXT, epoch INTEGER NOT NULL, PRIMARY KEY (side, owner)) WITHOUT ROWID;
CREATE TABLE groups (side TEXT, group_id TEXT, PRIMARY KEY (side, group_id)) WITHOUT ROWID;
CREATE TABLE copies (
    side TEXT, volume_id TEXT, size_bytes INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('active', 'receiver')),
    term INTEGER NOT NULL DEFAULT 0,        -- epoch in which it became the active one
    writable INTEGER NOT NULL DEFAULT 0,    -- 0 after writes were stopped
    serving INTEGER NOT NULL DEFAULT 0,     -- whether clients can reach it
    written INTEGER NOT NULL DEFAULT 0,     -- whether clients wrote since its point was taken
    replicating INTEGER NOT NULL DEFAULT 0, -- on the active side: replication is set up
    spread INTEGER NOT NULL DEFAULT 0,      -- on the active side: other sides may hold copies
    point TEXT, point_at REAL,              -- newest complete point it belongs to
    shared_at REAL,                         -- on the active side: newest point that another side has too
    group_id TEXT,                          -- the group it is replicated with
    lineage TEXT NOT NULL DEFAULT '{}',     -- up to which stamp it has what each reign wrote
    PRIMARY KEY (side, volume_id)
) WITHOUT ROWID;
CREATE INDEX copies_of_groups ON copies (group_id, side);
CREATE TABLE pages (
    side TEXT, volume_id TEXT, page INTEGER, stamp INTEGER NOT NULL, reign TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (side, volume_id, page)
);
CREATE TABLE staged (
    side TEXT, volume_id TEXT, page INTEGER, stamp INTEGER, reign TEXT, data BLOB,
    PRIMARY KEY (side, volume_id, page)
);
CREATE TABLE undo_points (id TEXT PRIMARY KEY, side TEXT NOT NULL, group_id TEXT NOT NULL, kept_at REAL NOT NULL);
CREATE TABLE undo_pages (
    point_id TEXT, volume_id TEXT, page INTEGER, data BLOB NOT NULL, PRIMARY KEY (point_id, volume_id, page)
) WITHOUT ROWID;
CREATE TABLE test_copies (
    id TEXT PRIMARY KEY, side TEXT NOT NULL, group_id TEXT NOT NULL, volumes TEXT NOT NULL, point_at REAL NOT NULL,
    started_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE test_volumes (
    copy_id TEXT, side TEXT NOT NULL, volume_id TEXT, size_bytes INTEGER NOT NULL, point TEXT, point_at REAL,
    lineage TEXT NOT NULL, PRIMARY KEY (copy_id, volume_id)
) WITHOUT ROWID;
CREATE TABLE test_pages (
    copy_id TEXT, volume_id TEXT, page INTEGER,
    layer INTEGER NOT NULL,                 -- 0 what it was started with, 1 what its clients wrote
    stamp INTEGER, data BLOB NOT NULL, PRIMARY KEY (copy_id, volume_id, page, layer)
);
CREATE TABLE snapshots (
    side TEXT, id TEXT, set_id TEXT NOT NULL, volume_id TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    taken_at REAL NOT NULL, whole INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (side, id)
) WITHOUT ROWID;
CREATE TABLE snapshot_pages (
    side TEXT, snapshot_id TEXT, page INTEGER, data BLOB NOT NULL, PRIMARY KEY (side, snapshot_id, page)
) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE faults (
    id INTEGER PRIMARY KEY, call TEXT NOT NULL, group_id TEXT NOT NULL, volume INTEGER, moment TEXT NOT NULL,
    action TEXT NOT NULL, seconds REAL NOT NULL, times_left INTEGER
);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, method TEXT NOT NULL, owner TEXT NOT NULL, backend_id TEXT, epoch INTEGER NOT NULL,
    process_id INTEGER NOT NULL, started_at REAL NOT NULL, ended_at REAL, outcome TEXT,
    touched TEXT NOT NULL DEFAULT '[]'
);
"""


def folder_of(config: BackendConfig) -> pathlib.Path:
    """Return the folder a backend keeps its state in.

    The option `state` names it; else `fake/<backend name>` under `REPLSITE_STATE_DIR`; else a
    folder of this user's under the system's temporary one.
    """
    if given := config.options.get("state"):
        return pathlib.Path(str(given))
    name = urllib.parse.quote(config.name, safe="@#").replace(".", "%2E") or "unnamed"
    if base := os.environ.get("REPLSITE_STATE_DIR"):
        return pathlib.Path(base).absolute() / "fake" / name
    return pathlib.Path(tempfile.gettempdir()) / f"replsite-fake-{os.getuid()}" / name


class _Opened(NamedTuple):
    """A connection, and the file it is to: one that was removed keeps its number as long as it is open."""

    path: pathlib.Path
    inode: int
    connection: sqlite3.Connection


class _Idle:
    """Connections that no call uses at the moment: to open one costs more than all that a small call does with it."""

    MOST = 16

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[_Opened] = []

    def take(self, path: pathlib.Path) -> _Opened | None:
        """Return a connection to the file that has this name now, if there is one."""
        inode = path.stat().st_ino
        with self._lock:
            for place, kept in enumerate(self._kept):
                if (kept.path, kept.inode) == (path, inode):
                    return self._kept.pop(place)
        return None

    def give(self, opened: _Opened) -> None:
        """Keep a connection for a later call; the one not used for longest makes room."""
        with self._lock:
            self._kept.append(opened)
            surplus = self._kept.pop(0) if len(self._kept) > self.MOST else None
        if surplus is not None:
            surplus.connection.close()


class _Turns:
    """Lets the threads of a process write to a file one after the other.

    Who finds SQLite's lock taken sleeps and looks again, longer each time: with twenty threads a call took 10 ms, and
    up to a second, of such sleep. Left to wait for each other are the few processes of a site.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[pathlib.Path, threading.Lock] = {}

    @contextlib.contextmanager
    def turn(self, path: pathlib.Path) -> Iterator[None]:
        """Wait for this thread's turn. Raises `sqlite3.OperationalError` as SQLite does, and as late."""
        with self._lock:
            lock = self._turns.setdefault(path, threading.Lock())
        if not lock.acquire(timeout=BUSY_SECONDS):
            raise sqlite3.OperationalError("database is locked")
        try:
            yield
        finally:
            lock.release()


_idle, _turns = _Idle(), _Turns()
_inherited: list[_Idle] = []


def _renew() -> None:
    global _idle, _turns
    # SQLite's connections must not be used after a fork, nor be closed; and a turn may have been somebody's.
    _inherited.append(_idle)
    _idle, _turns = _Idle(), _Turns()


os.register_at_fork(after_in_child=_renew)


class State:
    """One opened state file; belongs to one thread, lives as long as one call."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._used: _Opened | None = None

    def __enter__(self) -> State:
        with _storage_errors():
            self._used = _connect(self.folder)
        return self

    def __exit__(self, *exception: object) -> None:
        used, self._used = self._used, None
        if used is None:
            return
        if used.connection.in_transaction:
            used.connection.close()
        else:
            _idle.give(used)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run statements that change something as one: all of them, or none when it raises."""
        opened = self._opened()
        connection = opened.connection
        with _storage_errors(), _turns.turn(opened.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Run statements that only look, all at one moment, without holding up anybody."""
        connection = self._opened().connection
        with _storage_errors():
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def _opened(self) -> _Opened:
        if self._used is None:
            raise DriverError("The fake storage's state was used without being opened.")
        return self._used


def _connect(folder: pathlib.Path) -> _Opened:
    path = folder / "state.sqlite3"
    if not path.exists():
        _create(folder, path)
    opened = _idle.take(path) or _open(path)
    layout = opened.connection.execute("PRAGMA user_version").fetchone()[0]
    if layout != _LAYOUT:
        opened.connection.close()
        raise DriverError(f"{path} has layout {layout}, this driver needs {_LAYOUT}; remove the folder to begin anew.")
    return opened


def _open(path: pathlib.Path) -> _Opened:
    inode = path.stat().st_ino
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = OFF")
    # Who put another file in its place just now gets no connection to the one before.
    return _Opened(path, inode if path.stat().st_ino == inode else 0, connection)


def _create(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Make the file under a hidden name and give it its own when it is whole."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "creating.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        unfinished = folder / ".state.new"
        for leftover in folder.glob(".state.new*"):
            leftover.unlink()
        connection = sqlite3.connect(unfinished, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        finally:
            connection.close()
        unfinished.rename(path)


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    """Turn what SQLite and the file system raise into the contract's errors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise DriverError(f"The fake storage's state file cannot be used: {error}.", retryable=True) from error
    except OSError as error:
        raise DriverError(f"The fake storage's state folder cannot be used: {error}.", retryable=True) from error
