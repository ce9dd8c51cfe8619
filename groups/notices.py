"""Writes down what people are to be told of drills; a tick delivers it, so that nobody waits for a mail server."""

from __future__ import annotations

import datetime

from groups import clock, drills, models

_TITLES = {
    drills.NoticeKind.STARTED: "Drill started",
    drills.NoticeKind.ENDED: "Drill passed",
    drills.NoticeKind.FAILED: "Drill failed",
    drills.NoticeKind.OVERDUE: "Proof of recoverability is overdue",
    drills.NoticeKind.BREACHED: "Objective not met",
    drills.NoticeKind.TEST: "Test message",
}


def tell(
    plan: models.DrillPlan,
    kind: drills.NoticeKind,
    *,
    text: str,
    run: models.DrillRun | None = None,
    key: str = "",
    due_at: datetime.datetime | None = None,
) -> int:
    """Write a notice for each of a plan's addresses, each once; return how many there are."""
    about = key or (str(run.pk) if run is not None else "")
    name = run.group_name if run is not None else plan.name
    now = clock.now()
    rows = [
        models.DrillNotice(
            kind=kind,
            plan=plan,
            run=run,
            key=about,
            channel=channel,
            place=place,
            subject=f"{_TITLES[kind]}: {name}",
            text=text,
            created_at=now,
            due_at=due_at or now,
        )
        for channel, addresses in ((drills.Channel.EMAIL, plan.emails), (drills.Channel.WEBHOOK, plan.webhooks))
        for place in range(len(addresses))
    ]
    models.DrillNotice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
