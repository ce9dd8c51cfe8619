"""Callers at once on PostgreSQL, where, other than on SQLite, they really come at once."""

from __future__ import annotations

import pytest

from tests.services import test_quotas, test_sites

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.usefixtures("postgresql")]


class TestQuotas(test_quotas.TestTwentyCallersAtOnce):
    """No limit is overshot."""


class TestSiteFailovers(test_sites.TestTwentyCallersAtOnce):
    """One is begun, and each group once."""
