"""Shows values as an operator reads them: short ids, times with their zone, ages, sizes, links."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable

from django.db import models as db
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from groups import clock, models
from groups.admin import words
from groups.queries import safety
from groups.statuses import Health, ReplicationStatus

UNKNOWN = format_html('<span class="c-unknown">{}</span>', "unknown")
NONE = format_html('<span class="c-subtle">{}</span>', "none")
PRIMARY = "primary"

# What runs on a secondary is replicated nowhere until it has failed back.
_NOT_REPLICATED = frozenset({ReplicationStatus.DISABLED, ReplicationStatus.NOT_CAPABLE, ReplicationStatus.FAILED_OVER})


def short_id(row_id: object) -> SafeString:
    """Return the first eight digits of an id, the whole of it as a tooltip."""
    text = str(row_id)
    return format_html('<span class="c-id" title="{}">{}</span>', text, text[:8])


def moment(at: datetime.datetime | None, *, absent: str | SafeString = UNKNOWN) -> str | SafeString:
    """Return a point in time in UTC, with the zone."""
    if at is None:
        return absent
    at = at.astimezone(datetime.UTC)
    return format_html(
        '<time class="c-time" datetime="{}" title="{} ago">{} UTC</time>',
        at.isoformat(),
        span((clock.now() - at).total_seconds()),
        at.strftime("%Y-%m-%d %H:%M:%S"),
    )


def age(at: datetime.datetime | None) -> str | SafeString:
    """Return how long ago something was; unknown when it is not recorded."""
    if at is None:
        return UNKNOWN
    return format_html('<span title="{}">{}</span>', _exact(at), span((clock.now() - at).total_seconds()))


def span(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    seconds = max(0, round(seconds))
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def took(began: datetime.datetime | None, ended: datetime.datetime | None) -> str:
    """Return how long something took, or has been going on."""
    return "-" if began is None else span(((ended or clock.now()) - began).total_seconds())


def size(count: int | None) -> str | SafeString:
    """Return a number of bytes in binary units; unknown when there is none."""
    if count is None:
        return UNKNOWN
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def side(backend_id: str) -> str:
    """Return a side's name."""
    return backend_id or PRIMARY


def link(row: db.Model | None, text: object = None) -> str | SafeString:
    """Return a link to a row's page."""
    if row is None:
        return NONE
    return format_html('<a class="c-link" href="{}">{}</a>', page(row), str(row) if text is None else text)


def page(row: db.Model) -> str:
    """Return the address of a row's page."""
    return page_of(type(row), row.pk)


def page_of(model: type[db.Model], row_id: object) -> str:
    """Return the address of the page of a model's row."""
    return reverse(f"admin:{_named(model)}_change", args=(row_id,))


def listing(model: type[db.Model], query: str = "") -> str:
    """Return the address of a model's list, filtered."""
    return reverse(f"admin:{_named(model)}_changelist") + (f"?{query}" if query else "")


def lag(group: models.Group) -> str | SafeString:
    """Return how old the newest complete point outside the active side is."""
    if group.replication_status in _NOT_REPLICATED:
        return SafeString('<span class="c-subtle">not replicated</span>')
    if group.consistent_at is None:
        return UNKNOWN
    shown = span((clock.now() - group.consistent_at).total_seconds())
    tone = "c-late" if group.health in {Health.LAGGING, Health.BROKEN} or is_stale(group) else ""
    return format_html('<span class="{}" title="{}">{}</span>', tone, _exact(group.consistent_at), shown)


def is_stale(group: models.Group) -> bool:
    """Tell whether the last look at a group's storage is missing or long ago."""
    return group.observed_at is None or (clock.now() - group.observed_at).total_seconds() > safety.stale_seconds()


def health(group: models.Group) -> SafeString:
    """Return what the last look at a group's storage found; unknown when that is too long ago."""
    if group.health and is_stale(group):
        return words.outdated(group.health, "never" if group.observed_at is None else _exact(group.observed_at))
    return words.badge(group.health or Health.UNKNOWN, Health)


def progress(operation: models.Operation) -> str | SafeString:
    """Return how far an operation is, as a bar and in numbers."""
    done, total, unit = operation.progress_done, operation.progress_total, operation.progress_unit
    if not total:
        return "" if operation.is_open else NONE
    number: Callable[[int], str | SafeString] = size if unit in {"byte", "bytes"} else str
    text = f"{number(done)} of {number(total)}" + ("" if number is size else f" {unit}")
    return format_html(
        '<progress class="c-progress" max="100" value="{}" aria-label="progress">{}</progress> <span>{}</span>',
        min(100, done * 100 // total),
        text,
        text,
    )


def subject_link(operation: models.Operation) -> str | SafeString:
    """Return a link to what an operation is about; its name alone when that is gone."""
    name = operation.subject_name or str(operation.subject_id)[:8]
    if operation.group_id is not None:
        return row_link(models.Group, operation.group_id, name)
    if operation.volume_id is not None:
        return row_link(models.Volume, operation.volume_id, name)
    if operation.snapshot_id is not None:
        return row_link(models.Snapshot, operation.snapshot_id, name)
    if operation.group_snapshot_id is not None:
        return row_link(models.GroupSnapshot, operation.group_snapshot_id, name)
    return format_html('{} <span class="c-subtle">(gone)</span>', name)


def row_link(model: type[db.Model], row_id: uuid.UUID | str | int, text: object) -> SafeString:
    """Return a link to a row that need not be read for it."""
    return format_html('<a class="c-link" href="{}">{}</a>', page_of(model, row_id), text)


def _exact(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _named(model: type[db.Model]) -> str:
    return model._meta.label_lower.replace(".", "_")  # noqa: SLF001 - the documented way to a model's names
