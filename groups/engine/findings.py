"""Keeps findings: opens new ones, shows old ones as still there, closes those that are gone."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

import structlog
from django.db.models.functions import Now

from groups import clock, findings, models
from groups.engine.comparing import Found

log = structlog.get_logger(__name__)

Subject = models.Group | models.Operation | models.Backend


def keep(subject: Subject, found: Sequence[Found], *, scope: Collection[findings.Code]) -> None:
    """Make a subject's open findings those found; of other codes than those in `scope` nothing changes."""
    open_rows = models.Finding.objects.filter(subject_id=subject.pk, closed_at__isnull=True, code__in=scope)
    known = {(row.code, row.key): row for row in open_rows}
    now = {(each.code.value, each.key): each for each in found}
    gone = [row.pk for place, row in known.items() if place not in now]
    new = [each for place, each in now.items() if place not in known]
    if gone:
        close(gone)
    if new:
        _open(subject, new)
    for place, row in known.items():
        if place in now:
            _still(row, now[place])


def close(ids: Collection[uuid.UUID]) -> None:
    """Close findings: what they name is seen no more."""
    models.Finding.objects.filter(pk__in=ids, closed_at__isnull=True).update(closed_at=Now())
    log.info("findings_closed", findings=len(ids))


def close_all(subject_id: uuid.UUID) -> None:
    """Close what was found about something that is no more. Runs within an ending transaction."""
    models.Finding.objects.filter(subject_id=subject_id, closed_at__isnull=True).update(closed_at=Now())


def _open(subject: Subject, new: Sequence[Found]) -> None:
    rows = [_row(subject, each) for each in new]
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


def _still(row: models.Finding, each: Found) -> None:
    models.Finding.objects.filter(pk=row.pk, closed_at__isnull=True).update(
        seen_at=Now(),
        severity=_severity(each),
        recorded=each.recorded,
        actual=each.actual,
        actual_side=each.actual_side,
    )


def _severity(each: Found) -> findings.Severity:
    return each.severity or findings.MEANINGS[each.code].severity
