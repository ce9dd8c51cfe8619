"""Writing a qcow2 image from its beginning to its end, with nothing in it but what was written, and
finding what an image holds itself.

Its clusters are as small as a bitmap's marks, so that laid over another image it covers just what
it holds. The header comes last: a file that was not finished is no image.
"""

from __future__ import annotations

import array
import os
import pathlib
import struct
import sys

CLUSTER = 4096
MAGIC = b"QFI\xfb"
"""What an image begins with."""
_ENTRIES = CLUSTER // 8
_COUNTS = CLUSTER // 2
_COPIED = 1 << 63
_PLACE = 0x00FFFFFFFFFFFE00
_SYNCED_TOGETHER = 64 << 20


def allocated(path: pathlib.Path) -> list[tuple[int, int]]:
    """Return offset and length of the stretches that an image holds itself, whatever lies below it.

    Whoever has it open must have flushed it.
    """
    with path.open("rb", buffering=0) as file:
        header = file.read(48)
        cluster = 1 << struct.unpack_from(">I", header, 20)[0]
        entries, tables_at = struct.unpack_from(">IQ", header, 36)
        file.seek(tables_at)
        tables = struct.unpack(f">{entries}Q", file.read(8 * entries))
        found: list[tuple[int, int]] = []
        for number, table in enumerate(tables):
            if not (place := table & _PLACE):
                continue
            file.seek(place)
            for entry, value in enumerate(struct.unpack(f">{cluster // 8}Q", file.read(cluster))):
                if value:
                    offset = (number * (cluster // 8) + entry) * cluster
                    if found and sum(found[-1]) == offset:
                        found[-1] = (found[-1][0], found[-1][1] + cluster)
                    else:
                        found.append((offset, cluster))
        return found


class Writer:
    """One image being written, in ascending order of offsets that are multiples of a cluster."""

    def __init__(self, path: pathlib.Path, *, size_bytes: int) -> None:
        self.written = self._synced = 0
        self._size_bytes = size_bytes
        self._stretches: list[tuple[int, int]] = []
        # Without a buffer: what could not be written must not be tried again when the file is closed.
        self._file = path.open("xb", buffering=0)
        self._file.seek(CLUSTER)

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Add data that ends with a cluster."""
        first, count = offset // CLUSTER, len(data) // CLUSTER
        if self._stretches and sum(self._stretches[-1]) == first:
            first, before = self._stretches.pop()
            count += before
        self._stretches.append((first, count))
        self._put(data)
        self.written += len(data)
        if self.written - self._synced >= _SYNCED_TOGETHER:
            # Little by little, so that the end does not take longer than a call may be silent.
            os.fsync(self._file.fileno())
            self._synced = self.written

    def finish(self) -> None:
        """Write what makes it an image; on return it is on stable storage."""
        first_table = 1 + self.written // CLUSTER
        places, tables = self._tables(first_table)
        for table in tables:
            self._put(_big_endian(table))
        level_1 = array.array("Q", bytes(8 * max(1, -(-self._size_bytes // (CLUSTER * _ENTRIES)))))
        for number, place in places.items():
            level_1[number] = place * CLUSTER | _COPIED
        level_1_at = first_table + len(tables)
        self._put(_big_endian(level_1))
        counts_at = level_1_at + _clusters(8 * len(level_1))
        blocks, table_clusters = _counting(counts_at)
        for place in range(blocks):
            used = min(_COUNTS, counts_at + blocks + table_clusters - place * _COUNTS)
            self._put(struct.pack(">H", 1) * used)
        self._put(_big_endian(array.array("Q", [(counts_at + place) * CLUSTER for place in range(blocks)])))
        self._head(len(level_1), level_1_at, counts_at + blocks, table_clusters)

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()

    def _tables(self, place: int) -> tuple[dict[int, int], list[array.array[int]]]:
        """Return the level-2 tables there have to be, and the cluster each is to be put in."""
        places: dict[int, int] = {}
        tables: list[array.array[int]] = []
        host = 1
        for first, count in self._stretches:
            for cluster in range(first, first + count):
                number, entry = divmod(cluster, _ENTRIES)
                if number not in places:
                    places[number] = place + len(tables)
                    tables.append(array.array("Q", bytes(CLUSTER)))
                tables[-1][entry] = host * CLUSTER | _COPIED
                host += 1
        return places, tables

    def _head(self, level_1: int, level_1_at: int, counts_at: int, count_clusters: int) -> None:
        os.fsync(self._file.fileno())
        self._file.seek(0)
        self._put(
            struct.pack(
                ">4sIQIIQIIQQIIQQQQII",
                *(MAGIC, 3, 0, 0, 12, self._size_bytes, 0, level_1, level_1_at * CLUSTER),
                *(counts_at * CLUSTER, count_clusters, 0, 0, 0, 0, 0, 4, 104),
            )
        )
        os.fsync(self._file.fileno())

    def _put(self, data: bytes | bytearray | memoryview) -> None:
        """Write data and fill its last cluster up."""
        rest = memoryview(bytes(data) + bytes(-len(data) % CLUSTER) if len(data) % CLUSTER else data)
        while rest:
            rest = rest[self._file.write(rest) :]


def _counting(used: int) -> tuple[int, int]:
    """Return how many blocks of reference counts, and clusters of their table, so many clusters need."""
    blocks, table = 1, 1
    while blocks * _COUNTS < used + blocks + table or table * _ENTRIES < blocks:
        blocks = -(-(used + blocks + table) // _COUNTS)
        table = -(-blocks // _ENTRIES)
    return blocks, table


def _clusters(size: int) -> int:
    return -(-size // CLUSTER)


def _big_endian(values: array.array[int]) -> bytes:
    if sys.byteorder == "little":
        values.byteswap()
    return values.tobytes()
