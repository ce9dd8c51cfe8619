"""Makes the storage of a group differ from what is recorded, as somebody with its own tools would."""

from __future__ import annotations

from drivers import base
from groups import models
from groups.engine import storage
from tests.support import domain


def value(group: models.Group) -> base.Group:
    """Return the group as drivers know it."""
    return storage.group_value(group, domain.members(group))


def call(group: models.Group) -> base.Call:
    """Return a call that the storage takes: with the epoch it has seen last."""
    group.refresh_from_db()
    return base.Call(epoch=group.epoch)


def moved(group: models.Group, *, to: str, whole: bool = True) -> None:
    """Move a group, or its first volume only, to a side behind our back, losing nothing."""
    driver = domain.storage_driver(group)
    if group.active_backend_id == base.PRIMARY and to != base.PRIMARY:
        driver.replicate(value(group), backend_id=to, call=call(group))
    if whole:
        driver.promote(value(group), backend_id=to, call=call(group))
        driver.retire(value(group), backend_id=group.active_backend_id, call=call(group))
        return
    everything = value(group)
    first = base.Group(id=everything.id, name=everything.name, volumes=everything.volumes[:1])
    driver.promote(first, backend_id=to, call=call(group))


def disarmed(group: models.Group) -> None:
    """Stop the replication of a group behind our back."""
    domain.storage_driver(group).disable_replication(value(group), call=call(group))


def armed(group: models.Group) -> None:
    """Replicate a group behind our back."""
    domain.storage_driver(group).enable_replication(value(group), call=call(group))


def shut(group: models.Group) -> None:
    """Stop the writes of a group behind our back."""
    domain.storage_driver(group).stop_writes(value(group), call=call(group))


def claimed(group: models.Group, *, by: str) -> None:
    """Let a second side take itself for active, at its newest point, behind our back."""
    domain.storage_driver(group).promote(value(group), backend_id=by, call=call(group))


def lost(group: models.Group, *, volume: int) -> None:
    """Let one volume, named by its place, vanish from every side."""
    member = value(group).volumes[volume]
    epoch = max(domain.members(group)[volume].epoch, group.epoch)
    domain.storage_driver(group).delete_volume(member, call=base.Call(epoch=epoch + 1))
