"""Group types and group specs."""

from __future__ import annotations

import pytest

from tests.api.v3 import people
from tests.support import domain

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"


def create(cast: people.Cast, **fields: object) -> dict[str, object]:
    answer = cast.ada.post("/group_types", {"group_type": fields})
    assert answer.status == 202, answer.body
    return dict(answer.body["group_type"])


def test_an_admin_creates_a_group_type_with_specs(cast: people.Cast) -> None:
    made = create(cast, name="gold", description="the best", group_specs={"a b/c": "1", "none": None})

    shown = cast.ada.get(f"/group_types/{made['id']}").body["group_type"]
    assert shown == made == {
        "id": made["id"],
        "name": "gold",
        "description": "the best",
        "is_public": True,
        "group_specs": {"a b/c": "1", "none": None},
    }  # fmt: skip


def test_members_see_group_types_without_specs(cast: people.Cast, site: domain.Site) -> None:
    shown = cast.olga.get(f"/group_types/{site.group_type.pk}").body["group_type"]

    assert set(shown) == {"id", "name", "description", "is_public"}
    assert cast.rita.get("/group_types").body["group_types"] == [shown]


@pytest.mark.parametrize(
    "fields, message",
    [
        ({}, "'name' is a required property"),
        ({"name": ""}, "'' should be non-empty"),
        ({"name": "   "}, "An invalid 'name' value was provided. The 'name' can not be empty."),
        ({"name": "x" * 256}, "is too long"),
        ({"name": 3}, "3 is not of type 'string'"),
        ({"name": "a", "description": "two\nlines"}, "is not a 'printable'"),
        ({"name": "a", "is_public": "maybe"}, "'maybe' is not one of [True"),
        ({"name": "a", "zz": 1}, "Additional properties are not allowed ('zz' was unexpected)"),
        ({"name": "a", "group_specs": {"k": 5}}, "Invalid input for field/attribute"),
        ({"name": "a", "group_specs": {"replsite:interval_seconds": "soon"}}, "must be a number of seconds"),
    ],
)
def test_a_malformed_group_type_is_refused(cast: people.Cast, fields: dict[str, object], message: str) -> None:
    answer = cast.ada.post("/group_types", {"group_type": fields})

    assert answer.status == 400
    assert message in answer.message


def test_a_missing_envelope_is_named(cast: people.Cast) -> None:
    assert cast.ada.post("/group_types", {}).message == "'group_type' is a required property"


def test_a_nested_problem_names_its_field(cast: people.Cast) -> None:
    answer = cast.ada.post("/group_types", {"group_type": {"name": "gold", "description": 5}})

    assert answer.message == (
        "Invalid input for field/attribute description. Value: 5. 5 is not of type 'string', 'null'"
    )


def test_a_taken_name_is_a_conflict(cast: people.Cast) -> None:
    create(cast, name="gold")
    other = create(cast, name="silver")

    again = cast.ada.post("/group_types", {"group_type": {"name": "gold"}})
    renamed = cast.ada.put(f"/group_types/{other['id']}", {"group_type": {"name": "gold"}})

    assert again.body == {"conflictingRequest": {"code": 409, "message": "Group Type gold already exists."}}
    assert (renamed.status, renamed.message) == (409, "Group Type gold already exists.")


def test_an_update_changes_what_it_names_and_null_changes_nothing(cast: people.Cast) -> None:
    made = create(cast, name="gold", description="the best")

    body = {"group_type": {"name": "platinum", "description": None, "is_public": "False"}}
    answer = cast.ada.put(f"/group_types/{made['id']}", body)

    assert answer.status == 200
    assert answer.body["group_type"] == {**made, "name": "platinum", "is_public": False}


@pytest.mark.parametrize(
    "fields, message",
    [
        ({}, "Specify group type name, description or a combination thereof."),
        ({"name": None}, "Specify group type name, description or a combination thereof."),
        ({"name": "  "}, "Group type name can not be empty."),
        ({"os-x": 1}, "Additional properties are not allowed ('os-x' was unexpected)"),
    ],
)
def test_an_update_that_says_nothing_is_refused(cast: people.Cast, fields: dict[str, object], message: str) -> None:
    made = create(cast, name="gold")

    answer = cast.ada.put(f"/group_types/{made['id']}", {"group_type": fields})

    assert answer.status == 400
    assert message.lower() in answer.message.lower()


def test_an_unused_group_type_is_deleted(cast: people.Cast) -> None:
    made = create(cast, name="gold")

    answer = cast.ada.delete(f"/group_types/{made['id']}")

    assert (answer.status, answer.body) == (202, None)
    assert cast.ada.get(f"/group_types/{made['id']}").message == f"Group type {made['id']} could not be found."


def test_a_used_group_type_is_not_deleted(cast: people.Cast, site: domain.Site) -> None:
    site.new_group(0)

    answer = cast.ada.delete(f"/group_types/{site.group_type.pk}")

    assert answer.status == 400
    assert answer.message == (
        f"Target group type is still in use. Group Type {site.group_type.pk} deletion is not allowed with groups"
        " present with the type."
    )


@pytest.mark.parametrize("name", [UNKNOWN, "replicated", "a/../b"])
def test_an_unknown_group_type_is_not_found(cast: people.Cast, name: str) -> None:
    assert cast.ada.get(f"/group_types/{name}").status == 404
    assert cast.ada.put(f"/group_types/{name}", {"group_type": {"name": "x"}}).status == 404
    assert cast.ada.delete(f"/group_types/{name}").status == 404


