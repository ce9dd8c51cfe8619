"""A page of a list is found by an index on PostgreSQL, the first one, a deep one and a filtered one alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups import callers, models
from groups.queries import groups, paging, volumes
from tests.support import databases, servers

MANY = 20_000
PAGE = 100
FEW = 3
"""How many times the page may be read: with two projects, the index of all may be as good as that of one."""
_FILL = """
INSERT INTO groups_group
SELECT (template).* FROM (
    SELECT jsonb_populate_record(
        row, jsonb_build_object(
            'id', gen_random_uuid(), 'name', 'group-' || n, 'created_at', now() - n * interval '1 second'
        )
    ) AS template
    FROM groups_group row, generate_series(1, {groups}) n
) AS made;
INSERT INTO groups_volume
SELECT (template).* FROM (
    SELECT jsonb_populate_record(
        row, jsonb_build_object(
            'id', gen_random_uuid(), 'name', CASE WHEN n % 3 > 0 THEN 'volume-' || n END,
            'created_at', now() - n * interval '1 second',
            'status', CASE WHEN n % 2000 = 0 THEN 'error' ELSE 'available' END,
            'group_id', (
                SELECT id FROM groups_group g
                WHERE g.name = 'group-' || (n % {groups} + 1) AND g.project_id = row.project_id
            )
        )
    ) AS template
    FROM groups_volume row, generate_series(1, {volumes}) n
) AS made;
ANALYZE
"""


@pytest.fixture(scope="module")
def many(django_db_blocker: Any) -> Iterator[callers.Caller]:
    """A PostgreSQL with many groups and volumes of two projects; yield an admin of the first."""
    with django_db_blocker.unblock(), servers.postgresql() as address, databases.default_at(address):
        yield _filled()


def _filled() -> callers.Caller:
    backend = models.Backend.objects.create(name="array", driver="fake")
    group_type = models.GroupType.objects.create(name="replicated")
    volume_type = models.VolumeType.objects.create(name="replicable")
    for name in ("shop", "elsewhere"):
        project = models.Project.objects.create(name=name)
        own: dict[str, Any] = {"project": project, "user_id": "olga", "backend": backend, "status": "available"}
        models.Group.objects.create(group_type=group_type, name=f"{name}-first", **own)
        models.Volume.objects.create(volume_type=volume_type, size_gib=1, name=f"{name}-first", **own)
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(groups=MANY // 40, volumes=MANY // 2))
    project = models.Project.objects.get(name="shop")
    return callers.Caller(
        user_id="admin", user_name="admin", project_id=project.pk, roles=callers.implied(callers.ADMIN)
    )


def plans(work: Any) -> list[dict[str, Any]]:
    """Return the nodes of the plans of everything that some work asks of groups and volumes."""
    with CaptureQueriesContext(connection) as captured:
        work()
    found: list[dict[str, Any]] = []
    for query in captured:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            plan = cursor.fetchone()[0]
        found += nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def costly(found: list[dict[str, Any]]) -> list[str]:
    """Return what reads a whole table of groups or volumes, or sorts more than a page."""
    read = [
        f"{node['Node Type']} of {node['Relation Name']}"
        for node in found
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in {"groups_volume", "groups_group"}
    ]
    return read + [
        f"Sort of {node['Plan Rows']}"
        for node in found
        if node["Node Type"] == "Sort" and node["Plan Rows"] > 2 * paging.MAXIMUM
    ]


def read(found: list[dict[str, Any]]) -> int:
    """Return how many rows of groups and volumes were looked at, shown or not."""
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in found
        if node.get("Relation Name") in {"groups_volume", "groups_group"}
    )


def id_at(model: Any, caller: callers.Caller, place: int) -> str:
    rows = model.objects.filter(project_id=caller.project_id).order_by("-created_at", "-id")
    return str(rows.values_list("pk", flat=True)[place])


@pytest.mark.parametrize("all_projects", [False, True])
@pytest.mark.parametrize(
    "filters",
    [{}, {"status": "available"}, {"status": "error"}, {"name": "volume-7"}, {"group_id": "of the first"}],
    ids=str,
)
@pytest.mark.parametrize("deep", [False, True])
def test_a_page_of_volumes_reads_no_more_than_it_shows(many, filters, deep, all_projects):
    if "group_id" in filters:
        filters = {"group_id": id_at(models.Group, many, 3)}
    marker = id_at(models.Volume, many, MANY // 2 - 500) if deep else None
    page = paging.Page(limit=PAGE, marker=marker)

    found = plans(lambda: volumes.listed(many, page=page, filters=filters, all_projects=all_projects))

    assert costly(found) == [], [node["Node Type"] for node in found]
    assert read(found) <= FEW * PAGE, found


@pytest.mark.parametrize("all_projects", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("behind", ["nothing", "a volume without a name", "a volume with a name"])
def test_a_page_sorted_by_name_reads_no_more_than_it_shows(many, behind, descending, all_projects):
    rows = models.Volume.objects.filter(project_id=many.project_id, name__isnull=behind.endswith("without a name"))
    # In the middle of those that are equal to it.
    marker = None if behind == "nothing" else str(rows.order_by("name", "id")[rows.count() // 2].pk)
    page = paging.Page(limit=PAGE, marker=marker, sort=[paging.Key(name="name", descending=descending)])

    found = plans(lambda: volumes.listed(many, page=page, filters={}, all_projects=all_projects))

    assert costly(found) == [], [node["Node Type"] for node in found]
    assert read(found) <= FEW * PAGE, found


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_a_page_of_groups_sorted_by_name_reads_no_more_than_it_shows(many, deep, descending):
    marker = id_at(models.Group, many, 100) if deep else None
    page = paging.Page(limit=10, marker=marker, sort=[paging.Key(name="name", descending=descending)])

    found = plans(lambda: groups.listed(many, page=page, filters={}))

    assert costly(found) == [], [node["Node Type"] for node in found]
    assert read(found) <= FEW * 10, found


def test_volumes_are_counted_by_the_smallest_index(many):
    with connection.cursor() as cursor:
        # As autovacuum does, and without it every row is looked at.
        cursor.execute("VACUUM groups_volume")

    found = plans(lambda: volumes.counted(many, filters={}))

    [scan] = [node for node in found if "Relation Name" in node]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", "volume_count")


@pytest.mark.parametrize("filters", [{}, {"status": "error"}, {"name": "group-7"}], ids=str)
@pytest.mark.parametrize("with_volumes", [False, True])
def test_a_page_of_groups_reads_no_more_than_it_shows(many, filters, with_volumes):
    page = paging.Page(limit=10, marker=id_at(models.Group, many, 100))

    found = plans(lambda: groups.listed(many, page=page, filters=filters, with_volumes=with_volumes))

    assert costly(found) == [], [node["Node Type"] for node in found]
