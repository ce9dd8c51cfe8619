"""Lists: what is on a page, in which order, and what it costs."""

from __future__ import annotations

import urllib.parse
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from groups import models
from groups.services import types
from tests.api.v3 import people
from tests.api.v3.standing import add_groups, add_volumes
from tests.support import domain


def names(answer: people.Answer) -> list[str]:
    """Return the names on a page, in its order."""
    assert answer.status == 200, answer.body
    [items] = [value for key, value in answer.body.items() if not key.endswith("_links") and key != "count"]
    return [item["name"] for item in items]


def followed(person: people.Person, path: str, **query: Any) -> list[str]:
    """Return the names on all pages, following the links."""
    found: list[str] = []
    answer = person.get(path, **query)
    while True:
        found += names(answer)
        [links] = [value for key, value in answer.body.items() if key.endswith("s_links")] or [None]
        if not links:
            return found
        address = urllib.parse.urlsplit(links[0]["href"])
        answer = person.get(address.path.removeprefix("/v3"), **dict(urllib.parse.parse_qsl(address.query)))


@pytest.mark.parametrize("path", ["/volumes", "/volumes/detail", "/groups", "/groups/detail", "/types", "/group_types"])
def test_the_cost_of_a_list_does_not_depend_on_its_length(cast: people.Cast, site: domain.Site, path: str) -> None:
    counts = []
    for number in (1, 60):
        models.Volume.objects.all().delete()
        models.Group.objects.all().delete()
        groups = add_groups(site, number)
        add_volumes(site, number, group=groups[0])
        for each in range(number):
            types.create(site.admin, family=types.VOLUME, name=f"t{number}-{each}", spec_values={"a": "1"})
            types.create(site.admin, family=types.GROUP, name=f"t{number}-{each}", spec_values={"a": "1"})
        with CaptureQueriesContext(
            connection,
        ) as statements:
            answer = cast.ada.get(path, **({"list_volume": "True"} if path.startswith("/groups") else {}))
        assert len(names(answer)) >= number
        counts.append(len(statements))

    assert counts[0] == counts[1]
    assert counts[1] <= 5


@pytest.mark.parametrize("path, prefix", [("/volumes", "v"), ("/groups", "g")])
@pytest.mark.parametrize("detail", ["", "/detail"])
def test_pages_follow_each_other_without_gap_or_overlap(
    cast: people.Cast, site: domain.Site, path: str, prefix: str, detail: str
) -> None:
    add_groups(site, 7)
    add_volumes(site, 7)

    found = followed(cast.olga, path + detail, limit=3)

    assert found == [f"{prefix}00{number}" for number in range(6, -1, -1)]


@pytest.mark.parametrize("path, key", [("/types", "volume_type"), ("/group_types", "group_type")])
def test_types_are_paged_and_both_links_are_there(cast: people.Cast, site: domain.Site, path: str, key: str) -> None:
    family = types.VOLUME if key == "volume_type" else types.GROUP
    for number in range(4):
        types.create(site.admin, family=family, name=f"t{number}")

    answer = cast.olga.get(path, limit=2)

    assert answer.body[f"{key}_links"] == answer.body[f"{key}s_links"]
    assert len(set(followed(cast.olga, path, limit=2))) == 5


def test_the_next_page_of_details_is_of_details(cast: people.Cast, site: domain.Site) -> None:
    add_groups(site, 3)

    body = cast.olga.get(f"/{cast.olga.project_id}/groups/detail", limit=2, sort="name:asc").body

    [link] = body["groups_links"]
    assert body["group_links"] == body["groups_links"]
    address = urllib.parse.urlsplit(link["href"])
    assert address.path == f"/v3/{cast.olga.project_id}/groups/detail"
    assert urllib.parse.parse_qs(address.query) == {
        "limit": ["2"],
        "sort": ["name:asc"],
        "marker": [body["groups"][1]["id"]],
    }


def test_a_page_stays_the_same_when_newer_things_appear(cast: people.Cast, site: domain.Site) -> None:
    add_volumes(site, 4)
    first = cast.olga.get("/volumes", limit=2)

    add_volumes(site, 1)
    second = cast.olga.get("/volumes", limit=2, marker=first.body["volumes"][-1]["id"])

    assert (names(first), names(second)) == (["v003", "v002"], ["v001", "v000"])


