"""How values of a report look: in an order for people, and no table wider than its page."""

from __future__ import annotations

import re

from groups.reports import values

DIGEST = "83b802992a4e3e903c01d0f2ec089920a7cfdc8e80e9a2a87d1e59aaf6a6a343"
STEP = {
    "actor": "system",
    "after": "the request",
    "error": "",
    "name": "preflight",
    "order": 1,
    "output_digest": DIGEST,
    "seconds": 0.25,
}


def heads(page: str) -> list[str]:
    return re.findall("<th>([^<]*)</th>", page)


def test_columns_stand_in_the_order_that_people_read_in():
    assert heads(values.table([STEP])) == ["order", "name", "after", "seconds", "actor"]


def test_a_digest_stands_under_its_row_and_not_beside_it():
    page = values.table([STEP])

    assert f"output digest <span class='mono'>{DIGEST}</span>" in page
    assert page.index("preflight") < page.index("output digest")


def test_a_column_that_holds_something_in_one_row_is_there_in_all():
    page = values.table([STEP, {**STEP, "error": "The site does not answer."}])

    assert "error" in heads(page)
    assert "The site does not answer." in page


def test_rows_of_long_values_alone_lose_none_of_them():
    page = values.table([{"id": DIGEST}, {"id": DIGEST[::-1]}])

    assert DIGEST in page
    assert DIGEST[::-1] in page


def test_only_a_table_of_many_columns_takes_the_whole_width():
    assert values.is_wide([STEP])
    assert values.is_wide({"steps": [STEP]})
    assert not values.is_wide([{"check": "Replication runs.", "ok": True}])
    assert not values.is_wide("a text")


def test_nothing_is_shown_as_minus_zero_or_python_would_say_it():
    assert values.value(-0.0) == "0"
    assert values.value(None) == "none"
    assert values.value([]) == "none"
    assert values.value(True) == "yes"


def test_a_sentence_stands_under_its_row_too():
    why = "Volume 1 differs from the active side in 4096 bytes that nobody has written since: 4096 at byte 0."

    page = values.table([{**STEP, "error": why}])

    assert "error" not in heads(page)
    assert f"<div>error {why}</div>" in page
