"""Waits for the end of an operation, for clients that prefer one longer answer to asking again and again.

`Prefer: wait=20` waits up to 20 s. Each waiting request keeps a thread of the web server, so that
only some may wait at a time; who finds no place is answered at once and sees it by the missing
`Preference-Applied`.
"""

from __future__ import annotations

import re
import threading
import time
import uuid

from rest_framework.request import Request

from groups import errors
from groups.queries import operations

PREFER, APPLIED = "Prefer", "Preference-Applied"
LONGEST_SECONDS = 50
"""Less than what proxies and the web server itself allow a request."""
PLACES = 4
"""How many may wait at a time in one process: half of its threads."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_WAIT = re.compile(r"\s*wait\s*=\s*\"?([^\"]*)\"?\s*", re.IGNORECASE)

_places = threading.BoundedSemaphore(PLACES)


def seconds_asked(request: Request) -> int | None:
    """Return how long the client would wait, in seconds; None when it would not. Raises `InvalidInput`."""
    for part in re.split("[,;]", request.headers.get(PREFER, "")):
        if (form := _WAIT.fullmatch(part)) is not None:
            if not (form[1].isascii() and form[1].isdigit() and len(form[1]) < 10):
                raise errors.InvalidInput(f"Prefer: wait must be a number of seconds, not '{form[1]}'.")
            return min(int(form[1]), LONGEST_SECONDS)
    return None


def for_end(operation_id: uuid.UUID, *, seconds: int) -> bool:
    """Wait until the operation has ended or the time is over; return whether there was a place to wait at."""
    if not _places.acquire(blocking=False):
        return False
    try:
        deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
        while not operations.has_ended(operation_id):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
    finally:
        _places.release()
    return True