@pytest.mark.parametrize(
    "query, expected",
    [
        ({"sort": "name:asc"}, [None, "a", "a", "b"]),
        ({"sort": "name:desc"}, ["b", "a", "a", None]),
        ({"sort": "name"}, ["b", "a", "a", None]),
        ({"sort_key": "name", "sort_dir": "asc"}, [None, "a", "a", "b"]),
        ({"sort": "size:asc,name:desc"}, ["b", "a", None, "a"]),
        ({"sort": "size:asc,name:asc"}, ["a", "b", None, "a"]),
        ({"sort": "name:asc,size:desc"}, [None, "a", "a", "b"]),
        ({"sort": "bootable,name:asc"}, [None, "a", "a", "b"]),
        ({"sort": "status,updated_at:asc,display_name:asc"}, [None, "a", "b", "a"]),
        ({"sort": "updated_at,name"}, ["a", "b", "a", None]),
        ({"sort": "host,name"}, ["b", "a", "a", None]),
    ],
)
def test_every_order_can_be_paged(
    cast: people.Cast, site: domain.Site, query: dict[str, str], expected: list[str | None]
) -> None:
    for name, size in (("a", 1), (None, 2), ("b", 1), ("a", 3)):
        add_volumes(site, 1, name=name, size_gib=size)
    models.Volume.objects.filter(size_gib=3).update(updated_at=timezone.now())

    whole = names(cast.olga.get("/volumes", **query))

    # None is the smallest.
    assert whole == expected
    assert followed(cast.olga, "/volumes", limit=1, **query) == whole


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_things_without_a_name_and_with_an_empty_one_are_each_shown_once(
    cast: people.Cast, site: domain.Site, direction: str
) -> None:
    for name in (None, "", None, "", "a", None):
        add_volumes(site, 1, name=name)

    found = followed(cast.olga, "/volumes", limit=1, sort=f"name:{direction}")

    assert Counter(found) == {None: 3, "": 2, "a": 1}
    assert found.index("a") == (5 if direction == "asc" else 0)


@pytest.mark.parametrize("name, found", [("a", ["a"]), ("", [""]), ("None", [])])
def test_a_name_is_found_as_it_is_written(cast: people.Cast, site: domain.Site, name: str, found: list[str]) -> None:
    for each in (None, "", "a", "ab"):
        add_volumes(site, 1, name=each)

    assert names(cast.olga.get("/volumes", name=name)) == found


