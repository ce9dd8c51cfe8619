"""The site's web application, which kills its whole server at a chosen place.

`TESTS_DIE_AT` names the place: `before commit` is inside the transaction that accepts a request,
when all is written; `before send` is right after its commit.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from replsite.wsgi import application

__all__ = ["application"]


def _die(*_arguments: Any, **_options: Any) -> None:
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _arm(place: str) -> None:
    # Only now: the line that makes the application makes Django ready for models.
    from groups import queueing

    setattr(queueing, _PLACES[place], _die)


_PLACES = {"before commit": "wake", "before send": "send_operation"}
_arm(os.environ["TESTS_DIE_AT"])