def test_there_is_no_default_group_type(cast: people.Cast) -> None:
    answer = cast.olga.get("/group_types/default")

    assert (answer.status, answer.message) == (404, "Default group type can not be found.")


def test_a_private_group_type_is_hidden_from_members(cast: people.Cast) -> None:
    made = create(cast, name="secret", is_public=False)

    assert cast.olga.get(f"/group_types/{made['id']}").status == 404
    assert "secret" not in [
        each["name"] for each in cast.olga.get("/group_types", is_public="None").body["group_types"]
    ]


@pytest.mark.parametrize(
    "word, names",
    [
        (None, {"replicated"}),
        ("None", {"replicated", "secret"}),
        ("none", {"replicated", "secret"}),
        ("True", {"replicated"}),
        ("false", {"secret"}),
    ],
)
def test_admins_choose_which_group_types_they_list(cast: people.Cast, word: str | None, names: set[str]) -> None:
    create(cast, name="secret", is_public=False)

    query = {} if word is None else {"is_public": word}
    found = cast.ada.get("/group_types", **query).body["group_types"]

    assert {each["name"] for each in found} == names


def test_group_types_are_found_by_name_and_other_words_are_overlooked(cast: people.Cast) -> None:
    create(cast, name="gold")

    found = cast.ada.get("/group_types", name="gold", all_tenants=1, is_public="None", zz="1").body["group_types"]

    assert [each["name"] for each in found] == ["gold"]
    assert len(cast.olga.get("/group_types", zz="1").body["group_types"]) == 2


def test_an_unknown_visibility_is_refused(cast: people.Cast) -> None:
    assert cast.ada.get("/group_types", is_public="zz").message == "Invalid is_public filter [zz]"


@pytest.mark.parametrize("who", ["olga", "rita", "otto"])
def test_only_admins_change_group_types(cast: people.Cast, site: domain.Site, who: str) -> None:
    person: people.Person = getattr(cast, who)
    path = f"/group_types/{site.group_type.pk}"
    refusals = {
        "group:group_types:create": person.post("/group_types", {"group_type": {"name": "x"}}),
        "group:group_types:update": person.put(path, {"group_type": {"name": "x"}}),
        "group:group_types:delete": person.delete(path),
        "group:group_types_specs:get_all": person.get(f"{path}/group_specs"),
        "group:group_types_specs:get": person.get(f"{path}/group_specs/k"),
        "group:group_types_specs:create": person.post(f"{path}/group_specs", {"group_specs": {"k": "v"}}),
        "group:group_types_specs:update": person.put(f"{path}/group_specs/k", {"k": "v"}),
        "group:group_types_specs:delete": person.delete(f"{path}/group_specs/k"),
    }

    for rule, answer in refusals.items():
        assert (answer.status, answer.message) == (403, f"Policy doesn't allow {rule} to be performed.")


def test_group_specs_are_added_shown_changed_and_removed(cast: people.Cast) -> None:
    path = f"/group_types/{create(cast, name='gold')['id']}/group_specs"

    added = cast.ada.post(path, {"group_specs": {"a.b:c": "1", "other": "2"}})
    changed = cast.ada.put(f"{path}/a.b:c", {"a.b:c": "3"})
    removed = cast.ada.delete(f"{path}/other")

    assert (added.status, added.body) == (202, {"group_specs": {"a.b:c": "1", "other": "2"}})
    assert (changed.status, changed.body) == (200, {"a.b:c": "3"})
    assert (removed.status, removed.body) == (202, None)
    assert cast.ada.get(path).body == {"group_specs": {"a.b:c": "3"}}
    assert cast.ada.get(f"{path}/a.b:c").body == {"a.b:c": "3"}


def test_group_specs_change_while_groups_use_the_type(cast: people.Cast, site: domain.Site) -> None:
    site.new_group(0)

    answer = cast.ada.post(f"/group_types/{site.group_type.pk}/group_specs", {"group_specs": {"k": "v"}})

    assert answer.status == 202


def test_a_key_with_a_slash_can_be_removed_again(cast: people.Cast) -> None:
    made = create(cast, name="gold", group_specs={"a/b": "1"})

    assert cast.ada.delete(f"/group_types/{made['id']}/group_specs/a/b").status == 202


def test_unknown_keys_are_named(cast: people.Cast) -> None:
    made = create(cast, name="gold")
    path = f"/group_types/{made['id']}/group_specs/k"

    assert cast.ada.get(path).message == f"Group Type {made['id']} has no extra spec with key k."
    assert cast.ada.delete(path).message == f"Group Type {made['id']} has no specs with key k."
    assert cast.ada.get(f"/group_types/{UNKNOWN}/group_specs").status == 404


@pytest.mark.parametrize(
    "body, message",
    [
        ({"other": "1"}, "Request body and URI mismatch"),
        ({}, "Request body and URI mismatch"),
        ({"k": "1", "l": "2"}, "has too many properties"),
        ({"k": 1}, "1 is not of type 'string', 'null'"),
        ({"k": "x" * 256}, "is too long"),
    ],
)
def test_a_spec_that_does_not_fit_its_address_is_refused(
    cast: people.Cast, body: dict[str, object], message: str
) -> None:
    answer = cast.ada.put(f"/group_types/{create(cast, name='gold')['id']}/group_specs/k", body)

    assert answer.status == 400
    assert message in answer.message


def test_a_bad_key_is_refused(cast: people.Cast) -> None:
    path = f"/group_types/{create(cast, name='gold')['id']}/group_specs"

    answer = cast.ada.post(path, {"group_specs": {"bad key": "1"}})

    assert answer.status == 400
    assert "'bad key' does not match any of the regexes" in answer.message
