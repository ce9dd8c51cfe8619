"""A refused request leaves every row of every table as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers

from groups import models, specs
from groups.services import types
from groups.statuses import GroupStatus, ReplicationStatus, VolumeStatus
from tests.api.v3 import people, standing
from tests.support import domain

pytestmark = pytest.mark.unjudged("rows are put into every status by hand")

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"
Ask = Callable[[people.Cast], people.Answer]


def rows() -> dict[str, str]:
    """Return all rows of all our tables."""
    return {
        model.__name__: serializers.serialize("json", model.objects.order_by("pk"))
        for model in apps.get_app_config("groups").get_models()
    }


@pytest.fixture
def unchanged() -> Callable[[people.Answer, int, str], None]:
    """Check that an answer is a refusal and that nothing changed since the test's first look."""
    state: list[dict[str, str]] = []

    def check(answer: people.Answer | None, status: int = 0, message: str = "") -> None:
        if answer is None:
            state[:] = [rows()]
            return
        assert answer.status == status, answer.body
        assert message in answer.message
        assert rows() == state[0]

    return check


@pytest.fixture
def group(site: domain.Site) -> models.Group:
    """A group of three."""
    return standing.replicated(site, 3)


def set_group(group: models.Group, **columns: str) -> None:
    models.Group.objects.filter(pk=group.pk).update(**columns)


def set_member(group: models.Group, position: int, **columns: object) -> models.Volume:
    volume = domain.members(group)[position]
    models.Volume.objects.filter(pk=volume.pk).update(**columns)
    return volume


REPLICATION = [
    ("enable_replication", {}, "enable replication"),
    ("failover_replication", {}, "failover replication"),
    ("failover_replication", {"secondary_backend_id": "default"}, "failover replication"),
]


@pytest.mark.parametrize("name, value, verb", REPLICATION)
def test_refusal_for_the_groups_status(
    cast: people.Cast, group: models.Group, unchanged: Any, name: str, value: object, verb: str
) -> None:
    set_group(group, status=GroupStatus.ERROR)
    unchanged(None)

    answer = cast.olga.act(group, name, value)

    unchanged(
        answer,
        400,
        f"Invalid Group: Group {group.pk} status must be ['available'], but current status is: error. Cannot {verb}.",
    )


@pytest.mark.parametrize(
    "name, value, status",
    [
        ("enable_replication", {}, ReplicationStatus.FAILED_OVER),
        ("enable_replication", {}, ReplicationStatus.ENABLING),
        ("disable_replication", {}, ReplicationStatus.DISABLED),
        ("disable_replication", {}, ReplicationStatus.FAILED_OVER),
        ("failover_replication", {}, ReplicationStatus.DISABLED),
        ("failover_replication", {"secondary_backend_id": "default"}, ReplicationStatus.DISABLED),
    ],
)
def test_refusal_for_the_groups_replication_status(
    cast: people.Cast, group: models.Group, unchanged: Any, name: str, value: object, status: str
) -> None:
    set_group(group, replication_status=status)
    models.Volume.objects.filter(group=group).update(replication_status=status)
    unchanged(None)

    answer = cast.olga.act(group, name, value)

    unchanged(answer, 400, f"but current status is: {status}. Cannot {name.replace('_', ' ')}.")


@pytest.mark.parametrize("name, value, verb", REPLICATION)
def test_refusal_for_the_last_volumes_status(
    cast: people.Cast, site: domain.Site, unchanged: Any, name: str, value: object, verb: str
) -> None:
    group = standing.replicated(site, 3, status="enabled")
    volume = set_member(group, -1, status=VolumeStatus.RESERVED)
    unchanged(None)

    answer = cast.olga.act(group, name, value)

    unchanged(
        answer,
        400,
        f"Invalid volume: Volume {volume.pk} status must be ['available', 'in-use'],"
        f" but current status is: reserved. Cannot {verb}.",
    )


def test_refusal_for_an_attached_volume_without_the_flag(cast: people.Cast, site: domain.Site, unchanged: Any) -> None:
    group = standing.replicated(site, 3, status="enabled")
    volume = set_member(group, 1, status=VolumeStatus.IN_USE)
    unchanged(None)

    answer = cast.olga.act(group, "failover_replication", {"allow_attached_volume": False})

    unchanged(
        answer,
        400,
        f"Invalid volume: Volume {volume.pk} is attached but allow_attached_volume flag is False."
        " Cannot failover replication.",
    )


def test_refusal_for_a_volumes_replication_status(cast: people.Cast, site: domain.Site, unchanged: Any) -> None:
    group = standing.replicated(site, 3, status="enabled")
    volume = set_member(group, -1, replication_status=ReplicationStatus.DISABLED)
    unchanged(None)

    answer = cast.olga.act(group, "failover_replication", {})

    unchanged(answer, 400, f"Invalid volume: Volume {volume.pk} replication status must be [")


