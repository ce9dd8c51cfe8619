"""Copying a cut to where a round arrives: only what is needed, read ahead, with progress."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence

from drivers.base import Call, Volume
from drivers.errors import DriverError, SiteUnavailable
from drivers.qemu import nbd, undo
from drivers.qemu.side import Side

ALLOCATED = "base:allocation"
_PIECE, _BATCH_BYTES, _BATCH_PIECES = 1 << 20, 4 << 20, 16
_BLOCK = 4 << 10
_FLUSHED_TOGETHER = 32
_ZEROES = bytes(_PIECE)
_TIMEOUT_SECONDS = 10.0
Range = tuple[int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Errand:
    """One volume to be copied."""

    volume: Volume
    read_from: str
    write_to: str
    context: str = ""
    """The NBD context whose marked extents are all that is needed; none when nothing is marked."""
    fresh: bool = False
    """Whether what it is written to is all zeroes."""
    bytes_expected: int = 0
    keeper: undo.VolumeKeeper | None = None
    """What keeps the target's blocks that are overwritten; none when nothing needs to be kept."""


class Progress:
    """How far a round is, told to its caller."""

    def __init__(self, call: Call, *, total: int) -> None:
        self._call, self._total = call, total
        self._done, self._looked_at = 0, 0

    def copied(self, count: int) -> None:
        """Tell that bytes were sent to the target."""
        self._done += count
        self._call.progress(done=self._done, total=max(self._total, self._done), unit="bytes")

    def compared(self, count: int) -> None:
        """Tell that bytes were found the same on both sides."""
        self._looked_at += count
        waiting_for = f"the comparison of both sides ({self._looked_at} bytes so far)"
        self._call.progress(done=self._done, total=max(self._total, self._done), unit="bytes", waiting_for=waiting_for)


def copy(source: Side, target: Side, *, errands: Sequence[Errand], progress: Progress) -> None:
    """Carry out the errands; on return all of it is on the target's stable storage."""
    for start in range(0, len(errands), _FLUSHED_TOGETHER):
        with contextlib.ExitStack() as stack:
            writers = []
            for errand in errands[start : start + _FLUSHED_TOGETHER]:
                writer = stack.enter_context(connection(target, errand.write_to))
                with connection(source, errand.read_from) as reader:
                    _carry_out(_Ends(source, target, reader, writer), errand, progress)
                writers.append(writer)
            # All at once, so that the flushes share the disk's waits.
            with blamed(target):
                for writer in writers:
                    writer.submit_flush()
                for writer in writers:
                    writer.settle()
        source.call.check()


@dataclasses.dataclass(frozen=True)
class _Ends:
    """Both ends of one volume's copying."""

    source: Side
    target: Side
    reader: nbd.Connection
    writer: nbd.Connection


def _carry_out(ends: _Ends, errand: Errand, progress: Progress) -> None:
    if errand.context or errand.fresh:
        _copy_ranges(ends, errand, progress)
    else:
        _copy_differences(ends, errand, progress)


def _copy_ranges(ends: _Ends, errand: Errand, progress: Progress) -> None:
    """Copy the marked extents, or, to an image of zeroes, those that hold data."""
    context = errand.context or ALLOCATED
    read: list[tuple[int, bytearray]] = []
    for batch in batches(extents(ends.source, errand.read_from, context)):
        with blamed(ends.source):
            ends.reader.ask(batch)
        # The source reads this batch while the target writes the one before.
        _put(ends, read, skip_zeroes=errand.fresh)
        progress.copied(sum(len(data) for _, data in read))
        with blamed(ends.source):
            read = [(offset, data) for (offset, _), data in zip(batch, ends.reader.answers(), strict=True)]
    _put(ends, read, skip_zeroes=errand.fresh)
    with blamed(ends.target):
        ends.writer.settle()
    progress.copied(sum(len(data) for _, data in read))


def _put(ends: _Ends, read: Sequence[tuple[int, bytearray]], *, skip_zeroes: bool) -> None:
    """Send what was read to the target, once it has taken what was sent before."""
    with blamed(ends.target):
        ends.writer.settle()
        for offset, data in read:
            if data != _ZEROES[: len(data)]:
                ends.writer.submit(offset=offset, data=data)
            elif not skip_zeroes:
                ends.writer.submit_zeroes(offset=offset, length=len(data))


