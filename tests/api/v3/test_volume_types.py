"""Volume types and extra specs."""

from __future__ import annotations

import pytest

from tests.api.v3 import people
from tests.support import domain

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"
ACCESS = "os-volume-type-access:is_public"


def create(cast: people.Cast, **fields: object) -> dict[str, object]:
    answer = cast.ada.post("/types", {"volume_type": fields}, version=None)
    assert answer.status == 200, answer.body
    return dict(answer.body["volume_type"])


def test_an_admin_creates_a_volume_type(cast: people.Cast) -> None:
    made = create(cast, name="gold", description=None, extra_specs={"replication_enabled": "<is> True"})

    assert made == {
        "id": made["id"],
        "name": "gold",
        "description": None,
        "is_public": True,
        ACCESS: True,
        "extra_specs": {"replication_enabled": "<is> True"},
    }
    assert cast.ada.get(f"/types/{made['id']}").body == {"volume_type": {**made, "qos_specs_id": None}}


def test_members_see_only_what_concerns_them(cast: people.Cast) -> None:
    made = create(cast, name="gold", extra_specs={"replication_enabled": "<is> True", "vendor:secret": "x"})

    shown = cast.olga.get(f"/types/{made['id']}").body["volume_type"]

    assert "qos_specs_id" not in shown
    assert shown["extra_specs"] == {"replication_enabled": "<is> True"}
    assert cast.rita.get(f"/types/{made['id']}/extra_specs").body == {"extra_specs": shown["extra_specs"]}
    assert cast.olga.get(f"/types/{made['id']}/extra_specs/vendor:secret").status == 404


def test_an_update_answers_without_the_access_field(cast: people.Cast) -> None:
    made = create(cast, name="gold")

    answer = cast.ada.put(f"/types/{made['id']}", {"volume_type": {"description": "new", "is_public": False}})

    assert answer.status == 200
    assert answer.body["volume_type"] == {
        "id": made["id"],
        "name": "gold",
        "description": "new",
        "is_public": False,
        "extra_specs": {},
    }
    assert cast.olga.get(f"/types/{made['id']}").status == 404


@pytest.mark.parametrize(
    "method, fields, message",
    [
        ("POST", {}, "'name' is a required property"),
        ("POST", {"name": " "}, "An invalid 'name' value was provided. The 'name' can not be empty."),
        ("POST", {"name": "a", "is_public": True}, "Additional properties are not allowed"),
        ("POST", {"name": "a", "extra_specs": []}, "[] is not valid under any of the given schemas"),
        ("PUT", {"name": ""}, "name can not be empty"),
        ("PUT", {ACCESS: True}, "Additional properties are not allowed"),
        ("PUT", {}, "Specify volume type name"),
    ],
)
def test_a_malformed_volume_type_is_refused(
    cast: people.Cast, site: domain.Site, method: str, fields: dict[str, object], message: str
) -> None:
    path = "/types" if method == "POST" else f"/types/{site.volume_type.pk}"

    answer = cast.ada.ask(method, path, body={"volume_type": fields})

    assert answer.status == 400
    assert message in answer.message


def test_a_taken_name_is_a_conflict(cast: people.Cast) -> None:
    create(cast, name="gold")

    answer = cast.ada.post("/types", {"volume_type": {"name": "gold"}})

    assert (answer.status, answer.message) == (409, "Volume Type gold already exists.")


def test_an_unused_volume_type_is_deleted(cast: people.Cast) -> None:
    made = create(cast, name="gold")

    assert cast.ada.delete(f"/types/{made['id']}").status == 202
    assert cast.ada.get(f"/types/{made['id']}").message == f"Volume type {made['id']} could not be found."


def test_a_volume_type_in_use_stays_as_it_is(cast: people.Cast, site: domain.Site) -> None:
    site.new_group(1)
    path = f"/types/{site.volume_type.pk}"

    assert cast.ada.delete(path).message == "Target volume type is still in use."
    for answer in (
        cast.ada.post(f"{path}/extra_specs", {"extra_specs": {"k": "v"}}),
        cast.ada.put(f"{path}/extra_specs/replication_enabled", {"replication_enabled": "no"}),
        cast.ada.delete(f"{path}/extra_specs/replication_enabled"),
    ):
        assert (answer.status, answer.message) == (400, "Volume Type is currently in use.")


def test_extra_specs_are_added_shown_changed_and_removed(cast: people.Cast) -> None:
    made = create(cast, name="gold")
    path = f"/types/{made['id']}/extra_specs"

    added = cast.ada.post(path, {"extra_specs": {"a": "1", "b": "2"}})
    changed = cast.ada.put(f"{path}/a", {"a": None})
    removed = cast.ada.delete(f"{path}/b")

    assert (added.status, added.body) == (200, {"extra_specs": {"a": "1", "b": "2"}})
    assert (changed.status, changed.body) == (200, {"a": None})
    assert removed.status == 202
    assert cast.ada.get(path).body == {"extra_specs": {"a": None}}
    assert cast.ada.get(f"{path}/b").message == f"Volume Type {made['id']} has no extra specs with key b."
    assert cast.ada.delete(f"{path}/b").message == f"Volume Type {made['id']} has no extra specs with key b."


@pytest.mark.parametrize("who", ["olga", "rita"])
def test_members_find_a_volume_type_by_name(cast: people.Cast, who: str) -> None:
    create(cast, name="gold")

    found = getattr(cast, who).get("/types", name="gold", is_public="None").body["volume_types"]

    assert [each["name"] for each in found] == ["gold"]


def test_an_unknown_filter_is_refused_to_members_since_3_52(cast: people.Cast) -> None:
    assert cast.olga.get("/types", zz="1", version="3.51").status == 200
    assert cast.ada.get("/types", zz="1").status == 200
    answer = cast.olga.get("/types", zz="1", version="3.52")
    assert (answer.status, answer.message) == (400, "Invalid filters zz are found in query options.")


def test_volume_types_are_found_by_their_extra_specs(cast: people.Cast) -> None:
    create(cast, name="plain", extra_specs={"a": "1"})
    create(cast, name="both", extra_specs={"a": "1", "b": "2"})

    found = cast.ada.get("/types", extra_specs="{'a': '1', 'b': '2'}").body["volume_types"]

    assert [each["name"] for each in found] == ["both"]
    assert cast.ada.get("/types", extra_specs="a").status == 400


@pytest.mark.parametrize("who", ["olga", "rita", "otto"])
def test_only_admins_change_volume_types(cast: people.Cast, site: domain.Site, who: str) -> None:
    person: people.Person = getattr(cast, who)
    path = f"/types/{site.volume_type.pk}"
    refusals = {
        "type_create": person.post("/types", {"volume_type": {"name": "x"}}),
        "type_update": person.put(path, {"volume_type": {"name": "x"}}),
        "type_delete": person.delete(path),
        "types_extra_specs:create": person.post(f"{path}/extra_specs", {"extra_specs": {"k": "v"}}),
        "types_extra_specs:update": person.put(f"{path}/extra_specs/k", {"k": "v"}),
        "types_extra_specs:delete": person.delete(f"{path}/extra_specs/k"),
    }

    for rule, answer in refusals.items():
        assert answer.status == 403
        assert f"volume_extension:{rule} " in answer.message


def test_unknown_volume_types_are_not_found(cast: people.Cast) -> None:
    assert cast.ada.get(f"/types/{UNKNOWN}").message == f"Volume type {UNKNOWN} could not be found."
    assert cast.ada.get("/types/replicable").status == 404
    assert cast.olga.get("/types/default").message == "Default volume type can not be found."
