"""A fake storage of one group, with power over it."""

from __future__ import annotations

import dataclasses
import pathlib
import uuid
from collections.abc import Mapping

import pytest

from drivers import registry
from drivers.base import PRIMARY, Call, Driver, Group, Volume
from drivers.fake.control import Control

TARGET = "east"
OTHER = "west"


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """One storage, one group of three volumes, enabled in epoch 1."""

    control: Control
    group: Group

    def driver(self, **options: object) -> Driver:
        """Return a driver as another process would make it."""
        return make_driver(self.control.folder, **options)

    def roles(self) -> Mapping[str, list[str]]:
        """Return the role of each member, in order, on the primary and the target."""
        sides = self.control.state()["sides"]
        assert isinstance(sides, dict)
        return {
            side: [sides[side]["volumes"][volume.id]["role"] for volume in self.group.volumes]
            for side in (PRIMARY, TARGET)
        }


def make_driver(folder: pathlib.Path, **options: object) -> Driver:
    """Return a driver over the storage in a folder."""
    config = registry.configure(
        "fake", name="here@fake", options={"state": str(folder), **options}, targets={TARGET: {}, OTHER: {}}
    )
    return registry.load("fake")(config)


def make_group(driver: Driver, count: int) -> Group:
    """Make volumes and a group of them, replicated, in epoch 1."""
    volumes = tuple(
        Volume(id=str(uuid.uuid4()), name=f"volume-{number}", size_bytes=1 << 20) for number in range(count)
    )
    group = Group(id=str(uuid.uuid4()), name="group", volumes=volumes)
    for volume in volumes:
        driver.create_volume(volume, call=Call(epoch=1))
    driver.create_group(group, call=Call(epoch=1))
    driver.enable_replication(group, call=Call(epoch=1))
    return group


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    """A fresh storage with its group."""
    folder = tmp_path / "storage"
    return World(control=Control(folder=folder), group=make_group(make_driver(folder), 3))