def _copy_differences(ends: _Ends, errand: Errand, progress: Progress) -> None:
    """Read both ends wherever either holds data, and copy the blocks that differ."""
    here = extents(ends.source, errand.read_from, ALLOCATED)
    there = extents(ends.target, errand.write_to, ALLOCATED)
    with connection(ends.target, errand.write_to) as held:
        for batch in batches(aligned(union(here, there))):
            with blamed(ends.source):
                ends.reader.ask(batch)
            with blamed(ends.target):
                held.ask(batch)
                old = held.answers()
            with blamed(ends.source):
                new = ends.reader.answers()
            copied = 0
            for (offset, _), was, data in zip(batch, old, new, strict=True):
                runs = list(differences(was, data))
                if errand.keeper is not None:
                    for start, end in runs:
                        errand.keeper.keep(offset + start, memoryview(was)[start:end])
                with blamed(ends.target):
                    ends.writer.settle()
                    for start, end in runs:
                        ends.writer.submit(offset=offset + start, data=memoryview(data)[start:end])
                        copied += end - start
            progress.copied(copied)
            progress.compared(sum(length for _, length in batch) - copied)
    with blamed(ends.target):
        ends.writer.settle()
    if errand.keeper is not None:
        errand.keeper.finish()


def differences(old: bytearray, new: bytearray) -> Iterator[Range]:
    """Yield (start, end) of the runs of blocks that differ."""
    if old == new:
        return
    first = -1
    for start in range(0, len(new), _BLOCK):
        same = old[start : start + _BLOCK] == new[start : start + _BLOCK]
        if same and first >= 0:
            yield first, start
            first = -1
        elif not same and first < 0:
            first = start
    if first >= 0:
        yield first, len(new)


def batches(ranges: Iterable[Range]) -> Iterator[list[Range]]:
    """Cut ranges into pieces, and gather pieces until they are worth a round trip."""
    batch: list[Range] = []
    gathered = 0
    for start, span in ranges:
        for offset in range(start, start + span, _PIECE):
            length = min(_PIECE, start + span - offset)
            batch.append((offset, length))
            gathered += length
            if gathered >= _BATCH_BYTES or len(batch) >= _BATCH_PIECES:
                yield batch
                batch, gathered = [], 0
    if batch:
        yield batch


def union(first: Sequence[Range], second: Sequence[Range]) -> Iterator[Range]:
    """Yield the ranges that either list covers, in order and without overlap."""
    begin, end = 0, 0
    for offset, length in sorted([*first, *second]):
        if offset > end:
            if end > begin:
                yield begin, end - begin
            begin, end = offset, offset + length
        else:
            end = max(end, offset + length)
    if end > begin:
        yield begin, end - begin


def aligned(ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield ranges in order widened to whole blocks, without overlap."""
    begin, end = 0, 0
    for offset, length in ranges:
        first, last = offset // _BLOCK * _BLOCK, -(-(offset + length) // _BLOCK) * _BLOCK
        if first > end:
            if end > begin:
                yield begin, end - begin
            begin = first
        end = last
    if end > begin:
        yield begin, end - begin


@contextlib.contextmanager
def blamed(side: Side) -> Iterator[None]:
    """Turn what goes wrong on a connection into an error that names its side."""
    try:
        yield
    except TimeoutError:
        raise SiteUnavailable(
            f"{side.title} does not answer: no data for {_TIMEOUT_SECONDS:g} s.", backend_id=side.backend_id
        ) from None
    except nbd.NbdError as error:
        if error.errno:
            raise DriverError(f"{side.title} failed to read or write: {os.strerror(error.errno)}.") from error
        raise SiteUnavailable(f"{side.title} broke the copying off: {error}.", backend_id=side.backend_id) from error
    except OSError as error:
        raise SiteUnavailable(
            f"{side.title} broke the copying off: {error.strerror}.", backend_id=side.backend_id
        ) from error


@contextlib.contextmanager
def connection(side: Side, export: str, context: str | None = None) -> Iterator[nbd.Connection]:
    """Connect to a side's export; what goes wrong in between is the caller's to blame."""
    with blamed(side):
        side.call.check()
        timeout = min(_TIMEOUT_SECONDS, side.call.remaining() + 0.001)
        path = str(side.folder.nbd_socket)
        opened = nbd.Connection(path=path, export=export, timeout=timeout, context=context)
    with opened:
        yield opened


def extents(side: Side, export: str, context: str) -> list[Range]:
    """Return the extents that a context marks, or, of the allocation, those that hold data."""
    with connection(side, export, context) as held, blamed(side):
        if context == ALLOCATED:
            return [(offset, length) for offset, length, flags in held.extents() if not flags & nbd.ZERO]
        return [(offset, length) for offset, length, flags in held.extents() if flags & nbd.DIRTY]
