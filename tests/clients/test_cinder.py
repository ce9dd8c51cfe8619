"""The released `cinder` command, unchanged, against a running site."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.clients import livesite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclasses.dataclass(frozen=True)
class Made:
    """A group that is ready, with its types and volumes."""

    tag: str
    group_id: str
    volume_ids: list[str]


@pytest.fixture
def make(live: livesite.LiveSite, tag: str) -> Callable[[int], Made]:
    """Make a group with volumes, the quick way."""

    def made(volumes: int) -> Made:
        library = live.library
        group_type = library.group_types.create(f"gt-{tag}")
        group_type.set_keys({"consistent_group_replication_enabled": "<is> True"})
        volume_type = library.volume_types.create(f"vt-{tag}")
        volume_type.set_keys({"replication_enabled": "<is> True"})
        group = library.groups.create(group_type.id, volume_type.id, name=f"g-{tag}")
        live.await_group(group.id, status="available")
        ids = [
            library.volumes.create(1, group_id=group.id, volume_type=volume_type.id, name=f"v{number}-{tag}").id
            for number in range(volumes)
        ]
        for volume_id in ids:
            live.await_volume(volume_id, status="available")
        return Made(tag=tag, group_id=group.id, volume_ids=ids)

    return made


def create_types(cinder: livesite.Command, tag: str) -> tuple[str, str]:
    """Create replicated types by name, as the seed's walkthrough does; return their names."""
    group_type, volume_type = f"gt-{tag}", f"vt-{tag}"
    assert [row["Name"] for row in cinder.rows("group-type-create", group_type)] == [group_type]
    assert cinder("group-type-key", group_type, "set", "consistent_group_replication_enabled=<is> True") == ""
    made = cinder.rows("type-create", volume_type)
    assert [(row["Name"], row["Is_Public"]) for row in made] == [(volume_type, "True")]
    assert cinder("type-key", volume_type, "set", "replication_enabled=<is> True") == ""
    return group_type, volume_type


def create_group(cinder: livesite.Command, live: livesite.LiveSite, tag: str, *, volumes: int) -> str:
    """Create a group with volumes by name, as the seed's walkthrough does; return its id."""
    group_type, volume_type = create_types(cinder, tag)
    made = cinder.properties("group-create", "--name", f"g-{tag}", group_type, volume_type)
    assert (made["name"], made["replication_status"]) == (f"g-{tag}", "disabled")
    live.await_group(made["id"], status="available")
    for number in range(volumes):
        words = ["--group-id", made["id"], "--volume-type", volume_type, "--name", f"v{number}-{tag}", "1"]
        volume = cinder.properties("create", *words)
        assert (volume["group_id"], volume["volume_type"]) == (made["id"], volume_type)
        live.await_volume(volume["id"], status="available")
    return made["id"]


def replicate(cinder: livesite.Command, live: livesite.LiveSite, group: str, group_id: str) -> None:
    """Do to a group all that the seed can do, and check what is printed."""

    def status() -> str:
        return cinder.properties("group-show", group)["replication_status"]

    def targets() -> list[tuple[str, str, str]]:
        rows = cinder.rows("group-list-replication-targets", group)
        return [(row["backend_id"], row["default"], row["active"]) for row in rows]

    assert cinder("group-enable-replication", group) == ""
    live.await_group(group_id, replication_status="enabled")
    assert status() == "enabled"
    assert targets() == [("site-b", "True", "False"), ("site-c", "False", "False")]

    assert cinder("group-failover-replication", group) == ""
    live.await_group(group_id, replication_status="failed-over")
    assert status() == "failed-over"
    assert targets() == [("site-b", "True", "True"), ("site-c", "False", "False")]

    assert cinder("group-failover-replication", group, "--secondary-backend-id", "default") == ""
    live.await_group(group_id, replication_status="enabled")
    assert status() == "enabled"

    named = ["--allow-attached-volume", "--secondary-backend-id", "site-c"]
    assert cinder("group-failover-replication", group, *named) == ""
    live.await_group(group_id, replication_status="failed-over")
    assert targets() == [("site-b", "True", "False"), ("site-c", "False", "True")]

    assert cinder("group-failover-replication", group, "--secondary-backend-id", "default") == ""
    live.await_group(group_id, replication_status="enabled")

    assert cinder("group-disable-replication", group) == ""
    live.await_group(group_id, replication_status="disabled")
    assert status() == "disabled"


