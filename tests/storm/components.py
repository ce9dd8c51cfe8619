"""Database and broker of the stormed site, and how each can be hurt."""

from __future__ import annotations

import abc
import contextlib
import random
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tests.support import brokers, servers

_OURS = "storm"
"""What the storm's own connections call themselves: it judges, and is no part of what is judged."""
_LOCK_SECONDS = 3.0


class Components(abc.ABC):
    """What the site's processes share."""

    @abc.abstractmethod
    def settings(self) -> Mapping[str, str]:
        """Return the settings of the site's processes that name database and broker."""

    def own_settings(self) -> Mapping[str, str]:
        """Return the same for the storm's own process."""
        return self.settings()

    @abc.abstractmethod
    def hurt(self, kind: str, *, draw: float, seconds: float) -> float | None:
        """Do harm of a kind; return after how many seconds `mend` is to be called, None when it need not."""

    def mend(self) -> None:  # noqa: B027 - some harm passes by itself
        """End what harm still lasts."""


class Own(Components):
    """SQLite and the spool folder: what a site has that names neither."""

    def __init__(self, folder: Path) -> None:
        self._spool = folder / "spool"
        self._database = folder / "replsite.sqlite3"

    def settings(self) -> Mapping[str, str]:
        """See `Components.settings`."""
        return {}

    def hurt(self, kind: str, *, draw: float, seconds: float) -> float | None:
        """Lose every message that waits, or hold up every writer for a while."""
        if kind == "messages":
            for message in self._spool.glob("queues/*/[0-9]*"):
                message.unlink(missing_ok=True)
        else:
            # In the way of all who write, as a backup or a slow disk would be.
            with contextlib.closing(sqlite3.connect(self._database, timeout=20, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                time.sleep(min(seconds, _LOCK_SECONDS))
                connection.execute("ROLLBACK")
        return None


class Servers(Components):
    """A private PostgreSQL, and a private Redis that can be killed and started again on its port."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._address = stack.enter_context(servers.postgresql())
        self._redis = brokers.Redis()
        stack.callback(self._redis.end)
        self._redis.start()
        self._is_dead = False

    def settings(self) -> Mapping[str, str]:
        """See `Components.settings`."""
        return {"database_url": self._address, "broker_url": self._redis.address}

    def own_settings(self) -> Mapping[str, str]:
        """Return the settings, with a name for the storm's connections."""
        return {**self.settings(), "database_url": f"{self._address}?application_name={_OURS}"}

    def hurt(self, kind: str, *, draw: float, seconds: float) -> float | None:
        """Kill the broker, which forgets everything, or some of the site's database connections."""
        if kind == "broker":
            self._redis.kill()
            self._is_dead = True
            return seconds
        with psycopg.connect(self._address, autocommit=True) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " AND application_name <> %s ORDER BY pid",
                [_OURS],
            ).fetchall()
            victims = random.Random(draw).sample(found, max(1, round(len(found) * draw)) if found else 0)
            for (pid,) in victims:
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        return None

    def mend(self) -> None:
        """Start the broker again if it is down."""
        if self._is_dead:
            self._redis.start()
            self._is_dead = False
