"""What counts as the same row of calls but for attempts, and what does not."""

from __future__ import annotations

import pytest

from drivers.fake.journal import LoggedCall
from tests.faults import logged

NAMES = {"g": "the group"}
STEPS = [["stop_writes"], ["replicate"], ["promote"], ["retire", "enable_replication"]]


def log(*attempts: str) -> list[LoggedCall]:
    """Return calls: a word an attempt, of the calls' numbers from 1; a `!` follows one that somebody died in."""
    methods = [method for step in STEPS for method in step]
    made = []
    for epoch, attempt in enumerate(attempts, 1):
        for place, letter in enumerate(attempt):
            if letter != "!":
                died = attempt[place + 1 : place + 2] == "!"
                made.append(
                    LoggedCall(
                        id=len(made), method=methods[int(letter) - 1], owner="g", backend_id=None, epoch=epoch,
                        process_id=1, started_at=0.0, ended_at=None, outcome=None if died else "ok", touched=(),
                    )
                )  # fmt: skip
    return made


def undisturbed() -> logged.Steps:
    whole = iter(log("12345"))
    return [[logged._plain(next(whole), NAMES) for _ in step] for step in STEPS]


def explains(*attempts: str) -> bool:
    return logged.explains(undisturbed(), logged.attempts(log(*attempts), NAMES), NAMES)


@pytest.mark.parametrize(
    "attempts",
    [
        ["12345"],
        ["12", "345"],
        ["12", "2345"],
        ["123!", "345"],
        ["1234", "45"],
        ["12345!", "45"],
        ["12345", "45"],
        ["1!", "1!", "12345"],
    ],
    ids=str,
)
def test_attempts_that_go_on_where_the_last_one_stopped_are_the_same_row(attempts):
    assert explains(*attempts)


@pytest.mark.parametrize(
    "attempts",
    [
        ["123"],
        ["12", "12345"],
        ["1", "345"],
        ["13245"],
        ["112345"],
        ["1234", "5"],
        ["12345", "345"],
        ["123!45"],
        ["12345", "12345"],
    ],
    ids=str,
)
def test_a_row_with_something_left_out_out_of_order_or_done_again_is_another_one(attempts):
    assert not explains(*attempts)
