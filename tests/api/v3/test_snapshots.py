"""Snapshots: take, list, show, change, delete, reset; volumes made from them; larger volumes."""

from __future__ import annotations

from typing import Any

import pytest

from groups import models
from groups.services import volumes
from tests.api.v3 import people
from tests.support import domain

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"
ROW = {"id", "created_at", "updated_at", "name", "description", "volume_id", "status", "size", "metadata"}
EXTENDED = {"os-extended-snapshot-attributes:project_id", "os-extended-snapshot-attributes:progress"}


@pytest.fixture
def volume(site: domain.Site) -> models.Volume:
    made = volumes.create(site.owner, size_gib=1, volume_type="replicable", name="data")
    domain.drain()
    return made


def take(person: people.Person, volume: models.Volume, *, version: str = people.LATEST, **fields: Any) -> people.Answer:
    return person.post("/snapshots", {"snapshot": {"volume_id": str(volume.pk), **fields}}, version=version)


def taken(person: people.Person, volume: models.Volume, **fields: Any) -> dict[str, Any]:
    answer = take(person, volume, **fields)
    assert answer.status == 202, answer.body
    domain.drain()
    shown: dict[str, Any] = person.get(f"/snapshots/{answer.body['snapshot']['id']}").body["snapshot"]
    return shown


def attach(person: people.Person, volume: models.Volume) -> None:
    place = {"mountpoint": "/dev/vdc", "host_name": "till"}
    assert person.post(f"/volumes/{volume.pk}/action", {"os-attach": place}).status == 202


def test_a_snapshot_is_taken_and_shown(cast: people.Cast, volume: models.Volume) -> None:
    answer = take(cast.olga, volume, name="before", description=None, metadata={"why": "upgrade"}, force=True)

    made = answer.body["snapshot"]
    assert (answer.status, set(made)) == (202, ROW | {"group_snapshot_id", "user_id", "consumes_quota"})
    assert (made["status"], made["size"], made["metadata"]) == ("creating", 1, {"why": "upgrade"})
    domain.drain()
    shown = cast.olga.get(f"/snapshots/{made['id']}").body["snapshot"]
    assert set(shown) == set(made) | EXTENDED
    assert shown["os-extended-snapshot-attributes:project_id"] == cast.olga.project_id
    assert (shown["status"], shown["os-extended-snapshot-attributes:progress"]) == ("available", "100%")


def test_a_snapshot_of_no_volume_finds_none(cast: people.Cast) -> None:
    assert cast.olga.post("/snapshots", {"snapshot": {"volume_id": None}}).status == 404
    assert cast.olga.post("/snapshots", {"snapshot": {}}).status == 400


@pytest.mark.parametrize(
    "version, absent",
    [("3.0", {"group_snapshot_id", "user_id", "consumes_quota"}), ("3.40", {"user_id"}), ("3.64", {"consumes_quota"})],
)
def test_older_versions_show_less(cast: people.Cast, volume: models.Volume, version: str, absent: set[str]) -> None:
    shown = taken(cast.olga, volume)

    older = cast.olga.get(f"/snapshots/{shown['id']}", version=version).body["snapshot"]

    assert absent.isdisjoint(older)
    assert set(older) >= ROW | EXTENDED


def test_snapshots_are_listed_filtered_sorted_and_counted(cast: people.Cast, volume: models.Volume) -> None:
    first, second = (taken(cast.olga, volume, name=name, metadata={"n": name}) for name in ("one", "two"))

    short = cast.olga.get("/snapshots").body["snapshots"]
    assert ([row["id"] for row in short], set(short[0])) == ([second["id"], first["id"]], ROW)
    assert cast.olga.get("/snapshots/detail", sort="name:asc").body["snapshots"] == [first, second]
    page = cast.olga.get("/snapshots/detail", limit="1", with_count="true").body
    assert (page["snapshots"], page["count"]) == ([second], 2)
    assert f"marker={second['id']}" in page["snapshots_links"][0]["href"]
    for query in ({"name": "one"}, {"volume_id": str(volume.pk), "name~": "on"}, {"metadata": "{'n': 'one'}"}):
        assert cast.olga.get("/snapshots/detail", **query).body["snapshots"] == [first]
    assert cast.olga.get("/snapshots", project_id="x").status == 400
    assert cast.otto.get("/snapshots").body["snapshots"] == []
    assert cast.ada.get("/snapshots", all_tenants="1").body["snapshots"] == short


def test_a_snapshot_is_renamed(cast: people.Cast, volume: models.Volume) -> None:
    shown = taken(cast.olga, volume, name="one")

    answer = cast.olga.put(f"/snapshots/{shown['id']}", {"snapshot": {"display_name": "other", "description": "d"}})

    assert (answer.status, answer.body["snapshot"]["name"]) == (200, "other")
    assert cast.olga.get(f"/snapshots/{shown['id']}").body["snapshot"]["description"] == "d"


