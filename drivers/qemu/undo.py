"""Undo points: what a round overwrites on a side that holds writes of its own, kept beside its images.

An undo point is a folder of small images, one a volume, that hold the discarded extents alone. It
counts once the side's record lists it, and the record lists it in the same write that makes the
round whole: before that write the images hold the data, after it the undo point does.
"""

from __future__ import annotations

import bisect
import contextlib
import json
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

from drivers.base import UNDO_POINTS_KEPT, UndoPoint, Volume
from drivers.errors import UndoPointFailed
from drivers.qemu import images, lineage, qcow2, record
from drivers.qemu.folder import Folder
from drivers.qemu.side import Side

Ranges = Sequence[tuple[int, int]]


class VolumeKeeper:
    """Keeps what is overwritten of one volume; makes no file until there is something to keep."""

    def __init__(self, keeper: Keeper, volume: Volume, ranges: Ranges | None) -> None:
        self._keeper, self._volume, self._ranges = keeper, volume, ranges
        self._writer: qcow2.Writer | None = None

    def keep(self, offset: int, data: memoryview) -> None:
        """Keep what is about to be overwritten, as far as it was written on this side alone."""
        stretches = [(offset, len(data))] if self._ranges is None else clipped(self._ranges, offset, len(data))
        with self._keeper.failing():
            for start, length in stretches:
                if self._writer is None:
                    self._writer = self._keeper.open(self._volume)
                self._writer.write(start, data[start - offset : start - offset + length])

    def finish(self) -> None:
        """End this volume's part; it is on stable storage then."""
        if self._writer is not None:
            with self._keeper.failing():
                self._writer.finish()
            self._writer.close()
            self._keeper.kept[self._volume.id] = self._writer.written


class Keeper:
    """One round's undo point in the making; none comes of it when the target certainly holds nothing of its own."""

    def __init__(self, source: record.Record, target: Side, *, group_id: str, point: str, found: record.Record) -> None:
        self.needed = not lineage.in_step(source, found, backend_id=target.backend_id)
        self.kept: dict[str, int] = {}
        self._writers: list[qcow2.Writer] = []
        self._side, self._at = target, target.call.now()
        self._id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(self._at))}-{point[:8]}"
        self._path = target.folder.undo_points(group_id) / self._id
        self._found, self._number = found, lineage.common_cut(source, found, lineage.left(found))

    def of(self, volume: Volume) -> VolumeKeeper | None:
        """Return what keeps one volume's part; none when nothing is needed."""
        if not self.needed:
            return None
        return VolumeKeeper(self, volume, _written(self._side.folder, volume.id, self._found, self._number))

    def open(self, volume: Volume) -> qcow2.Writer:
        """Begin a volume's image."""
        self._path.mkdir(parents=True, exist_ok=True)
        self._writers.append(qcow2.Writer(self._path / f"{volume.id}.qcow2", size_bytes=volume.size_bytes))
        return self._writers[-1]

    def finish(self) -> record.Kept | None:
        """Return the undo point, which is on stable storage; none when nothing had to be kept."""
        if not self.kept:
            return None
        with self.failing():
            for path in (self._path, *list(self._path.parents)[:3]):
                images.sync(path)
        return record.Kept(id=self._id, at=self._at, volumes=self.kept)

    def abandon(self) -> None:
        """Remove what was kept for a round that did not get whole."""
        self.close()
        shutil.rmtree(self._path, ignore_errors=True)

    def close(self) -> None:
        """Close every file."""
        for writer in self._writers:
            writer.close()

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Turn what goes wrong with the files into the error that says that nothing was discarded."""
        try:
            yield
        except OSError as error:
            raise UndoPointFailed(
                f"{self._side.title} cannot keep the writes that this resync would discard: {error.strerror or error}"
                f" in '{self._path.parent}'. Nothing was discarded."
            ) from error


def remember(folder: Folder, *, volume_id: str, reign: str, written: Mapping[int, Ranges]) -> None:
    """Note where clients wrote after each cut of a reign that ends."""
    path = folder.image(volume_id, "written")
    with path.open("w") as file:
        json.dump({"reign": reign, "after": written}, file)
    images.sync(path)


def forget_written(folder: Folder, *, volume_ids: Collection[str]) -> None:
    """Forget where clients wrote in a reign that ended; absent notes are fine."""
    for volume_id in volume_ids:
        folder.image(volume_id, "written").unlink(missing_ok=True)


def listed(side: Side, *, group_id: str) -> Sequence[UndoPoint]:
    """Return a side's undo points of a group."""
    return [
        UndoPoint(
            id=kept.id,
            backend_id=side.backend_id,
            kept_at=kept.at,
            size_bytes=sum(there.values()),
            volumes=tuple(sorted(there)),
        )
        for kept in side.record(group_id).kept
        if (there := _there(side.folder, group_id, kept))
    ]


