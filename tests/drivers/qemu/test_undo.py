"""What a resync discards is kept beside the images: just that, whoever is killed, and readable by anybody."""

from __future__ import annotations

import json
import pathlib
import random
import subprocess
import threading
import time
from collections.abc import Sequence

import pytest

from drivers.base import PRIMARY, Group, UndoPoint, Volume
from drivers.errors import DriverError, UndoPointFailed
from drivers.qemu import qcow2, record, undo
from tests.drivers.qemu.children import killed_during
from tests.drivers.qemu.daemons import Sites, small_files

TARGET = "target-a"
KIB, MIB = 1 << 10, 1 << 20


def _points(sites: Sites, group: Group) -> Sequence[UndoPoint]:
    return sites.driver().undo_points(group, call=sites.call(0))


def _replicated(sites: Sites, *, size_bytes: int = 8 * MIB) -> Group:
    group = sites.group(2, size_bytes=size_bytes)
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, 0, random.randbytes(4 * MIB))
    sites.driver().enable_replication(group, call=sites.call())
    return group


def _diverged(sites: Sites, *, retired: bool = True) -> tuple[Group, dict[str, bytes]]:
    """Make a group whose primary wrote 2 MiB more to each member after the target had been promoted."""
    group = _replicated(sites)
    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
    written = {volume.id: random.randbytes(2 * MIB) for volume in group.volumes}
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, MIB, written[volume.id])
        sites.write(TARGET, volume.id, 2 * MIB, random.randbytes(2 * MIB))
    if retired:
        sites.driver().retire(group, backend_id=PRIMARY, call=sites.call(2))
    return group, written


def _resync(sites: Sites, group: Group, *, epoch: int = 3) -> int:
    return sites.driver().replicate(group, backend_id=PRIMARY, call=sites.call(epoch)).discarded_bytes


def _assert_kept(sites: Sites, group: Group, written: dict[str, bytes]) -> None:
    [point] = _points(sites, group)
    found = {volume_id: sites.read_undo_point(point, volume_id)[MIB : 3 * MIB] for volume_id in point.volumes}
    assert found == written


@pytest.mark.parametrize("retired", [True, False])
def test_an_undo_point_holds_what_the_stale_side_wrote_and_nothing_else(sites: Sites, retired: bool) -> None:
    group, written = _diverged(sites, retired=retired)
    unsent = sites.driver().observe(group, call=sites.call(0)).side(PRIMARY).bytes_unsent

    discarded = _resync(sites, group)

    assert discarded == unsent == 4 * MIB
    [point] = _points(sites, group)
    assert (point.size_bytes, set(point.volumes)) == (4 * MIB, set(written))
    for volume_id, data in written.items():
        assert sites.read_undo_point(point, volume_id) == bytes(MIB) + data + bytes(5 * MIB)
        mapped = subprocess.run(
            ["qemu-img", "map", "--output=json", sites.undo_image(point, volume_id)], capture_output=True, check=True
        )
        places = [(each["start"], each["length"]) for each in json.loads(mapped.stdout) if each["data"]]
        assert places == [(MIB, 2 * MIB)]


def test_after_a_crash_an_undo_point_holds_all_in_which_the_sides_differ(sites: Sites) -> None:
    group, written = _diverged(sites, retired=False)
    sites.kill(PRIMARY)
    sites.start(PRIMARY)

    assert sites.driver().observe(group, call=sites.call(0)).side(PRIMARY).bytes_unsent is None
    assert _resync(sites, group) == 6 * MIB

    _assert_kept(sites, group, written)


def test_an_undo_point_laid_over_a_copy_of_the_volume_brings_the_writes_back(
    sites: Sites, tmp_path: pathlib.Path
) -> None:
    group, written = _diverged(sites)
    _resync(sites, group)
    [point], volume = _points(sites, group), group.volumes[0]
    now = sites.read(TARGET, volume.id, 0, 8 * MIB)
    socket = sites.folders[TARGET].nbd_socket

    for command in (
        f"qemu-img convert -f raw -O raw nbd+unix:///{volume.id}?socket={socket} now.raw",
        f"cp {sites.undo_image(point, volume.id)} undo.qcow2",
        "qemu-img rebase -u -f qcow2 -b now.raw -F raw undo.qcow2",
        "qemu-img convert -f qcow2 -O raw undo.qcow2 merged.raw",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True)

    assert (tmp_path / "merged.raw").read_bytes() == now[:MIB] + written[volume.id] + now[3 * MIB :]


def test_a_disk_with_no_room_for_an_undo_point_keeps_the_data_and_no_leftovers(sites: Sites) -> None:
    group, written = _diverged(sites)

    with small_files(MIB), pytest.raises(UndoPointFailed, match="Nothing was discarded"):
        _resync(sites, group)

    folder = sites.folders[PRIMARY]
    assert [path for path in folder.undo.rglob("*") if path.is_file()] == []
    held = folder.image(group.volumes[0].id).read_bytes()[MIB : 3 * MIB]
    assert held == written[group.volumes[0].id]
    assert _resync(sites, group) == 4 * MIB
    _assert_kept(sites, group, written)


