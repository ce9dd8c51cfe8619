"""The qemu driver keeps the driver contract, with real daemons."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator

import pytest

from drivers.base import Call, Driver, UndoPoint
from drivers.qemu import layers
from drivers.testing import DriverConformance
from tests.drivers.qemu.daemons import Sites, small_files


class TestQemuDriver(DriverConformance):
    crash_delays = (0.0, 0.004, 0.02)

    @pytest.fixture(autouse=True)
    def storage(self) -> Iterator[None]:
        self.sites = Sites(targets=self.targets)
        yield
        self.sites.end()

    def make_driver(self) -> Driver:
        return self.sites.driver()

    def call(self, epoch: int = 1) -> Call:
        return self.sites.call(epoch)

    def write(self, side: str, volume_id: str, offset: int, data: bytes) -> None:
        self.sites.write(side, volume_id, offset, data)

    def read(self, side: str, volume_id: str, offset: int, length: int) -> bytes:
        return self.sites.read(side, volume_id, offset, length)

    def can_write(self, side: str, volume_id: str) -> bool:
        return self.sites.can_write(side, volume_id)

    def site_down(self, side: str) -> None:
        self.sites.kill(side)

    def site_up(self, side: str) -> None:
        self.sites.start(side)

    def bytes_copied(self) -> int:
        return self.sites.copied

    def inventory(self, side: str) -> Collection[str]:
        folder = self.sites.folders[side]
        records = [path.name for path in folder.records.iterdir() if json.loads(path.read_text())["role"] != "none"]
        undo_points = [str(path.relative_to(folder.path)) for path in folder.undo.rglob("*")]
        copies = [str(path.relative_to(folder.path)) for path in folder.copies.rglob("*")]
        snapshots = [path.name for path in folder.snapshots.iterdir()]
        images = [path.name for path in folder.images.iterdir()]
        return [*records, *images, *undo_points, *copies, *snapshots]

    def read_undo_point(self, point: UndoPoint, volume_id: str, offset: int, length: int) -> bytes:
        return self.sites.read_undo_point(point, volume_id)[offset : offset + length]

    def write_test_copy(self, side: str, copy_id: str, volume_id: str, offset: int, data: bytes) -> None:
        self.sites.write(side, layers.export(copy_id, volume_id), offset, data)

    def rot(self, side: str, volume_id: str, offset: int) -> None:
        self.sites.rot(side, volume_id, offset)

    @contextlib.contextmanager
    def no_room_for_undo_points(self) -> Iterator[None]:
        with small_files(384 << 10):
            yield

    def secrets(self) -> Collection[str]:
        return ["the qemu driver has no secret options"]