def test_refusal_of_an_unknown_target(cast: people.Cast, site: domain.Site, unchanged: Any) -> None:
    group = standing.replicated(site, 3, status="enabled")
    unchanged(None)

    unchanged(cast.olga.act(group, "failover_replication", {"secondary_backend_id": "nowhere"}), 400, "nowhere")


def test_refusal_for_the_types(cast: people.Cast, site: domain.Site, group: models.Group, unchanged: Any) -> None:
    types.set_specs(
        site.admin, family=types.GROUP, type_id=group.group_type_id, values={specs.CONSISTENT_GROUP_REPLICATION: "no"}
    )
    unchanged(None)

    unchanged(cast.olga.act(group, "enable_replication", {}), 400, "is not a replication group type.")


@pytest.mark.parametrize("name", ["enable_replication", "disable_replication", "failover_replication", "delete"])
def test_refusal_while_an_operation_is_open(cast: people.Cast, site: domain.Site, unchanged: Any, name: str) -> None:
    group = standing.replicated(site, 2, status="enabled")
    cast.olga.act(group, "failover_replication", {})
    unchanged(None)

    answer = cast.olga.act(group, name, {"delete-volumes": True} if name == "delete" else {})

    unchanged(answer, 400, "")


@pytest.mark.parametrize("who, status", [("rita", 403), ("otto", 404)])
def test_refusal_for_who_asks(cast: people.Cast, group: models.Group, unchanged: Any, who: str, status: int) -> None:
    person: people.Person = getattr(cast, who)
    volume = domain.members(group)[0]
    unchanged(None)

    unchanged(person.act(group, "enable_replication", {}), status)
    unchanged(person.act(group, "delete", {"delete-volumes": True}), status)
    unchanged(person.act(group, "reset_status", {"status": "error"}), status)
    unchanged(person.put(f"/groups/{group.pk}", {"group": {"name": "x"}}), status)
    unchanged(person.put(f"/volumes/{volume.pk}", {"volume": {"name": "x"}}), status)
    unchanged(person.delete(f"/volumes/{volume.pk}"), status)


def test_refused_changes_of_a_groups_members(cast: people.Cast, site: domain.Site, unchanged: Any) -> None:
    group, other = standing.replicated(site, 2), standing.replicated(site, 1)
    plain = types.create(site.admin, family=types.VOLUME, name="plain")
    elsewhere = models.Project.objects.get(pk=cast.otto.project_id)
    [loose] = [str(volume.pk) for volume in standing.add_volumes(site, 1)]
    [odd] = [str(volume.pk) for volume in standing.add_volumes(site, 1, volume_type=plain)]
    [broken] = [str(volume.pk) for volume in standing.add_volumes(site, 1, status="error")]
    [foreign] = [str(volume.pk) for volume in standing.add_volumes(site, 1, project=elsewhere)]
    mine = str(domain.members(group)[0].pk)
    theirs = str(domain.members(other)[0].pk)
    set_member(group, 1, status=VolumeStatus.MAINTENANCE)
    cannot = f"Invalid volume: Cannot add volume {{}} to group {group.pk} because "
    refusals = [
        ({"name": group.name}, f"Invalid Group: Cannot update group {group.pk} because no valid name"),
        ({"add_volumes": mine}, "because no valid name, description, add_volumes, or remove_volumes were provided."),
        ({"add_volumes": "", "remove_volumes": None}, "because no valid name"),
        ({"add_volumes": UNKNOWN}, cannot.format(UNKNOWN) + "volume cannot be found."),
        ({"add_volumes": foreign}, cannot.format(foreign) + "volume cannot be found."),
        ({"add_volumes": "no-id"}, cannot.format("no-id") + "volume cannot be found."),
        ({"add_volumes": theirs}, cannot.format(theirs) + f"it is already in group {other.pk}."),
        ({"add_volumes": odd}, cannot.format(odd) + f"volume type {plain.pk} is not supported by the group."),
        ({"add_volumes": broken}, "is in an invalid state: error. Valid states are: ('available', 'in-use')."),
        ({"add_volumes": f"{loose},{UNKNOWN}"}, "volume cannot be found."),
        ({"name": "new", "add_volumes": UNKNOWN}, "volume cannot be found."),
        ({"remove_volumes": loose}, f"Invalid volume: Cannot remove volume {loose} from group {group.pk}"),
        ({"remove_volumes": str(domain.members(group)[1].pk)}, "invalid state: maintenance"),
        ({"add_volumes": mine, "remove_volumes": mine}, "are in both add and remove volume list."),
        ({}, "{} "),
        ({"name": "x" * 256}, "is too long"),
    ]
    unchanged(None)

    for fields, message in refusals:
        unchanged(cast.olga.put(f"/groups/{group.pk}", {"group": fields}), 400, message)