def test_the_seeds_walkthrough_by_name(cinder: livesite.Command, live: livesite.LiveSite, tag: str) -> None:
    group_id = create_group(cinder, live, tag, volumes=3)
    shown = cinder.properties("group-show", f"g-{tag}", "--list-volume")
    assert (shown["replication_status"], shown["status"], shown["id"]) == ("disabled", "available", group_id)
    assert shown["volumes"].count(",") == 2

    replicate(cinder, live, f"g-{tag}", group_id)

    cinder("group-delete", "--delete-volumes", f"g-{tag}")
    live.await_gone("groups", group_id)
    assert not [row for row in cinder.rows("list") if tag in row["Name"]]
    assert f"No group with a name or ID of 'g-{tag}' exists." in cinder.refused("group-show", f"g-{tag}")
    cinder("group-type-delete", f"gt-{tag}")
    cinder("type-delete", f"vt-{tag}")


def test_the_seeds_walkthrough_by_id(
    cinder: livesite.Command, live: livesite.LiveSite, make: Callable[[int], Made]
) -> None:
    made = make(3)

    replicate(cinder, live, made.group_id, made.group_id)

    assert [row["ID"] for row in cinder.rows("group-list") if row["ID"] == made.group_id]
    cinder("group-delete", "--delete-volumes", made.group_id)
    live.await_gone("groups", made.group_id)


def test_volumes_join_and_leave_a_group(
    cinder: livesite.Command, live: livesite.LiveSite, make: Callable[[int], Made]
) -> None:
    made = make(1)
    group, name = f"g-{made.tag}", f"loose-{made.tag}"
    loose = cinder.properties("create", "--volume-type", f"vt-{made.tag}", "--name", name, "1")
    live.await_volume(loose["id"], status="available")

    cinder("group-update", group, "--add-volumes", loose["id"])
    live.await_group(made.group_id, status="available")
    assert cinder.properties("show", name)["group_id"] == made.group_id

    cinder("group-update", group, "--remove-volumes", loose["id"], "--name", f"renamed-{made.tag}")
    live.await_group(made.group_id, status="available", name=f"renamed-{made.tag}")
    assert cinder.properties("show", loose["id"])["group_id"] == "None"

    cinder("delete", name)
    live.await_gone("volumes", loose["id"])


def test_an_admin_resets_states(cinder: livesite.Command, make: Callable[[int], Made]) -> None:
    made = make(1)

    cinder("reset-state", "--type", "group", "--state", "error", made.group_id)
    cinder("reset-state", "--state", "error", f"v0-{made.tag}")

    assert cinder.properties("group-show", f"g-{made.tag}")["status"] == "error"
    assert cinder.properties("show", made.volume_ids[0])["status"] == "error"


def test_types_are_listed_shown_changed_and_deleted(cinder: livesite.Command, tag: str) -> None:
    group_type, volume_type = create_types(cinder, tag)

    shown = cinder.properties("group-type-show", group_type)
    assert shown["group_specs"] == "consistent_group_replication_enabled : <is> True"
    assert cinder.properties("type-show", volume_type)["extra_specs"] == "replication_enabled : <is> True"
    assert group_type in [row["Name"] for row in cinder.rows("group-type-list")]
    assert volume_type in [row["Name"] for row in cinder.rows("type-list")]
    assert group_type in cinder("group-specs-list")
    assert volume_type in cinder("extra-specs-list")

    cinder("group-type-key", group_type, "unset", "consistent_group_replication_enabled")
    cinder("type-key", volume_type, "unset", "replication_enabled")
    cinder("group-type-update", shown["id"], "--description", "new", "--is-public", "true")
    changed = cinder.properties("group-type-show", group_type)
    assert (changed["description"], changed["group_specs"]) == ("new", "")
    cinder("group-type-delete", group_type)
    cinder("type-delete", volume_type)
    assert group_type not in cinder("group-type-list")


def test_refusals_are_printed_with_their_reason(
    cinder: livesite.Command, live: livesite.LiveSite, make: Callable[[int], Made]
) -> None:
    made = make(1)

    early = cinder.refused("group-failover-replication", f"g-{made.tag}")
    assert "but current status is: disabled. Cannot failover replication. (HTTP 400) (Request-ID: req-" in early

    cinder("group-enable-replication", made.group_id)
    live.await_group(made.group_id, replication_status="enabled")
    wrong = cinder.refused("group-failover-replication", made.group_id, "--secondary-backend-id", "mars")
    assert "Valid targets are: site-b, site-c, and 'default'" in wrong
    assert "still contains volumes" in cinder.refused("group-delete", made.group_id)


