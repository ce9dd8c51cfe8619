"""Reads a test copy as it was started and compares it with the active side, block by block.

The active side's clients go on writing. A block that differs proves nothing if they have written
it since the copy's point, and the marks say where they have: the marks are read after the blocks,
so whatever was written before its block was read is marked by then.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence

from drivers.base import Volume
from drivers.qemu import copying, digests, layers, marking, nbd
from drivers.qemu.copying import Range
from drivers.qemu.side import Side
from drivers.rehearsing import DIFFERENCES_NAMED, CopyCheck

_PIECE = 1 << 20


def check(side: Side, active: Side | None, *, volumes: Sequence[Volume], copy_id: str, why: str) -> list[CopyCheck]:
    """Return what each volume's copy holds, compared with the active side where there is one."""
    done, total = 0, sum(volume.size_bytes for volume in volumes)
    sums: dict[str, str] = {}
    differing: dict[str, list[Range]] = {}
    for volume in volumes:
        digest = hashlib.sha256()
        found: list[Range] = []
        other = active.folder.image(volume.id) if active is not None else None
        for offset, mine, theirs in _pieces(side, volume, copy_id, other):
            digest.update(mine)
            if theirs is not None:
                found += [(offset + start, end - start) for start, end in copying.differences(mine, theirs)]
            done += len(mine)
            side.call.progress(done=done, total=total, unit="bytes")
        sums[volume.id], differing[volume.id] = digest.hexdigest(), found
    if active is None:
        return [CopyCheck(volume_id=each.id, digest=sums[each.id], not_compared=why) for each in volumes]
    if not marking.are_there(active, volumes=volumes, copy_id=copy_id):
        lost = "The active side lost its marks of what was written while the copy was read."
        return [CopyCheck(volume_id=each.id, digest=sums[each.id], not_compared=lost) for each in volumes]
    changed = marking.changed(active, volumes=volumes, copy_id=copy_id)
    return [_judged(volume, sums[volume.id], differing[volume.id], changed) for volume in volumes]


def _judged(volume: Volume, digest: str, found: Sequence[Range], changed: Mapping[str, Sequence[Range]]) -> CopyCheck:
    written = changed[volume.id]
    real = list(layers.without(found, written))
    bytes_changed, bytes_different = sum(length for _, length in written), sum(length for _, length in real)
    return CopyCheck(
        volume_id=volume.id,
        digest=digest,
        bytes_same=volume.size_bytes - bytes_changed - bytes_different,
        bytes_changed=bytes_changed,
        bytes_different=bytes_different,
        differences=tuple(real[:DIFFERENCES_NAMED]),
    )


def _pieces(
    side: Side, volume: Volume, copy_id: str, other: pathlib.Path | None
) -> Iterator[tuple[int, bytearray, bytearray | None]]:
    """Yield, piece by piece, its offset, the copy's bytes and the active side's."""
    named = layers.as_started(copy_id, volume.id)
    data = copying.extents(side, named, copying.ALLOCATED)
    with (
        copying.blamed(side),
        nbd.Connection(path=str(side.folder.nbd_socket), export=named) as connection,
    ):
        descriptor = os.open(other, os.O_RDONLY) if other is not None else None
        try:
            for offset in range(0, volume.size_bytes, _PIECE):
                length = min(_PIECE, volume.size_bytes - offset)
                held = any(start < offset + length and start + span > offset for start, span in data)
                mine = bytearray(connection.read(offset=offset, length=length) if held else length)
                yield offset, mine, _read(descriptor, offset, length) if descriptor is not None else None
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _read(descriptor: int, offset: int, length: int) -> bytearray:
    if digests.next_data(descriptor, offset, offset + length) >= offset + length:
        return bytearray(length)
    return bytearray(os.pread(descriptor, length, offset).ljust(length, b"\0"))
