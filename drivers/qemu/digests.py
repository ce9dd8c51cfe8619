"""Digests of what a reader of a side gets.

The images are raw and the daemon keeps no data of its own beside them, so on a side at rest, and
on the active one, the file is what a reader gets.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Iterator, Mapping

from drivers.base import Call, Group, Volume
from drivers.errors import DriverError, NoRecoveryPoint
from drivers.qemu import looking, receiving, record, serving
from drivers.qemu.side import Side

_PIECE = 1 << 20
_ZEROES = bytes(_PIECE)


def digest(side: Side, *, group: Group, call: Call) -> Mapping[str, str]:
    """Return a SHA-256 for each volume: the present on the active side, else the newest point."""
    while True:
        before = _settled(side, group)
        done, total = 0, sum(volume.size_bytes for volume in group.volumes)
        found = {}
        for volume in group.volumes:
            result = hashlib.sha256()
            for piece in _pieces(side.folder.image(volume.id), volume):
                result.update(piece)
                done += len(piece)
                call.progress(done=done, total=total, unit="bytes")
            found[volume.id] = result.hexdigest()
        after = side.record(group.id)
        if (after.role, after.points, after.staged) == (before.role, before.points, before.staged):
            return found
        call.progress(done=0, total=total, unit="bytes", waiting_for="a moment between two rounds")


def _settled(side: Side, group: Group) -> record.Record:
    """Return the side's record once its newest point is in its images."""
    found = side.record(group.id)
    if found.role == record.ACTIVE:
        serving.require_images(side, volumes=group.volumes)
        return found
    if found.staged is not None:
        # It counts already, only a crash kept it out of the images: no reader sees a difference.
        with record.lock(side.folder, group_id=group.id, backend_id=side.backend_id, call=side.call), side.talk():
            receiving.settle(side, held=record.Held(side.folder, group.id), volumes=group.volumes)
        found = side.record(group.id)
    members = looking.point_members(found)
    missing = [volume.id for volume in group.volumes if volume.id not in members]
    if missing:
        raise NoRecoveryPoint(f"{side.title} holds no complete point of {', '.join(missing)}.")
    return found


def _pieces(path: pathlib.Path, volume: Volume) -> Iterator[bytes]:
    """Yield an image's bytes, without reading its holes."""
    with path.open("rb", buffering=0) as file:
        offset = 0
        while offset < volume.size_bytes:
            start = next_data(file.fileno(), offset, volume.size_bytes)
            while offset < start:
                yield _ZEROES[: min(_PIECE, start - offset)]
                offset += min(_PIECE, start - offset)
            if offset < volume.size_bytes:
                piece = os.pread(file.fileno(), min(_PIECE, volume.size_bytes - offset), offset)
                if not piece:
                    raise DriverError(f"The image '{path}' is shorter than its volume.")
                yield piece
                offset += len(piece)


def next_data(descriptor: int, offset: int, size: int) -> int:
    """Return where the next data begins at or after an offset; the size when there is none."""
    try:
        return min(os.lseek(descriptor, offset, os.SEEK_DATA), size)
    except OSError:
        return size
