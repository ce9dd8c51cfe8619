"""The floors: what the bare parts take on the same machine in the same run."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import orjson
from celery import current_app
from django.db import connection, transaction

from bench import empty, figures
from groups import models, queues


def round_trip(folder: Path, *, times: int) -> list[float]:
    """Return how long it takes to send an empty Celery task and hear that it ran."""
    pipe = folder / f"answer-{uuid.uuid4().hex}"
    os.mkfifo(pipe)

    def once() -> None:
        current_app.send_task(empty.NAME, kwargs={"answer": str(pipe)}, queue=queues.REPLICATION, ignore_result=True)
        with pipe.open("rb") as reader:
            reader.read()

    try:
        return figures.repeated(once, times=times)
    finally:
        pipe.unlink()


def result_round_trip(*, times: int) -> list[float]:
    """Return how long `delay().get()` of an empty task takes: its result is kept in Redis, told about and fetched.

    Redis tells that the result is there; nothing is asked for every now and then.
    """
    return figures.repeated(lambda: empty.answered.apply_async(queue=queues.REPLICATION).get(timeout=60), times=times)


def row_updates(rows: int, *, times: int) -> list[float]:
    """Return how long one UPDATE of so many volumes' statuses and one INSERT take, committed."""
    ids = list(models.Volume.objects.order_by("pk").values_list("pk", flat=True)[:rows])
    project_id = models.Project.objects.values_list("pk", flat=True).first()
    if len(ids) < rows or project_id is None:
        raise RuntimeError(f"there are no {rows} volumes to update")

    def once() -> None:
        with transaction.atomic():
            models.Volume.objects.filter(pk__in=ids).update(replication_status="disabled")
            models.LoginAttempt.objects.create(key=uuid.uuid4().hex)

    return figures.repeated(once, times=times)


def bare_list(columns: tuple[str, ...], *, rows: int, times: int) -> list[float]:
    """Return how long the same rows take through bare `values()` and orjson."""
    return figures.repeated(lambda: orjson.dumps(_values(columns, rows)), times=times)


def _values(columns: tuple[str, ...], rows: int) -> list[dict[str, object]]:
    return list(models.Volume.objects.order_by("-created_at", "-id").values(*columns)[:rows])


def statement(*, times: int) -> list[float]:
    """Return how long the smallest statement takes, there and back."""

    def once() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    return figures.repeated(once, times=times)
