"""QoS specs: kept, shown, and given to volume types."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups import models
from tests.api.v3 import people
from tests.services.test_replication import every_row
from tests.support import domain


def create(person: people.Person, name: str = "fast", **fields: object) -> people.Answer:
    return person.post("/qos-specs", {"qos_specs": {"name": name, **fields}})


@pytest.fixture
def qos_id(site: domain.Site, cast: people.Cast) -> str:
    """QoS specs with one key."""
    return str(create(cast.ada, read_iops_sec="2000").body["qos_specs"]["id"])


def specs_of(person: people.Person, qos_id: str) -> dict[str, str]:
    found: dict[str, str] = person.get(f"/qos-specs/{qos_id}").body["qos_specs"]["specs"]
    return found


class TestQosSpecs:
    @pytest.mark.parametrize("consumer", ["front-end", "back-end", "both"])
    def test_are_created_shown_listed_and_deleted(self, cast: people.Cast, consumer: str) -> None:
        made = create(cast.ada, consumer=consumer, read_iops_sec="2000")

        assert made.status == 200
        row = made.body["qos_specs"]
        assert row == {"id": row["id"], "name": "fast", "consumer": consumer, "specs": {"read_iops_sec": "2000"}}
        path = f"{cast.ada.project_id}/qos-specs/{row['id']}"
        assert [link["href"] for link in made.body["links"]] == [
            f"http://testserver/v3/{path}",
            f"http://testserver/{path}",
        ]
        assert cast.ada.get(f"/qos-specs/{row['id']}").body == made.body
        assert cast.ada.get("/qos-specs").body == {"qos_specs": [row]}
        assert cast.ada.delete(f"/qos-specs/{row['id']}", force=False).status == 202
        assert cast.ada.get(f"/qos-specs/{row['id']}").status == 404

    def test_are_for_the_storage_unless_told_otherwise(self, cast: people.Cast) -> None:
        assert create(cast.ada).body["qos_specs"]["consumer"] == "back-end"

    def test_have_a_name_of_their_own(self, cast: people.Cast, qos_id: str) -> None:
        answer = create(cast.ada, " fast ")

        assert (answer.status, answer.message) == (409, "QoS Specs fast already exists.")

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": ""},
            {"name": " "},
            {"name": "n" * 256},
            {"name": None},
            {"consumer": "nobody"},
            {"id": "x"},
            {"a/b": "1"},
            {"iops": 500},
            {"iops": "1" * 256},
        ],
    )
    def test_that_make_no_sense_are_refused(self, cast: people.Cast, fields: dict[str, object]) -> None:
        answer = cast.ada.post("/qos-specs", {"qos_specs": {"name": "fast", **fields}})

        assert (answer.status, models.QosSpecs.objects.count()) == (400, 0)

    def test_are_for_admins_alone(self, cast: people.Cast, qos_id: str) -> None:
        before = every_row()
        for person in (cast.olga, cast.rita, cast.otto):
            answers = [
                person.get("/qos-specs"),
                person.get(f"/qos-specs/{qos_id}"),
                create(person, "other"),
                person.get(f"/qos-specs/{qos_id}/associate", vol_type_id="x"),
                person.delete(f"/qos-specs/{qos_id}"),
            ]
            assert [answer.status for answer in answers] == [403] * 5
        assert every_row() == before

    def test_are_paged_and_filtered(self, cast: people.Cast) -> None:
        for name in ("a", "b", "c"):
            create(cast.ada, name)

        first = cast.ada.get("/qos-specs", sort="name:asc", limit=2).body
        assert [row["name"] for row in first["qos_specs"]] == ["a", "b"]
        marker = first["qos_specs"][-1]["id"]
        assert f"marker={marker}" in first["qos_specs_links"][0]["href"]
        rest = cast.ada.get("/qos-specs", sort="name:asc", marker=marker).body["qos_specs"]
        assert [row["name"] for row in rest] == ["c"]
        assert [row["name"] for row in cast.ada.get("/qos-specs", name="b").body["qos_specs"]] == ["b"]

    def test_that_nobody_made_are_not_there(self, cast: people.Cast) -> None:
        for path in ("x", "5ac7e0d1-c0de-4b6f-9f3b-2a1908172635"):
            assert cast.ada.get(f"/qos-specs/{path}").status == 404
            assert cast.ada.put(f"/qos-specs/{path}", {"qos_specs": {"k": "v"}}).status == 404
            assert cast.ada.get(f"/qos-specs/{path}/disassociate_all").status == 404


class TestTheirKeys:
    def test_are_added_and_changed_and_the_others_stay(self, cast: people.Cast, qos_id: str) -> None:
        changed = cast.ada.put(f"/qos-specs/{qos_id}", {"qos_specs": {"iops": "500", "consumer": "both"}})

        assert (changed.status, changed.body) == (200, {"qos_specs": {"iops": "500", "consumer": "both"}})
        row = cast.ada.get(f"/qos-specs/{qos_id}").body["qos_specs"]
        assert (row["consumer"], row["specs"]) == ("both", {"read_iops_sec": "2000", "iops": "500"})

    @pytest.mark.parametrize("values", [{}, {"name": "x"}, {"id": "x"}, {"consumer": "x"}, {"k": None}])
    def test_that_make_no_sense_are_refused(self, cast: people.Cast, qos_id: str, values: dict[str, object]) -> None:
        assert cast.ada.put(f"/qos-specs/{qos_id}", {"qos_specs": values}).status == 400

    def test_are_removed_all_or_none(self, cast: people.Cast, qos_id: str) -> None:
        cast.ada.put(f"/qos-specs/{qos_id}", {"qos_specs": {"iops": "500"}})
        path = f"/qos-specs/{qos_id}/delete_keys"

        refused = cast.ada.put(path, {"keys": ["iops", "bytes"]})
        assert (refused.status, "no spec with key bytes" in refused.message) == (400, True)
        assert specs_of(cast.ada, qos_id) == {"read_iops_sec": "2000", "iops": "500"}
        assert cast.ada.put(path, {"keys": ["iops"]}).status == 202
        assert specs_of(cast.ada, qos_id) == {"read_iops_sec": "2000"}
        assert cast.ada.put(path, {"keys": []}).status == 400


class TestVolumeTypes:
    def test_get_them_show_them_and_lose_them(self, site: domain.Site, cast: people.Cast, qos_id: str) -> None:
        kind = site.volume_type
        path = f"/qos-specs/{qos_id}"

        assert cast.ada.get(f"{path}/associate", vol_type_id=str(kind.pk)).status == 202
        assert cast.ada.get(f"{path}/associate", vol_type_id=str(kind.pk)).status == 202
        assert cast.ada.get(f"{path}/associations").body == {
            "qos_associations": [{"association_type": "volume_type", "name": kind.name, "id": str(kind.pk)}]
        }
        assert cast.ada.get(f"/types/{kind.pk}").body["volume_type"]["qos_specs_id"] == qos_id
        [listed] = cast.ada.get("/types", name=kind.name).body["volume_types"]
        assert listed["qos_specs_id"] == qos_id
        assert "qos_specs_id" not in cast.olga.get(f"/types/{kind.pk}").body["volume_type"]

        gone = cast.ada.get(f"{path}/disassociate", vol_type_id=str(kind.pk))
        assert (gone.status, gone.body) == (202, None)
        assert cast.ada.get(f"{path}/associations").body == {"qos_associations": []}

    def test_have_one_at_a_time(self, site: domain.Site, cast: people.Cast, qos_id: str) -> None:
        other = create(cast.ada, "slow").body["qos_specs"]["id"]
        kind = str(site.volume_type.pk)
        cast.ada.get(f"/qos-specs/{qos_id}/associate", vol_type_id=kind)

        refused = cast.ada.get(f"/qos-specs/{other}/associate", vol_type_id=kind)
        assert (refused.status, qos_id in refused.message) == (400, True)
        assert cast.ada.get(f"/qos-specs/{other}/disassociate", vol_type_id=kind).status == 202
        assert cast.ada.get(f"/types/{kind}").body["volume_type"]["qos_specs_id"] == qos_id

    def test_keep_those_they_have_from_being_deleted_but_by_force(
        self, site: domain.Site, cast: people.Cast, qos_id: str
    ) -> None:
        cast.ada.get(f"/qos-specs/{qos_id}/associate", vol_type_id=str(site.volume_type.pk))

        refused = cast.ada.delete(f"/qos-specs/{qos_id}")
        assert (refused.status, "still associated" in refused.message) == (400, True)
        assert cast.ada.delete(f"/qos-specs/{qos_id}", force="True").status == 202
        assert cast.ada.get(f"/types/{site.volume_type.pk}").body["volume_type"]["qos_specs_id"] is None

    @pytest.mark.parametrize("consumer, told", [("front-end", True), ("both", True), ("back-end", False)])
    def test_tell_them_to_hosts_that_are_to_see_to_them(
        self, site: domain.Site, cast: people.Cast, qos_id: str, consumer: str, told: bool
    ) -> None:
        cast.ada.put(f"/qos-specs/{qos_id}", {"qos_specs": {"consumer": consumer}})
        cast.ada.get(f"/qos-specs/{qos_id}/associate", vol_type_id=str(site.volume_type.pk))
        volume = site.new_group(1).volumes.get()

        body = {"attachment": {"volume_uuid": str(volume.pk), "connector": {"host": "web-1"}}}
        shown = cast.olga.post("/attachments", body).body["attachment"]["connection_info"]
        action = {"os-initialize_connection": {"connector": {"host": "web-1"}}}
        older = cast.olga.post(f"/volumes/{volume.pk}/action", action).body["connection_info"]["data"]

        expected = {"read_iops_sec": "2000"} if told else None
        assert (shown["qos_specs"], older["qos_specs"]) == (expected, expected)

    def test_all_lose_them_at_once(self, cast: people.Cast, qos_id: str) -> None:
        for name in ("vt-1", "vt-2"):
            kind = cast.ada.post("/types", {"volume_type": {"name": name}}).body["volume_type"]["id"]
            cast.ada.get(f"/qos-specs/{qos_id}/associate", vol_type_id=kind)

        assert cast.ada.get(f"/qos-specs/{qos_id}/disassociate_all").status == 202
        assert cast.ada.get(f"/qos-specs/{qos_id}/associations").body == {"qos_associations": []}

    @pytest.mark.parametrize("query, status", [({}, 400), ({"vol_type_id": ""}, 400), ({"vol_type_id": "x"}, 404)])
    def test_have_to_be_named(self, cast: people.Cast, qos_id: str, query: dict[str, str], status: int) -> None:
        for verb in ("associate", "disassociate"):
            assert cast.ada.get(f"/qos-specs/{qos_id}/{verb}", **query).status == status

    def test_are_listed_with_them_in_as_many_statements_for_many_as_for_one(
        self, cast: people.Cast, qos_id: str
    ) -> None:
        counts = []
        for name in ("vt-1", "vt-2"):
            kind = cast.ada.post("/types", {"volume_type": {"name": name}}).body["volume_type"]["id"]
            cast.ada.get(f"/qos-specs/{qos_id}/associate", vol_type_id=kind)
            with CaptureQueriesContext(connection) as caught:
                cast.ada.get("/types")
            counts.append(len(caught))

        assert counts[0] == counts[1]
