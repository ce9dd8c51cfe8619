"""The page that compares us with Cinder names tests that are there, and leaves nothing out."""

from __future__ import annotations

import re

from tests.faults.eighteen import scenarios
from tests.support import processes

PAGE = (processes.CHECKOUT / "docs" / "compared-with-cinder.md").read_text(encoding="utf-8")
HELD = (*range(1, 10), 11, 16, 17, 18, 20, 24)
NUMBERS = {*(f"W{number}" for number in HELD), *(f"C{number}" for number in range(1, 10))}
ROW = re.compile(r"^\| ((?:[WC]\d+(?:, )?)+) \|.*\| `(test_\w+)` \|$", re.MULTILINE)


def names_here() -> set[str]:
    """Return the names of all tests of this room."""
    room = processes.CHECKOUT / "tests" / "faults" / "cinder_weaknesses"
    found = [
        re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE) for path in room.glob("*.py")
    ]
    return {name for names in found for name in names}


def numbers_of(test: str) -> set[str]:
    """Return the numbers a test's name begins with."""
    return set(re.match(r"test_((?:[wc]\d+_)*)", test)[1].upper().split("_")) - {""}


def test_each_test_the_page_names_is_there_and_is_about_what_its_line_says() -> None:
    rows = ROW.findall(PAGE)

    assert len(rows) == PAGE.count("`test_")
    assert [test for _, test in rows if test not in names_here()] == []
    assert [test for numbers, test in rows if not set(numbers.split(", ")) <= numbers_of(test)] == []


def test_each_weakness_has_a_line_on_the_page_and_a_test() -> None:
    listed = {number for numbers, _ in ROW.findall(PAGE) for number in numbers.split(", ")}
    held = {number for test in names_here() for number in numbers_of(test)}

    assert listed == NUMBERS
    assert held == NUMBERS


def test_each_of_the_eighteen_scenarios_is_on_the_page() -> None:
    rows = re.findall(r"^\| ([^|`]+) \| ([^|`]*) ?\| [^|`]+ \|$", PAGE.partition("## Eighteen")[2], re.MULTILINE)
    told = {name: cinder.strip() == "stuck for good" for name, cinder in rows[2:]}

    assert told == {scenario.name: scenario.lost_on_cinder for scenario in scenarios.SCENARIOS}
