"""What Django looks for in a database engine."""

from __future__ import annotations

import datetime
import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg.types.datetime import TimestamptzLoader

GOOD_SECONDS = 1.0
"""How long a server that has answered, and has not hung up since, is taken to be there."""


class _TimeLoader(TimestamptzLoader):
    """Reads times in a tenth of the time that Django's own way takes."""

    timezone = datetime.UTC
    """Django looks at it to know whether a cursor needs another one."""

    def load(self, data: Any) -> datetime.datetime:
        """Return the time; the session's zone is UTC, so is its own."""
        try:
            found = datetime.datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return super().load(data)
        return found if found.tzinfo is self.timezone else found.astimezone(self.timezone)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, which needs no turn of the server at the beginning of every request and every task.

    A server that ends, is restarted or throws a connection out hangs up, which can be seen without asking. Only one
    that vanished from the network cannot; so it is asked all the same when that was not done lately.
    """

    health_check_enabled: bool
    health_check_done: bool
    _good_until = 0.0

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a new connection."""
        connection = super().get_new_connection(conn_params)
        if self.timezone == _TimeLoader.timezone:
            connection.adapters.register_loader(base.TIMESTAMPTZ_OID, _TimeLoader)
        return connection

    def close_if_health_check_failed(self) -> None:
        """Close a connection that is of no use any more."""
        if self.connection is None or not self.health_check_enabled or self.health_check_done:
            return
        if time.monotonic() < self._good_until and _is_quiet(self.connection):
            self.health_check_done = True
            return
        super().close_if_health_check_failed()
        if self.connection is not None:
            self._good_until = time.monotonic() + GOOD_SECONDS


def _is_quiet(connection: Any) -> bool:
    """Tell whether an idle connection has nothing to read, as it has when the other side hangs up."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
