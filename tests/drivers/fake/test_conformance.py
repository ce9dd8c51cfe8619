"""The fake driver keeps the driver contract."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Collection, Iterator

import pytest

from drivers import registry
from drivers.base import Driver, UndoPoint
from drivers.fake.control import Control
from drivers.testing import DriverConformance

_SECRETS = ("hunter2-of-the-backend", "hunter2-of-target-a", "hunter2-of-target-b")


class TestFakeDriver(DriverConformance):
    crash_delays = (0.0005, 0.002, 0.004)
    seconds_per_volume = 0.0

    @pytest.fixture(autouse=True)
    def storage(self, tmp_path: pathlib.Path) -> None:
        self.control = Control(folder=tmp_path / "state")

    def make_driver(self) -> Driver:
        config = registry.configure(
            "fake",
            name="conformance@fake",
            options={
                "state": str(self.control.folder),
                "password": _SECRETS[0],
                "seconds_per_volume": self.seconds_per_volume,
            },
            targets={side: {"password": secret} for side, secret in zip(self.targets, _SECRETS[1:], strict=True)},
        )
        return registry.load("fake")(config)

    def write(self, side: str, volume_id: str, offset: int, data: bytes) -> None:
        self.control.write(side=side, volume_id=volume_id, offset=offset, data=data)

    def read(self, side: str, volume_id: str, offset: int, length: int) -> bytes:
        return self.control.read(side=side, volume_id=volume_id, offset=offset, length=length)

    def can_write(self, side: str, volume_id: str) -> bool:
        return self.control.can_write(side=side, volume_id=volume_id)

    def site_down(self, side: str) -> None:
        self.control.site_down(side)

    def site_up(self, side: str) -> None:
        self.control.site_restart(side)

    def bytes_copied(self) -> int:
        return self.control.bytes_copied()

    def inventory(self, side: str) -> Collection[str]:
        return self.control.inventory(side)

    def secrets(self) -> Collection[str]:
        return _SECRETS

    def read_undo_point(self, point: UndoPoint, volume_id: str, offset: int, length: int) -> bytes:
        return self.control.read_undo_point(point_id=point.id, volume_id=volume_id, offset=offset, length=length)

    def write_test_copy(self, side: str, copy_id: str, volume_id: str, offset: int, data: bytes) -> None:
        self.control.write_test_copy(copy_id=copy_id, volume_id=volume_id, offset=offset, data=data)

    def rot(self, side: str, volume_id: str, offset: int) -> None:
        self.control.flip(side=side, volume_id=volume_id, offset=offset)

    @contextlib.contextmanager
    def no_room_for_undo_points(self) -> Iterator[None]:
        self.control.limit_undo_points(4096)
        yield
        self.control.limit_undo_points(None)

    def test_a_round_that_takes_its_time_gives_one_point_all_the_same(self) -> None:
        self.seconds_per_volume = 0.005

        self.test_unplanned_failover_under_load_gives_one_point_of_the_whole_group()