@pytest.mark.parametrize(
    "query, status, message",
    [
        ({"limit": "x"}, 400, "limit param must be an integer"),
        ({"limit": "-1"}, 400, "limit param must be positive"),
        ({"limit": "9" * 30}, 400, "limit param must be an integer"),
        ({"offset": "-1"}, 400, "offset param must be positive"),
        ({"marker": "nope"}, 404, "nope could not be found."),
        ({"sort": "weight"}, 400, "Invalid input received: Invalid sort key"),
        ({"sort_key": "weight"}, 400, "Invalid input received: Invalid sort key"),
        ({"sort": "name:up"}, 400, "Invalid sort direction"),
        (
            {"sort": "name", "sort_dir": "asc"},
            400,
            "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/groups/detail", "/volumes", "/types", "/group_types"])
def test_a_page_that_makes_no_sense_is_refused(
    cast: people.Cast, path: str, query: dict[str, str], status: int, message: str
) -> None:
    answer = cast.olga.get(path, **query)

    assert answer.status == status
    assert message in answer.message


def test_limit_nought_offset_and_count(cast: people.Cast, site: domain.Site) -> None:
    add_volumes(site, 5)

    assert names(cast.olga.get("/volumes", limit=0)) == []
    assert names(cast.olga.get("/volumes", offset=3)) == ["v001", "v000"]
    assert cast.olga.get("/volumes", limit=1, with_count="True").body["count"] == 5
    assert "count" not in cast.olga.get("/volumes", with_count="True", version="3.44").body


def test_a_marker_of_another_project_is_unknown(cast: people.Cast, site: domain.Site) -> None:
    [volume] = add_volumes(site, 1)

    assert cast.otto.get("/volumes", marker=str(volume.pk)).status == 404


@pytest.mark.parametrize("path", ["/groups/detail", "/volumes/detail"])
def test_admins_see_other_projects_only_when_they_ask(cast: people.Cast, site: domain.Site, path: str) -> None:
    theirs = models.Project.objects.get(pk=cast.otto.project_id)
    add_groups(site, 1, project=theirs)
    add_volumes(site, 1, project=theirs)

    assert names(cast.ada.get(path)) == []
    assert len(names(cast.ada.get(path, all_tenants="1"))) == 1
    assert names(cast.ada.get(path, all_tenants="False")) == []
    assert names(cast.olga.get(path, all_tenants="1")) == []
    assert len(names(cast.ada.get(path, all_tenants=1, project_id=theirs.pk))) == 1
    assert names(cast.ada.get(path, all_tenants=1, project_id=cast.ada.project_id)) == []


@pytest.mark.parametrize(
    "query, expected",
    [
        ({"name": "v001"}, ["v001"]),
        ({"name~": "00"}, ["v002", "v001", "v000"]),
        ({"status": "error"}, ["v001"]),
        ({"size": "2"}, ["v001"]),
        ({"size": "two"}, []),
        ({"bootable": "false"}, ["v002", "v001", "v000"]),
        ({"metadata": "{'owner': 'olga'}"}, ["v002"]),
        ({"metadata": "{'owner': 'olga', 'x__lt': '1'}"}, []),
        ({"availability_zone": "nova", "name": "v000"}, ["v000"]),
        ({"migration_status": "none"}, ["v002", "v001", "v000"]),
        ({"consumes_quota": "false"}, []),
        ({"created_at": "gt:2026-01-01T00:00:00,lt:2026-01-01T00:00:02"}, ["v001"]),
        ({"created_at": "neq:2026-01-01T00:00:00"}, ["v002", "v001"]),
        ({"created_at": "2026-01-01"}, ["v000"]),
    ],
)
def test_members_filter_volumes(
    cast: people.Cast, site: domain.Site, query: dict[str, str], expected: list[str]
) -> None:
    volumes = add_volumes(site, 3)
    models.Volume.objects.filter(pk=volumes[1].pk).update(status="error")
    models.Volume.objects.filter(pk=volumes[2].pk).update(metadata={"owner": "olga", "x": "y"})

    assert names(cast.olga.get("/volumes/detail", **query)) == expected


def test_volumes_are_found_by_their_group_since_3_10(cast: people.Cast, site: domain.Site) -> None:
    [group] = add_groups(site, 1)
    add_volumes(site, 1, group=group)
    add_volumes(site, 1)

    assert names(cast.olga.get("/volumes", group_id=str(group.pk))) == ["v000"]
    assert names(cast.olga.get("/volumes", group_id="none")) == []
    assert len(names(cast.olga.get("/volumes", group_id=str(group.pk), version="3.9"))) == 2


@pytest.mark.parametrize(
    "path, query",
    [
        ("/groups/detail", {"status": "error"}),
        ("/volumes", {"host": "replsite@array#array"}),
        ("/volumes", {"project_id": "x"}),
    ],
)
def test_other_filters_are_for_admins_since_3_31(cast: people.Cast, path: str, query: dict[str, str]) -> None:
    [name] = query
    answer = cast.olga.get(path, **query)

    assert (answer.status, answer.message) == (400, f"Invalid filters {name} are found in query options.")
    assert cast.olga.get(path, version="3.30", **query).status == 200
    assert cast.ada.get(path, **query).status == 200


def test_admins_filter_by_any_column_and_unknown_ones_match_nothing(cast: people.Cast, site: domain.Site) -> None:
    add_groups(site, 2)

    assert len(names(cast.ada.get("/groups", host="replsite@array#array"))) == 2
    assert len(names(cast.ada.get("/groups", group_type=str(site.group_type.pk)))) == 2
    assert names(cast.ada.get("/groups", host="elsewhere@array#array")) == []
    assert names(cast.ada.get("/groups", group_type="gold")) == []
    assert names(cast.ada.get("/groups", color="blue")) == []


@pytest.mark.parametrize("query", [{"bootable": "maybe"}, {"metadata": "owner"}, {"created_at": "gt:yesterday"}])
def test_a_filter_that_makes_no_sense_is_refused(cast: people.Cast, query: dict[str, str]) -> None:
    assert cast.olga.get("/volumes", **query).status == 400


def test_partial_names_are_overlooked_before_3_34(cast: people.Cast, site: domain.Site) -> None:
    add_groups(site, 2)

    assert names(cast.olga.get("/groups", **{"name~": "g001"})) == ["g001"]
    assert len(names(cast.olga.get("/groups", version="3.33", **{"name~": "g001"}))) == 2
