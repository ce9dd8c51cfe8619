"""Beat's ticks. Each may come twice or not at all."""

from __future__ import annotations

from celery import shared_task

from groups.engine import observing, rounds as due_rounds, sweeper


@shared_task(name="groups.tasks.sweep", ignore_result=True)
def sweep(**_newer: object) -> int:
    """Wake workers for operations nobody works on."""
    return sweeper.sweep()


@shared_task(name="groups.tasks.observe", ignore_result=True)
def observe(**_newer: object) -> int:
    """Look at the storage of every group at rest."""
    return observing.observe_all()


@shared_task(name="groups.tasks.rounds", ignore_result=True)
def rounds(**_newer: object) -> int:
    """Wake workers for due rounds."""
    return due_rounds.wake_due()
