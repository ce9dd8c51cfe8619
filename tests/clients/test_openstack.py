"""The released `openstack` command and openstacksdk, unchanged, against a running site."""

from __future__ import annotations

from typing import Any

import openstack as sdk
import pytest

from tests.clients import livesite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def connect(live: livesite.LiveSite) -> Any:
    """Return the SDK's way to the site's block storage."""
    login = {name.removeprefix("OS_").lower(): value for name, value in live.client_settings().items()}
    del login["volume_api_version"]
    return sdk.connect(load_yaml_config=False, load_envvars=False, **login).block_storage


def test_types_and_groups_by_the_command(openstack: livesite.Command, live: livesite.LiveSite, tag: str) -> None:
    group_type, volume_type, group = f"gt-{tag}", f"vt-{tag}", f"g-{tag}"
    openstack("volume", "group", "type", "create", group_type)
    openstack(
        "volume", "group", "type", "set", group_type, "--property", "consistent_group_replication_enabled=<is> True"
    )
    openstack("volume", "type", "create", volume_type, "--property", "replication_enabled=<is> True")
    assert group_type in openstack("volume", "group", "type", "list")
    shown: Any = openstack.document("volume", "type", "show", volume_type)
    assert (shown["name"], shown["properties"]) == (volume_type, {"replication_enabled": "<is> True"})

    words = ["--volume-group-type", group_type, "--volume-type", volume_type, "--name", group]
    made: Any = openstack.document("volume", "group", "create", *words)
    assert made["Name"] == group
    live.await_group(made["ID"], status="available")
    volume: Any = openstack.document("volume", "create", "--size", "1", "--type", volume_type, f"v-{tag}")
    live.await_volume(volume["id"], status="available")
    openstack("volume", "group", "add", "volume", group, f"v-{tag}")
    live.await_group(made["ID"], status="available")

    openstack("volume", "group", "set", "--enable-replication", group)
    live.await_group(made["ID"], replication_status="enabled")
    openstack("volume", "group", "failover", "--secondary-backend-id", "site-c", group)
    live.await_group(made["ID"], replication_status="failed-over")
    listed: Any = openstack.document("volume", "group", "list")
    assert {"ID": made["ID"], "Status": "available", "Name": group} in listed

    openstack("volume", "group", "delete", "--force", group)
    live.await_gone("groups", made["ID"])


def test_volumes_are_listed_shown_renamed_and_deleted(
    openstack: livesite.Command, live: livesite.LiveSite, tag: str
) -> None:
    live.library.volume_types.create(f"vt-{tag}")
    made: Any = openstack.document("volume", "create", "--size", "1", "--type", f"vt-{tag}", f"v-{tag}")
    live.await_volume(made["id"], status="available")

    listed: Any = openstack.document("volume", "list", "--name", f"v-{tag}")
    shown: Any = openstack.document("volume", "show", f"v-{tag}")
    openstack("volume", "set", "--name", f"new-{tag}", f"v-{tag}")
    openstack("volume", "delete", f"new-{tag}")

    assert [row["Status"] for row in listed] == ["available"]
    assert shown["replication_status"] == "disabled"
    live.await_gone("volumes", made["id"])


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of the SDK, about itself
def test_a_group_is_replicated_by_the_sdk(live: livesite.LiveSite, tag: str) -> None:
    storage = connect(live)
    group_type = storage.create_group_type(name=f"gt-{tag}")
    storage.create_group_type_group_specs(group_type, {"consistent_group_replication_enabled": "<is> True"})
    volume_type = storage.create_type(name=f"vt-{tag}", extra_specs={"replication_enabled": "<is> True"})
    group = storage.create_group(name=f"g-{tag}", group_type=group_type.id, volume_types=[volume_type.id])
    live.await_group(group.id, status="available")
    volume = storage.create_volume(size=1, volume_type=volume_type.id, group_id=group.id)
    live.await_volume(volume.id, status="available")

    # The SDK sends null, and for the failover a wrong name.
    storage.enable_group_replication(group)
    live.await_group(group.id, replication_status="enabled")
    targets = storage.get_group(group.id).fetch_replication_targets(storage)
    storage.failover_group_replication(group, secondary_backend_id="site-b")
    live.await_group(group.id, replication_status="failed-over")
    storage.failover_group_replication(group, secondary_backend_id="default")
    live.await_group(group.id, replication_status="enabled")
    storage.disable_group_replication(group)
    live.await_group(group.id, replication_status="disabled")

    assert [target["backend_id"] for target in targets.replication_targets] == ["site-b", "site-c"]
    assert [each.id for each in storage.groups(limit=1) if each.id == group.id] == [group.id]
    storage.delete_group(group, delete_volumes=True)
    live.await_gone("groups", group.id)


def test_snapshots_and_copies_by_the_command(openstack: livesite.Command, live: livesite.LiveSite, tag: str) -> None:
    live.library.volume_types.create(f"vt-{tag}")
    made: Any = openstack.document("volume", "create", "--size", "1", "--type", f"vt-{tag}", f"v-{tag}")
    live.await_volume(made["id"], status="available")

    taken: Any = openstack.document("volume", "snapshot", "create", "--volume", f"v-{tag}", f"s-{tag}")
    live.await_snapshot(taken["id"], status="available")
    openstack("volume", "snapshot", "set", "--property", "why=upgrade", f"s-{tag}")
    shown: Any = openstack.document("volume", "snapshot", "show", f"s-{tag}")
    assert (shown["status"], shown["properties"]) == ("available", {"why": "upgrade"})
    listed: Any = openstack.document("volume", "snapshot", "list", "--volume", f"v-{tag}")
    assert [row["Name"] for row in listed] == [f"s-{tag}"]

    copy: Any = openstack.document("volume", "create", "--snapshot", f"s-{tag}", f"c-{tag}")
    live.await_volume(copy["id"], status="available")
    openstack("volume", "set", "--size", "2", f"c-{tag}")
    live.await_volume(copy["id"], size=2, status="available")
    openstack("volume", "snapshot", "delete", f"s-{tag}")
    live.await_gone("volume_snapshots", taken["id"])


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of the SDK, about itself
def test_a_group_is_made_from_a_snapshot_by_the_sdk(live: livesite.LiveSite, tag: str) -> None:
    storage = connect(live)
    group_type, volume_type = storage.create_group_type(name=f"gt-{tag}"), storage.create_type(name=f"vt-{tag}")
    group = storage.create_group(name=f"g-{tag}", group_type=group_type.id, volume_types=[volume_type.id])
    live.await_group(group.id, status="available")
    volume = storage.create_volume(size=1, volume_type=volume_type.id, group_id=group.id)
    live.await_volume(volume.id, status="available")

    taken = storage.create_group_snapshot(group_id=group.id, name=f"s-{tag}")
    live.await_group_snapshot(taken.id, status="available")
    # The SDK sends the source that is not meant as null.
    copy = storage.create_group_from_source(group_snapshot_id=taken.id, source_group_id=None, name=f"c-{tag}")
    live.await_group(copy.id, status="available")

    storage.delete_group_snapshot(taken.id)
    live.await_gone("group_snapshots", taken.id)
