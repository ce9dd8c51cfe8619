"""Snapshots, groups and volumes made from them, and larger volumes."""

from __future__ import annotations

import pytest

from groups import errors, models
from groups.services import backends, extending, group_snapshots, groups, operations, replication, snapshots, volumes
from groups.statuses import SnapshotStatus
from tests.support import domain


def lone(site: domain.Site, *, text: str = "first") -> models.Volume:
    volume = volumes.create(site.owner, size_gib=1, volume_type="replicable", name="lone")
    domain.drain()
    site.write(volume, text)
    return fresh(volume)


def fresh(row):
    row.refresh_from_db()
    return row


def taken(site: domain.Site, volume: models.Volume) -> models.Snapshot:
    snapshot = snapshots.create(site.owner, volume_id=volume.pk, name="before", metadata={"why": "upgrade"})
    domain.drain()
    assert fresh(snapshot).status == "available", domain.last_operation(snapshot).error
    return snapshot


def group_taken(site: domain.Site, group: models.Group) -> models.GroupSnapshot:
    snapshot = group_snapshots.create(site.owner, group_id=group.pk, name="night")
    domain.drain()
    assert fresh(snapshot).status == "available", domain.last_operation(snapshot).error
    return snapshot


def test_a_volume_made_from_a_snapshot_holds_what_was_there_then(site):
    volume = lone(site)
    snapshot = taken(site, volume)
    site.write(volume, "second")

    made = volumes.create(site.owner, snapshot_id=snapshot.pk, size_gib=2)
    domain.drain()

    assert (fresh(made).status, made.size_gib, made.source_snapshot_id) == ("available", 2, snapshot.pk)
    assert (site.read(made), site.read(volume)) == ("first", "second")
    assert snapshot.taken_at is not None


def test_a_volume_made_from_a_volume_holds_what_is_there_now_and_leaves_nothing_else(site):
    group = site.enabled_group(2)
    source = domain.members(group)[0]
    site.write(source, "now")

    made = volumes.create(site.owner, source_volume_id=source.pk)
    domain.drain()

    assert (fresh(made).status, made.size_gib, made.source_volume_id) == ("available", 1, source.pk)
    assert site.read(made) == "now"
    assert [name for name in site.control.inventory("") if name.startswith("snapshot")] == []


def test_a_group_snapshot_and_a_group_made_from_it_hold_one_moment(site):
    group = site.enabled_group(3)
    for volume in domain.members(group):
        site.write(volume, "then")
    snapshot = group_taken(site, group)
    for volume in domain.members(group):
        site.write(volume, "later")

    made = group_snapshots.create_group(site.owner, group_snapshot_id=snapshot.pk, name="copy")
    domain.drain()

    assert (fresh(made).status, made.replication_status) == ("available", "disabled")
    members = domain.members(made)
    assert [(site.read(volume), volume.status) for volume in members] == [("then", "available")] * 3
    assert snapshot.snapshots.filter(status="available", taken_at=snapshot.taken_at).count() == 3
    replication.enable(site.owner, group_id=made.pk)
    domain.drain()
    assert fresh(made).replication_status == "enabled"


def test_a_group_made_from_a_group_that_runs_elsewhere_is_on_the_primary(site):
    group = site.failed_over_group(2)
    for volume in domain.members(group):
        site.write(volume, "there", side="site-b")

    made = group_snapshots.create_group(site.owner, source_group_id=group.pk)
    domain.drain()

    assert fresh(made).status == "available", domain.last_operation(made).error
    assert [site.read(volume) for volume in domain.members(made)] == ["there"] * 2
    assert [name for name in site.control.inventory("site-b") if name.startswith("snapshot")] == []


