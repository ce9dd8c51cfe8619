"""Failing over and back with real daemons: who is called, how much is copied, who is served."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from drivers.base import PRIMARY, Group
from drivers.errors import NoRecoveryPoint, Refused, SiteUnavailable, StaleEpoch
from tests.drivers.qemu.daemons import Sites

TARGET = "target-a"
MIB = 1 << 20


@contextlib.contextmanager
def _impostor(sites: Sites, side: str) -> Iterator[list[str]]:
    """Put sockets that accept and never answer where a dead side's were; yield who connected."""
    folder, calls, ending = sites.folders[side], [], threading.Event()
    servers = []
    for path in [folder.nbd_socket, *folder.monitor_sockets()]:
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(os.fspath(path))
        server.listen()
        server.settimeout(0.05)
        servers.append(server)
    folder.pid_file.write_text(f"{os.getpid()}\n")

    def listen(server: socket.socket) -> None:
        held = []
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                held.append(server.accept()[0])
                calls.append(server.getsockname())
        for connection in [*held, server]:
            connection.close()

    threads = [threading.Thread(target=listen, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def _replicated(sites: Sites, *, size_bytes: int = 16 * MIB) -> Group:
    group = sites.group(2, size_bytes=size_bytes)
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, 0, random.randbytes(8 * MIB))
    sites.driver().enable_replication(group, call=sites.call())
    return group


def _equal(sites: Sites, group: Group) -> bool:
    driver = sites.driver()
    digests = [driver.digest(group, backend_id=side, call=sites.call()) for side in (PRIMARY, TARGET)]
    return digests[0] == digests[1]


def _fail_over(sites: Sites, group: Group, *, source: str, side: str, epoch: int) -> None:
    driver = sites.driver()
    driver.stop_writes(group, call=sites.call(epoch))
    driver.replicate(group, backend_id=side, call=sites.call(epoch))
    driver.promote(group, backend_id=side, call=sites.call(epoch))
    driver.retire(group, backend_id=source, call=sites.call(epoch))


def test_the_unplanned_path_never_connects_to_the_primary(sites: Sites) -> None:
    group = _replicated(sites)
    sites.kill(PRIMARY)

    with _impostor(sites, PRIMARY) as calls:
        facts = sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))

        assert facts.active_side == TARGET
        assert sites.can_write(TARGET, group.volumes[0].id)
        assert calls == []
        # The impostor does count: a look at all sides calls on it, and is not held up for long.
        began = time.monotonic()
        looked = sites.driver().observe(group, call=sites.call(0))
        assert time.monotonic() - began < 3
        assert looked.side(PRIMARY).reachable is False
        assert calls


def test_the_way_that_is_told_leads_a_foreign_client_to_the_data_on_the_active_side_alone(sites: Sites) -> None:
    group = sites.group(1)
    volume, written = group.volumes[0], random.randbytes(MIB)
    sites.write(PRIMARY, volume.id, 0, written)
    sites.driver().enable_replication(group, call=sites.call())
    _fail_over(sites, group, source=PRIMARY, side=TARGET, epoch=2)
    found = {}

    for side in (PRIMARY, TARGET):
        connection = sites.driver().connection(volume.id, backend_id=side)
        copy = sites.path / "copy.raw"
        words = ["qemu-img", "convert", "-f", "raw", "-O", "raw", str(connection.data["uri"]), str(copy)]
        found[side] = copy.read_bytes()[:MIB] if not subprocess.run(words, check=False).returncode else None

    assert found == {PRIMARY: None, TARGET: written}


def test_failback_after_a_planned_failover_moves_what_changed_and_no_more(sites: Sites) -> None:
    group = _replicated(sites)
    _fail_over(sites, group, source=PRIMARY, side=TARGET, epoch=2)
    for volume in group.volumes:
        sites.write(TARGET, volume.id, 4 * MIB, random.randbytes(MIB))
    before = sites.copied

    sites.driver().replicate(group, backend_id=PRIMARY, call=sites.call(3))
    _fail_over(sites, group, source=TARGET, side=PRIMARY, epoch=3)

    assert 2 * MIB <= sites.copied - before <= 1.5 * 2 * MIB
    # Asked for again once it is over, the way back has nothing left to do.
    sites.driver().replicate(group, backend_id=PRIMARY, call=sites.call(3))
    before = sites.copied
    sites.driver().enable_replication(group, call=sites.call(4))
    assert sites.copied - before == 0
    assert _equal(sites, group)


def test_failback_after_a_crash_moves_what_changed_on_either_side_and_no_more(sites: Sites) -> None:
    group = _replicated(sites)
    sites.write(PRIMARY, group.volumes[0].id, 0, random.randbytes(MIB))
    sites.kill(PRIMARY)
    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
    sites.write(TARGET, group.volumes[1].id, 4 * MIB, random.randbytes(2 * MIB))
    sites.start(PRIMARY)
    before = sites.copied

    sites.driver().replicate(group, backend_id=PRIMARY, call=sites.call(3))

    assert 3 * MIB <= sites.copied - before <= 1.5 * 3 * MIB
    assert _equal(sites, group)


