"""Snapshots of groups, and groups made from a source."""

from __future__ import annotations

from typing import Any

import pytest

from groups import models
from tests.api.v3 import people
from tests.support import domain

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"
ROW = {"id", "group_id", "group_type_id", "status", "created_at", "name", "description"}


def take(person: people.Person, group: models.Group, **fields: Any) -> people.Answer:
    return person.post("/group_snapshots", {"group_snapshot": {"group_id": str(group.pk), **fields}})


def taken(person: people.Person, group: models.Group, **fields: Any) -> dict[str, Any]:
    answer = take(person, group, **fields)
    assert answer.status == 202, answer.body
    domain.drain()
    shown: dict[str, Any] = person.get(f"/group_snapshots/{answer.body['group_snapshot']['id']}").body["group_snapshot"]
    return shown


def copy(person: people.Person, **fields: Any) -> people.Answer:
    return person.post("/groups/action", {"create-from-src": fields})


def test_a_group_snapshot_is_taken_and_shown_with_its_parts(site: domain.Site, cast: people.Cast) -> None:
    group = site.new_group(2)

    answer = take(cast.olga, group, name="night", description="d")

    made = answer.body["group_snapshot"]
    assert (answer.status, set(made)) == (202, {"id", "name", "group_type_id"})
    domain.drain()
    shown = cast.olga.get(f"/group_snapshots/{made['id']}").body["group_snapshot"]
    assert set(shown) == ROW
    assert (shown["status"], shown["group_id"]) == ("available", str(group.pk))
    admins = cast.ada.get(f"/group_snapshots/{made['id']}").body["group_snapshot"]
    assert admins["project_id"] == cast.olga.project_id
    parts = cast.olga.get("/snapshots/detail").body["snapshots"]
    assert {(row["group_snapshot_id"], row["status"], row["name"]) for row in parts} == {
        (made["id"], "available", "night")
    }
    assert len(parts) == 2


def test_group_snapshots_are_listed_and_filtered_from_one_version_on(site: domain.Site, cast: people.Cast) -> None:
    group = site.new_group(1)
    first, second = (taken(cast.olga, group, name=name) for name in ("one", "two"))

    assert cast.olga.get("/group_snapshots").body["group_snapshots"] == [
        {"id": row["id"], "name": row["name"]} for row in (second, first)
    ]
    page = cast.olga.get("/group_snapshots/detail", name="one", limit="1", version="3.29").body
    assert page["group_snapshots"] == [first]
    assert page["group_snapshot_links"] == page["group_snapshots_links"]
    older = cast.olga.get("/group_snapshots/detail", name="one", limit="1", version="3.28").body
    assert older == {"group_snapshots": [second, first]}
    assert cast.olga.get("/group_snapshots", version="3.13").status == 404
    assert cast.otto.get("/group_snapshots/detail").body["group_snapshots"] == []


def test_a_group_snapshot_is_deleted_before_its_group(site: domain.Site, cast: people.Cast) -> None:
    group = site.new_group(1)
    path = f"/group_snapshots/{taken(cast.olga, group)['id']}"
    [part] = cast.olga.get("/snapshots").body["snapshots"]

    assert cast.olga.act(group, "delete", {"delete-volumes": True}).message == (
        "Invalid Group: Group has existing snapshots."
    )
    assert cast.olga.delete(f"/snapshots/{part['id']}").status == 400
    assert cast.olga.delete(path).status == 202
    domain.drain()
    assert (cast.olga.get(path).status, cast.olga.get(f"/snapshots/{part['id']}").status) == (404, 404)


def test_admins_reset_a_group_snapshot(site: domain.Site, cast: people.Cast) -> None:
    path = f"/group_snapshots/{taken(cast.olga, site.new_group(1))['id']}"
    wanted = {"reset_status": {"status": "error"}}

    assert cast.ada.post(f"{path}/action", wanted, version="3.18").status == 404
    assert cast.olga.post(f"{path}/action", wanted).status == 403
    assert cast.ada.post(f"{path}/action", wanted, version="3.19").status == 202
    assert cast.olga.get(path).body["group_snapshot"]["status"] == "error"


@pytest.mark.parametrize(
    "fields, status", [({"group_id": UNKNOWN}, 404), ({"group_id": None}, 400), ({"zz": 1}, 400), ({}, 400)]
)
def test_a_bad_request_leaves_no_trace(
    site: domain.Site, cast: people.Cast, fields: dict[str, Any], status: int
) -> None:
    answer = take(cast.olga, site.new_group(0), **fields)

    assert answer.status == status
    assert not models.GroupSnapshot.objects.exists()


@pytest.mark.parametrize("unused", [{}, {"group_snapshot_id": None}])
def test_a_group_is_made_from_a_group(site: domain.Site, cast: people.Cast, unused: dict[str, None]) -> None:
    source = site.new_group(2)

    answer = copy(cast.olga, name="copy", source_group_id=str(source.pk), **unused)

    made = answer.body["group"]
    assert (answer.status, set(made), made["name"]) == (202, {"id", "name"}, "copy")
    domain.drain()
    shown = cast.olga.get(f"/groups/{made['id']}", list_volume="true").body["group"]
    assert (shown["status"], shown["replication_status"]) == ("available", "disabled")
    assert (shown["source_group_id"], shown["group_snapshot_id"]) == (str(source.pk), None)
    assert (shown["group_type"], len(shown["volumes"])) == (str(source.group_type_id), 2)


def test_a_group_is_made_from_a_group_snapshot(site: domain.Site, cast: people.Cast) -> None:
    snapshot = taken(cast.olga, site.new_group(1))

    answer = copy(cast.olga, group_snapshot_id=snapshot["id"])
    domain.drain()

    shown = cast.olga.get(f"/groups/{answer.body['group']['id']}").body["group"]
    assert (shown["status"], shown["group_snapshot_id"]) == ("available", snapshot["id"])
    [volume] = models.Volume.objects.filter(group_id=shown["id"])
    assert str(volume.source_snapshot_id) == cast.olga.get("/snapshots").body["snapshots"][0]["id"]


@pytest.mark.parametrize(
    "fields, status",
    [
        ({}, 400),
        ({"source_group_id": UNKNOWN, "group_snapshot_id": UNKNOWN}, 400),
        ({"source_group_id": UNKNOWN}, 404),
        ({"group_snapshot_id": UNKNOWN}, 404),
        ({"source_group_id": "no id"}, 400),
    ],
)
def test_a_group_of_no_source_is_refused(
    site: domain.Site, cast: people.Cast, fields: dict[str, Any], status: int
) -> None:
    assert copy(cast.olga, **fields).status == status
    assert not models.Group.objects.exists()


def test_copying_needs_a_member_and_a_version(site: domain.Site, cast: people.Cast) -> None:
    group = site.new_group(1)
    body = {"create-from-src": {"source_group_id": str(group.pk)}}

    assert cast.rita.post("/groups/action", body).status == 403
    assert cast.otto.post("/groups/action", body).status == 404
    assert cast.olga.post("/groups/action", body, version="3.13").status == 404
