"""The first copy of volumes: from image to image, without sending every byte through two daemons.

The source's image changes while it is read. But whatever clients overwrite, the cut keeps first: what it has kept by
the time the image has been read is written anew from the cut, and the rest of the image was never touched. That the
cut still stands then, the connections to it prove: they are made first, and whoever lets go of the cut breaks them.

A worker that was taken over writes to a file that has no name any more: the next one makes the images anew.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import mmap
import os
import pathlib
import queue
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from drivers.base import Volume
from drivers.errors import DriverError
from drivers.qemu import copying, nbd
from drivers.qemu.copying import Progress, Range
from drivers.qemu.images import stretches
from drivers.qemu.side import Side

DEPTH = "qemu:allocation-depth"
_PIECE, _BLOCK = 4 << 20, 4 << 10
_AT_ONCE = 4
_OPEN_TOGETHER = 32
_LOOK_SECONDS, _PING_SECONDS = 0.2, 1.0
_ZEROES = bytes(_PIECE)


class Made(NamedTuple):
    """An image just made, and what it is known by: its name alone may be another one's by now."""

    path: pathlib.Path
    inode: int
    changed_at: int

    @classmethod
    def at(cls, path: pathlib.Path) -> Made:
        """Return the image at a path as it is now."""
        found = path.stat()
        return cls(path, found.st_ino, found.st_ctime_ns)


@dataclasses.dataclass(frozen=True, kw_only=True)
class First:
    """One volume to be copied to a side that does not have it."""

    volume: Volume
    read_from: str
    """The export of the cut."""
    keeps: bool
    """Whether clients may write meanwhile, so that the cut keeps what they overwrite."""
    made: Made


class _Image(NamedTuple):
    first: First
    cut: nbd.Connection
    kept: nbd.Connection | None
    """Tells what the cut has kept, where it keeps anything; such a connection reads in another manner."""
    source: int
    target: int


class _Piece(NamedTuple):
    image: _Image
    offset: int
    length: int


def copy(source: Side, target: Side, *, firsts: Sequence[First], progress: Progress) -> None:
    """Copy volumes; on return all of them are on the target's stable storage."""
    for start in range(0, len(firsts), _OPEN_TOGETHER):
        with contextlib.ExitStack() as stack:
            images = [_opened(source, target, first, stack) for first in firsts[start : start + _OPEN_TOGETHER]]
            _Copying(source, target, progress).run(images)
            for image in images:
                _amend(source, target, image)
            with _plain(target):
                for image in images:
                    source.call.check()
                    os.fsync(image.target)


