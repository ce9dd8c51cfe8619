"""A call ends in time: by its deadline without progress, or when it is asked to stop."""

from __future__ import annotations

import threading
import time

import pytest

from drivers.base import Call
from drivers.errors import CallCanceled, CallTimedOut


def test_a_call_within_its_deadline_goes_on() -> None:
    call = Call(epoch=1, deadline_seconds=60)

    call.check()

    assert 59 < call.remaining() <= 60


def test_a_call_past_its_deadline_says_how_long_nothing_moved() -> None:
    call = Call(epoch=1, deadline_seconds=0)

    with pytest.raises(CallTimedOut, match="no progress for 0 s") as caught:
        call.check()

    assert caught.value.retryable
    assert call.remaining() == 0


def test_progress_that_moved_on_renews_the_deadline() -> None:
    call = Call(epoch=1, deadline_seconds=0.3)
    began = time.monotonic()

    for done in range(10):
        call.wait(0.06)
        call.progress(done=done, total=10, unit="bytes")

    assert time.monotonic() - began > 0.5


def test_reports_that_nothing_moved_do_not_renew_the_deadline() -> None:
    call = Call(epoch=1, deadline_seconds=0.2)

    def report_the_same() -> None:
        for _ in range(100):
            call.wait(0.02)
            call.progress(done=1, total=10, unit="bytes", waiting_for="the same")

    with pytest.raises(CallTimedOut):
        report_the_same()


def test_waiting_for_something_else_renews_the_deadline() -> None:
    call = Call(epoch=1, deadline_seconds=0.3)

    for number in range(10):
        call.wait(0.06)
        call.progress(done=0, total=10, unit="bytes", waiting_for=f"target {number}")


def test_progress_is_handed_on() -> None:
    told: list[tuple[int, int, str, str]] = []
    call = Call(epoch=1, on_progress=lambda *progress: told.append(progress))

    call.progress(done=1, total=2, unit="bytes", waiting_for="the disk")

    assert told == [(1, 2, "bytes", "the disk")]


@pytest.mark.parametrize("report", [lambda call: call.check(), lambda call: call.wait(30), "progress"])
def test_a_stopped_call_raises_with_the_reason(report: object) -> None:
    told: list[object] = []
    call = Call(epoch=1, on_progress=lambda *progress: told.append(progress))
    call.stop("the operator said so")

    with pytest.raises(CallCanceled, match="the operator said so"):
        report(call) if callable(report) else call.progress(done=1, total=1, unit="bytes")

    assert told == []


def test_a_stop_wakes_a_waiting_call_at_once() -> None:
    call = Call(epoch=1, deadline_seconds=60)
    stopper = threading.Timer(0.05, call.stop, ["enough"])
    began = time.monotonic()
    stopper.start()

    with pytest.raises(CallCanceled):
        call.wait(30)

    stopper.join()
    assert time.monotonic() - began < 10


def test_a_wait_longer_than_the_deadline_ends_with_it() -> None:
    call = Call(epoch=1, deadline_seconds=0.05)
    began = time.monotonic()

    with pytest.raises(CallTimedOut):
        call.wait(30)

    assert time.monotonic() - began < 10


def test_a_short_wait_takes_its_time() -> None:
    began = time.monotonic()

    Call(epoch=1).wait(0.05)

    assert time.monotonic() - began >= 0.05


def test_a_stop_counts_more_than_the_deadline() -> None:
    call = Call(epoch=1, deadline_seconds=0)
    call.stop("enough")

    with pytest.raises(CallCanceled):
        call.check()
