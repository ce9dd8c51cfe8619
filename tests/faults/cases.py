"""Every operation there is, ready to be asked for on any kind of storage."""

from __future__ import annotations

from drivers import base
from groups import models
from groups.engine import storage
from groups.services import (
    drill_starting,
    drills,
    extending,
    group_snapshots,
    groups,
    operations,
    replication,
    snapshots,
    volumes,
)
from tests.faults.matrix import Case
from tests.support import domain

SIZE = 3
DEFAULT = "default"


def write(site: domain.Site, group: models.Group, text: str, *, side: str = "") -> None:
    """Write to all volumes of a group."""
    for number, volume in enumerate(domain.members(group), 1):
        site.write(volume, f"{text} {number}", side=side)


def new(site: domain.Site, size: int = SIZE) -> models.Group:
    group = site.new_group(size)
    write(site, group, "new")
    return group


def enabled(site: domain.Site, size: int = SIZE) -> models.Group:
    """Return a replicated group with data on all sides, and later data on the primary alone."""
    group = new(site, size)
    replication.enable(site.owner, group_id=group.pk)
    domain.drain()
    write(site, group, "round")
    assert domain.run_round(group)
    write(site, group, "late")
    group.refresh_from_db()
    assert group.replication_status == "enabled", domain.last_operation(group).error
    return group


def dark_primary(site: domain.Site, size: int = SIZE) -> models.Group:
    group = enabled(site, size)
    site.control.site_down("")
    return group


def failed_over(site: domain.Site, size: int = SIZE) -> models.Group:
    """Return a group that runs on the first secondary, with later data there alone."""
    group = enabled(site, size)
    fail_over(site, group)
    domain.drain()
    group.refresh_from_db()
    assert group.replication_status == "failed-over", domain.last_operation(group).error
    write(site, group, "secondary", side="site-b")
    return group


def with_lone_volume(site: domain.Site) -> models.Group:
    group = site.new_group(2)
    volumes.create(site.owner, size_gib=1, volume_type="replicable", name="lone")
    domain.drain()
    site.write(lone(), "lone")
    return group


def moved_behind_our_back(site: domain.Site) -> models.Group:
    """Return a group whose storage was failed over by somebody else."""
    group = enabled(site)
    value, driver = on_storage(group)
    driver.stop_writes(value, call=call(group))
    driver.replicate(value, backend_id="site-b", call=call(group))
    driver.promote(value, backend_id="site-b", call=call(group))
    driver.retire(value, backend_id="", call=call(group))
    write(site, group, "theirs", side="site-b")
    return group


def taken_down_behind_our_back(site: domain.Site) -> models.Group:
    """Return a group whose storage does not replicate it any more."""
    group = enabled(site)
    value, driver = on_storage(group)
    driver.disable_replication(value, call=call(group))
    return group


def replicated_behind_our_back(site: domain.Site) -> models.Group:
    """Return a group that is recorded as not replicated, and is."""
    group = new(site)
    value, driver = on_storage(group)
    driver.enable_replication(value, call=call(group))
    return group


def asked_to_stop(site: domain.Site) -> models.Group:
    """Return a group whose failover is to be canceled after writes were stopped."""
    group = enabled(site)
    site.control.add_fault(call="replicate", action="fail-retryable", volume=2, times=1)
    fail_over(site, group)
    domain.drain()
    site.control.clear_faults()
    return group


def on_storage(group: models.Group) -> tuple[base.Group, base.Driver]:
    group.refresh_from_db()
    return storage.group_value(group, storage.members(group)), domain.storage_driver(group)


def call(group: models.Group) -> base.Call:
    return base.Call(epoch=models.Group.objects.get(pk=group.pk).epoch)


def with_snapshot(site: domain.Site) -> models.Group:
    """Return a replicated group with a snapshot of older data."""
    group = enabled(site)
    group_snapshots.create(site.owner, group_id=group.pk)
    domain.drain()
    write(site, group, "later")
    return group


def with_lone_snapshot(site: domain.Site) -> models.Group:
    group = with_lone_volume(site)
    snapshots.create(site.owner, volume_id=lone().pk)
    domain.drain()
    return group


def lone() -> models.Volume:
    return models.Volume.objects.get(name="lone")


def fail_over(site: domain.Site, group: models.Group) -> models.Operation:
    return replication.failover(site.owner, group_id=group.pk, mode="planned")


def back(site: domain.Site, group: models.Group) -> models.Operation:
    return replication.failover(site.owner, group_id=group.pk, secondary_backend_id=DEFAULT)


def drill(site: domain.Site, group: models.Group, *, kind: str = "test-copy") -> models.DrillRun:
    """Drill a group now; asked for again, by the same plan."""
    plan = models.DrillPlan.objects.filter(groups=group).first() or drills.create_plan(
        site.owner, name=f"plan of {group.pk}", groups=[group.pk], kind=kind
    )
    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    return run


def full_drill(site: domain.Site, group: models.Group) -> models.DrillRun:
    return drill(site, group, kind="full")


def on_the_other_side(site: domain.Site) -> models.Group:
    """Return a group that a full drill has brought to its target, with later data there alone."""
    group = enabled(site)
    full_drill(site, group)
    domain.drain()
    group.refresh_from_db()
    assert group.replication_status == "failed-over", domain.last_operation(group).error
    write(site, group, "secondary", side="site-b")
    return group


def fail_promotion(site: domain.Site, group: models.Group) -> None:
    site.control.add_fault(call="promote", action="fail", volume=2, when="after", times=1)


