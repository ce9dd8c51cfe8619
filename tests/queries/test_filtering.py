"""Filters as clients write them."""

from __future__ import annotations

import datetime

import pytest

from groups import errors
from groups.queries import filtering


@pytest.mark.parametrize("zone", ["Z", "", "-18:58", "+23:59"])
def test_a_time_reaches_the_database_in_utc_whatever_zone_it_was_said_in(zone: str) -> None:
    # PostgreSQL knows no zone farther away than 16 hours.
    found = filtering.moment(f"2026-11-22T11:49:12{zone}", name="since")

    assert found.tzinfo is datetime.UTC


@pytest.mark.parametrize("text", ["soon", "2026-02-30", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_what_no_database_can_hold_as_a_time_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidInput, match="is not a time"):
        filtering.moment(text, name="since")
