"""Commands of the released clients that no other story needs, against a running site."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import livesite
from tests.support import processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
HOST = f"replsite@{livesite.BACKEND}"


@pytest.fixture
def openstack_newest(live: livesite.LiveSite) -> livesite.Command:
    """The `openstack` command of the admin, speaking the newest version."""
    return livesite.Command("openstack", live.client_settings(version="3.71"), live.folder)


def made_ready(live: livesite.LiveSite, tag: str) -> tuple[str, str, str]:
    """Make a group with one volume, and one volume beside it; return their ids."""
    library = live.library
    group_type, volume_type = library.group_types.create(f"gt-{tag}"), library.volume_types.create(f"vt-{tag}")
    group = library.groups.create(group_type.id, volume_type.id, name=f"g-{tag}").id
    live.await_group(group, status="available")
    inside = library.volumes.create(1, group_id=group, volume_type=volume_type.id, name=f"in-{tag}").id
    outside = library.volumes.create(1, volume_type=volume_type.id, name=f"out-{tag}").id
    for volume in (inside, outside):
        live.await_volume(volume, status="available")
    return group, inside, outside


def test_names_types_and_metadata_are_changed_by_cinder(
    newest: livesite.Command, live: livesite.LiveSite, tag: str
) -> None:
    _, _, volume = made_ready(live, tag)
    newest("rename", f"out-{tag}", f"other-{tag}", "--description", "kept")
    assert newest.properties("show", volume)["name"] == f"other-{tag}"

    snapshot = newest.properties("snapshot-create", volume, "--name", f"s-{tag}")["id"]
    live.await_snapshot(snapshot, status="available")
    assert (
        newest.properties("snapshot-metadata-update-all", snapshot, "why=upgrade")["metadata"] == "{'why': 'upgrade'}"
    )

    kind = newest.rows("type-create", f"plain-{tag}")[0]["ID"]
    newest("type-update", kind, "--name", f"fancy-{tag}", "--is-public", "False")
    assert newest.properties("type-show", f"fancy-{tag}")["is_public"] == "False"
    newest("encryption-type-create", kind, "luks", "--cipher", "aes-xts-plain64", "--control-location", "front-end")
    assert newest.rows("encryption-type-show", kind)[0]["Provider"] == "luks"
    newest("encryption-type-update", kind, "--provider", "other")
    assert kind in [row["Volume Type ID"] for row in newest.rows("encryption-type-list")]
    newest("encryption-type-delete", kind)
    newest("type-delete", kind)


def test_what_the_server_knows_is_told_by_cinder(newest: livesite.Command) -> None:
    [version] = newest.rows("api-version")
    assert (version["Status"], version["Min_version"]) == ("CURRENT", "3.0")
    assert newest.rows("rate-limits") == []
    assert "can not be found" in newest.refused("group-type-default")
    assert "log" in newest.refused("service-get-log")
    assert "log" in newest.refused("service-set-log", "debug")


def test_groups_and_their_snapshots_are_worked_with_by_openstack(
    openstack: livesite.Command, live: livesite.LiveSite, tag: str
) -> None:
    group, _, outside = made_ready(live, tag)
    kind: Any = openstack.document("volume", "group", "type", "show", f"gt-{tag}")
    assert kind["Name"] == f"gt-{tag}"
    shown: Any = openstack.document("volume", "group", "show", f"g-{tag}", "--volumes")
    assert (shown["ID"], shown["Status"], len(shown["Volumes"])) == (group, "available", 1)
    openstack("volume", "group", "add", "volume", f"g-{tag}", f"out-{tag}")
    live.await_group(group, status="available")
    openstack("volume", "group", "remove", "volume", f"g-{tag}", f"out-{tag}")
    live.await_group(group, status="available")
    assert live.library.volumes.get(outside).status == "available"

    taken: Any = openstack.document("volume", "group", "snapshot", "create", f"g-{tag}", "--name", f"gs-{tag}")
    live.await_group_snapshot(taken["ID"], status="available")
    again: Any = openstack.document("volume", "group", "snapshot", "show", f"gs-{tag}")
    assert (again["ID"], again["Status"]) == (taken["ID"], "available")
    assert taken["ID"] in [row["ID"] for row in listed(openstack.document("volume", "group", "snapshot", "list"))]
    openstack("volume", "group", "snapshot", "delete", f"gs-{tag}")
    live.await_gone("group_snapshots", taken["ID"])
    assert "still in use" in openstack.refused("volume", "group", "type", "delete", f"gt-{tag}")
    openstack("volume", "group", "delete", "--force", f"g-{tag}")
    live.await_gone("groups", group)
    openstack("volume", "group", "type", "delete", f"gt-{tag}")


def listed(rows: object) -> list[dict[str, Any]]:
    assert isinstance(rows, list)
    return rows


def test_types_snapshots_and_messages_are_worked_with_by_openstack(
    openstack_newest: livesite.Command, live: livesite.LiveSite, tag: str
) -> None:
    _, _, volume = made_ready(live, tag)
    openstack_newest("volume", "type", "set", f"vt-{tag}", "--description", "kept")
    found = listed(openstack_newest.document("volume", "type", "list", "--long"))
    assert [row["Description"] for row in found if row["Name"] == f"vt-{tag}"] == ["kept"]

    words = ["--volume", volume, "--property", "why=upgrade"]
    taken: Any = openstack_newest.document("volume", "snapshot", "create", f"s-{tag}", *words)
    live.await_snapshot(taken["id"], status="available")
    openstack_newest("volume", "snapshot", "unset", f"s-{tag}", "--property", "why")
    assert live.library.volume_snapshots.get(taken["id"]).metadata == {}

    live.manage("shell", "-c", _A_MESSAGE.format(project=livesite.PROJECT_ID, tag=tag, volume=volume))
    messages = listed(openstack_newest.document("volume", "message", "list"))
    [message] = [row["ID"] for row in messages if row["User Message"] == f"message {tag}"]
    openstack_newest("volume", "message", "delete", message)
    assert "could not be found" in openstack_newest.refused("volume", "message", "show", message)

    filters: Any = openstack_newest.document("block", "storage", "resource", "filter", "show", "group")
    assert filters["Filters"] == ["name"]
    assert "log" in openstack_newest.refused("block", "storage", "log", "level", "list")
    assert "log" in openstack_newest.refused("block", "storage", "log", "level", "set", "DEBUG")


_A_MESSAGE = """
from django.utils import timezone
from groups import models
models.Message.objects.create(
    project_id="{project}", event_id="x", user_message="message {tag}", resource_type="VOLUME",
    resource_uuid="{volume}", expires_at=timezone.now().replace(year=2100),
)
"""


@pytest.mark.parametrize("size, status", [(8000, 200), (8200, 414)])
def test_an_address_may_be_as_long_as_the_web_server_takes(live: livesite.LiveSite, size: int, status: int) -> None:
    login = live.library.client.session
    query = "name=".ljust(size, "x")

    answer = login.get(f"{live.address}/v3/volumes?{query}", raise_exc=False)

    assert answer.status_code == status


def test_a_host_is_failed_over_and_back_by_openstack(openstack: livesite.Command, live: livesite.LiveSite) -> None:
    def is_over() -> bool:
        [found] = live.library.services.list(host=HOST)
        return bool(found.replication_status != "failing-over")

    for target in ("site-b", "default"):
        openstack("volume", "host", "failover", HOST, "--volume-backend", target)
        processes.wait_until(is_over, what=f"the failover to {target}")
    openstack("volume", "service", "set", "--enable", HOST, "cinder-volume")