def test_failback_to_a_primary_that_went_on_without_anybody_knowing_discards_its_writes(sites: Sites) -> None:
    group = _replicated(sites)
    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
    sites.write(PRIMARY, group.volumes[0].id, 0, random.randbytes(MIB))

    sites.driver().retire(group, backend_id=PRIMARY, call=sites.call(2))
    assert not sites.can_write(PRIMARY, group.volumes[0].id)
    sites.driver().replicate(group, backend_id=PRIMARY, call=sites.call(3))

    assert _equal(sites, group)


def test_a_round_after_the_primary_was_started_again_copies_only_what_differs(sites: Sites) -> None:
    group = _replicated(sites)
    sites.write(PRIMARY, group.volumes[0].id, 0, random.randbytes(MIB))
    sites.kill(PRIMARY)
    sites.start(PRIMARY)
    sites.driver().serve(group, backend_id=PRIMARY, call=sites.call())
    before = sites.copied

    sites.driver().replicate(group, call=sites.call())

    assert MIB <= sites.copied - before <= 1.5 * MIB
    assert _equal(sites, group)


def test_a_primary_that_was_superseded_while_dead_is_not_served(sites: Sites) -> None:
    group = _replicated(sites)
    sites.kill(PRIMARY)
    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
    sites.start(PRIMARY)

    with pytest.raises(Refused, match="not the active side"):
        sites.driver().serve(group, backend_id=PRIMARY, call=sites.call(2))

    assert not sites.can_write(PRIMARY, group.volumes[0].id)
    facts = sites.driver().observe(group, call=sites.call(0))
    assert facts.active_side == TARGET
    assert "still takes itself for the active side" in facts.detail


def test_a_promoted_side_is_served_with_its_writes_after_a_restart(sites: Sites) -> None:
    group = _replicated(sites)
    sites.kill(PRIMARY)
    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
    written = random.randbytes(MIB)
    sites.write(TARGET, group.volumes[0].id, 0, written)
    sites.kill(TARGET)
    sites.start(TARGET)
    assert not sites.can_write(TARGET, group.volumes[0].id)

    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))

    assert sites.read(TARGET, group.volumes[0].id, 0, MIB) == written
    sites.start(PRIMARY)
    sites.driver().replicate(group, backend_id=PRIMARY, call=sites.call(3))
    assert _equal(sites, group)


def test_observing_tells_lag_and_bytes_behind(sites: Sites) -> None:
    group = _replicated(sites)
    sites.write(PRIMARY, group.volumes[1].id, 0, random.randbytes(MIB))

    facts = sites.driver().observe(group, call=sites.call(0))

    target = facts.side(TARGET)
    assert target.bytes_behind == MIB
    assert target.consistent_at is not None
    assert 0 < facts.observed_at - target.consistent_at < 60
    assert facts.detail == ""


@pytest.mark.parametrize("failing", ["kill", "freeze"])
def test_a_site_that_does_not_answer_is_told_soon(sites: Sites, failing: str) -> None:
    group = _replicated(sites)
    getattr(sites, failing)(TARGET)

    began = time.monotonic()
    facts = sites.driver().observe(group, call=sites.call(0))

    # Far below the deadline of the call; how fast it is on an idle machine is not asserted.
    assert time.monotonic() - began < 5
    assert facts.side(TARGET).reachable is False
    with pytest.raises(SiteUnavailable):
        sites.driver().replicate(group, backend_id=TARGET, call=sites.call())


def test_a_late_worker_of_an_older_epoch_cannot_end_its_round_after_a_promotion(sites: Sites) -> None:
    group = _replicated(sites)
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, 0, random.randbytes(8 * MIB))
    promoted = threading.Event()

    def promote_meanwhile(done: int, total: int, unit: str, waiting_for: str) -> None:
        if not promoted.is_set():
            promoted.set()
            sites.driver().promote(group, backend_id=TARGET, call=sites.call(3))

    late = type(sites.call())(epoch=2, on_progress=promote_meanwhile)
    with pytest.raises((StaleEpoch, SiteUnavailable)):
        sites.driver().replicate(group, backend_id=TARGET, call=late)

    assert promoted.is_set()
    assert sites.driver().observe(group, call=sites.call(0)).active_side == TARGET
    with pytest.raises(StaleEpoch):
        sites.driver().retire(group, backend_id=TARGET, call=sites.call(2))


def test_a_target_whose_first_copy_was_cut_off_holds_no_point(sites: Sites) -> None:
    group = sites.group(2, size_bytes=16 * MIB)
    sites.write(PRIMARY, group.volumes[0].id, 0, random.randbytes(8 * MIB))
    # What is under way is told once more after it died.
    call = type(sites.call())(epoch=1, on_progress=lambda *_: PRIMARY in sites.processes and sites.kill(PRIMARY))

    with pytest.raises(SiteUnavailable):
        sites.driver().enable_replication(group, call=call)

    with pytest.raises(NoRecoveryPoint):
        sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
    assert sites.driver().observe(group, sides=[TARGET], call=sites.call(0)).side(TARGET).consistent_at is None
