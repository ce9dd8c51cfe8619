"""What the measurements end in: medians with their spread, held against a floor of the same run."""

from __future__ import annotations

import dataclasses
import json

import pytest

from bench import __main__ as program, figures


def test_a_figure_is_the_median_of_what_was_measured_with_its_spread():
    found = figures.of("part", "what", [3.0, 1.0, 2.0])

    assert (found.median, found.least, found.most) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize("floor, ratio", [(0.5, 4.0), (None, None)])
def test_a_figure_is_held_against_its_floor_where_there_is_one(floor, ratio):
    assert figures.of("part", "what", [2.0], floor=floor).ratio == ratio


def test_a_figure_survives_the_way_from_one_process_to_another():
    found = figures.of("part", "what", [2.0], floor=0.5, floor_of="less")

    assert figures.Figure(**json.loads(json.dumps(dataclasses.asdict(found)))) == found


def test_the_table_shows_small_times_in_milliseconds_and_other_units_as_they_are():
    table = figures.table(
        [
            figures.of("lists", "a page", [0.0125], floor=0.01, floor_of="bare"),
            figures.of("memory", "web", [120.0], unit="MiB"),
        ]
    )

    assert "| lists | a page | 12.5 ms | 12.5 ms | 12.5 ms | 10 ms (bare) | 1.25 |" in table
    assert "| memory | web | 120 MiB |" in table


def test_what_is_written_says_on_what_it_was_measured():
    written = program._written({"embedded": [figures.of("part", "what", [2.0], floor=1.0)]}, quick=True)

    assert written["machine"]["cores"] >= 1
    assert written["versions"]["Django"]
    assert written["figures"]["embedded"][0]["ratio"] == 2.0
