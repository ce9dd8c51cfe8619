"""A site's image files: made, checked and removed without a process or a command each."""

from __future__ import annotations

import concurrent.futures
import ctypes
import dataclasses
import errno
import os
import pathlib
import struct
from collections.abc import Iterable, Iterator

from drivers.base import Volume
from drivers.errors import Refused
from drivers.qemu import qcow2
from drivers.qemu.folder import Folder

_SECTOR = 4096
_SYNCS_AT_ONCE = 16
_CLUSTER = 1 << 16
_ENTRIES = _CLUSTER // 8
_KEEP_SIZE_AND_PUNCH_HOLE = 0x01 | 0x02
"""The flags of fallocate(2)."""


def create(path: pathlib.Path, *, size_bytes: int) -> None:
    """Make a sparse raw image. Repeatable; raises `Refused` when one of another size is there."""
    if size_bytes <= 0 or size_bytes % _SECTOR:
        raise Refused(f"A volume cannot be {size_bytes} bytes large.", remedy=f"Choose a multiple of {_SECTOR} bytes.")
    try:
        with path.open("xb") as file:
            file.truncate(size_bytes)
    except FileExistsError:
        found = path.stat().st_size
        if found == 0:
            os.truncate(path, size_bytes)
        elif found != size_bytes:
            raise Refused(
                f"There is an image '{path}' of {found} bytes already, where {size_bytes} were asked for.",
                remedy="Remove it if nobody needs it, or choose the size it has.",
            ) from None


def create_empty(path: pathlib.Path, *, size_bytes: int) -> None:
    """Make an empty raw image, whatever was there."""
    path.unlink(missing_ok=True)
    create(path, size_bytes=size_bytes)


def sized(folder: Folder, volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    """Return volumes as large as their images are: extending that was cut off leaves them larger than is known."""
    found = []
    for volume in volumes:
        path = folder.image(volume.id)
        there = path.stat().st_size if path.exists() else 0
        found.append(dataclasses.replace(volume, size_bytes=max(volume.size_bytes, there)))
    return tuple(found)


def create_overlay(path: pathlib.Path, *, size_bytes: int) -> None:
    """Make an empty qcow2 image, whatever was there; its backing is named when it is opened.

    Layout in clusters: header, refcount table, one refcount block, level-1 table. Written here
    because a process or a command for each image dominates the time of a round. The header comes
    last: a file whose maker was killed is no image.
    """
    level_1 = max(1, -(-size_bytes // (_CLUSTER * _ENTRIES)))
    level_1_clusters = -(-level_1 * 8 // _CLUSTER)
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(qcow2.MAGIC, 3, 0, 0, 16, size_bytes, 0, level_1, 3 * _CLUSTER, _CLUSTER, 1, 0, 0, 0, 0, 0, 4, 104),
    )
    path.unlink(missing_ok=True)
    with path.open("xb", buffering=0) as file:
        file.truncate((3 + level_1_clusters) * _CLUSTER)
        file.seek(_CLUSTER)
        file.write(struct.pack(">Q", 2 * _CLUSTER))
        file.seek(2 * _CLUSTER)
        file.write(struct.pack(">H", 1) * (3 + level_1_clusters))
        file.seek(0)
        file.write(header)


def is_overlay(path: pathlib.Path) -> bool:
    """Return whether there is a qcow2 image, and a finished one."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(len(qcow2.MAGIC)) == qcow2.MAGIC
    except FileNotFoundError:
        return False


def remove(folder: Folder, *, volume_id: str) -> None:
    """Remove a volume's data and all that goes with it, but undo points; absent files are fine."""
    for kind in ("cut", "round", "raw", "spread", "written"):
        folder.image(volume_id, kind).unlink(missing_ok=True)


def stretches(descriptor: int, *, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield where a file holds data: the first byte of each stretch, and the one behind it."""
    place = 0
    while place < size_bytes:
        try:
            start = os.lseek(descriptor, place, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            # There is none behind it.
            return
        place = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, place


def give_back(path: pathlib.Path) -> None:
    """Give the disk back what is set aside for a file and was never written; it reads as zeroes before and after."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        size, hole = os.fstat(descriptor).st_size, 0
        for start, end in [*stretches(descriptor, size_bytes=size), (size, size)]:
            if hole < start:
                _punch(descriptor, hole, start - hole)
            hole = end
    finally:
        os.close(descriptor)


def _punch(descriptor: int, offset: int, length: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_int(descriptor), ctypes.c_int(_KEEP_SIZE_AND_PUNCH_HOLE))
    if library.fallocate(*arguments, ctypes.c_int64(offset), ctypes.c_int64(length)) == 0:
        return
    number = ctypes.get_errno()
    # A file system that cannot do it keeps the file as it is, which is as good but larger.
    if number != errno.EOPNOTSUPP:
        raise OSError(number, os.strerror(number))


def sync(path: pathlib.Path) -> None:
    """Return once a file's data, or a folder's list of names, is on stable storage."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[pathlib.Path]) -> None:
    """Return once the data of all files is on stable storage; they share the disk's waits."""
    with concurrent.futures.ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
        for _ in pool.map(sync, paths):
            pass


def direct_works(folder: Folder) -> bool:
    """Return whether the site's file system can bypass the page cache, which is faster on disks."""
    try:
        os.close(os.open(folder.site_lock, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        return False
    return True
