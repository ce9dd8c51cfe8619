"""The task that does nothing, for the floor: how long it takes to wake a worker and hear from it."""

from __future__ import annotations

from pathlib import Path

from celery import shared_task

NAME = "bench.empty"


@shared_task(name=NAME, ignore_result=True)
def empty(*, answer: str) -> None:
    """Say that it ran, where whoever sent it listens."""
    with Path(answer).open("wb") as pipe:
        pipe.write(b".")
