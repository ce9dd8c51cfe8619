"""When drills are due: cron across both changes of daylight saving time, windows, blackouts, even spreading."""

from __future__ import annotations

import datetime
import uuid
import zoneinfo

import pytest

from groups import errors, models
from groups.services import drill_calendar

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
UTC = datetime.UTC


def plan(**values: object) -> models.DrillPlan:
    found = models.DrillPlan(name="plan", created_at=datetime.datetime(2026, 1, 1, tzinfo=UTC), **values)
    drill_calendar.check(found)
    return found


def local(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=BERLIN)


def times(found: models.DrillPlan, since: datetime.datetime, until: datetime.datetime) -> list[str]:
    named = drill_calendar.times(found, since=since, until=until)
    return [f"{moment.astimezone(BERLIN):%m-%d %H:%M}" for moment in named]


def test_a_time_that_the_spring_change_leaves_out_is_run_once_all_the_same():
    nightly = plan(cron="30 2 * * *", timezone="Europe/Berlin")

    assert times(nightly, local(2026, 3, 28, 12), local(2026, 3, 30, 12)) == ["03-29 03:00", "03-30 02:30"]


def test_a_time_that_the_autumn_change_has_twice_is_run_once():
    nightly = plan(cron="30 2 * * *", timezone="Europe/Berlin")

    assert times(nightly, local(2026, 10, 24, 12), local(2026, 10, 26, 12)) == ["10-25 02:30", "10-26 02:30"]


def test_noon_stays_noon_over_both_changes():
    daily = plan(cron="0 12 * * *", timezone="Europe/Berlin")
    for month, day in ((3, 28), (10, 24)):
        found = drill_calendar.times(daily, since=local(2026, month, day, 0), until=local(2026, month, day + 2, 0))
        assert {moment.astimezone(BERLIN).hour for moment in found} == {12}
        assert len(found) == 2


@pytest.mark.parametrize(
    "moment, is_open",
    [
        (local(2026, 6, 6, 23, 0), True),  # Saturday night
        (local(2026, 6, 7, 4, 59), True),  # the same window, past midnight
        (local(2026, 6, 7, 5, 0), False),
        (local(2026, 6, 8, 23, 0), False),  # Monday
        (local(2026, 6, 6, 4, 0), False),  # the window of Friday, which has none
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_it_begins_on(moment, is_open):
    weekend = plan(timezone="Europe/Berlin", windows=[{"days": [5], "from": "22:00", "to": "05:00"}])

    assert (drill_calendar.why_not_now(weekend, moment) == "") is is_open


def test_a_blackout_covers_its_last_day_in_the_plans_own_zone():
    quiet = plan(timezone="Europe/Berlin", blackouts=[{"from": "2026-12-20", "to": "2027-01-06"}])

    assert "blackout" in drill_calendar.why_not_now(quiet, local(2027, 1, 6, 23, 59))
    assert drill_calendar.why_not_now(quiet, local(2027, 1, 7, 0, 0)) == ""


def test_groups_are_spread_evenly_and_each_has_its_time_within_the_days_allowed():
    weekly = plan(every_days=7)
    since = datetime.datetime(2026, 3, 1, tzinfo=UTC)
    by_day = [0] * 7
    for _ in range(200):
        found = drill_calendar.spread(weekly, uuid.uuid4(), since=since, until=since + datetime.timedelta(days=7))
        assert 1 <= len(found) <= 2
        by_day[(found[0] - since).days] += 1
    assert max(by_day[:5]) < 70


@pytest.mark.parametrize(
    "values",
    [
        {"cron": "61 * * * *"},
        {"cron": "0 0 31 2 *"},
        {"timezone": "Middle/Earth"},
        {"cron": "0 0 * * *", "every_days": 3},
        {"windows": [{"from": "25:00", "to": "05:00"}]},
        {"windows": [{"days": [7], "from": "22:00", "to": "05:00"}]},
        {"windows": ["night"]},
        {"blackouts": [{"from": "2026-12-20", "to": "2026-12-19"}]},
        {"blackouts": [{"from": "soon", "to": "later"}]},
    ],
)
def test_a_calendar_that_cannot_be_kept_is_refused(values):
    with pytest.raises(errors.InvalidInput):
        plan(**values)
