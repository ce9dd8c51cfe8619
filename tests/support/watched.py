"""Signs of life, operations and findings, written down without anybody who lives or works."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from groups import findings, models, queues
from groups.queries import watching


def worker(
    name: str, *, reads: Sequence[str] = queues.ALL, seen_seconds_ago: float = 0, up_seconds: float = 3600
) -> None:
    """Write a worker's sign of life."""
    _pulse(name, "worker", seen_seconds_ago=seen_seconds_ago, up_seconds=up_seconds, reads=reads)


def tick(name: str, *, seconds_ago: float = 0) -> None:
    """Write when a tick was done."""
    _pulse(name, "tick", seen_seconds_ago=seconds_ago, up_seconds=3600, reads=())


def everybody(*, ticks_seconds_ago: float = 0) -> None:
    """Write the signs of a whole crew: two workers, and beat's ticks."""
    worker("worker@here")
    worker("urgent@here", reads=[queues.FAILOVER, queues.MAINTENANCE])
    for name in watching.TICKS:
        tick(name, seconds_ago=ticks_seconds_ago)


def operation(*, kind: str = "failover", state: str = "queued", **changes: Any) -> models.Operation:
    """Write an operation that is about nothing."""
    subject = uuid.uuid4()
    return models.Operation.objects.create(
        kind=kind,
        state=state,
        subject_id=subject,
        subject_name=f"name-of-{subject}",
        project=_project(),
        user_id="olga",
        **changes,
    )


def finding(*, code: findings.Code, **changes: Any) -> models.Finding:
    """Write a finding about nothing."""
    return models.Finding.objects.create(
        code=code,
        severity=findings.MEANINGS[code].severity,
        subject_id=uuid.uuid4(),
        project=_project(),
        seen_at=timezone.now(),
        **changes,
    )


def _project() -> models.Project:
    return models.Project.objects.get_or_create(name="watched")[0]


def _pulse(name: str, kind: str, *, seen_seconds_ago: float, up_seconds: float, reads: Sequence[str]) -> None:
    now = timezone.now()
    models.Pulse.objects.update_or_create(
        name=name,
        defaults={
            "kind": kind,
            "queues": list(reads),
            "started_at": now - datetime.timedelta(seconds=up_seconds),
            "seen_at": now - datetime.timedelta(seconds=seen_seconds_ago),
        },
    )