def test_a_snapshot_stays_where_it_was_taken_when_its_group_moves(site):
    group = site.failed_over_group(2)
    snapshot = taken(site, domain.members(group)[0])

    replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
    domain.drain()

    assert fresh(group).replication_status == "enabled"
    assert snapshot.side == "site-b"
    made = volumes.create(site.owner, snapshot_id=snapshot.pk)
    domain.drain()
    assert fresh(made).status == "available"
    snapshots.delete(site.owner, snapshot_id=snapshot.pk)
    domain.drain()
    assert not models.Snapshot.objects.exists()
    assert [name for name in site.control.inventory("site-b") if name.startswith("snapshot")] == []


def test_a_snapshot_of_a_site_that_is_away_fails_at_once_and_says_so(site):
    volume = lone(site)
    site.control.site_down("")

    snapshot = snapshots.create(site.owner, volume_id=volume.pk)
    domain.drain()

    operation = domain.last_operation(snapshot)
    assert (operation.state, operation.error_code) == ("failed", "site_unavailable")
    assert fresh(snapshot).status == "error"
    assert fresh(volume).status == "available"
    site.control.site_up("")
    snapshots.delete(site.owner, snapshot_id=snapshot.pk)
    domain.drain()
    assert not models.Snapshot.objects.exists()


def test_a_group_fails_over_while_a_snapshot_of_it_waits_for_its_worker(site):
    group = site.enabled_group(2)
    snapshot = group_snapshots.create(site.owner, group_id=group.pk)

    site.control.site_down("")
    replication.failover(site.owner, group_id=group.pk, mode="unplanned")
    domain.drain()

    assert fresh(group).replication_status == "failed-over"
    assert fresh(snapshot).status == "error"
    assert set(snapshot.snapshots.values_list("status", flat=True)) == {"error"}


def test_a_snapshot_taken_while_its_group_was_moved_is_not_called_the_groups(site):
    group = site.enabled_group(2)
    snapshot = group_snapshots.create(site.owner, group_id=group.pk)
    models.Group.objects.filter(pk=group.pk).update(active_backend_id="site-b")

    domain.drain()

    assert (fresh(snapshot).status, domain.last_operation(snapshot).error_code) == ("error", "not_confirmed")
    assert [name for name in site.control.inventory("") if name.startswith("snapshot")] == []


def test_a_snapshot_of_a_driver_that_fails_is_in_error_and_can_be_deleted(site):
    group = site.new_group(2)
    site.control.add_fault(call="create_snapshots", action="fail", volume=2, when="after", times=1)

    snapshot = group_snapshots.create(site.owner, group_id=group.pk)
    domain.drain()

    assert (fresh(snapshot).status, domain.last_operation(snapshot).error_code) == ("error", "driver_error")
    assert [name for name in site.control.inventory("") if name.startswith("snapshot")] == []
    group_snapshots.delete(site.owner, group_snapshot_id=snapshot.pk)
    domain.drain()
    assert not models.GroupSnapshot.objects.exists()
    assert not models.Snapshot.objects.exists()


def test_a_snapshot_that_the_storage_only_claims_to_have_taken_is_in_error(site):
    volume = lone(site)
    site.control.add_fault(call="create_snapshots", action="skip", times=1)

    snapshot = snapshots.create(site.owner, volume_id=volume.pk)
    domain.drain()

    assert (fresh(snapshot).status, domain.last_operation(snapshot).error_code) == ("error", "not_confirmed")


def test_a_deletion_that_fails_can_be_asked_for_again(site):
    volume = lone(site)
    snapshot = taken(site, volume)
    site.control.add_fault(call="delete_snapshots", action="fail", times=1)

    snapshots.delete(site.owner, snapshot_id=snapshot.pk)
    domain.drain()
    failed = domain.last_operation(snapshot)
    assert (fresh(snapshot).status, failed.state) == ("error_deleting", "failed")

    operations.retry(site.owner, operation_id=failed.pk)
    domain.drain()
    assert not models.Snapshot.objects.exists()