@pytest.mark.soak
@pytest.mark.parametrize("delay", [0.005, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.13])
def test_a_worker_killed_in_a_resync_loses_neither_the_data_nor_the_undo_point(sites: Sites, delay: float) -> None:
    group, written = _diverged(sites)

    killed_during(
        sites, lambda driver: driver.replicate(group, backend_id=PRIMARY, call=sites.call(3)), after_seconds=delay
    )

    _assert_somewhere(sites, group, written)
    _resync(sites, group)
    _assert_kept(sites, group, written)
    assert sites.driver().observe(group, call=sites.call(0)).side(PRIMARY).bytes_unsent == 0


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.02, 0.06])
def test_a_daemon_killed_in_a_resync_loses_neither_the_data_nor_the_undo_point(sites: Sites, delay: float) -> None:
    group, written = _diverged(sites)
    thread = threading.Thread(target=_resync_that_may_fail, args=(sites, group))
    thread.start()
    time.sleep(delay)
    sites.kill(PRIMARY)
    thread.join()

    sites.start(PRIMARY)

    _assert_somewhere(sites, group, written)
    _resync(sites, group)
    _assert_kept(sites, group, written)


def _resync_that_may_fail(sites: Sites, group: Group) -> None:
    try:
        _resync(sites, group)
    except DriverError:
        return


def _assert_somewhere(sites: Sites, group: Group, written: dict[str, bytes]) -> None:
    """Assert that the data is in the images or in a listed undo point, of all members alike."""
    found = record.load(sites.folders[PRIMARY], group_id=group.id)
    if found.kept:
        _assert_kept(sites, group, written)
    else:
        folder = sites.folders[PRIMARY]
        assert {each: folder.image(each).read_bytes()[MIB : 3 * MIB] for each in written} == written


@pytest.mark.slow
def test_a_daemon_killed_while_it_takes_a_resync_in_has_the_undo_point_already(sites: Sites) -> None:
    group, written = _diverged(sites)
    thread = threading.Thread(target=_resync_that_may_fail, args=(sites, group))
    thread.start()
    while thread.is_alive() and record.load(sites.folders[PRIMARY], group_id=group.id).staged is None:
        time.sleep(0.0002)
    sites.kill(PRIMARY)
    thread.join()

    sites.start(PRIMARY)

    _assert_kept(sites, group, written)
    _resync(sites, group)
    _assert_kept(sites, group, written)
    driver = sites.driver()
    digests = [driver.digest(group, backend_id=side, call=sites.call()) for side in (PRIMARY, TARGET)]
    assert digests[0] == digests[1]


def test_what_an_unfinished_resync_left_is_removed_by_the_next(sites: Sites) -> None:
    group, written = _diverged(sites)
    leftover = sites.folders[PRIMARY].undo_points(group.id) / "20000101T000000Z-00000000" / "group-0.qcow2"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")

    _resync(sites, group)

    assert not leftover.parent.exists()
    _assert_kept(sites, group, written)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_image_written_from_beginning_to_end_is_sound_and_holds_what_was_written(
    tmp_path: pathlib.Path, seed: int
) -> None:
    dice = random.Random(seed)
    size = dice.choice([4 * KIB, 3 * MIB + 4 * KIB, 33 * MIB])
    path, expected = tmp_path / "image", bytearray(size)
    writer = qcow2.Writer(path, size_bytes=size)
    offset = 0
    while offset < size:
        length = min(dice.choice([4 * KIB, 8 * KIB, MIB]), size - offset)
        if dice.random() < 0.6:
            expected[offset : offset + length] = dice.randbytes(length)
            writer.write(offset, expected[offset : offset + length])
        offset += length

    writer.finish()
    writer.close()

    subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", path], check=True)
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, tmp_path / "raw"], check=True)
    assert (tmp_path / "raw").read_bytes() == expected


def test_an_image_that_was_not_finished_is_none(tmp_path: pathlib.Path) -> None:
    writer = qcow2.Writer(tmp_path / "image", size_bytes=MIB)
    writer.write(0, bytes(4 * KIB))
    writer.close()

    checked = subprocess.run(["qemu-img", "check", "-f", "qcow2", tmp_path / "image"], capture_output=True, check=False)

    assert checked.returncode != 0


def test_stretches_are_clipped_to_what_was_written() -> None:
    ranges = [(0, 10), (20, 10), (40, 10)]

    assert list(undo.clipped(ranges, 5, 20)) == [(5, 5), (20, 5)]
    assert list(undo.clipped(ranges, 20, 10)) == [(20, 10)]
    assert list(undo.clipped(ranges, 10, 10)) == []
    assert list(undo.clipped(ranges, 0, 100)) == ranges


def test_only_the_newest_undo_points_of_each_volume_are_left() -> None:
    kept = [record.Kept(id=str(number), at=float(number), volumes={"a": 1}) for number in range(5)]
    kept[1].volumes["b"] = 2

    left = undo.newest(kept)

    assert [(each.id, each.volumes) for each in left] == [
        ("1", {"b": 2}),
        ("2", {"a": 1}),
        ("3", {"a": 1}),
        ("4", {"a": 1}),
    ]


def test_a_volume_whose_id_begins_like_another_s_keeps_its_undo_points(sites: Sites) -> None:
    folder = sites.folders[PRIMARY]
    for name in ("one", "one.two"):
        path = folder.undo_points("group") / "point" / f"{name}.qcow2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    sites.driver().delete_volume(Volume(id="one", name="one", size_bytes=MIB), call=sites.call())

    assert [path.name for path in folder.undo.rglob("*.qcow2")] == ["one.two.qcow2"]
