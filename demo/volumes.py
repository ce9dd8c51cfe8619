"""The volumes' data: written and read over NBD as hosts would, and compared by digests.

A digest here is the SHA-256 of all blocks that are not zero, each with its place. What a volume
should hold is kept in memory and digested in the same way, so nothing on the storage is trusted.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from drivers.qemu import nbd

BLOCK = 64 << 10
_PLACES_AT_ONCE = 64


class Volume:
    """One volume as its host knows it."""

    def __init__(self, *, name: str, volume_id: str, size: int) -> None:
        self.name = name
        self.id = volume_id
        self._size = size
        self._blocks: dict[int, bytes] = {}

    def write(self, socket: Path, *, label: str, size: int) -> None:
        """Write so many bytes of the label's own data, spread over the whole volume."""
        fresh = dict(_data(f"{label} {self.name}", size=size, within=self._size))
        with nbd.Connection(path=str(socket), export=self.id) as connection:
            for offset, block in fresh.items():
                connection.submit(offset=offset, data=block)
                connection.settle()
            connection.flush()
        self._blocks |= fresh

    def expected(self) -> str:
        """Return the digest of what was written."""
        return _digest(self._blocks)

    def found(self, socket: Path) -> str:
        """Return the digest of what a site's export gives."""
        return _digest(dict(_read(socket, self.id)))

    def is_served(self, socket: Path) -> bool:
        """Tell whether a site lets clients reach the volume."""
        try:
            nbd.Connection(path=str(socket), export=self.id).close()
        except OSError:
            return False
        return True


def _data(label: str, *, size: int, within: int) -> Iterator[tuple[int, bytes]]:
    """Yield blocks with their offsets; the same ones for the same label."""
    content = hashlib.shake_256(label.encode()).digest(size)
    places = random.Random(label).sample(range(within // BLOCK), size // BLOCK)  # noqa: S311  no secret
    for number, place in enumerate(places):
        yield place * BLOCK, content[number * BLOCK : (number + 1) * BLOCK]


def _read(socket: Path, export: str) -> Iterator[tuple[int, bytes]]:
    """Yield every block that may hold something, with its offset."""
    with nbd.Connection(path=str(socket), export=export, context="base:allocation") as connection:
        offsets = sorted(_allocated(connection.extents()))
    with nbd.Connection(path=str(socket), export=export) as connection:
        for start in range(0, len(offsets), _PLACES_AT_ONCE):
            asked = offsets[start : start + _PLACES_AT_ONCE]
            connection.ask([(offset, BLOCK) for offset in asked])
            yield from zip(asked, map(bytes, connection.answers()), strict=True)


def _allocated(extents: Iterable[tuple[int, int, int]]) -> set[int]:
    return {
        block * BLOCK
        for offset, length, flags in extents
        if not flags & nbd.ZERO
        for block in range(offset // BLOCK, -(-(offset + length) // BLOCK))
    }


def _digest(blocks: Mapping[int, bytes]) -> str:
    whole = hashlib.sha256()
    for offset in sorted(blocks):
        if any(blocks[offset]):
            whole.update(offset.to_bytes(8, "big"))
            whole.update(blocks[offset])
    return whole.hexdigest()