def newest(kept: Sequence[record.Kept]) -> list[record.Kept]:
    """Return, oldest first, what is left of undo points when no volume may be in too many."""
    places: dict[str, int] = {}
    left: list[record.Kept] = []
    for each in reversed(kept):
        for volume_id in each.volumes:
            places[volume_id] = places.get(volume_id, 0) + 1
        volumes = {key: count for key, count in each.volumes.items() if places[key] <= UNDO_POINTS_KEPT}
        if volumes:
            left.append(record.Kept(id=each.id, at=each.at, volumes=volumes))
    return left[::-1]


def tidy(folder: Folder, *, group_id: str, kept: Sequence[record.Kept]) -> None:
    """Remove the files of a group's undo points that its record does not list."""
    wanted = {(each.id, f"{volume_id}.qcow2") for each in kept for volume_id in each.volumes}
    for path in folder.undo_points(group_id).glob("*/*"):
        if (path.parent.name, path.name) not in wanted:
            path.unlink(missing_ok=True)
    _remove_empty(folder, [group_id])


def drop_group(folder: Folder, *, group_id: str) -> None:
    """Remove every undo point of a group."""
    tidy(folder, group_id=group_id, kept=())


def drop_volume(folder: Folder, *, volume_id: str) -> None:
    """Remove a volume from every undo point."""
    found = list(folder.undo.glob(f"*/*/{volume_id}.qcow2"))
    for path in found:
        path.unlink(missing_ok=True)
    _remove_empty(folder, {path.parent.parent.name for path in found})


def holds(folder: Folder, *, volume_id: str) -> bool:
    """Return whether a site keeps an undo point of a volume."""
    return any(folder.undo.glob(f"*/*/{volume_id}.qcow2"))


def clipped(ranges: Ranges, offset: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of one stretch that sorted ranges cover."""
    place = max(0, bisect.bisect_right(ranges, (offset, sys.maxsize)) - 1)
    for start, span in ranges[place:]:
        if start >= offset + length:
            return
        begin, end = max(start, offset), min(start + span, offset + length)
        if begin < end:
            yield begin, end - begin


def _written(folder: Folder, volume_id: str, found: record.Record, number: int | None) -> Ranges | None:
    """Return where a volume was written on this side alone; None when it is not known."""
    marked = found.unsent.get(str(number), {})
    if marked.get(volume_id) == 0:
        return ()
    try:
        noted = json.loads(folder.image(volume_id, "written").read_text())
    except (FileNotFoundError, ValueError):
        return None
    if volume_id not in marked or noted["reign"] != found.reign or str(number) not in noted["after"]:
        return None
    return [(start, length) for start, length in noted["after"][str(number)]]


def _there(folder: Folder, group_id: str, kept: record.Kept) -> Mapping[str, int]:
    path = folder.undo_points(group_id) / kept.id
    return {key: count for key, count in kept.volumes.items() if (path / f"{key}.qcow2").exists()}


def _remove_empty(folder: Folder, group_ids: Collection[str]) -> None:
    for group_id in group_ids:
        path = folder.undo_points(group_id)
        for each in [*path.glob("*"), path]:
            with contextlib.suppress(OSError):
                each.rmdir()