def test_members_work_with_groups_and_change_no_types(live: livesite.LiveSite, make: Callable[[int], Made]) -> None:
    made = make(0)
    olga = livesite.Command("cinder", live.client_settings("olga", version="3.71"), live.folder)

    group = olga.properties("group-create", "--name", f"olgas-{made.tag}", f"gt-{made.tag}", f"vt-{made.tag}")
    live.await_group(group["id"], status="available")

    assert olga.properties("type-show", f"vt-{made.tag}")["name"] == f"vt-{made.tag}"
    assert "HTTP 403" in olga.refused("group-type-create", f"other-{made.tag}")
    found = olga.rows("group-list", "--filters", f"name=olgas-{made.tag}")
    assert [row["ID"] for row in found] == [group["id"]]
    olga("group-delete", f"olgas-{made.tag}")
    live.await_gone("groups", group["id"])


def test_versions_are_listed(cinder: livesite.Command) -> None:
    [version] = cinder.rows("version-list")

    assert (version["Id"], version["Min Version"], version["Version"]) == ("v3.0", "3.0", "3.71")


def test_a_name_and_a_password_with_each_request_will_do(live: livesite.LiveSite, tag: str) -> None:
    settings = {
        "OS_AUTH_SYSTEM": "http_basic",
        "CINDER_ENDPOINT": f"{live.address}/v3",
        "CINDER_USERNAME": "admin",
        "CINDER_PASSWORD": livesite.PASSWORD,
        "CINDER_PROJECT_ID": livesite.PROJECT_ID,
        "OS_VOLUME_API_VERSION": "3.38",
    }
    cinder = livesite.Command("cinder", settings, live.folder)

    create_types(cinder, tag)

    assert f"gt-{tag}" in cinder("group-type-list")


def test_snapshots_are_taken_and_volumes_made_from_them(
    cinder: livesite.Command, live: livesite.LiveSite, make: Callable[[int], Made]
) -> None:
    made = make(1)
    [volume_id] = made.volume_ids
    snapshot, copy, clone = (f"{letter}-{made.tag}" for letter in ("s", "copy", "clone"))

    taken = cinder.properties("snapshot-create", "--name", snapshot, "--metadata", "why=upgrade", volume_id)
    assert (taken["name"], taken["volume_id"], taken["size"]) == (snapshot, volume_id, "1")
    live.await_snapshot(taken["id"], status="available")
    assert [(row["Name"], row["Status"]) for row in cinder.rows("snapshot-list", "--volume-id", volume_id)] == [
        (snapshot, "available")
    ]
    assert "has been accepted" in cinder("snapshot-rename", snapshot, f"{snapshot}-2")
    shown = cinder.properties("snapshot-show", f"{snapshot}-2")
    assert (shown["id"], shown["os-extended-snapshot-attributes:progress"]) == (taken["id"], "100%")
    cinder("snapshot-metadata", taken["id"], "set", "by=olga")
    assert cinder.properties("snapshot-metadata-show", taken["id"]) == {"why": "upgrade", "by": "olga"}

    first = cinder.properties("create", "--snapshot-id", taken["id"], "--name", copy)
    second = cinder.properties("create", "--source-volid", volume_id, "--name", clone, "2")
    for volume, size in ((first, "1"), (second, "2")):
        live.await_volume(volume["id"], status="available")
        assert cinder.properties("show", volume["id"])["size"] == size
    cinder("extend", copy, "3")
    live.await_volume(first["id"], size=3, status="available")

    cinder("snapshot-reset-state", "--state", "error", taken["id"])
    cinder("snapshot-delete", taken["id"])
    live.await_gone("volume_snapshots", taken["id"])
    cinder("snapshot-create", "--name", snapshot, clone)
    cinder("delete", "--cascade", copy, clone)
    live.await_gone("volumes", second["id"])


def test_group_snapshots_are_taken_and_groups_made_from_them(
    cinder: livesite.Command, live: livesite.LiveSite, make: Callable[[int], Made]
) -> None:
    made = make(2)
    snapshot = f"gs-{made.tag}"

    taken = cinder.properties("group-snapshot-create", "--name", snapshot, made.group_id)
    live.await_group_snapshot(taken["id"], status="available")
    assert snapshot in cinder("group-snapshot-list")
    shown = cinder.properties("group-snapshot-show", snapshot)
    assert (shown["id"], shown["group_id"]) == (taken["id"], made.group_id)
    copies = [
        cinder.properties("group-create-from-src", "--group-snapshot", snapshot, "--name", f"c1-{made.tag}"),
        cinder.properties("group-create-from-src", "--source-group", made.group_id, "--name", f"c2-{made.tag}"),
    ]
    for copy in copies:
        live.await_group(copy["id"], status="available")
        assert len(live.library.volumes.list(search_opts={"group_id": copy["id"]})) == 2

    cinder("group-snapshot-delete", snapshot)
    live.await_gone("group_snapshots", taken["id"])
