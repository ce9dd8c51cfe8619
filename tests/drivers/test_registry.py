"""Drivers are found by name, and a broken one is told apart from an unknown one."""

from __future__ import annotations

import importlib
import pathlib

import pytest

from drivers import registry
from drivers.base import Driver
from drivers.errors import InvalidOptions
from drivers.fake.driver import FakeDriver

BROKEN = {
    "nowhere": "drivers.nowhere:Driver",
    "nothing": "drivers.base:Nothing",
    "number": "drivers.base:PRIMARY",
    "unfinished": "drivers.base:Driver",
}


@pytest.fixture
def broken_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers drivers that cannot be used."""
    for kind, path in BROKEN.items():
        monkeypatch.setitem(registry.DRIVERS, kind, path)


@pytest.fixture
def packaged(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs a package that brings two drivers, one under a name of ours."""
    folder = tmp_path / "elsewhere-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        f"[{registry.ENTRY_POINTS}]\nelsewhere = drivers.fake.driver:FakeDriver\nfake = elsewhere:Shadow\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()


@pytest.mark.parametrize("kind", ["fake", "qemu"])
def test_our_own_drivers_load_and_name_themselves(kind: str) -> None:
    driver = registry.load(kind)

    assert issubclass(driver, Driver)
    assert driver.kind == kind


def test_an_unknown_driver_is_refused_naming_the_known() -> None:
    with pytest.raises(registry.UnknownDriver, match=r"There is no driver 'tape'\. Known drivers: .*fake.*qemu"):
        registry.load("tape")


@pytest.mark.usefixtures("broken_drivers")
@pytest.mark.parametrize(
    "kind, sentence",
    [
        ("nowhere", "cannot be loaded: No module named"),
        ("nothing", "cannot be loaded: .*has no attribute 'Nothing'"),
        ("number", "is not a drivers.base.Driver"),
        ("unfinished", "lacks allow_writes, check_connection, connection, create_group"),
    ],
)
def test_a_broken_driver_is_told_with_its_place(kind: str, sentence: str) -> None:
    with pytest.raises(registry.BrokenDriver, match=f"Driver '{kind}' at {BROKEN[kind]} {sentence}"):
        registry.load(kind)


@pytest.mark.usefixtures("packaged")
def test_another_package_adds_a_driver_but_shadows_none_of_ours() -> None:
    assert registry.load("elsewhere") is FakeDriver
    assert registry.load("fake") is FakeDriver


def test_a_configuration_holds_parsed_values_and_targets_in_order() -> None:
    config = registry.configure(
        "fake", name="here", options={"latency_seconds": "0.5"}, targets={"west": {"host": "w"}, "east": {}}
    )

    assert config.options["latency_seconds"] == 0.5
    assert [target.backend_id for target in config.targets] == ["west", "east"]
    assert config.targets[0].options == {"host": "w", "password": None}


def test_every_problem_of_backend_and_targets_is_named_at_once() -> None:
    with pytest.raises(InvalidOptions) as caught:
        registry.configure(
            "fake", name="here", options={"latency_seconds": "-1"}, targets={"west": {"hots": "w"}, "east": {"port": 1}}
        )

    assert caught.value.problems == [
        "option 'latency_seconds' must be a number of at least 0, not '-1'",
        "target 'west': unknown option 'hots' (known: host, password)",
        "target 'east': unknown option 'port' (known: host, password)",
    ]


def test_a_configuration_shows_no_option_in_its_text() -> None:
    config = registry.configure(
        "fake", name="here", options={"password": "hunter2"}, targets={"t": {"password": "pw9"}}
    )

    assert "hunter2" not in repr(config)
    assert "pw9" not in repr(config)