def test_a_canceled_snapshot_keeps_nothing(site):
    volume = lone(site)
    snapshot = snapshots.create(site.owner, volume_id=volume.pk)

    operations.cancel(site.owner, operation_id=domain.last_operation(snapshot).pk)

    assert (fresh(snapshot).status, domain.last_operation(snapshot).state) == ("error", "canceled")


def test_a_volume_and_its_snapshots_are_deleted_together_when_asked_to(site):
    volume = lone(site)
    taken(site, volume)
    taken(site, volume)

    with pytest.raises(errors.WrongState, match="have snapshots"):
        volumes.delete(site.owner, volume_id=volume.pk)
    volumes.delete(site.owner, volume_id=volume.pk, cascade=True)
    assert set(models.Snapshot.objects.values_list("status", flat=True)) == {"deleting"}
    domain.drain()

    assert not models.Snapshot.objects.exists()
    assert not models.Volume.objects.filter(pk=volume.pk).exists()
    assert [name for name in site.control.inventory("") if name.startswith("snapshot")] == []


def test_a_volume_that_could_not_be_deleted_keeps_its_snapshots_deletable(site):
    volume = lone(site)
    snapshot = taken(site, volume)
    site.control.add_fault(call="delete_snapshots", action="fail", times=1)

    volumes.delete(site.owner, volume_id=volume.pk, cascade=True)
    domain.drain()

    assert (fresh(volume).status, fresh(snapshot).status) == ("error_deleting", "error_deleting")
    volumes.delete(site.owner, volume_id=volume.pk, cascade=True)
    domain.drain()
    assert not models.Snapshot.objects.exists()


def test_a_group_with_snapshots_is_not_deleted(site):
    group = site.new_group(1)
    snapshot = group_taken(site, group)

    with pytest.raises(errors.WrongState, match="existing snapshots"):
        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)

    group_snapshots.delete(site.owner, group_snapshot_id=snapshot.pk)
    domain.drain()
    taken(site, domain.members(group)[0])
    with pytest.raises(errors.WrongState, match="dependent snapshots"):
        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)


def test_a_part_of_a_group_snapshot_is_not_deleted_alone(site):
    snapshot = group_taken(site, site.new_group(2))

    with pytest.raises(errors.WrongState, match="part of group snapshot"):
        snapshots.delete(site.owner, snapshot_id=snapshot.snapshots.first().pk)


def test_a_snapshot_is_not_deleted_while_a_volume_is_made_from_it(site):
    snapshot = taken(site, lone(site))
    volumes.create(site.owner, snapshot_id=snapshot.pk)

    with pytest.raises(errors.Busy, match="being created from"):
        snapshots.delete(site.owner, snapshot_id=snapshot.pk)


def test_nothing_is_made_from_a_snapshot_that_is_not_available(site):
    snapshot = taken(site, lone(site))
    snapshots.reset_status(site.admin, snapshot_id=snapshot.pk, status="ERROR")

    with pytest.raises(errors.WrongState, match="must be available"):
        volumes.create(site.owner, snapshot_id=snapshot.pk)
    assert fresh(snapshot).status == SnapshotStatus.ERROR


def test_a_volume_smaller_than_its_source_is_refused(site):
    volume = volumes.create(site.owner, size_gib=2, volume_type="replicable", name="lone")
    domain.drain()
    snapshot = taken(site, volume)

    for source in ({"snapshot_id": snapshot.pk}, {"source_volume_id": volume.pk}):
        with pytest.raises(errors.InvalidInput, match="cannot be smaller"):
            volumes.create(site.owner, size_gib=1, **source)


@pytest.mark.parametrize("what", ["empty", "creating", "busy"])
def test_a_group_that_is_not_ready_gets_no_snapshot(site, what):
    group = site.new_group(0 if what == "empty" else 1, ready=what != "creating")
    if what == "busy":
        replication.enable(site.owner, group_id=group.pk)

    with pytest.raises(errors.WrongState):
        group_snapshots.create(site.owner, group_id=group.pk)

    assert not models.GroupSnapshot.objects.exists()


