"""Real storage: what replicating real bytes with QEMU takes, against `dd` of the same bytes on the same disk."""

from __future__ import annotations

import os
import statistics
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import figures
from bench.figures import Figure
from drivers.base import PRIMARY, Group, Volume
from drivers.qemu import nbd
from tests.drivers.qemu.daemons import Sites

PART = "storage"
_BLOCK = 1 << 20
_TARGET = "target-a"


def measure(*, quick: bool) -> Iterator[Figure]:
    """Measure copy, round, failovers and failback for 1, 10 and 100 volumes with the same bytes altogether."""
    total = (128 if quick else 512) << 20
    alone: dict[str, float] = {}
    for count in (1, 10) if quick else (1, 10, 100):
        sites = Sites(targets=[_TARGET])
        try:
            yield from _measured(sites, count=count, each=total // count // _BLOCK * _BLOCK or _BLOCK, alone=alone)
        finally:
            sites.end()


def _measured(sites: Sites, *, count: int, each: int, alone: dict[str, float]) -> Iterator[Figure]:
    driver = sites.driver()
    volumes = tuple(Volume(id=str(uuid.uuid4()), name=f"v{number}", size_bytes=each * 2) for number in range(count))
    group = Group(id=str(uuid.uuid4()), name="bench", volumes=volumes)
    for volume in volumes:
        driver.create_volume(volume, call=sites.call(1))
        _write(sites, PRIMARY, volume.id, size=each, seed=1)
    driver.create_group(group, call=sites.call(1))
    bare, from_memory = _dd(
        sites.path, [sites.folders[PRIMARY].image(volume.id) for volume in volumes], size=each * count
    )
    yield _figure("dd with fsync, from the same disk", count, bare)
    yield _figure("dd with fsync, from memory", count, from_memory)
    copy = figures.timed(lambda: driver.enable_replication(group, call=sites.call(2, deadline_seconds=600)))
    yield _figure("initial copy", count, copy, floor=bare, floor_of="dd from the same disk")
    for volume in volumes:
        _write(sites, PRIMARY, volume.id, size=max(each // 100, 65536), seed=2)
    seconds = figures.timed(lambda: driver.replicate(group, call=sites.call(3, deadline_seconds=600)))
    yield _figure("a round with 1 % changed", count, seconds)

    def planned() -> None:
        call = sites.call(4, deadline_seconds=600)
        driver.stop_writes(group, call=call)
        driver.replicate(group, backend_id=_TARGET, call=call)
        driver.promote(group, backend_id=_TARGET, call=call)
        driver.retire(group, backend_id=PRIMARY, call=call)

    def back() -> None:
        call = sites.call(5, deadline_seconds=600)
        driver.replicate(group, backend_id=PRIMARY, call=call)
        driver.stop_writes(group, call=call)
        driver.replicate(group, backend_id=PRIMARY, call=call)
        driver.promote(group, backend_id=PRIMARY, call=call)
        driver.retire(group, backend_id=_TARGET, call=call)
        driver.enable_replication(group, call=call)

    def unplanned() -> None:
        driver.promote(group, backend_id=_TARGET, call=sites.call(6, deadline_seconds=600))

    for what, work in {"planned failover": planned, "failback": back, "unplanned failover": unplanned}.items():
        seconds = figures.timed(work)
        floor = alone.setdefault(what, seconds)
        yield _figure(what, count, seconds, floor=floor if count > 1 else None, floor_of="that of 1 volume")


def _figure(what: str, count: int, seconds: float, *, floor: float | None = None, floor_of: str = "") -> Figure:
    return figures.of(PART, f"{what}, {count} volumes", [seconds], floor=floor, floor_of=floor_of if floor else "")


def _write(sites: Sites, side: str, volume_id: str, *, size: int, seed: int) -> None:
    block = (os.urandom(65536) * (_BLOCK // 65536))[:_BLOCK]
    with sites.connect(side, volume_id) as connection:
        for offset in range(0, size, _BLOCK):
            _put(connection, offset, block[: min(_BLOCK, size - offset)], seed=seed)
        connection.flush()


def _put(connection: nbd.Connection, offset: int, block: bytes, *, seed: int) -> None:
    marked = seed.to_bytes(8, "big") + offset.to_bytes(8, "big") + block[16:]
    connection.submit(offset=offset, data=marked)
    connection.settle()


def _dd(folder: Path, images: Sequence[Path], *, size: int) -> tuple[float, float]:
    """Return the medians of what dd takes to copy volumes' images onto stable storage, and to do so from memory.

    The daemons go past the page cache, and so must what reads the same bytes from the same disk.
    """
    target = folder / "dd-target"
    blocks = max(1, size // len(images) >> 20)

    def copied(source: Path, *flags: str) -> None:
        words = ["dd", f"if={source}", f"of={target}", "bs=1M", f"count={blocks}", "conv=fsync", *flags]
        subprocess.run(words, check=True, capture_output=True)
        target.unlink()

    def all_of_them(*flags: str) -> None:
        for image in images:
            copied(image, *flags)

    from_disk = [figures.timed(lambda: all_of_them("iflag=direct")) for _ in range(3)]
    # The first time puts them into memory.
    from_memory = figures.repeated(all_of_them, times=3)
    return statistics.median(from_disk), statistics.median(from_memory)
