"""What may hang is done by one thread, and nobody waits long for it."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator

import pytest

from groups import sending
from tests.support import processes


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Closed until it is set; whoever hangs at it goes on in the end."""
    event = threading.Event()
    yield event
    event.set()


def test_who_hands_in_what_goes_well_is_told_so():
    assert sending.Sender().hand_in(lambda: True)


def test_only_the_first_waits_a_moment_for_what_hangs(gate):
    sender, sent = sending.Sender(), []
    began = time.monotonic()

    first = sender.hand_in(gate.wait)
    waited = time.monotonic() - began
    others = [sender.hand_in(lambda number=number: sent.append(number) or True) for number in range(20)]
    in_all = time.monotonic() - began

    assert not first
    assert not any(others)
    assert waited >= sending.PATIENCE_SECONDS
    assert in_all - waited < sending.PATIENCE_SECONDS
    gate.set()
    processes.wait_until(lambda: sent == list(range(20)), what="the others to be sent, in their order")


def test_once_something_goes_well_one_is_waited_for_again(gate):
    sender = sending.Sender()
    sender.hand_in(gate.wait)

    gate.set()
    processes.wait_until(lambda: sender.hand_in(lambda: True), what="the sender to catch up")

    assert sender.hand_in(lambda: time.sleep(0.1) or True)


def test_however_much_is_handed_in_one_thread_hangs_and_the_line_stays_short(gate):
    sender, sent = sending.Sender(), []
    before = threading.active_count()
    sender.hand_in(gate.wait)

    for number in range(3 * sending.LONGEST_LINE):
        sender.hand_in(lambda number=number: sent.append(number) or True)

    assert threading.active_count() == before + 1
    gate.set()
    processes.wait_until(lambda: len(sent) >= sending.LONGEST_LINE, what="the line to be worked off")
    assert sent == list(range(sending.LONGEST_LINE))


def test_the_sender_outlives_what_is_raised():
    sender = sending.Sender()

    def fail() -> bool:
        raise ValueError("from a library")

    assert not sender.hand_in(fail)
    assert sender.hand_in(lambda: True)


def test_a_forked_process_sends_too(gate):
    sending.hand_in(gate.wait)
    context = multiprocessing.get_context("fork")
    result = context.Queue()
    child = context.Process(target=lambda: result.put(sending.hand_in(lambda: True)))

    child.start()

    assert result.get(timeout=60)
    child.join(60)