def test_a_snapshots_metadata_is_kept_pair_by_pair(cast: people.Cast, volume: models.Volume) -> None:
    path = f"/snapshots/{taken(cast.olga, volume, metadata={'a': '1'})['id']}/metadata"

    assert cast.olga.post(path, {"metadata": {"b": "2"}}).body == {"metadata": {"a": "1", "b": "2"}}
    assert cast.olga.put(f"{path}/c", {"meta": {"c": "3"}}).body == {"meta": {"c": "3"}}
    assert cast.olga.put(f"{path}/c", {"meta": {"d": "3"}}).status == 400
    assert cast.olga.delete(f"{path}/a").status == 200
    assert cast.olga.delete(f"{path}/a").status == 404
    assert cast.olga.get(path).body == {"metadata": {"b": "2", "c": "3"}}
    assert cast.olga.get(f"{path}/b").body == {"meta": {"b": "2"}}
    assert cast.olga.put(path, {"metadata": {}}).body == {"metadata": {}}
    assert cast.rita.post(path, {"metadata": {"b": "2"}}).status == 403


def test_a_snapshot_is_deleted(cast: people.Cast, volume: models.Volume) -> None:
    shown = taken(cast.olga, volume)
    assert cast.olga.delete(f"/volumes/{volume.pk}").status == 400

    answer = cast.olga.delete(f"/snapshots/{shown['id']}")

    assert (answer.status, answer.body) == (202, None)
    assert cast.olga.get(f"/snapshots/{shown['id']}").body["snapshot"]["status"] == "deleting"
    domain.drain()
    assert cast.olga.get(f"/snapshots/{shown['id']}").status == 404


def test_a_volume_is_deleted_with_its_snapshots(cast: people.Cast, volume: models.Volume) -> None:
    shown = taken(cast.olga, volume)

    assert cast.olga.delete(f"/volumes/{volume.pk}", cascade="True", force="False").status == 202
    domain.drain()

    assert cast.olga.get(f"/snapshots/{shown['id']}").status == 404
    assert cast.olga.get(f"/volumes/{volume.pk}").status == 404


def test_admins_reset_and_force_delete(cast: people.Cast, volume: models.Volume) -> None:
    path = f"/snapshots/{taken(cast.olga, volume)['id']}"

    assert cast.olga.post(f"{path}/action", {"os-reset_status": {"status": "error"}}).status == 403
    assert cast.ada.post(f"{path}/action", {"os-reset_status": {"status": "bogus"}}).status == 400
    assert cast.ada.post(f"{path}/action", {"os-reset_status": {"status": "creating"}}).status == 202
    assert cast.olga.delete(path).status == 400
    assert cast.olga.post(f"{path}/action", {"os-force_delete": None}).status == 403
    assert cast.ada.post(f"{path}/action", {"os-force_delete": {}}).status == 202
    domain.drain()
    assert cast.olga.get(path).status == 404


@pytest.mark.parametrize(
    "version, force, status",
    [("3.65", None, 400), ("3.65", False, 400), ("3.65", "true", 202), ("3.66", None, 202), ("3.66", False, 400)],
)
def test_a_snapshot_of_an_attached_volume_needs_force_in_older_versions(
    cast: people.Cast, volume: models.Volume, version: str, force: object, status: int
) -> None:
    attach(cast.olga, volume)
    fields = {} if force is None else {"force": force}

    assert take(cast.olga, volume, version=version, **fields).status == status
    assert models.Snapshot.objects.count() == (status == 202)


@pytest.mark.parametrize(
    "fields, status",
    [
        ({"volume_id": UNKNOWN}, 404),
        ({"volume_id": "no id"}, 400),
        ({"volume_id": None}, 404),
        ({"name": "n" * 256}, 400),
        ({"metadata": {"a": 1}}, 400),
        ({"force": "maybe"}, 400),
        ({"zz": 1}, 400),
    ],
)
def test_a_bad_request_leaves_no_trace(
    cast: people.Cast, volume: models.Volume, fields: dict[str, Any], status: int
) -> None:
    answer = cast.olga.post("/snapshots", {"snapshot": {"volume_id": str(volume.pk), **fields}})

    assert answer.status == status
    assert not models.Snapshot.objects.exists()


