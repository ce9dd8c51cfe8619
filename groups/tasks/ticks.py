"""Beat's ticks. Each may come twice or not at all, and is noted when it has been done."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from groups.engine import lag as lags, observing, rounds as due_rounds, watching
from groups.engine.drills import following
from groups.services import drill_starting
from groups.tasks import pacing


@shared_task(name="groups.tasks.sweep", ignore_result=True)
def sweep(**_newer: object) -> int:
    """Wake workers for operations nobody works on, and note which stand still."""
    due = pacing.is_due("sweep", every=settings.REPLSITE.sweep_seconds)
    return watching.tick("sweep", work=watching.sweep) if due else 0


@shared_task(name="groups.tasks.observe", ignore_result=True)
def observe(**_newer: object) -> int:
    """Look at the storage of every group at rest."""
    due = pacing.is_due("observe", every=settings.REPLSITE.observe_seconds)
    return watching.tick("observe", work=observing.observe_all) if due else 0


@shared_task(name="groups.tasks.rounds", ignore_result=True)
def rounds(**_newer: object) -> int:
    """Wake workers for due rounds."""
    due = pacing.is_due("rounds", every=settings.REPLSITE.rounds_tick_seconds)
    return watching.tick("rounds", work=due_rounds.wake_due) if due else 0


@shared_task(name="groups.tasks.lag", ignore_result=True)
def lag(**_newer: object) -> int:
    """Hold groups against their objectives, and thin what is kept of their lag."""
    due = pacing.is_due("lag", every=settings.REPLSITE.observe_seconds)
    return watching.tick("lag", work=lags.tend) if due else 0


@shared_task(name="groups.tasks.drills", ignore_result=True)
def drills(**_newer: object) -> int:
    """Begin due drills, write the reports of those that have ended, and tell people."""
    due = pacing.is_due("drills", every=settings.REPLSITE.drills_tick_seconds)
    return watching.tick("drills", work=_do_drills) if due else 0


def _do_drills() -> int:
    return drill_starting.start_due() + following.follow_up()
