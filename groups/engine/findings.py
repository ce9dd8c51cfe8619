"""Keeps findings: opens new ones, shows old ones as still there, closes those that are gone."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

import structlog
from django.db.models.functions import Now

from groups import bulk, clock, findings, models
from groups.engine.comparing import Found

log = structlog.get_logger(__name__)

Subject = models.Group | models.Operation | models.Backend
_TOLD = ("severity", "recorded", "actual", "actual_side")


def keep(subject: Subject, found: Sequence[Found], *, scope: Collection[findings.Code]) -> None:
    """Make a subject's open findings those found; of other codes than those in `scope` nothing changes."""
    keep_all([(subject, found)], scope=scope)


def keep_all(found: Sequence[tuple[Subject, Sequence[Found]]], *, scope: Collection[findings.Code]) -> None:
    """Do the same for many subjects, in as many statements as for one."""
    if not found:
        return
    subjects = [subject.pk for subject, _ in found]
    open_rows = models.Finding.objects.filter(subject_id__in=subjects, closed_at__isnull=True, code__in=scope)
    known = {(row.subject_id, row.code, row.key): row for row in open_rows}
    now = {(subject.pk, each.code.value, each.key): (subject, each) for subject, several in found for each in several}
    gone = [row.pk for place, row in known.items() if place not in now]
    new = [each for place, each in now.items() if place not in known]
    if gone:
        close(gone)
    if new:
        _open(new)
    still = [_still(row, now[place][1]) for place, row in known.items() if place in now]
    if still:
        bulk.update(still, ("seen_at", *_TOLD))


def close(ids: Collection[uuid.UUID]) -> None:
    """Close findings: what they name is seen no more."""
    models.Finding.objects.filter(pk__in=ids, closed_at__isnull=True).update(closed_at=Now())
    log.info("findings_closed", findings=len(ids))


def close_all(subject_id: uuid.UUID) -> None:
    """Close what was found about something that is no more. Runs within an ending transaction."""
    models.Finding.objects.filter(subject_id=subject_id, closed_at__isnull=True).update(closed_at=Now())


def _open(new: Sequence[tuple[Subject, Found]]) -> None:
    rows = [_row(subject, each) for subject, each in new]
    # Two ticks at once may find the same: the database keeps one.
    models.Finding.objects.bulk_create(rows, ignore_conflicts=True)
    for row in rows:
        log.warning("finding_opened", code=row.code, subject_id=str(row.subject_id), key=row.key, actual=row.actual)


def _row(subject: Subject, each: Found) -> models.Finding:
    group = subject if isinstance(subject, models.Group) else None
    operation = subject if isinstance(subject, models.Operation) else None
    at = clock.now()
    return models.Finding(
        created_at=at,
        code=each.code,
        severity=_severity(each),
        subject_id=subject.pk,
        subject_name=str(operation.subject_name if operation else subject),
        key=each.key,
        group=operation.group if operation else group,
        operation=operation,
        backend=subject if isinstance(subject, models.Backend) else None,
        project_id=None if isinstance(subject, models.Backend) else subject.project_id,
        recorded=each.recorded,
        actual=each.actual,
        actual_side=each.actual_side,
        seen_at=at,
    )


def _still(row: models.Finding, each: Found) -> models.Finding:
    row.severity, row.seen_at = _severity(each), clock.now()
    row.recorded, row.actual, row.actual_side = each.recorded, each.actual, each.actual_side
    return row


def _severity(each: Found) -> findings.Severity:
    return each.severity or findings.MEANINGS[each.code].severity