CASES: dict[str, Case] = {
    "create group": Case(
        prepare=lambda site: site.new_group(0),
        ask=lambda site, _: groups.create(
            site.owner, group_type="replicated", volume_types=["replicable"], name="newest"
        ),
    ),
    "create volume": Case(
        prepare=lambda site: site.new_group(1),
        ask=lambda site, group: volumes.create(
            site.owner, size_gib=1, volume_type="replicable", group_id=group.pk, name="added"
        ),
    ),
    "add volume": Case(
        prepare=with_lone_volume,
        ask=lambda site, group: groups.update(site.owner, group_id=group.pk, add_volumes=[str(lone().pk)]),
    ),
    "remove volume": Case(
        prepare=enabled,
        ask=lambda site, group: groups.update(
            site.owner, group_id=group.pk, remove_volumes=[str(domain.members(group)[1].pk)]
        ),
    ),
    "enable": Case(prepare=new, ask=lambda site, group: replication.enable(site.owner, group_id=group.pk)),
    "disable": Case(prepare=enabled, ask=lambda site, group: replication.disable(site.owner, group_id=group.pk)),
    "planned failover": Case(prepare=enabled, ask=fail_over),
    "unplanned failover": Case(
        prepare=dark_primary,
        ask=lambda site, group: replication.failover(site.owner, group_id=group.pk, mode="unplanned"),
    ),
    "failover to another secondary": Case(
        prepare=failed_over,
        ask=lambda site, group: replication.failover(site.owner, group_id=group.pk, secondary_backend_id="site-c"),
    ),
    "failback": Case(prepare=failed_over, ask=back),
    "unplanned failback": Case(
        prepare=failed_over,
        ask=lambda site, group: replication.failover(
            site.owner, group_id=group.pk, secondary_backend_id=DEFAULT, mode="unplanned"
        ),
    ),
    "failover canceled": Case(
        prepare=asked_to_stop,
        ask=lambda site, group: operations.cancel(site.owner, operation_id=domain.last_operation(group).pk),
        ends="canceled",
    ),
    "failover that fails and is undone": Case(prepare=enabled, ask=fail_over, ends="failed", disturb=fail_promotion),
    "adopt": Case(
        prepare=moved_behind_our_back,
        ask=lambda site, group: replication.adopt(site.admin, group_id=group.pk, reason="it was meant"),
    ),
    "restore the side": Case(
        prepare=moved_behind_our_back,
        ask=lambda site, group: replication.restore(site.admin, group_id=group.pk, reason="it was not meant"),
    ),
    "restore the copies": Case(
        prepare=taken_down_behind_our_back,
        ask=lambda site, group: replication.restore(site.admin, group_id=group.pk, reason="it was not meant"),
    ),
    "restore that nothing is copied": Case(
        prepare=replicated_behind_our_back,
        ask=lambda site, group: replication.restore(site.admin, group_id=group.pk, reason="it was not meant"),
    ),
    "drill": Case(prepare=enabled, ask=drill),
    "full drill": Case(prepare=enabled, ask=full_drill),
    # A drill that was canceled is over, and leaves the way back to people.
    "way back of a full drill": Case(
        prepare=on_the_other_side, ask=lambda site, _: drill_starting.start_due(), once_more=back
    ),
    "delete volume": Case(
        prepare=with_lone_volume, ask=lambda site, _: volumes.delete(site.owner, volume_id=lone().pk)
    ),
    "take group snapshot": Case(
        prepare=enabled, ask=lambda site, group: group_snapshots.create(site.owner, group_id=group.pk)
    ),
    "delete group snapshot": Case(
        prepare=with_snapshot,
        ask=lambda site, group: group_snapshots.delete(site.owner, group_snapshot_id=group.snapshots.get().pk),
    ),
    "take snapshot": Case(
        prepare=with_lone_volume, ask=lambda site, _: snapshots.create(site.owner, volume_id=lone().pk)
    ),
    "delete volume with its snapshot": Case(
        prepare=with_lone_snapshot,
        ask=lambda site, _: volumes.delete(site.owner, volume_id=lone().pk, cascade=True),
    ),
    "create volume from a volume": Case(
        prepare=enabled,
        ask=lambda site, group: volumes.create(
            site.owner, source_volume_id=domain.members(group)[0].pk, name="copy of one"
        ),
    ),
    "create group from a snapshot": Case(
        prepare=with_snapshot,
        ask=lambda site, group: group_snapshots.create_group(
            site.owner, group_snapshot_id=group.snapshots.get().pk, name="newest"
        ),
    ),
    "create group from a group": Case(
        prepare=enabled,
        ask=lambda site, group: group_snapshots.create_group(site.owner, source_group_id=group.pk, name="newest"),
    ),
    "extend volume": Case(
        prepare=enabled,
        ask=lambda site, group: extending.extend(site.owner, volume_id=domain.members(group)[1].pk, size_gib=2),
    ),
    "delete group": Case(
        prepare=enabled,
        ask=lambda site, group: groups.delete(site.owner, group_id=group.pk, delete_volumes=True),
    ),
}
"""By the name of what is done."""

FOR_THE_SOAK = frozenset(
    {
        "full drill",
        "way back of a full drill",
        "delete group snapshot",
        "take snapshot",
        "delete volume with its snapshot",
        "create volume from a volume",
        "create group from a snapshot",
    }
)
"""Cases that go the way of another one, and are left to the soak run."""
QUICK = [name for name in CASES if name not in FOR_THE_SOAK]