class _Copying:
    """Reads here while it writes there, so that both disks are busy."""

    def __init__(self, source: Side, target: Side, progress: Progress) -> None:
        self._source, self._target, self._progress = source, target, progress
        self._buffers: queue.SimpleQueue[mmap.mmap] = queue.SimpleQueue()
        for _ in range(_AT_ONCE):
            # Memory of whole pages, which reading and writing past the page cache needs.
            self._buffers.put(mmap.mmap(-1, _PIECE))
        self._pinged = time.monotonic()

    def run(self, images: Sequence[_Image]) -> None:
        """Copy all that holds data. Raises what goes wrong first, once nothing is written any more."""
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="first copy") as pool:
            waiting: set[concurrent.futures.Future[int]] = set()
            try:
                for image in images:
                    for piece in self._pieces(image):
                        waiting.add(pool.submit(self._carry, piece))
                        while len(waiting) > _AT_ONCE:
                            waiting = self._attended(waiting)
                while waiting:
                    waiting = self._attended(waiting)
            finally:
                for each in waiting:
                    each.cancel()

    def _pieces(self, image: _Image) -> Iterator[_Piece]:
        with _plain(self._source):
            for start, span in _data(image.source, image.first.volume.size_bytes):
                for offset in range(start, start + span, _PIECE):
                    yield _Piece(image, offset, min(_PIECE, start + span - offset))

    def _attended(self, waiting: set[concurrent.futures.Future[int]]) -> set[concurrent.futures.Future[int]]:
        """Wait a moment, tell what was done, and return what is still to be waited for."""
        done, rest = concurrent.futures.wait(
            waiting, timeout=_LOOK_SECONDS, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for each in done:
            self._progress.copied(each.result())
        self._source.call.check()
        if time.monotonic() - self._pinged > _PING_SECONDS:
            # A site's files are used only while its daemon answers.
            self._source.look()
            self._target.look()
            self._pinged = time.monotonic()
        return rest

    def _carry(self, piece: _Piece) -> int:
        buffer = self._buffers.get()
        try:
            with memoryview(buffer) as whole, whole[: piece.length] as view:
                with _plain(self._source):
                    got = os.preadv(piece.image.source, [view], piece.offset)
                if got < piece.length:
                    raise DriverError(f"The image of volume {piece.image.first.volume.id} is shorter than the volume.")
                # The new image is all zeroes: where there are but zeroes, nothing is written.
                if buffer[:_BLOCK] != _ZEROES[:_BLOCK] or buffer[: piece.length] != _ZEROES[: piece.length]:
                    with _plain(self._target):
                        _write(piece.image.target, view, piece.offset)
            return piece.length
        finally:
            self._buffers.put(buffer)


def _opened(source: Side, target: Side, first: First, stack: contextlib.ExitStack) -> _Image:
    # First of all: what they are connected to must not have been let go of at any time from here on.
    cut = stack.enter_context(copying.connection(source, first.read_from))
    kept = stack.enter_context(copying.connection(source, first.read_from, DEPTH)) if first.keeps else None
    with _plain(source):
        reading = _open(source, source.folder.image(first.volume.id), os.O_RDONLY, stack)
    with _plain(target):
        writing = _open(target, first.made.path, os.O_RDWR, stack)
        found = os.fstat(writing)
    if (found.st_ino, found.st_ctime_ns) != (first.made.inode, first.made.changed_at):
        raise DriverError(f"{target.title} has dropped this round: another worker has taken over.", retryable=True)
    return _Image(first, cut, kept, reading, writing)


def _open(side: Side, path: pathlib.Path, flags: int, stack: contextlib.ExitStack) -> int:
    descriptor = os.open(path, flags | (os.O_DIRECT if side.direct else 0))
    stack.callback(os.close, descriptor)
    return descriptor


def _amend(source: Side, target: Side, image: _Image) -> None:
    """Write what clients have overwritten meanwhile as it was at the moment of the cut. Raises if the cut is gone."""
    with copying.blamed(source):
        if image.kept is None:
            # Nobody could write, as long as this connection stands.
            image.cut.read(offset=0, length=_BLOCK)
            return
        kept: list[Range] = [(offset, length) for offset, length, depth in image.kept.extents() if depth == 1]
    with mmap.mmap(-1, _PIECE) as buffer, memoryview(buffer) as view:
        for batch in copying.batches(copying.aligned(kept)):
            with copying.blamed(source):
                image.cut.ask(batch)
                answers = image.cut.answers()
            with _plain(target):
                for (offset, length), data in zip(batch, answers, strict=True):
                    buffer[:length] = bytes(data)
                    _write(image.target, view[:length], offset)
            source.call.check()


def _write(descriptor: int, data: memoryview, offset: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], offset + written)


def _data(descriptor: int, size: int) -> Iterator[Range]:
    """Yield where a file holds data, in whole blocks, each once."""
    done = 0
    for start, end in stretches(descriptor, size_bytes=size):
        first, last = max(done, start // _BLOCK * _BLOCK), min(size, -(-end // _BLOCK) * _BLOCK)
        if first < last:
            yield first, last - first
        done = max(done, last)


@contextlib.contextmanager
def _plain(side: Side) -> Iterator[None]:
    """Turn what goes wrong with a file into an error that names its side."""
    try:
        yield
    except OSError as error:
        raise DriverError(f"{side.title} failed to read or write: {error.strerror or error}.") from error
