"""Looks at every group's storage from time to time, and lets clients in again after a restart."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.db import models as db
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import LessThan

from drivers import base
from drivers.errors import CallTimedOut, DriverError, Refused
from groups import clock, findings as words, models, statuses, transitions
from groups.engine import calls, comparing, crews, findings, observations, rounds, storage

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 5.0
_AT_ONCE = 8
"""How many groups of one backend are looked at at once."""
_BATCH = 100
"""How many groups are read, and written, together."""
_LEAST_SECONDS = 20.0
_WAITED_SECONDS = 1.0
"""How long an operation has to have waited for a worker for the ticks to stand back."""
_SPARED_INTERVALS = 1.5
"""How old a look has to be then: every other tick takes a group, and its look stays recent enough to go by."""
_BACKEND_CODES = (words.Code.BACKEND_UNUSABLE,)
_Found = tuple[models.Group, Sequence[comparing.Found]]
_SILENT = f"Not looked at: the storage answered none of the last {_AT_ONCE} looks in time."


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Subject:
    """A group or a lone volume, with what a look needs."""

    row: models.Group | models.Volume
    value: base.Group
    members: Sequence[models.Volume]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Seen:
    """What came of one look."""

    subject: _Subject
    driver: base.Driver
    facts: base.GroupFacts | None = None
    problem: str = ""
    was_silent: bool = False


def observe_all() -> int:
    """Look at all groups and lone volumes at rest; return how many were looked at.

    Those of one backend a few at a time, and all backends at once: one that is slow holds up no other. What there
    was no time for is looked at first by the next tick.
    """
    seen = 0
    # What the drivers are about to date is compared with what others wrote.
    clock.synchronize()
    crew = [_crew(backend, driver) for backend, driver in _usable_backends()]
    seconds = max(settings.REPLSITE.observe_seconds, _LEAST_SECONDS)
    for batch in crews.gather(crew, seconds=seconds, most=_BATCH):
        _record(batch)
        seen += sum(each.facts is not None for each in batch)
    return seen


def _usable_backends() -> Iterator[tuple[models.Backend, base.Driver]]:
    for backend in models.Backend.objects.prefetch_related("targets"):
        try:
            driver = storage.driver_for(backend)
        except DriverError as error:
            log.warning("backend_not_usable", backend=backend.name, error=error.message)
            unusable = comparing.Found(code=words.Code.BACKEND_UNUSABLE, actual=error.message)
            findings.keep(backend, [unusable], scope=_BACKEND_CODES)
            continue
        findings.keep(backend, [], scope=_BACKEND_CODES)
        yield backend, driver


def _crew(backend: models.Backend, driver: base.Driver) -> crews.Crew[_Subject, _Seen]:
    return crews.Crew(
        lambda subject: _look_at(driver, subject),
        read=_subjects(backend),
        size=_AT_ONCE,
        if_silent=lambda subject: _Seen(subject=subject, driver=driver, problem=_SILENT),
    )


def _subjects(backend: models.Backend) -> Iterator[list[_Subject]]:
    """Yield what is at rest on a backend in batches, what was not looked at the longest first."""
    for ids in _batches(_groups_at_rest().filter(backend=backend).order_by("observed_at", "pk")):
        rows = _groups_at_rest().filter(pk__in=ids)
        if _operations_wait():
            # They need the processor and the storage more: seeing a group a little later harms nobody.
            rows = rows.filter(_not_seen_for(_SPARED_INTERVALS * settings.REPLSITE.observe_seconds))
        if groups := list(rows.prefetch_related("group_type__group_specs")):
            yield [_group(row, members) for row, members in storage.with_members(groups)]
    for ids in _batches(_lone_volumes_at_rest().filter(backend=backend).order_by("pk")):
        yield [_lone(row) for row in _lone_volumes_at_rest().filter(pk__in=ids)]


def _operations_wait() -> bool:
    """Tell whether an operation could be worked on and no worker has had time for it."""
    waited = Now() - datetime.timedelta(seconds=_WAITED_SECONDS)
    return models.Operation.objects.filter(transitions.claimable(), created_at__lt=waited).exists()


def _not_seen_for(seconds: float) -> db.Q:
    """Return the condition for groups not looked at for so long; of a new one its operation has just seen all."""
    seen = Coalesce("observed_at", "updated_at", "created_at")
    return db.Q(LessThan(seen, Now() - datetime.timedelta(seconds=seconds)))


def _batches(rows: db.QuerySet[Any]) -> Iterator[list[uuid.UUID]]:
    ids = list(rows.values_list("pk", flat=True))
    for place in range(0, len(ids), _BATCH):
        yield ids[place : place + _BATCH]


def _groups_at_rest() -> db.QuerySet[models.Group]:
    passing = statuses.PASSING[statuses.Axis.REPLICATION]
    rows = models.Group.objects.filter(status=statuses.GroupStatus.AVAILABLE).exclude(replication_status__in=passing)
    return rows.select_related("group_type", "backend")


def _lone_volumes_at_rest() -> db.QuerySet[models.Volume]:
    usable = statuses.HEALTHY[statuses.Axis.VOLUME]
    return models.Volume.objects.filter(group__isnull=True, status__in=usable)


def _group(row: models.Group, members: Sequence[models.Volume]) -> _Subject:
    return _Subject(row=row, value=storage.group_value(row, members), members=members)


def _lone(row: models.Volume) -> _Subject:
    return _Subject(row=row, value=storage.lone_value(row), members=(row,))


def _look(driver: base.Driver, group: models.Group) -> bool:
    """Look at one group, and write down what was found; return whether the storage answered."""
    seen = _look_at(driver, _group(group, storage.members(group)))
    _record([seen])
    return seen.facts is not None


# In a thread of the crew, which does not use the database.


def _look_at(driver: base.Driver, subject: _Subject) -> _Seen:
    if not subject.value.volumes:
        return _Seen(subject=subject, driver=driver)
    try:
        facts = _observed(driver, subject)
    except DriverError as error:
        silent = isinstance(error, CallTimedOut)
        return _Seen(subject=subject, driver=driver, problem=error.message, was_silent=silent)
    return _Seen(subject=subject, driver=driver, facts=facts)


def _observed(driver: base.Driver, subject: _Subject) -> base.GroupFacts:
    """Look, and close the gaps that may be closed without asking. Raises `DriverError`."""
    row, value = subject.row, subject.value
    active = row.active_backend_id if isinstance(row, models.Group) else base.PRIMARY
    facts = _observe(driver, value, epoch=row.epoch)
    if _is_shut(facts, active) and _serve_again(driver, value, backend_id=active, epoch=row.epoch):
        facts = _observe(driver, value, epoch=row.epoch)
    if isinstance(row, models.Group) and _has_stale_primary(driver, row, value, facts):
        _retire_primary(driver, value, epoch=row.epoch)
        facts = _observe(driver, value, epoch=row.epoch)
    return facts


def _serve_again(driver: base.Driver, group: base.Group, *, backend_id: str, epoch: int) -> bool:
    """Let clients in where the storage does not say that they must stay out; return whether they are."""
    try:
        # The epoch read before the look: an operation begun since has a higher one and wins.
        calls.short(
            lambda call: driver.serve(group, backend_id=backend_id, call=call),
            name="serve",
            epoch=epoch,
            deadline_seconds=_LOOK_SECONDS,
        )
    except Refused as error:
        log.warning("not_served", group_id=group.id, error=error.message)
        return False
    log.info("served_again", group_id=group.id, side=backend_id)
    return True


def _has_stale_primary(driver: base.Driver, group: models.Group, value: base.Group, facts: base.GroupFacts) -> bool:
    """Tell whether the primary came back from a failover it knows nothing of.

    Only where the failover was confirmed and the secondary says so too: in doubt nothing is cut off.
    """
    active, primary_facts = group.active_backend_id, facts.side(base.PRIMARY)
    if group.replication_status != statuses.ReplicationStatus.FAILED_OVER or active == base.PRIMARY:
        return False
    if not (primary_facts.reachable and primary_facts.claims_active and facts.side(active).reachable):
        return False
    primary, secondary = (_observe(driver, value, epoch=group.epoch, sides=[side]) for side in (base.PRIMARY, active))
    return secondary.active_side == active and primary.active_side == base.PRIMARY


def _retire_primary(driver: base.Driver, group: base.Group, *, epoch: int) -> None:
    """Close the old primary to clients: what they would write there, failing back would discard."""
    calls.short(
        lambda call: driver.retire(group, backend_id=base.PRIMARY, call=call),
        name="retire",
        epoch=epoch,
        deadline_seconds=_LOOK_SECONDS,
    )
    log.warning("stale_primary_retired", group_id=group.id)


def _is_shut(facts: base.GroupFacts, active: str) -> bool:
    """Tell whether the recorded active side answers but lets no client in."""
    return facts.side(active).reachable and not facts.writable


def _observe(
    driver: base.Driver, group: base.Group, *, epoch: int, sides: Collection[str] | None = None
) -> base.GroupFacts:
    return calls.short(
        lambda call: driver.observe(group, sides=sides, call=call),
        name="observe",
        epoch=epoch,
        deadline_seconds=_LOOK_SECONDS,
    )


# Back in the thread of the tick.


def _record(batch: Sequence[_Seen]) -> None:
    """Write down what was found of groups; of lone volumes nothing is kept."""
    groups = [(seen, seen.subject.row) for seen in batch if isinstance(seen.subject.row, models.Group)]
    for seen in batch:
        if seen.problem:
            log.warning("not_observed", subject_id=seen.subject.value.id, error=seen.problem)
    looked_at = [(seen, group) for seen, group in groups if seen.subject.value.volumes]
    health = observations.record(
        [
            observations.Look(group=group, value=seen.subject.value, facts=seen.facts, problem=seen.problem)
            for seen, group in looked_at
        ]
    )
    found: list[_Found] = [(group, []) for seen, group in groups if not seen.subject.value.volumes]
    blind: list[_Found] = []
    for seen, group in looked_at:
        if seen.facts is None:
            blind.append((group, [comparing.Found(code=words.Code.NOT_OBSERVED, actual=seen.problem)]))
        elif (word := health.get(group.pk)) is not None:
            members = seen.subject.members
            found.append((group, comparing.differences(group, seen.facts, members=members, health=word)))
    findings.keep_all(found, scope=comparing.CODES)
    findings.keep_all(blind, scope=(words.Code.NOT_OBSERVED,))
    for driver in {seen.driver for seen, _ in looked_at}:
        mine = [group for seen, group in looked_at if seen.driver is driver and seen.facts is not None]
        rounds.ensure(mine, driver=driver)
