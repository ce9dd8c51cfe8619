"""Compiled statements on PostgreSQL, whose server binds their values."""

from __future__ import annotations

import pytest
from django.db import transaction

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
