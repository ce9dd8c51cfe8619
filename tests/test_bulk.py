"""Many rows get values of their own in one statement, all of those that nobody changed meanwhile."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from groups import bulk, models
from groups.statuses import Health

pytestmark = pytest.mark.django_db

THEN = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
FIELDS = ("health", "health_detail", "consistent_at", "bytes_behind", "epoch")


class TestAnUpdateOfMany:
    @pytest.fixture
    def groups(self, db: None) -> list[models.Group]:
        place: dict[str, Any] = {
            "project": models.Project.objects.create(name="shop"),
            "user_id": "olga",
            "backend": models.Backend.objects.create(name="a", driver="fake"),
            "group_type": models.GroupType.objects.create(name="gold"),
        }
        return [models.Group.objects.create(name=f"g{number}", epoch=number, **place) for number in range(1, 4)]

    def test_writes_each_row_as_it_is_and_nothing_else_of_it(self, groups):
        first, second, third = groups
        first.health, first.health_detail = Health.LAGGING, '"%s" ✓ \x01'
        first.consistent_at, first.bytes_behind, first.epoch = THEN, 2**40, 7
        second.health, second.consistent_at, second.bytes_behind, second.epoch = Health.HEALTHY, None, None, 2
        first.name = second.name = "not written"

        written = bulk.update([second, first], FIELDS)

        assert written == {first.pk, second.pk}
        rows = {row["id"]: row for row in models.Group.objects.values("id", "name", *FIELDS)}
        for wanted, name in ((first, "g1"), (second, "g2")):
            assert rows[wanted.pk] == {"id": wanted.pk, "name": name} | {
                field: getattr(wanted, field) for field in FIELDS
            }
        assert rows[third.pk]["epoch"] == 3

    def test_leaves_a_row_that_changed_meanwhile_and_says_so(self, groups):
        first, second, third = groups
        models.Group.objects.filter(pk=second.pk).update(epoch=99)
        for group in groups:
            group.health_detail = "seen"

        written = bulk.update(groups, ["health_detail"], still={"epoch": [1, 2, 3]})

        assert written == {first.pk, third.pk}
        assert list(models.Group.objects.order_by("name").values_list("health_detail", flat=True)) == [
            "seen",
            "",
            "seen",
        ]

    def test_of_no_row_asks_the_database_nothing(self, groups):
        with CaptureQueriesContext(connection) as asked:
            assert bulk.update([], FIELDS) == set()
        assert len(asked) == 0

    def test_of_a_row_that_is_gone_writes_the_others(self, groups):
        models.Group.objects.filter(pk=groups[0].pk).delete()
        groups[1].health_detail = "seen"

        assert bulk.update(groups[:2], ["health_detail"]) == {groups[1].pk}

    def test_of_more_than_a_statement_takes_writes_all_of_them(self, groups, monkeypatch):
        monkeypatch.setattr(bulk, "MOST_VALUES", 5)
        for group in groups:
            group.health_detail = f"seen {group.name}"

        with CaptureQueriesContext(connection) as asked:
            written = bulk.update(groups, ["health_detail"], still={"epoch": [1, 2, 3]})

        assert written == {group.pk for group in groups}
        assert sum("UPDATE" in query["sql"] for query in asked) == 3
        assert [group.health_detail for group in models.Group.objects.order_by("name")] == [
            "seen g1",
            "seen g2",
            "seen g3",
        ]

    def test_that_fails_spoils_the_transaction_it_is_in(self, groups):
        groups[0].epoch = None
        with transaction.atomic():
            with pytest.raises(IntegrityError):
                bulk.update(groups, ["epoch"])
            assert connection.needs_rollback
            transaction.set_rollback(True)
