"""What Django looks for in a database engine."""

from __future__ import annotations

import select
import time
from typing import Any

from django.db.backends.postgresql import base

GOOD_SECONDS = 1.0
"""How long a server that has answered, and has not hung up since, is taken to be there."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, which needs no turn of the server at the beginning of every request and every task.

    A server that ends, is restarted or throws a connection out hangs up, which can be seen without asking. Only one
    that vanished from the network cannot; so it is asked all the same when that was not done lately.
    """

    health_check_enabled: bool
    health_check_done: bool
    _good_until = 0.0

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
