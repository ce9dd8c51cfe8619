"""How the database is spoken to."""

from __future__ import annotations

from typing import Any

import dj_database_url

_KEPT_SECONDS = 3600
"""For how long a connection is used. A new one is a process of PostgreSQL that has planned no statement yet, and all
threads would begin one at the same time: just when many groups are to be failed over after a quiet minute."""
_SQLITE = {
    # Without IMMEDIATE, a transaction that reads before it writes fails at once under load.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
}


def configuration(address: str, *, lease_seconds: float) -> dict[str, Any]:
    """Return what Django needs to know of the database at an address."""
    # Each thread of the web process and of a worker keeps a connection of its own.
    found: dict[str, Any] = {**dj_database_url.parse(address, conn_max_age=_KEPT_SECONDS, conn_health_checks=True)}
    if found["ENGINE"] == "django.db.backends.sqlite3":
        return found | {"OPTIONS": _SQLITE}
    given = {**found.get("OPTIONS", {})}
    # A process that is frozen in the middle of a transaction would keep its rows locked, and nobody
    # could take over from it: the server ends the transaction when the lease would have run out too.
    ours = f"-c idle_in_transaction_session_timeout={round(lease_seconds * 1000)}"
    given["options"] = f"{ours} {given.get('options', '')}".strip()
    # The same few statements run all the time: the server plans each once a connection.
    given |= {"server_side_binding": True, "prepare_threshold": 2}
    return found | {"ENGINE": "replsite.postgresql", "OPTIONS": given}
