"""What the fake driver is beyond the contract: its file, its log, its pace."""

from __future__ import annotations

import os
import pathlib
import shutil
import sqlite3
import tempfile
import time

import pytest

from drivers import registry
from drivers.base import PRIMARY, BackendConfig, Call, Group
from drivers.errors import DriverError, Refused, StaleEpoch
from drivers.fake import copies, state
from drivers.fake.control import Control

from .conftest import OTHER, TARGET, World, make_driver, make_group


def config(**options: str) -> BackendConfig:
    return BackendConfig(name="rack/1@fake#pool", options=options, targets=())


def test_it_says_that_it_is_for_tests() -> None:
    assert "tests" in registry.load("fake").summary
    assert "keeps nobody's data" in registry.load("fake").summary


def test_its_folder_is_the_option_state(tmp_path: pathlib.Path) -> None:
    assert state.folder_of(config(state=str(tmp_path))) == tmp_path


def test_its_folder_is_else_in_the_site_s_state_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLSITE_STATE_DIR", str(tmp_path))

    assert state.folder_of(config()) == tmp_path / "fake" / "rack%2F1@fake#pool"


def test_its_folder_is_else_in_the_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLSITE_STATE_DIR", raising=False)

    assert pathlib.Path(tempfile.gettempdir()) in state.folder_of(config()).parents


def test_a_file_of_another_layout_is_refused_with_what_to_do(world: World) -> None:
    connection = sqlite3.connect(world.control.folder / "state.sqlite3")
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(DriverError, match="remove the folder"):
        world.driver().observe(world.group, call=Call(epoch=0))


def test_a_storage_that_was_removed_and_made_anew_knows_nothing_of_the_old_one(world: World) -> None:
    world.driver().observe(world.group, call=Call(epoch=0))
    shutil.rmtree(world.control.folder)

    facts = world.driver().observe(world.group, call=Call(epoch=0))

    assert facts.active_side is None
    assert not world.control.log(group_id=world.group.id)[:-1]


def test_calls_leave_few_files_open(tmp_path: pathlib.Path) -> None:
    make_driver(tmp_path / "first").check_connection(call=Call(epoch=0))
    before = len(os.listdir("/proc/self/fd"))

    for number in range(100):
        make_driver(tmp_path / str(number)).check_connection(call=Call(epoch=0))

    assert len(os.listdir("/proc/self/fd")) - before < 60


def test_an_unusable_folder_is_a_driver_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DriverError, match="state folder cannot be used"):
        make_driver(tmp_path / "file").check_connection(call=Call(epoch=0))


def test_every_call_is_logged_with_its_epoch_and_end(world: World) -> None:
    driver = world.driver()
    driver.stop_writes(world.group, call=Call(epoch=5))
    with pytest.raises(StaleEpoch):
        driver.allow_writes(world.group, call=Call(epoch=4))

    logged = world.control.log(group_id=world.group.id)[-2:]

    assert [(call.method, call.epoch, call.outcome) for call in logged] == [
        ("stop_writes", 5, "ok"),
        ("allow_writes", 4, "stale_epoch"),
    ]
    assert all(call.ended_at is not None and call.ended_at >= call.started_at for call in logged)


def test_a_promotion_touches_the_promoted_side_alone(world: World) -> None:
    world.driver().promote(world.group, backend_id=TARGET, call=Call(epoch=2))

    assert [call.touched for call in world.control.log(method="promote")] == [(TARGET,)]


def test_the_log_can_be_emptied(world: World) -> None:
    world.control.forget_log()

    assert world.control.log() == []


def test_an_unknown_target_is_refused_naming_the_known(world: World) -> None:
    with pytest.raises(Refused, match="'east', 'west'"):
        world.driver().promote(world.group, backend_id="north", call=Call(epoch=2))


def test_replicating_what_is_not_enabled_is_refused(world: World) -> None:
    driver = world.driver()
    driver.disable_replication(world.group, call=Call(epoch=1))

    with pytest.raises(Refused, match="not enabled"):
        driver.replicate(world.group, call=Call(epoch=1))


def test_enabling_without_a_target_is_refused(tmp_path: pathlib.Path) -> None:
    made = registry.configure("fake", name="alone", options={"state": str(tmp_path)}, targets={})

    with pytest.raises(Refused, match="no replication target"):
        registry.load("fake")(made).enable_replication(Group(id="g", name="g", volumes=()), call=Call(epoch=1))


