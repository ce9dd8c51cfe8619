"""The broker made of folders."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import kombu
import pytest

from replsite import spool, transports
from tests.support import processes, spooling

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    transports.register()
    return tmp_path / "spool"


@pytest.fixture
def connection(folder: Path) -> Iterator[kombu.Connection]:
    with kombu.Connection(f"spool://{folder}") as opened:
        opened.connect()
        yield opened


@pytest.fixture
def start(folder: Path, tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def _start(*words: str) -> subprocess.Popen[str]:
        verb, *others = words
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.spooling", verb, f"spool://{folder}", *others],
            env=processes.environment(tmp_path),
            cwd=processes.CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def queue(name: str = spooling.QUEUE) -> kombu.Queue:
    return kombu.Queue(name, kombu.Exchange("replsite"), routing_key=name)


def messages(folder: Path, name: str = spooling.QUEUE) -> list[Path]:
    return [each for each in (folder / "queues" / name).iterdir() if not each.name.startswith(".")]


def test_no_message_is_lost_doubled_or_half_read_between_processes(start: Start, tmp_path: Path) -> None:
    consumers = [start("consume", str(tmp_path / "stop"), "") for _ in range(3)]
    producers = [start("produce", name, "1000") for name in ("a", "b", "c")]

    for process in producers:
        assert process.wait(timeout=60) == 0
    (tmp_path / "stop").touch()
    said = [process.communicate(timeout=60) for process in consumers]

    got = Counter(line for out, _ in said for line in out.split())
    assert [err for _, err in said] == ["", "", ""]
    assert got == Counter(f"{name}-{number}" for name in ("a", "b", "c") for number in range(1000))
    assert sum(bool(out) for out, _ in said) > 1, "one consumer took everything"


def test_a_consumer_killed_with_a_message_loses_that_message_alone(start: Start, tmp_path: Path, folder: Path) -> None:
    start("produce", "a", "100").wait(timeout=60)
    victim = start("consume", str(tmp_path / "stop"), "a-50")
    assert victim.stdout is not None
    taken = [line.strip() for line in iter(victim.stdout.readline, "a-50\n")]
    victim.kill()

    (tmp_path / "stop").touch()
    rest, errors = start("consume", str(tmp_path / "stop"), "").communicate(timeout=60)

    assert errors == ""
    assert sorted(taken + rest.split()) == sorted(f"a-{number}" for number in range(100) if number != 50)
    assert messages(folder) == []


def test_messages_come_in_the_order_they_were_sent(connection: kombu.Connection) -> None:
    simple = connection.SimpleQueue(queue())
    for number in range(20):
        simple.put(number)

    got = [simple.get(timeout=5).payload for _ in range(20)]

    assert got == list(range(20))


def test_a_message_not_acknowledged_comes_back_when_its_consumer_stops(folder: Path) -> None:
    with kombu.Connection(f"spool://{folder}") as first:
        simple = first.SimpleQueue(queue())
        simple.put("one")
        simple.get(timeout=5)

    with kombu.Connection(f"spool://{folder}") as second:
        assert second.SimpleQueue(queue()).get(timeout=5).payload == "one"


def test_waiting_messages_are_counted_and_purged(connection: kombu.Connection, folder: Path) -> None:
    simple = connection.SimpleQueue(queue())
    for _ in range(3):
        simple.put("one")

    assert simple.qsize() == 3
    assert simple.clear() == 3
    assert messages(folder) == []


def test_a_message_is_brought_to_every_queue_of_a_fanout(connection: kombu.Connection, folder: Path) -> None:
    everybody = kombu.Exchange("everybody", type="fanout")
    for name in ("one", "two"):
        kombu.Queue(name, everybody).bind(connection.default_channel).declare()

    connection.Producer().publish("hello", exchange=everybody)

    assert len(messages(folder, "one")) == len(messages(folder, "two")) == 1


def test_a_deleted_queue_gets_nothing_more(connection: kombu.Connection, folder: Path) -> None:
    everybody = kombu.Exchange("everybody", type="fanout")
    bound = kombu.Queue("one", everybody).bind(connection.default_channel)
    bound.declare()

    bound.delete()

    assert not (folder / "queues" / "one").exists()
    assert connection.default_channel.get_table("everybody") == []


@pytest.mark.parametrize("name", ["../outside", "..", "a/b"])
def test_a_queue_stays_inside_the_spool(connection: kombu.Connection, folder: Path, name: str) -> None:
    connection.SimpleQueue(queue(name)).put("one")

    assert {each.name for each in folder.iterdir()} == {"queues", "exchanges", "lock"}
    assert {each.name for each in folder.parent.iterdir()} == {"spool"}
    assert connection.SimpleQueue(queue(name)).get(timeout=5).payload == "one"


def test_what_the_dead_left_is_cleared_and_nothing_else(connection: kombu.Connection, folder: Path) -> None:
    connection.SimpleQueue(queue()).put("waiting")
    half = folder / "queues" / spooling.QUEUE / ".00001-half"
    half.write_text('{"body":')

    spool.clear_leftovers(folder, now=time.time() + spool.LEFTOVER_SECONDS - 5)
    kept_at_first = half.exists()
    spool.clear_leftovers(folder, now=time.time() + 1_000_000)

    assert kept_at_first
    assert not half.exists()
    assert len(messages(folder)) == 1


def test_the_control_queue_of_a_dead_worker_is_forgotten(connection: kombu.Connection, folder: Path) -> None:
    control = kombu.Exchange("celery.pidbox", type="fanout")
    kombu.Queue("celery@gone.celery.pidbox", control).bind(connection.default_channel).declare()
    connection.Producer().publish("shutdown", exchange=control)

    spool.clear_leftovers(folder, now=time.time() + spool.UNREAD_SECONDS - 5)
    kept_at_first = connection.default_channel.get_table("celery.pidbox")
    spool.clear_leftovers(folder, now=time.time() + spool.UNREAD_SECONDS + 5)

    assert len(kept_at_first) == 1
    assert connection.default_channel.get_table("celery.pidbox") == []
    assert not (folder / "queues" / "celery@gone.celery.pidbox").exists()


def test_a_folder_that_cannot_be_made_is_refused_on_connecting(tmp_path: Path) -> None:
    transports.register()
    (tmp_path / "file").touch()

    connection = kombu.Connection(f"spool://{tmp_path}/file/spool")

    with pytest.raises(OSError, match="Not a directory"):
        connection.connect()
