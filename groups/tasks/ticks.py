"""Beat's ticks. Each may come twice or not at all."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from groups.engine import observing, rounds as due_rounds, sweeper
from groups.tasks import pacing


@shared_task(name="groups.tasks.sweep", ignore_result=True)
def sweep(**_newer: object) -> int:
    """Wake workers for operations nobody works on."""
    return sweeper.sweep() if pacing.is_due("sweep", every=settings.REPLSITE.sweep_seconds) else 0


@shared_task(name="groups.tasks.observe", ignore_result=True)
def observe(**_newer: object) -> int:
    """Look at the storage of every group at rest."""
    return observing.observe_all() if pacing.is_due("observe", every=settings.REPLSITE.observe_seconds) else 0


@shared_task(name="groups.tasks.rounds", ignore_result=True)
def rounds(**_newer: object) -> int:
    """Wake workers for due rounds."""
    return due_rounds.wake_due() if pacing.is_due("rounds", every=settings.REPLSITE.rounds_tick_seconds) else 0
