"""The tasks that do nothing, for the floor: how long it takes to wake a worker and hear from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery import current_app, shared_task
from celery.backends.redis import RedisBackend
from django.conf import settings

NAME = "bench.empty"
_BROKER: str = settings.REPLSITE.broker_address
KEEPS_RESULTS = _BROKER.startswith("redis")
"""Whether the broker can keep results too."""


def _kept_by_broker() -> dict[str, Any]:
    """Return what has a task's result kept where most sites with Redis keep it; ours go to the database."""
    if not KEEPS_RESULTS:
        return {}
    return {"backend": RedisBackend(app=current_app, url=_BROKER)}


@shared_task(name=NAME, ignore_result=True)
def empty(*, answer: str) -> None:
    """Say that it ran, where whoever sent it listens."""
    with Path(answer).open("wb") as pipe:
        pipe.write(b".")


@shared_task(name="bench.answered", ignore_result=False, **_kept_by_broker())
def answered() -> None:
    """Have its result kept for whoever sent it."""
