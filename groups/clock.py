"""The one clock all hosts of a site share: the database's.

The hosts' own clocks may be wrong by hours. What is compared with something another process
wrote is told by this one: in a statement by `Now()`, everywhere else by `now`.
"""

from __future__ import annotations

import dataclasses
import datetime
import time

from django.db import connection

_GOOD_SECONDS = 60.0
"""How long one look at the database's clock is relied on, counted by a clock that nobody can set."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Look:
    unix: float
    at: float


_look: _Look | None = None


def now() -> datetime.datetime:
    """Return the time by the database's clock."""
    synchronize()
    return datetime.datetime.fromtimestamp(seconds(), tz=datetime.UTC)


def seconds() -> float:
    """Return the Unix time by the database's clock as it was seen last; does not ask it."""
    if _look is None:
        return time.time()
    return _look.unix + time.monotonic() - _look.at


def synchronize() -> None:
    """Look at the database's clock, unless that was done lately. SQLite has none but the host's."""
    global _look
    if connection.vendor == "sqlite":
        _look = None
    elif _look is None or time.monotonic() - _look.at > _GOOD_SECONDS:
        before = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            unix = float(cursor.fetchone()[0])
        half = (time.monotonic() - before) / 2
        at = before + half
        # It was that time at some moment of the turn. A clock that agrees within it goes on as it went: setting it by
        # the middle of a slow turn would put time back between two calls.
        known = unix if _look is None else _look.unix + at - _look.at
        _look = _Look(unix=known if abs(known - unix) <= half else unix, at=at)


def host_offset_seconds() -> float:
    """Return how far this host's own clock is behind the database's, in seconds; negative where it is ahead."""
    return seconds() - time.time()