def test_an_old_primary_that_comes_back_is_told_of_in_the_detail(world: World) -> None:
    world.driver().promote(world.group, backend_id=TARGET, call=Call(epoch=2))

    facts = world.driver().observe(world.group, call=Call(epoch=0))

    assert facts.active_side == TARGET
    assert facts.detail == "The primary still takes itself for the active side."
    with pytest.raises(Refused):
        world.driver().serve(world.group, backend_id=PRIMARY, call=Call(epoch=2))


def test_bytes_behind_count_what_a_target_lacks(world: World) -> None:
    world.control.write(side=PRIMARY, volume_id=world.group.volumes[0].id, offset=100, data=bytes(5000))

    facts = world.driver().observe(world.group, call=Call(epoch=0))

    assert facts.side(TARGET).bytes_behind == 2 * 4096


def test_a_failover_from_one_target_to_the_other_loses_nothing(world: World) -> None:
    driver, volume_id = world.driver(), world.group.volumes[0].id
    driver.promote(world.group, backend_id=TARGET, call=Call(epoch=2))
    driver.retire(world.group, backend_id=PRIMARY, call=Call(epoch=2))
    world.control.write(side=TARGET, volume_id=volume_id, offset=0, data=b"from the east")

    driver.stop_writes(world.group, call=Call(epoch=3))
    driver.replicate(world.group, backend_id=OTHER, call=Call(epoch=3))
    driver.promote(world.group, backend_id=OTHER, call=Call(epoch=3))

    assert world.control.read(side=OTHER, volume_id=volume_id, offset=0, length=13) == b"from the east"


def test_the_time_a_volume_takes_is_told_as_progress(world: World) -> None:
    told: list[tuple[int, int, str]] = []
    call = Call(epoch=2, on_progress=lambda done, total, unit, waiting_for: told.append((done, total, unit)))
    began = time.monotonic()

    world.driver(seconds_per_volume=0.02).promote(world.group, backend_id=TARGET, call=call)

    assert told == [(1, 3, "volumes"), (2, 3, "volumes"), (3, 3, "volumes")]
    assert time.monotonic() - began >= 0.06


def test_latency_is_taken_by_every_call(world: World) -> None:
    began = time.monotonic()

    world.driver(latency_seconds=0.05).observe(world.group, call=Call(epoch=0))

    assert time.monotonic() - began >= 0.05


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement sent to the state file."""
    seen: list[str] = []
    connect = state._connect

    def traced(folder: pathlib.Path) -> state._Opened:
        opened = connect(folder)
        opened.connection.set_trace_callback(seen.append)
        return opened

    monkeypatch.setattr(state, "_connect", traced)
    return seen


def test_no_call_takes_more_statements_for_more_volumes(tmp_path: pathlib.Path, statements: list[str]) -> None:
    counts = []

    for number in (2, 40):
        driver = make_driver(tmp_path / str(number))
        group = make_group(driver, number)
        statements.clear()
        driver.enable_replication(group, call=Call(epoch=1))
        driver.stop_writes(group, call=Call(epoch=2))
        driver.replicate(group, call=Call(epoch=2))
        driver.promote(group, backend_id=TARGET, call=Call(epoch=2))
        driver.retire(group, backend_id=PRIMARY, call=Call(epoch=2))
        driver.digest(group, backend_id=TARGET, call=Call(epoch=2))
        driver.observe(group, call=Call(epoch=0))
        driver.delete_group(group, call=Call(epoch=2))
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_reading_and_writing_keep_to_what_clients_may(world: World) -> None:
    volume_id = world.group.volumes[0].id
    control: Control = world.control

    with pytest.raises(Refused, match="does not serve"):
        control.read(side=TARGET, volume_id=volume_id, offset=0, length=1)
    with pytest.raises(Refused, match="ends at byte"):
        control.write(side=PRIMARY, volume_id=volume_id, offset=(1 << 20) - 1, data=b"two")
    control.write(side=PRIMARY, volume_id=volume_id, offset=4094, data=b"across")
    assert control.read(side=PRIMARY, volume_id=volume_id, offset=4093, length=8) == b"\0across\0"


def test_what_a_group_costs_does_not_grow_with_the_other_groups(world: World) -> None:
    read: list[str] = []
    with state.State(world.control.folder) as opened, opened.snapshot() as connection:
        connection.set_trace_callback(read.append)
        copies.strangers(connection, [PRIMARY], world.group.id, world.group.volumes)
        connection.set_trace_callback(None)
        plans = [str(dict(row)) for sql in read for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]

    assert any("INDEX copies_of_groups" in plan for plan in plans), plans
    assert not any("SCAN copies" in plan for plan in plans), plans
