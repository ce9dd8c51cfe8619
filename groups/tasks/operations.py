"""Wake-up calls: run one operation, run one round, look at one backend."""

from __future__ import annotations

import uuid
from typing import Any

from celery import Task, shared_task

from groups import queueing
from groups.engine import connecting, rounds, runner


@shared_task(name=queueing.RUN_OPERATION, bind=True, ignore_result=True)
def run_operation(self: Task[Any, Any], *, operation_id: str, **_newer: object) -> bool:
    """Run the operation if it is due and nobody else has it."""
    return runner.run(operation_id=uuid.UUID(operation_id), owner=runner.owner_name(self.request.hostname or "worker"))


@shared_task(name=queueing.RUN_ROUND, bind=True, ignore_result=True)
def run_round(self: Task[Any, Any], *, group_id: str, **_newer: object) -> bool:
    """Run the group's round if it is due and nobody else runs it."""
    return rounds.run(group_id=uuid.UUID(group_id), owner=runner.owner_name(self.request.hostname or "worker"))


@shared_task(name=queueing.CHECK_CONNECTION, bind=True, ignore_result=True)
def check_connection(self: Task[Any, Any], *, check_id: str, **_newer: object) -> bool:
    """Look whether each side of a backend answers, unless that was done already."""
    return connecting.check(check_id=uuid.UUID(check_id), owner=runner.owner_name(self.request.hostname or "worker"))