def test_refused_members_while_the_group_is_not_available(
    cast: people.Cast, group: models.Group, unchanged: Any
) -> None:
    set_group(group, status=GroupStatus.ERROR)
    unchanged(None)

    answer = cast.olga.put(
        f"/groups/{group.pk}", {"group": {"name": "new", "remove_volumes": str(domain.members(group)[0].pk)}}
    )

    unchanged(answer, 400, "Invalid Group: Group status must be available.")


def test_refused_deletions_of_a_group(cast: people.Cast, group: models.Group, unchanged: Any) -> None:
    unchanged(None)
    unchanged(cast.olga.act(group, "delete", {}), 400, "still contains volumes.")

    set_member(group, 0, status=VolumeStatus.IN_USE)
    unchanged(None)
    unchanged(
        cast.olga.act(group, "delete", {"delete-volumes": True}),
        400,
        "Invalid Group: Volume in group is attached. Need to detach first.",
    )

    set_group(group, status=GroupStatus.UPDATING)
    unchanged(None)
    unchanged(
        cast.olga.act(group, "delete", {"delete-volumes": True}),
        400,
        "Invalid Group: Group status must be available or error, but current status is: updating",
    )


def test_refused_resets(cast: people.Cast, group: models.Group, unchanged: Any) -> None:
    unchanged(None)

    unchanged(
        cast.ada.act(group, "reset_status", {"status": "bogus"}),
        400,
        "Invalid Group Status: Group status: bogus is invalid, valid status are: (",
    )
    unchanged(cast.ada.act(group, "reset_status", {"status": "in-use"}), 400, "in-use is invalid")
    unchanged(cast.ada.act(group, "reset_status", {"replication_status": "enabled"}), 400, "Give a reason")
    unchanged(
        cast.ada.act(group, "reset_status", {"status": "error", "replication_status": "enabling", "reason": "x"}),
        400,
        "'enabling' cannot be set by hand.",
    )


def test_refused_types_and_specs(cast: people.Cast, site: domain.Site, group: models.Group, unchanged: Any) -> None:
    group_type, volume_type = f"/group_types/{group.group_type_id}", f"/types/{site.volume_type.pk}"
    types.create(site.admin, family=types.GROUP, name="other")
    types.create(site.admin, family=types.VOLUME, name="other")
    unchanged(None)

    unchanged(cast.ada.post("/group_types", {"group_type": {"name": "other"}}), 409)
    unchanged(cast.ada.put(group_type, {"group_type": {"name": "other", "description": "new"}}), 409)
    unchanged(cast.ada.put(group_type, {"group_type": {"description": "new", "name": " "}}), 400)
    unchanged(cast.ada.delete(group_type), 400)
    unchanged(cast.ada.post(f"{group_type}/group_specs", {"group_specs": {"good": "1", "bad key": "2"}}), 400)
    unchanged(cast.ada.delete(f"{group_type}/group_specs/k"), 404)
    unchanged(cast.ada.post("/types", {"volume_type": {"name": "other", "extra_specs": {"k": "v"}}}), 409)
    unchanged(cast.ada.put(volume_type, {"volume_type": {"name": "other", "is_public": False}}), 409)
    unchanged(cast.ada.delete(volume_type), 400)
    unchanged(cast.ada.post(f"{volume_type}/extra_specs", {"extra_specs": {"k": "v"}}), 400)
    unchanged(cast.ada.put(f"{volume_type}/extra_specs/k", {"k": "v"}), 400)
    unchanged(cast.ada.delete(f"{volume_type}/extra_specs/replication_enabled"), 400)


def refused_groups() -> Iterator[tuple[dict[str, object], int]]:
    good: dict[str, object] = {"group_type": "replicated", "volume_types": ["replicable"]}
    yield {**good, "group_type": "nope"}, 404
    yield {**good, "volume_types": ["replicable", "nope"]}, 404
    yield {**good, "availability_zone": "mars"}, 400
    yield {"group_type": "replicated"}, 400


def test_refused_creations(cast: people.Cast, group: models.Group, unchanged: Any) -> None:
    unchanged(None)

    for fields, status in refused_groups():
        unchanged(cast.olga.post("/groups", {"group": fields}), status)
    for fields in ({"size": 0}, {"size": 1, "group_id": str(group.pk)}, {"size": 1, "volume_type": None}):
        unchanged(cast.olga.post("/volumes", {"volume": fields}), 400)
