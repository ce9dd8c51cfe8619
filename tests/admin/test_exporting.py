"""Any list as CSV: the rows the list shows, all pages of them, for those who may see it."""

from __future__ import annotations

import csv

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from groups import models
from tests.admin.conftest import Cast
from tests.support.domain import Site

LISTS = (
    models.Group,
    models.Volume,
    models.Operation,
    models.Event,
    models.Finding,
    models.Backend,
    models.GroupType,
    models.VolumeType,
    models.Project,
    models.AuditEntry,
)


def exported(browser, name: str, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(reverse(f"admin:groups_{name}_export") + query)
    assert answer.status_code == 200
    return list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))


def test_every_list_can_be_had_as_csv_by_those_who_see_it_only(site: Site, cast: Cast):
    site.enabled_group(1)

    for model in LISTS:
        name = model.__name__.lower()
        address = reverse(f"admin:groups_{name}_export")
        listed = cast.reader.get(reverse(f"admin:groups_{name}_changelist")).content.decode()

        assert len(exported(cast.reader, name)) == model.objects.count()
        assert address in listed
        assert cast.stranger.get(address).status_code == 403


def test_it_has_the_rows_that_filter_and_search_leave_on_every_page(site: Site, cast: Cast):
    for number in range(120):
        models.Project.objects.create(name=f"tenant-{number:03}")

    assert len(exported(cast.admin, "project", "?q=tenant")) == 120
    assert [row["Name"] for row in exported(cast.admin, "project", "?q=tenant-11")][:2] == ["tenant-110", "tenant-111"]


def test_a_cell_says_what_the_page_says_without_its_markup(site: Site, cast: Cast):
    group = site.enabled_group(2)

    (row,) = exported(cast.admin, "group")

    assert row["Id"] == str(group.pk)
    assert (row["Name"], row["Replication"], row["Status"]) == (group.name, "enabled", "available")
    assert (row["Runs on"], row["Volumes"]) == ("primary", "2")


def test_nothing_in_it_is_a_formula_to_a_spreadsheet(site: Site, cast: Cast):
    names = ["=cmd()", "@home", "-1"]
    for name in names:
        models.Project.objects.create(name=name)

    assert {f"'{name}" for name in names} <= {row["Name"] for row in exported(cast.admin, "project")}


def test_its_statements_do_not_grow_with_its_rows(site: Site, cast: Cast):
    counts = []
    for size in (1, 6):
        site.enabled_group(size)
        with CaptureQueriesContext(connection) as statements:
            exported(cast.admin, "volume")
        counts.append(len(statements))

    assert counts[0] == counts[1]
