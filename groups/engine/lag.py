"""Holds groups against their objectives, and thins what is kept of their lag over time."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection, models as db, transaction

from groups import clock, findings as words, models, objectives
from groups.engine import comparing, findings
from groups.objectives import Levels, Measure, State
from groups.queries import objectives as standings

_CODES = (words.Code.OBJECTIVE_MISSED,)
_SEVERITY = {State.WARNING: words.Severity.WARNING, State.CRITICAL: words.Severity.CRITICAL}
_AT_ONCE = 500


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Tier:
    """From which age on samples are kept as the worst of longer spans."""

    span_seconds: int
    of_seconds: int
    """The spans they are made from; 0 for single looks."""
    after: datetime.timedelta


_TIERS = (
    _Tier(span_seconds=300, of_seconds=0, after=datetime.timedelta(hours=24)),
    _Tier(span_seconds=3600, of_seconds=300, after=datetime.timedelta(days=30)),
)
KEPT_FOR = datetime.timedelta(days=365)
_SPANS_AT_ONCE = 50
_ROWS_AT_ONCE = 10_000
_THIN = """\
INSERT INTO {table} (group_id, at, span_seconds, lag_seconds, bytes_behind, blind)
SELECT group_id, %s, %s, MAX(lag_seconds), MAX(bytes_behind), SUM(blind)
FROM {table} WHERE span_seconds = %s AND at >= %s AND at < %s GROUP BY group_id
ON CONFLICT DO NOTHING"""


def tend() -> int:
    """Hold all groups against the objectives that were set, then thin; return how many miss one."""
    missed = judge()
    thin()
    return missed


def judge() -> int:
    """Keep a finding of each objective that is missed; return how many groups miss one.

    From what is recorded: where nobody could look, the newest point known grows old all the same.
    """
    missing: set[object] = set()
    judged: list[uuid.UUID] = []
    groups = standings.with_set_objectives().only(
        "name", "project_id", "group_type_id", "replication_status", "consistent_at", *objectives.COLUMNS
    )
    rows = groups.order_by("pk").iterator(chunk_size=_AT_ONCE)
    while batch := list(itertools.islice(rows, _AT_ONCE)):
        found = [(group, _missed(standing)) for group, standing in zip(batch, standings.standings(batch), strict=True)]
        findings.keep_all(found, scope=_CODES)
        judged += [group.pk for group in batch]
        missing.update(group.pk for group, several in found if several)
    _close_others(judged)
    return len(missing)


def _close_others(judged: Sequence[uuid.UUID]) -> None:
    """Close what was found of groups that nobody sets an objective for any more."""
    noted = models.Finding.objects.filter(code__in=_CODES, closed_at__isnull=True)
    known = set(judged)
    if gone := [pk for pk, subject_id in noted.values_list("pk", "subject_id") if subject_id not in known]:
        findings.close(gone)


def _missed(standing: standings.Standing) -> list[comparing.Found]:
    wanted = standing.objectives
    found = []
    if wanted.rpo.is_set and standing.rpo_state in _SEVERITY:
        what = "The newest complete point is {} old." if standing.lag_seconds is not None else "No point is known."
        found.append(_found(Measure.RPO, standing.rpo_state, wanted.rpo, standing.lag_seconds, what))
    if wanted.rto.is_set and standing.rto_state in _SEVERITY:
        known = standing.recovery_seconds is not None
        what = (
            "The last failover took {}." if known else "The group was never failed over: how long it takes is unknown."
        )
        found.append(_found(Measure.RTO, standing.rto_state, wanted.rto, standing.recovery_seconds, what))
    return found


def _found(measure: Measure, state: State | None, levels: Levels, seconds: float | None, what: str) -> comparing.Found:
    limits = {"a warning": levels.warning, "critical": levels.critical}
    wanted = ", ".join(f"{word} from {limit:g} s on" for word, limit in limits.items() if limit is not None)
    return comparing.Found(
        code=words.Code.OBJECTIVE_MISSED,
        key=measure,
        recorded=f"The objective of the group ({measure.upper()}): {wanted}.",
        actual=what.format(f"{seconds:.0f} s") if seconds is not None else what,
        severity=_SEVERITY[state] if state is not None else None,
    )


def thin() -> int:
    """Put old samples together, and drop those that are too old; return how many spans were put together.

    A bounded number of statements: what is left over is left to the next tick. Safe to run in two places at once.
    """
    now = clock.now()
    done = 0
    for tier in _TIERS:
        while done < _SPANS_AT_ONCE and (begin := _oldest(tier, now=now)) is not None:
            _put_together(tier, begin)
            done += 1
    old = models.LagSample.objects.filter(span_seconds=_TIERS[-1].span_seconds, at__lt=now - KEPT_FOR)
    models.LagSample.objects.filter(
        pk__in=list(old.order_by("at").values_list("pk", flat=True)[:_ROWS_AT_ONCE])
    ).delete()
    return done


def _oldest(tier: _Tier, *, now: datetime.datetime) -> datetime.datetime | None:
    """Return the beginning of the oldest whole span of samples to put together; None when there is none."""
    rows = models.LagSample.objects.filter(span_seconds=tier.of_seconds)
    oldest: datetime.datetime | None = rows.aggregate(at=db.Min("at"))["at"]
    if oldest is None:
        return None
    unix = int(oldest.timestamp()) // tier.span_seconds * tier.span_seconds
    begin = datetime.datetime.fromtimestamp(unix, tz=datetime.UTC)
    return begin if begin + datetime.timedelta(seconds=tier.span_seconds) <= now - tier.after else None


def _put_together(tier: _Tier, begin: datetime.datetime) -> None:
    end = begin + datetime.timedelta(seconds=tier.span_seconds)
    table = connection.ops.quote_name(models.LagSample._meta.db_table)  # noqa: SLF001 - documented
    with transaction.atomic():
        with connection.cursor() as cursor:
            # No row comes to us: a site of 10,000 groups keeps millions.
            values = [begin, tier.span_seconds, tier.of_seconds, begin, end]
            cursor.execute(_THIN.format(table=table), [_adapted(value) for value in values])
        models.LagSample.objects.filter(span_seconds=tier.of_seconds, at__gte=begin, at__lt=end).delete()


def _adapted(value: Any) -> Any:
    """Return a value as the database's own statements take it."""
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime.datetime) else value
