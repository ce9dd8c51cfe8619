"""A test of write order: whether a copy of several volumes is one point in time.

A client writes 1, 2, 3, ... in blocks, number n to volume n mod k, and n + 1 only after n was
acknowledged. A copy that is one point holds, for some m, all that the client had written when it
had written m, and nothing newer.
"""

from __future__ import annotations

import dataclasses
import struct
import threading
from collections.abc import Callable, Sequence

BLOCK = 4096
_NUMBER = struct.Struct(">Q")

Write = Callable[[str, int, bytes], None]
Read = Callable[[str, int, int], bytes]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """Where each number goes: over the volumes in turn, then to the next block, then round again."""

    volume_ids: Sequence[str]
    blocks: int

    def place(self, number: int) -> tuple[str, int]:
        """Return the volume and the block a number is written to."""
        turn, which = divmod(number - 1, len(self.volume_ids))
        return self.volume_ids[which], turn % self.blocks

    def newest(self, volume_id: str, block: int, *, until: int) -> int:
        """Return the last number up to `until` that was written to a place; 0 for none."""
        first = block * len(self.volume_ids) + self.volume_ids.index(volume_id) + 1
        around = self.blocks * len(self.volume_ids)
        return 0 if until < first else until - (until - first) % around


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a copy was found to hold."""

    reached: int
    """The highest number found."""
    holes: int
    """Places that do not hold what they held when that number was written."""


class ClientRefused(AssertionError):
    """The storage refused the client's write."""


class Writer:
    """A client that writes numbers from a thread of its own until it is refused or stopped."""

    def __init__(self, *, layout: Layout, write: Write) -> None:
        self.layout = layout
        self.acknowledged = 0
        self._write = write
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._refusal: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="write order", daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop after the write under way."""
        self._stop.set()
        self._thread.join(timeout=60)
        if self._thread.is_alive():
            raise AssertionError("A client's write neither succeeded nor failed within 60 s.")

    def await_acknowledged(self, number: int, *, seconds: float = 30.0) -> None:
        """Wait until so many writes were acknowledged.

        Raises `ClientRefused` when one was refused before, AssertionError when it takes too long.
        """
        with self._news:
            self._news.wait_for(lambda: self.acknowledged >= number or self._refusal is not None, timeout=seconds)
        if self.acknowledged >= number:
            return
        if self._refusal is not None:
            raise ClientRefused(f"The write after {self.acknowledged} was refused.") from self._refusal
        raise AssertionError(f"{self.acknowledged} of {number} writes after {seconds:g} s.")

    def _run(self) -> None:
        number = 1
        while not self._stop.is_set():
            volume_id, block = self.layout.place(number)
            try:
                self._write(volume_id, block * BLOCK, _NUMBER.pack(number) * (BLOCK // _NUMBER.size))
            # However a storage refuses its client is a refusal; it is told by who waits for more.
            except Exception as error:
                self._tell(refusal=error)
                return
            self._tell(acknowledged=number)
            number += 1

    def _tell(self, *, acknowledged: int | None = None, refusal: Exception | None = None) -> None:
        with self._news:
            self.acknowledged = self.acknowledged if acknowledged is None else acknowledged
            self._refusal = refusal
            self._news.notify_all()


def judge(layout: Layout, read: Read) -> Verdict:
    """Read a copy and return what it holds."""
    held: dict[tuple[str, int], int] = {}
    for volume_id in layout.volume_ids:
        content = read(volume_id, 0, layout.blocks * BLOCK)
        for block in range(layout.blocks):
            held[volume_id, block] = _number(content[block * BLOCK : (block + 1) * BLOCK])
    reached = max(held.values())
    wrong = [place for place, number in held.items() if number != layout.newest(*place, until=reached)]
    return Verdict(reached=reached, holes=len(wrong))


def _number(content: bytes) -> int:
    """Return the number a block holds, -1 when it holds parts of several."""
    number = int(_NUMBER.unpack_from(content)[0])
    return number if content == _NUMBER.pack(number) * (BLOCK // _NUMBER.size) else -1
