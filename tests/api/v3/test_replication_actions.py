"""Enable, disable, fail over, fail back, list targets, and the admins' way out."""

from __future__ import annotations

from typing import Any

import pytest

from drivers import options
from groups import models, specs
from groups.services import types
from tests.api.v3 import people
from tests.support import domain

NOTHING = [{}, {"ignored": 1}, None]


def status(person: people.Person, group: models.Group) -> str:
    return str(person.get(f"/groups/{group.pk}").body["group"]["replication_status"])


@pytest.mark.parametrize("value", NOTHING)
def test_a_member_enables_replication(cast: people.Cast, site: domain.Site, drain: Any, value: object) -> None:
    group = site.new_group(2)

    answer = cast.carl.act(group, "enable_replication", value, version="3.38")

    assert (answer.status, answer.body) == (202, None)
    assert status(cast.carl, group) == "enabling"
    drain()
    assert status(cast.carl, group) == "enabled"
    volume = cast.carl.get("/volumes/detail").body["volumes"][0]
    assert volume["replication_status"] == "enabled"


@pytest.mark.parametrize("value", NOTHING)
def test_a_member_disables_replication(cast: people.Cast, site: domain.Site, drain: Any, value: object) -> None:
    group = site.enabled_group(2)

    assert cast.carl.act(group, "disable_replication", value).status == 202
    assert status(cast.carl, group) == "disabling"
    drain()
    assert status(cast.carl, group) == "disabled"


@pytest.mark.parametrize(
    "verb, statements",
    [("enable_replication", 11), ("disable_replication", 11), ("failover_replication", 14)],
)
@pytest.mark.parametrize("size", [1, 30])
def test_a_verb_takes_as_many_statements_as_the_documentation_says(
    cast: people.Cast,
    site: domain.Site,
    django_assert_num_queries: Any,
    verb: str,
    statements: int,
    size: int,
) -> None:
    group = site.new_group(size) if verb == "enable_replication" else site.enabled_group(size)

    with django_assert_num_queries(statements):
        assert cast.olga.act(group, verb, {}).status == 202


@pytest.mark.parametrize(
    "value, active",
    [
        ({}, "site-b"),
        ({"secondary_backend_id": None, "allow_attached_volume": False}, "site-b"),
        ({"secondary_backend_id": ""}, "site-b"),
        ({"secondary_backend_id": "site-c", "allow_attached_volume": "True"}, "site-c"),
        ({"mode": "planned"}, "site-b"),
        ({"mode": "unplanned"}, "site-b"),
        ({"discard_bytes": 4096}, "site-b"),
    ],
)
def test_a_member_fails_over(
    cast: people.Cast, site: domain.Site, drain: Any, value: dict[str, Any], active: str
) -> None:
    group = site.enabled_group(2)

    answer = cast.olga.act(group, "failover_replication", value)

    assert (answer.status, answer.body) == (202, None)
    assert status(cast.olga, group) == "failing-over"
    drain()
    assert status(cast.olga, group) == "failed-over"
    group.refresh_from_db()
    assert group.active_backend_id == active
    assert domain.last_operation(group).arguments["mode"] == value.get("mode", "auto")


def test_the_sdks_misspelled_failover_is_understood(cast: people.Cast, site: domain.Site, drain: Any) -> None:
    group = site.enabled_group(1)

    answer = cast.olga.act(
        group, "modify_body_for_action", {"allow_attached_volume": False, "secondary_backend_id": "site-c"}
    )
    drain()

    assert answer.status == 202
    assert status(cast.olga, group) == "failed-over"


def test_default_fails_back(cast: people.Cast, site: domain.Site, drain: Any) -> None:
    group = site.failed_over_group(2)

    assert cast.olga.act(group, "failover_replication", {"secondary_backend_id": "default"}).status == 202
    drain()

    assert status(cast.olga, group) == "enabled"


def test_an_unknown_target_is_refused_naming_the_valid_ones(cast: people.Cast, site: domain.Site) -> None:
    group = site.enabled_group(1)

    answer = cast.olga.act(group, "failover_replication", {"secondary_backend_id": "site-x"})

    assert answer.status == 400
    assert "site-b, site-c, and 'default'" in answer.message
    assert status(cast.olga, group) == "enabled"


