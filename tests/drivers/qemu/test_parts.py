"""The driver's small parts, each by itself."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from drivers import registry
from drivers.base import Call
from drivers.errors import CallTimedOut, InvalidOptions, Refused, SiteUnavailable, StaleEpoch
from drivers.qemu import copying, images, nbd, qmp, record
from drivers.qemu.folder import Folder
from tests.drivers.qemu.daemons import Sites


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Folder:
    made = Folder(tmp_path)
    made.make()
    return made


@pytest.mark.parametrize("size_bytes", [4096, 1 << 20, (1 << 30) + 4096, 3 << 40])
def test_an_overlay_made_by_hand_is_a_sound_qcow2_image(tmp_path: pathlib.Path, size_bytes: int) -> None:
    path = tmp_path / "overlay"

    images.create_overlay(path, size_bytes=size_bytes)

    checked = subprocess.run(["qemu-img", "check", "-f", "qcow2", path], capture_output=True, text=True, check=True)
    assert "No errors were found" in checked.stdout
    told = subprocess.run(["qemu-img", "info", path], capture_output=True, text=True, check=True)
    assert f"({size_bytes} bytes)" in told.stdout or f" {size_bytes} B" in told.stdout


@pytest.mark.parametrize("writes", range(3))
def test_an_overlay_whose_maker_was_killed_is_known_for_unfinished(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    class Dying(io.FileIO):
        left = writes

        def write(self, data: Any, /) -> int:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            return super().write(data) or 0

    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path, "open", lambda path, mode, **_buffer: Dying(path, mode.replace("b", "")))
        with pytest.raises(KeyboardInterrupt):
            images.create_overlay(tmp_path / "overlay", size_bytes=1 << 20)

    assert not images.is_overlay(tmp_path / "overlay")
    images.create_overlay(tmp_path / "overlay", size_bytes=1 << 20)
    assert images.is_overlay(tmp_path / "overlay")


def test_an_image_of_another_size_is_not_touched(folder: Folder) -> None:
    images.create(folder.image("one"), size_bytes=8192)

    with pytest.raises(Refused, match="8192 bytes already"):
        images.create(folder.image("one"), size_bytes=4096)

    assert folder.image("one").stat().st_size == 8192


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 200])
def test_an_id_that_could_leave_the_folder_is_refused(folder: Folder, name: str) -> None:
    with pytest.raises(Refused):
        folder.image(name)


def test_an_older_call_is_refused_and_a_newer_one_remembered_once_saved(folder: Folder) -> None:
    with record.hold(folder, group_id="g", backend_id="", call=Call(epoch=5)) as held:
        held.save()

    with (
        pytest.raises(StaleEpoch, match="epoch 5"),
        record.hold(folder, group_id="g", backend_id="", call=Call(epoch=4)),
    ):
        pass

    assert record.load(folder, group_id="g").epoch == 5


def test_a_record_is_held_by_one_worker_at_a_time(folder: Folder) -> None:
    with record.hold(folder, group_id="g", backend_id="", call=Call(epoch=1)):
        waiting = Call(epoch=1, deadline_seconds=0.1)

        with (
            pytest.raises(CallTimedOut),
            record.hold(folder, group_id="g", backend_id="", call=waiting),
        ):
            pass


def test_differences_are_told_in_runs_of_whole_blocks() -> None:
    old = bytearray(5 * 4096)
    new = bytearray(old)
    new[4096] = new[2 * 4096] = new[-1] = 1

    assert list(copying.differences(old, new)) == [(4096, 3 * 4096), (4 * 4096, 5 * 4096)]
    assert list(copying.differences(old, old)) == []


def test_ranges_of_both_sides_are_united_without_overlap() -> None:
    assert list(copying.union([(0, 10), (30, 10)], [(5, 10), (40, 5), (60, 1)])) == [(0, 15), (30, 15), (60, 1)]


def test_batches_cover_every_byte_once() -> None:
    ranges = [(0, 9 << 20), (100 << 20, 4096)]

    pieces = [piece for batch in copying.batches(ranges) for piece in batch]

    assert sum(length for _, length in pieces) == (9 << 20) + 4096
    assert all(length <= 1 << 20 for _, length in pieces)


def test_commands_are_answered_in_their_order_and_a_refusal_does_not_stop_the_others(sites: Sites) -> None:
    monitor = qmp.Monitor(folder=sites.folders[""], backend_id="", call=sites.call())

    answers = monitor.run(
        [("query-jobs", {}), ("blockdev-del", {"node-name": "none"}), ("query-version", {})], lenient=True
    )
    monitor.close()

    assert answers[0] == []
    assert isinstance(answers[1], qmp.CommandRefused)
    assert answers[2]["qemu"]["major"] >= 7


def test_a_daemon_may_take_longer_over_many_things_at_once_than_over_one() -> None:
    many = {"actions": [{"type": "abort"}] * 300}

    with slow_daemon(seconds=1.5) as folder:
        monitor = qmp.Monitor(folder=folder, backend_id="", call=Call(epoch=1), reply_seconds=1)
        assert monitor.run([("transaction", many)]) == [{}]
        with pytest.raises(SiteUnavailable, match="says nothing"):
            monitor.ask("transaction", actions=[])


@contextlib.contextmanager
def slow_daemon(*, seconds: float) -> Iterator[Folder]:
    """Serve one caller who waits that long for each transaction; yield the folder to find it in."""
    with tempfile.TemporaryDirectory(prefix="rq-") as path, socket.socket(socket.AF_UNIX) as listener:
        folder = Folder(pathlib.Path(path))
        folder.make()
        listener.bind(str(next(iter(folder.monitor_sockets()))))
        listener.listen()
        folder.pid_file.write_text("1")

        def serve() -> None:
            caller, _ = listener.accept()
            with caller, contextlib.suppress(OSError):
                caller.sendall(b'{"QMP": {}}\n')
                for asked in _asked(caller):
                    if asked["execute"] == "transaction":
                        time.sleep(seconds)
                    caller.sendall(json.dumps({"return": {}, "id": asked["id"]}).encode() + b"\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield folder
        thread.join()


def _asked(caller: socket.socket) -> Iterator[dict[str, str]]:
    """Yield what a caller asks, who puts nothing behind its last question."""
    said = ""
    while chunk := caller.recv(1 << 20):
        said += chunk.decode()
        with contextlib.suppress(ValueError):
            asked, end = json.JSONDecoder().raw_decode(said)
            yield asked
            said = said[end:].lstrip()


def test_many_callers_share_a_daemon_without_waiting_for_each_other_to_hang_up(sites: Sites) -> None:
    monitors = [qmp.Monitor(folder=sites.folders[""], backend_id="", call=sites.call()) for _ in range(5)]
    answers: list[object] = []

    threads = [threading.Thread(target=lambda each=each: answers.append(each.ask("query-jobs"))) for each in monitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [[]] * 5
    for monitor in monitors:
        monitor.close()


def test_an_unknown_export_is_refused_by_name(sites: Sites) -> None:
    with pytest.raises(nbd.NbdError, match="refused"):
        sites.connect("", "nothing")


def test_two_sides_in_one_folder_are_refused(tmp_path: pathlib.Path) -> None:
    config = registry.configure(
        "qemu", name="q", options={"site": str(tmp_path)}, targets={"a": {"site": f"{tmp_path}/."}}
    )

    with pytest.raises(InvalidOptions, match="own"):
        registry.load("qemu")(config)
