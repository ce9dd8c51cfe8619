"""A site of 5,000 groups and 100,000 volumes: the pages cost as many statements as on a small one."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from groups import models
from tests.admin.conftest import Cast, page, text
from tests.support.domain import Site

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900), pytest.mark.unjudged("rows are made by hand")]

GROUPS, VOLUMES_EACH = 5_000, 20
MOST_STATEMENTS = 24


def test_the_pages_of_a_large_site_cost_few_statements(site: Site, cast: Cast):
    group = fill(site)
    addresses = [reverse("admin:index"), reverse("admin:groups_group_changelist"), page(group)]
    addresses += [reverse("admin:groups_group_changelist") + "?protection=at_risk&q=group-4"]

    counts = {}
    for address in addresses:
        with CaptureQueriesContext(connection) as statements:
            answer = cast.admin.get(address)
        assert answer.status_code == 200
        counts[address] = len(statements)

    assert f"{GROUPS:d} groups" in text(cast.admin.get(addresses[0]))
    assert max(counts.values()) <= MOST_STATEMENTS, counts


def fill(site: Site) -> models.Group:
    """Make the rows of a large site, without any storage; return one of its groups."""
    now = timezone.now()
    shared = {"project": site.project, "user_id": "u", "backend": site.backend, "replication_status": "enabled"}
    groups = models.Group.objects.bulk_create(
        [
            models.Group(
                **shared,
                name=f"group-{number}",
                group_type=site.group_type,
                status="available",
                health="healthy",
                observed_at=now,
                consistent_at=now - datetime.timedelta(seconds=number % 40),
            )
            for number in range(GROUPS)
        ],
        batch_size=500,
    )
    models.Volume.objects.bulk_create(
        [
            models.Volume(**shared, group=group, volume_type=site.volume_type, size_gib=1, status="available")
            for group in groups
            for _ in range(VOLUMES_EACH)
        ],
        batch_size=1000,
    )
    models.SideObservation.objects.bulk_create(
        [
            models.SideObservation(group=group, backend_id=side, reachable=True, observed_at=now, consistent_at=now)
            for group in groups
            for side in ("", "site-b", "site-c")
        ],
        batch_size=1000,
    )
    return groups[0]
