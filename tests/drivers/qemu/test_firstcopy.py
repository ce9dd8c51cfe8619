"""The first copy goes from image to image, and is the moment of the cut whatever clients write meanwhile."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from drivers.base import PRIMARY, Group
from drivers.errors import DriverError
from drivers.qemu import firstcopy
from tests.drivers.qemu.daemons import Sites

TARGET = "target-a"
MIB = 1 << 20


def filled(sites: Sites) -> Group:
    """Make two volumes of which the first halves hold data."""
    group = sites.group(2, size_bytes=16 * MIB)
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, 0, random.randbytes(8 * MIB))
    return group


def content(sites: Sites, side: str, group: Group) -> list[bytes]:
    """Return all that clients of a side read."""
    return [
        sites.read(side, volume.id, 0, 8 * MIB) + sites.read(side, volume.id, 8 * MIB, 8 * MIB)
        for volume in group.volumes
    ]


def overwritten(sites: Sites, group: Group) -> None:
    """Write as a client where there is data, where there is none, and over the end of a piece."""
    for volume in group.volumes:
        for offset in (0, 4 * MIB - 8192, 12 * MIB):
            sites.write(PRIMARY, volume.id, offset, random.randbytes(16384))


def before(inner: Callable[..., object], work: Callable[[], object]) -> Callable[..., object]:
    """Return a function with some work before its first call."""
    pending = [work]

    def outer(*values: object, **named: object) -> object:
        while pending:
            pending.pop()()
        return inner(*values, **named)

    return outer


@pytest.mark.parametrize("place", ["_Copying.run", "_amend"])
def test_what_clients_overwrite_while_it_is_copied_arrives_as_it_was(
    sites: Sites, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = filled(sites)
    was = content(sites, PRIMARY, group)
    owner, _, name = place.rpartition(".")
    holder = getattr(firstcopy, owner) if owner else firstcopy
    monkeypatch.setattr(holder, name, before(getattr(holder, name), lambda: overwritten(sites, group)))

    sites.driver().enable_replication(group, call=sites.call())

    assert content(sites, PRIMARY, group) != was
    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
    assert content(sites, TARGET, group) == was


def test_clients_that_write_in_order_all_the_while_leave_no_hole_in_it(sites: Sites) -> None:
    group = sites.group(2, size_bytes=32 * MIB)
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, 16 * MIB, random.randbytes(16 * MIB))

    with sites.writer(PRIMARY, group, blocks=1024) as writer:
        writer.await_acknowledged(100)
        sites.driver().enable_replication(group, call=sites.call())
    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))

    verdict = sites.judge(TARGET, writer)
    assert verdict.holes == 0
    assert verdict.reached >= 100


def test_an_image_that_another_worker_made_anew_is_not_written_to(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = filled(sites)
    images = [sites.folders[TARGET].image(volume.id) for volume in group.volumes]

    def take_over() -> None:
        for image in images:
            image.unlink()
            image.write_bytes(b"another worker's")

    monkeypatch.setattr(firstcopy, "copy", before(firstcopy.copy, take_over))

    with pytest.raises(DriverError, match="another worker"):
        sites.driver().enable_replication(group, call=sites.call())

    assert all(image.read_bytes() == b"another worker's" for image in images)


def test_a_cut_that_was_let_go_of_meanwhile_makes_no_point(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    group = filled(sites)

    def take_over() -> None:
        sites.driver().allow_writes(group, call=sites.call(1))

    monkeypatch.setattr(firstcopy, "_amend", before(firstcopy._amend, take_over))

    with pytest.raises(DriverError):
        sites.driver().enable_replication(group, call=sites.call())

    assert sites.driver().observe(group, call=sites.call(0)).side(TARGET).consistent_at is None


def test_where_a_volume_holds_nothing_or_zeroes_its_copy_takes_no_room(sites: Sites) -> None:
    group = sites.group(1, size_bytes=64 * MIB)
    sites.write(PRIMARY, group.volumes[0].id, 8 * MIB, bytes(8 * MIB))
    sites.write(PRIMARY, group.volumes[0].id, 32 * MIB, os.urandom(MIB))

    sites.driver().enable_replication(group, call=sites.call())

    copy = sites.folders[TARGET].image(group.volumes[0].id)
    assert copy.stat().st_size == 64 * MIB
    assert copy.stat().st_blocks * 512 <= 5 * MIB
