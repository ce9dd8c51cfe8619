"""The command line has the same power as `Control`."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from drivers.base import PRIMARY, Call
from drivers.errors import DriverError, SiteUnavailable
from drivers.fake.__main__ import main

from .conftest import TARGET, World


def test_it_runs_as_a_program(world: World) -> None:
    command = [sys.executable, "-m", "drivers.fake", str(world.control.folder), "log", "--count"]

    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert answer.stdout.splitlines() == ["1 create_group", "3 create_volume", "1 enable_replication"]


def test_a_fault_is_added_listed_and_cleared(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(world.control.folder)
    words = "fault add --call promote --volume 2 --when after --action fail-retryable --times 1"

    assert main([folder, *words.split()]) == 0
    assert main([folder, "fault", "list"]) == 0

    added, listed = capsys.readouterr().out.splitlines()
    assert json.loads(listed)["id"] == int(added)
    with pytest.raises(DriverError):
        world.driver().promote(world.group, backend_id=TARGET, call=Call(epoch=2))
    assert main([folder, "fault", "clear", added]) == 0
    assert capsys.readouterr().out == "1 cleared\n"
    assert world.control.faults() == []


def test_sites_go_down_and_up(world: World) -> None:
    folder = str(world.control.folder)

    main([folder, "site", "down", "default"])

    with pytest.raises(SiteUnavailable):
        world.driver().stop_writes(world.group, call=Call(epoch=2))
    main([folder, "site", "up", "default"])
    world.driver().stop_writes(world.group, call=Call(epoch=2))


def test_a_restarted_site_has_forgotten_to_serve(world: World) -> None:
    main([str(world.control.folder), "site", "restart", "default"])

    assert world.driver().observe(world.group, call=Call(epoch=0)).writable is False
    world.driver().serve(world.group, backend_id=PRIMARY, call=Call(epoch=1))
    assert world.driver().observe(world.group, call=Call(epoch=0)).writable is True


def test_a_text_is_written_as_a_client_would(world: World) -> None:
    volume_id = world.group.volumes[0].id

    main([str(world.control.folder), "write", volume_id, "default", "hello", "--offset", "10"])

    assert world.control.read(side=PRIMARY, volume_id=volume_id, offset=9, length=7) == b"\0hello\0"


def test_a_refused_write_is_told_in_a_sentence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([str(world.control.folder), "write", world.group.volumes[0].id, TARGET, "hello"])

    assert code == 1
    assert "does not serve volume" in capsys.readouterr().err


def test_the_state_is_printed_as_json(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(world.control.folder), "state"])

    told = json.loads(capsys.readouterr().out)
    assert set(told["sides"]) >= {PRIMARY, TARGET}
    assert told["sides"][TARGET]["volumes"][world.group.volumes[0].id]["role"] == "receiver"


def test_a_folder_without_a_storage_is_refused_and_not_made(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nowhere"), "state"]) == 1

    assert "There is no fake storage" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()
