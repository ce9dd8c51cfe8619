"""Times are read from PostgreSQL as Django reads them, only faster."""

from __future__ import annotations

import datetime

import pytest
from django.db import DataError, connection
from django.db.backends.postgresql import psycopg_any

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("postgresql")]


def read(text: str) -> datetime.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        found: datetime.datetime = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27 17:41:31.123456+00",
        "2026-11-27 17:41:31.12+00",
        "2026-11-27 17:41:31+00",
        "2026-11-27 17:41:31.000001-09:30",
        "2026-02-28 23:59:59.999999+14",
        "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00",
    ],
)
def test_a_time_is_the_one_that_django_reads(text: str) -> None:
    found = read(text)

    assert found.tzinfo is datetime.UTC
    with connection.cursor() as cursor:
        psycopg_any.register_tzloader(datetime.UTC, cursor.cursor)
        cursor.execute("SELECT %s::timestamptz", [text])
        assert (found,) == cursor.fetchone()


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 12:00:00+00 BC", "12026-11-27 00:00:00+00"])
def test_a_time_that_python_does_not_know_is_an_error_that_shows_it(text: str) -> None:
    with pytest.raises(DataError, match="timestamp"):
        read(text)


def test_a_time_in_a_session_of_another_zone_is_still_the_same_moment() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Asia/Kolkata'")
        try:
            cursor.execute("SELECT '2026-11-27 17:41:31+00'::timestamptz")
            (found,) = cursor.fetchone()
        finally:
            cursor.execute("SET TIME ZONE 'UTC'")

    assert found == datetime.datetime(2026, 11, 27, 17, 41, 31, tzinfo=datetime.UTC)
    assert found.tzinfo is datetime.UTC
