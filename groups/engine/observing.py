"""Looks at every group's storage from time to time, and lets clients in again after a restart."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import structlog

from drivers import base
from drivers.errors import DriverError, Refused
from groups import clock, findings as words, models, statuses
from groups.engine import calls, comparing, findings, health, rounds, storage

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 5.0
_BACKEND_CODES = (words.Code.BACKEND_UNUSABLE,)


def observe_all() -> int:
    """Look at all groups and lone volumes at rest; return how many were looked at.

    A storage system that does not answer costs one short time-out a group and holds up nothing
    but this tick.
    """
    seen = 0
    # What the drivers are about to date is compared with what others wrote.
    clock.synchronize()
    for backend in models.Backend.objects.prefetch_related("targets"):
        try:
            driver = storage.driver_for(backend)
        except DriverError as error:
            log.warning("backend_not_usable", backend=backend.name, error=error.message)
            unusable = comparing.Found(code=words.Code.BACKEND_UNUSABLE, actual=error.message)
            findings.keep(backend, [unusable], scope=_BACKEND_CODES)
            continue
        findings.keep(backend, [], scope=_BACKEND_CODES)
        seen += sum(_look(driver, group) for group in _groups_at_rest(backend))
        seen += sum(_look_at_lone(driver, volume) for volume in _lone_volumes_at_rest(backend))
    return seen


def _groups_at_rest(backend: models.Backend) -> Iterator[models.Group]:
    passing = statuses.PASSING[statuses.Axis.REPLICATION]
    rows = models.Group.objects.filter(backend=backend, status=statuses.GroupStatus.AVAILABLE)
    return rows.exclude(replication_status__in=passing).select_related("group_type", "backend").iterator(chunk_size=500)


def _lone_volumes_at_rest(backend: models.Backend) -> Iterator[models.Volume]:
    usable = statuses.HEALTHY[statuses.Axis.VOLUME]
    return models.Volume.objects.filter(backend=backend, group__isnull=True, status__in=usable).iterator(chunk_size=500)


def _look(driver: base.Driver, group: models.Group) -> bool:
    members = storage.members(group)
    value = storage.group_value(group, members)
    if not value.volumes:
        findings.keep(group, [], scope=comparing.CODES)
        return False
    try:
        facts = _observe(driver, value, epoch=group.epoch)
        if _is_shut(facts, group.active_backend_id) and _serve_again(driver, group, value):
            facts = _observe(driver, value, epoch=group.epoch)
        if _has_stale_primary(driver, group, value, facts):
            _retire_primary(driver, value, epoch=group.epoch)
            facts = _observe(driver, value, epoch=group.epoch)
    except DriverError as error:
        health.record_failure(group, error.message)
        unknown = comparing.Found(code=words.Code.NOT_OBSERVED, actual=error.message)
        findings.keep(group, [unknown], scope=(words.Code.NOT_OBSERVED,))
        return False
    if (word := health.record(group, facts, value=value)) is not None:
        found = comparing.differences(group, facts, members=members, health=word)
        findings.keep(group, found, scope=comparing.CODES)
    rounds.ensure(group, driver=driver)
    return True


def _serve_again(driver: base.Driver, group: models.Group, value: base.Group) -> bool:
    """Let clients in where the storage does not say that they must stay out; return whether they are."""
    try:
        _serve(driver, value, backend_id=group.active_backend_id, epoch=group.epoch)
    except Refused as error:
        log.warning("not_served", group_id=value.id, error=error.message)
        return False
    return True


def _has_stale_primary(driver: base.Driver, group: models.Group, value: base.Group, facts: base.GroupFacts) -> bool:
    """Tell whether the primary came back from a failover it knows nothing of.

    Only where the failover was confirmed and the secondary says so too: in doubt nothing is cut off.
    """
    active = group.active_backend_id
    if group.replication_status != statuses.ReplicationStatus.FAILED_OVER or active == base.PRIMARY:
        return False
    if not (facts.side(base.PRIMARY).reachable and facts.side(active).reachable):
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


def _look_at_lone(driver: base.Driver, volume: models.Volume) -> bool:
    value = storage.lone_value(volume)
    try:
        facts = _observe(driver, value, epoch=volume.epoch)
        if _is_shut(facts, base.PRIMARY):
            _serve(driver, value, backend_id=base.PRIMARY, epoch=volume.epoch)
    except DriverError as error:
        log.warning("volume_not_served", volume_id=str(volume.pk), error=error.message)
        return False
    return True


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


def _serve(driver: base.Driver, group: base.Group, *, backend_id: str, epoch: int) -> None:
    # The epoch read before the look: an operation begun since has a higher one and wins.
    calls.short(
        lambda call: driver.serve(group, backend_id=backend_id, call=call),
        name="serve",
        epoch=epoch,
        deadline_seconds=_LOOK_SECONDS,
    )
    log.info("served_again", group_id=group.id, side=backend_id)
