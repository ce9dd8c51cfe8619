"""Compiled statements on PostgreSQL, whose server binds their values."""

from __future__ import annotations

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from groups import compiled, models
from groups.compiled import slot
from tests import test_compiled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("postgresql")]


class TestASelect(test_compiled.TestASelect):
    """Finds the same rows."""


class TestThreadsAtOnce(test_compiled.TestThreadsAtOnce):
    """Do not mix their rows."""


class TestAnUpdate(test_compiled.TestAnUpdate):
    """Stores the same values."""


class TestAnInsert(test_compiled.TestAnInsert):
    """Stores the same rows."""


class TestAnInsertOverRowsThatExist(test_compiled.TestAnInsertOverRowsThatExist):
    """Writes what it names."""


class TestAnInsertUnlessThere(test_compiled.TestAnInsertUnlessThere):
    """Leaves the transaction usable."""


class TestASelectThatLocks(test_compiled.Volumes):
    def test_is_refused_outside_of_a_transaction_each_time(self, group):
        locked = compiled.Select(lambda: models.Group.objects.select_for_update().filter(pk=slot("pk")))
        with pytest.raises(transaction.TransactionManagementError):
            locked.first(pk=group.pk)
        with transaction.atomic():
            assert locked.first(pk=group.pk) == group

        with pytest.raises(transaction.TransactionManagementError):
            locked.first(pk=group.pk)


class TestAnInsertWhereAChangeFindsItsRow(test_compiled.TestAnInsertWhereAChangeFindsItsRow):
    """Writes both or neither, in one statement."""

    def test_is_one_statement(self, group, owned, steps):
        done = test_compiled.operation(group, fence=3)
        done.save()
        steps.run_where(
            owned, [models.OperationStep(operation=done, position=0, name="a")], pk=done.pk, fence=3, step=""
        )
        rows = [models.OperationStep(operation=done, position=place, name=str(place)) for place in (1, 2)]

        with CaptureQueriesContext(connection) as captured:
            steps.run_where(owned, rows, pk=done.pk, fence=3, step="a")

        assert len(captured) == 1

    def test_refuses_what_is_too_long_for_a_column(self, group, owned, steps):
        done = test_compiled.operation(group, fence=3)
        done.save()
        long = models.OperationStep(operation=done, position=0, name="n" * 65)

        with pytest.raises(DataError):
            steps.run_where(owned, [long], pk=done.pk, fence=3, step="a")

        assert not models.OperationStep.objects.exists()


class TestADelete(test_compiled.TestADelete):
    """Takes the same rows."""