def test_others_see_no_snapshots(site):
    snapshot = taken(site, lone(site))

    with pytest.raises(errors.NotFound):
        snapshots.delete(site.outsider, snapshot_id=snapshot.pk)
    with pytest.raises(errors.Forbidden):
        snapshots.delete(site.reader, snapshot_id=snapshot.pk)


def test_a_failed_copy_of_a_group_leaves_nothing_on_the_storage_and_can_be_deleted(site):
    source = site.new_group(2)
    before = site.control.inventory("")
    site.control.add_fault(call="create_volumes_from", action="fail", volume=2, times=1)

    group = group_snapshots.create_group(site.owner, source_group_id=source.pk)
    domain.drain()

    assert (fresh(group).status, domain.last_operation(group).state) == ("error", "failed")
    assert {volume.status for volume in domain.members(group)} == {"error"}
    assert site.control.inventory("") == before
    groups.delete(site.owner, group_id=group.pk, delete_volumes=True)
    domain.drain()
    assert not models.Group.objects.filter(pk=group.pk).exists()


def test_extending_a_replicated_member_grows_it_on_every_side(site):
    group = site.enabled_group(2)
    volume = domain.members(group)[0]

    extending.extend(site.owner, volume_id=volume.pk, size_gib=3)
    assert fresh(volume).status == "extending"
    assert not domain.run_round(group)
    domain.drain()

    assert (fresh(volume).status, volume.size_gib) == ("available", 3)
    sides = site.control.state()["sides"]
    sizes = {side: sides[side]["volumes"][str(volume.pk)]["size_bytes"] for side in ("", "site-b", "site-c")}
    assert set(sizes.values()) == {3 << 30}
    assert domain.run_round(group)
    replication.failover(site.owner, group_id=group.pk)
    domain.drain()
    assert fresh(group).replication_status == "failed-over"


def test_extending_that_fails_leaves_the_volume_as_it_was_and_its_group_movable(site):
    group = site.enabled_group(2)
    volume = domain.members(group)[0]
    site.control.site_down("site-c")

    extending.extend(site.owner, volume_id=volume.pk, size_gib=3)
    domain.drain()

    operation = domain.last_operation(volume)
    assert (operation.state, operation.error_code) == ("failed", "site_unavailable")
    assert (fresh(volume).status, volume.size_gib) == ("available", 1)
    replication.failover(site.owner, group_id=group.pk)
    domain.drain()
    assert fresh(group).replication_status == "failed-over"


@pytest.mark.parametrize("size", [0, 1, 10**9])
def test_a_size_that_is_no_larger_or_too_large_is_refused(site, size):
    volume = lone(site)

    with pytest.raises(errors.InvalidInput):
        extending.extend(site.owner, volume_id=volume.pk, size_gib=size)


def test_a_member_of_a_group_that_is_elsewhere_is_not_extended(site):
    group = site.failed_over_group(1)

    with pytest.raises(errors.WrongState, match="fail back first"):
        extending.extend(site.owner, volume_id=domain.members(group)[0].pk, size_gib=2)


def test_a_group_is_not_moved_while_a_member_grows(site):
    group = site.enabled_group(1)
    extending.extend(site.owner, volume_id=domain.members(group)[0].pk, size_gib=2)

    with pytest.raises(errors.Busy):
        replication.failover(site.owner, group_id=group.pk)


def test_a_target_that_keeps_a_snapshot_is_not_removed(site):
    group = site.failed_over_group(1)
    snapshot = taken(site, domain.members(group)[0])
    replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
    domain.drain()
    replication.disable(site.owner, group_id=group.pk)
    domain.drain()

    with pytest.raises(errors.InUse, match="keeps 1 snapshots"):
        backends.remove_target(site.admin, name=site.backend.name, backend_id=snapshot.side)
