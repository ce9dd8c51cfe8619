"""Findings: mend what they name, or ignore them for a while."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models.functions import Now

from groups import callers, clock, errors, findings, models
from groups.findings import Mending
from groups.queries import visible
from groups.services import auditing, policies, replication

LONGEST_IGNORED = datetime.timedelta(days=366)


def adopt(caller: callers.Caller, *, finding_id: object, reason: str) -> models.Operation:
    """Record what the storage says of the group the finding is about."""
    group_id = _mendable(caller, finding_id, by=Mending.ADOPT)
    return replication.adopt(caller, group_id=group_id, reason=reason)


def restore(caller: callers.Caller, *, finding_id: object, reason: str, discard_bytes: int = 0) -> models.Operation:
    """Bring the storage of the group the finding is about to what is recorded.

    `discard_bytes` is the most that may be discarded of what the recorded side alone holds.
    """
    group_id = _mendable(caller, finding_id, by=Mending.RESTORE)
    return replication.restore(caller, group_id=group_id, reason=reason, discard_bytes=discard_bytes)


def ignore(caller: callers.Caller, *, finding_id: object, until: datetime.datetime, reason: str) -> models.Finding:
    """Keep an open finding from calling for anybody until a time; it is still looked for."""
    with transaction.atomic():
        finding = _open(caller, finding_id)
        policies.require(caller, "finding:ignore")
        if not reason.strip():
            raise errors.InvalidInput("Give a reason: it is kept with the finding.")
        if len(reason.strip()) > 255:
            raise errors.InvalidInput("Give a reason of at most 255 characters.")
        now = clock.now()
        if not now < until <= now + LONGEST_IGNORED:
            raise errors.InvalidInput("Give a time in the future, at most a year ahead.")
        finding.ignored_until, finding.ignored_by, finding.ignore_reason = until, caller.user_name, reason.strip()
        finding.save(update_fields=["ignored_until", "ignored_by", "ignore_reason"])
        detail = f"until {until:%Y-%m-%d %H:%M} UTC: {finding.ignore_reason}"
        auditing.note(caller, action="finding:ignore", subject=finding, detail=detail)
        return finding


def heed(caller: callers.Caller, *, finding_id: object) -> models.Finding:
    """Stop ignoring a finding."""
    with transaction.atomic():
        finding = _open(caller, finding_id)
        policies.require(caller, "finding:ignore")
        models.Finding.objects.filter(pk=finding.pk).update(ignored_until=Now(), ignored_by=caller.user_name)
        auditing.note(caller, action="finding:heed", subject=finding)
        finding.refresh_from_db()
        return finding


def _mendable(caller: callers.Caller, finding_id: object, *, by: Mending) -> object:
    finding = _open(caller, finding_id)
    policies.require(caller, f"group:{by}")
    meaning = findings.MEANINGS[findings.Code(finding.code)]
    if by not in meaning.mendings or finding.group_id is None:
        raise errors.WrongState(
            f"Finding {finding.pk} ({finding.code}) is not mended by '{by}'.", remedy=meaning.remedy
        )
    return finding.group_id


def _open(caller: callers.Caller, finding_id: object) -> models.Finding:
    finding = visible.finding(caller, finding_id)
    if not finding.is_open:
        raise errors.WrongState(
            f"Finding {finding.pk} ({finding.code}) was seen no more; there is nothing to mend or ignore.",
            remedy="Nothing to do.",
        )
    return finding