@pytest.mark.parametrize(
    "value, message",
    [
        (None, "None is not of type 'object'"),
        ([], "[] is not of type 'object'"),
        ({"allow_attached_volume": "maybe"}, "'maybe' is not one of"),
        ({"secondary_backend_id": "x" * 256}, "is too long"),
        ({"secondary_backend_id": 7}, "7 is not of type 'string', 'null'"),
        ({"discard_bytes": -1}, "-1 is less than the minimum of 0"),
        ({"mode": "fast"}, "'fast' is not one of ['auto', 'planned', 'unplanned']"),
        ({"zz": 1}, "Additional properties are not allowed ('zz' was unexpected)"),
    ],
)
def test_a_malformed_failover_is_refused(cast: people.Cast, site: domain.Site, value: object, message: str) -> None:
    group = site.new_group(0)

    answer = cast.olga.act(group, "failover_replication", value)

    assert answer.status == 400
    assert message in answer.message


def test_members_see_where_a_group_can_go(cast: people.Cast, site: domain.Site) -> None:
    group = site.failed_over_group(1)

    answer = cast.carl.act(group, "list_replication_targets", {})

    assert (answer.status, answer.body) == (
        200,
        {
            "replication_targets": [
                {"backend_id": "site-b", "default": True, "active": True},
                {"backend_id": "site-c", "default": False, "active": False},
            ]
        },
    )


def test_admins_see_the_targets_options_without_their_secrets(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)

    targets = cast.ada.act(group, "list_replication_targets", None).body["replication_targets"]

    assert targets[0]["host"] == "b.example"
    assert targets[0]["password"] == options.MASK
    assert targets[1]["password"] is None
    assert targets[0].keys() == targets[1].keys()
    assert domain.SECRET not in str(targets)


@pytest.mark.parametrize(
    "name, rule",
    [
        ("enable_replication", "group:enable_replication"),
        ("disable_replication", "group:disable_replication"),
        ("failover_replication", "group:failover_replication"),
        ("list_replication_targets", "group:list_replication_targets"),
        ("reset_status", "group:reset_status"),
    ],
)
def test_readers_may_look_and_nothing_else(cast: people.Cast, site: domain.Site, name: str, rule: str) -> None:
    group = site.new_group(1)

    answer = cast.rita.act(group, name, {"status": "error"} if name == "reset_status" else {})

    assert (answer.status, answer.message) == (403, f"Policy doesn't allow {rule} to be performed.")


def test_members_do_not_reset(cast: people.Cast, site: domain.Site) -> None:
    assert cast.olga.act(site.new_group(0), "reset_status", {"status": "error"}).status == 403


def test_admins_reset_the_replication_status_only_with_a_reason(cast: people.Cast, site: domain.Site) -> None:
    group = site.enabled_group(1)

    refused = cast.ada.act(group, "reset_status", {"replication_status": "disabled"})
    accepted = cast.ada.act(group, "reset_status", {"replication_status": "disabled", "reason": "array replaced"})

    assert refused.message == "Give a reason: it is kept with the change."
    assert accepted.status == 202
    assert status(cast.olga, group) == "disabled"


def test_replication_needs_a_replication_group_type(cast: people.Cast, site: domain.Site) -> None:
    types.create(site.admin, family=types.GROUP, name="plain", spec_values={specs.GROUP_REPLICATION: "<is> true"})
    body = {"group": {"group_type": "plain", "volume_types": ["replicable"]}}
    made = cast.olga.post("/groups", body).body["group"]
    group = models.Group.objects.get(pk=made["id"])

    for name in ("enable_replication", "disable_replication", "failover_replication", "list_replication_targets"):
        answer = cast.olga.act(group, name, {})
        assert (answer.status, answer.message) == (
            400,
            f"Invalid group type: Group {group.pk} is not a replication group type.",
        )


def test_replication_needs_replicable_volume_types(cast: people.Cast, site: domain.Site) -> None:
    plain = types.create(site.admin, family=types.VOLUME, name="plain")
    body = {"group": {"group_type": "replicated", "volume_types": ["replicable", "plain"]}}
    group = models.Group.objects.get(pk=cast.olga.post("/groups", body).body["group"]["id"])

    answer = cast.olga.act(group, "enable_replication", {})

    assert answer.message == (
        f"Invalid volume type: Volume type {plain.pk} does not have 'replication_enabled' spec key set to '<is> True'."
    )
