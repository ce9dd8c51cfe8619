"""Updates of many rows on PostgreSQL, where the values come as lists and the rows are locked first."""

from __future__ import annotations

import threading

import pytest
from django.db import DataError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from groups import bulk, models
from tests import test_bulk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("postgresql")]


class TestAnUpdateOfMany(test_bulk.TestAnUpdateOfMany):
    """Writes the same rows, and keeps what others do at the same time."""

    def test_refuses_a_text_too_long_for_its_column(self, groups):
        groups[0].health = "x" * 100
        with pytest.raises(DataError, match="too long"):
            bulk.update(groups, ["health"])

    def test_is_the_same_statement_for_any_number_of_rows(self, groups):
        with CaptureQueriesContext(connection) as one:
            bulk.update(groups[:1], ["health"])
        with CaptureQueriesContext(connection) as three:
            bulk.update(groups, ["health"])
        assert one[0]["sql"].partition("UNNEST")[0] == three[0]["sql"].partition("UNNEST")[0]
        assert len(one) == len(three) == 1

    def test_that_waited_for_another_sees_what_that_one_wrote(self, groups):
        found: list[set[object]] = []
        begun = threading.Event()

        def write() -> None:
            begun.set()
            found.append(bulk.update(groups, ["health_detail"], still={"epoch": [1, 2, 3]}))
            connections.close_all()

        with transaction.atomic():
            models.Group.objects.filter(pk=groups[1].pk).update(epoch=99)
            waiting = threading.Thread(target=write)
            waiting.start()
            begun.wait(5)
            waiting.join(0.3)
            assert waiting.is_alive()
        waiting.join(10)

        assert found == [{groups[0].pk, groups[2].pk}]

    def test_takes_rows_in_one_order_so_that_two_never_wait_for_each_other(self, groups):
        problems: list[BaseException] = []

        def write(rows: list[models.Group]) -> None:
            try:
                for _ in range(150):
                    bulk.update(rows, ["health_detail"])
            except BaseException as problem:
                problems.append(problem)
            finally:
                connections.close_all()

        writers = [threading.Thread(target=write, args=(rows,)) for rows in (groups, groups[::-1])]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)

        assert problems == []