def test_others_see_nothing_and_readers_only_look(cast: people.Cast, volume: models.Volume) -> None:
    path = f"/snapshots/{taken(cast.olga, volume)['id']}"

    assert (cast.otto.get(path).status, cast.otto.delete(path).status) == (404, 404)
    assert (cast.rita.get(path).status, cast.rita.delete(path).status) == (200, 403)
    assert take(cast.rita, volume).status == 403
    assert take(cast.otto, volume).status == 404


def test_a_volume_is_made_from_a_snapshot_or_a_volume(cast: people.Cast, volume: models.Volume) -> None:
    snapshot = taken(cast.olga, volume)

    for source in ({"snapshot_id": snapshot["id"]}, {"source_volid": str(volume.pk), "size": 2}):
        answer = cast.olga.post("/volumes", {"volume": {"size": None, **source}})
        assert answer.status == 202, answer.body
        domain.drain()
        shown = cast.olga.get(f"/volumes/{answer.body['volume']['id']}").body["volume"]
        assert (shown["status"], shown["size"]) == ("available", source.get("size", 1))
        assert (shown["snapshot_id"], shown["source_volid"]) == (source.get("snapshot_id"), source.get("source_volid"))
        assert shown["volume_type"] == "replicable"


@pytest.mark.parametrize(
    "version, attached, size, status",
    [
        ("3.0", False, 2, 202),
        ("3.0", False, "3", 202),
        ("3.41", True, 2, 400),
        ("3.42", True, 2, 202),
        ("3.71", False, 1, 400),
        ("3.71", False, 0, 400),
        ("3.71", False, "big", 400),
        ("3.71", False, None, 400),
    ],
)
def test_a_volume_is_extended(
    cast: people.Cast, volume: models.Volume, version: str, attached: bool, size: object, status: int
) -> None:
    if attached:
        attach(cast.olga, volume)
    before = "in-use" if attached else "available"

    answer = cast.olga.post(f"/volumes/{volume.pk}/action", {"os-extend": {"new_size": size}}, version=version)

    assert answer.status == status, answer.body
    domain.drain()
    shown = cast.olga.get(f"/volumes/{volume.pk}").body["volume"]
    assert (shown["status"], shown["size"]) == (before, int(str(size)) if status == 202 else 1)


class TestWhatAComputeServiceReports:
    def reset(self, admin: people.Person, snapshot_id: str, status: str) -> None:
        body = {"os-reset_status": {"status": status}}
        assert admin.post(f"/snapshots/{snapshot_id}/action", body).status == 202

    def report(self, person: people.Person, snapshot_id: str, status: str, **more: object) -> people.Answer:
        body = {"os-update_snapshot_status": {"status": status, **more}}
        return person.post(f"/snapshots/{snapshot_id}/action", body)

    @pytest.mark.parametrize(
        "before, after", [("creating", "error"), ("creating", "available"), ("deleting", "error_deleting")]
    )
    def test_is_believed_of_a_snapshot_that_an_admin_set_so(
        self, cast: people.Cast, volume: models.Volume, before: str, after: str
    ) -> None:
        shown = taken(cast.olga, volume)
        self.reset(cast.ada, shown["id"], before)

        assert self.report(cast.olga, shown["id"], before, progress="40%").status == 202
        answer = self.report(cast.olga, shown["id"], after, progress="80%")

        assert (answer.status, answer.body) == (202, None)
        row = cast.olga.get(f"/snapshots/{shown['id']}").body["snapshot"]
        progress = "100%" if after == "available" else "80%"
        assert (row["status"], row["os-extended-snapshot-attributes:progress"]) == (after, progress)

    def test_is_refused_while_the_storage_works_on_it(self, cast: people.Cast, volume: models.Volume) -> None:
        made = cast.olga.post("/snapshots", {"snapshot": {"volume_id": str(volume.pk)}}).body["snapshot"]

        answer = self.report(cast.olga, made["id"], "available")

        assert (answer.status, "has an open operation" in answer.message) == (400, True)

    def test_makes_no_snapshot_available_that_was_never_taken(self, cast: people.Cast, volume: models.Volume) -> None:
        shown = taken(cast.olga, volume)
        self.reset(cast.ada, shown["id"], "creating")
        models.Snapshot.objects.update(taken_at=None)

        answer = self.report(cast.olga, shown["id"], "available")

        assert (answer.status, "was never taken" in answer.message) == (400, True)

    @pytest.mark.parametrize("status, progress", [("available", "1%"), ("deleted", "1%"), ("creating", "101%")])
    def test_that_makes_no_sense_is_refused(
        self, cast: people.Cast, volume: models.Volume, status: str, progress: str
    ) -> None:
        shown = taken(cast.olga, volume)

        assert self.report(cast.olga, shown["id"], status, progress=progress).status == 400
        assert cast.olga.get(f"/snapshots/{shown['id']}").body["snapshot"]["status"] == "available"
