"""What snapshots take of a site's disk."""

from __future__ import annotations

import os
import shutil
import uuid

import pytest

from drivers.base import PRIMARY, Group, Snapshot, SnapshotSet
from drivers.errors import DriverError
from tests.drivers.qemu.daemons import Sites

MIB = 1 << 20


def of(group: Group) -> SnapshotSet:
    """Return a snapshot of each volume of a group, to be taken on the primary."""
    taken = tuple(
        Snapshot(id=str(uuid.uuid4()), volume_id=volume.id, size_bytes=volume.size_bytes) for volume in group.volumes
    )
    return SnapshotSet(id=str(uuid.uuid4()), backend_id=PRIMARY, snapshots=taken)


def test_where_a_volume_holds_nothing_its_snapshot_takes_no_room(sites: Sites) -> None:
    group = sites.group(2, size_bytes=256 * MIB)
    first, second = (volume.id for volume in group.volumes)
    data = os.urandom(MIB)
    sites.write(PRIMARY, first, 128 * MIB, data)
    wanted = of(group)

    sites.driver().create_snapshots(group, wanted=wanted, call=sites.call())

    files = {each.volume_id: sites.folders[PRIMARY].snapshot(each.id) for each in wanted.snapshots}
    assert [path.stat().st_size for path in files.values()] == [256 * MIB] * 2
    assert files[first].stat().st_blocks * 512 <= 2 * MIB
    assert files[second].stat().st_blocks * 512 <= MIB
    found = files[first].read_bytes()
    assert found == bytes(128 * MIB) + data + bytes(127 * MIB)


def test_a_snapshot_is_refused_where_the_disk_has_no_room_for_the_whole_volume(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = sites.group(1, size_bytes=256 * MIB)
    wanted = of(group)
    usage = shutil.disk_usage(sites.folders[PRIMARY].path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=200 * MIB))

    with pytest.raises(DriverError, match="bytes free"):
        sites.driver().create_snapshots(group, wanted=wanted, call=sites.call())

    assert not sites.folders[PRIMARY].snapshot(wanted.snapshots[0].id).exists()
    assert sites.can_write(PRIMARY, group.volumes[0].id)
