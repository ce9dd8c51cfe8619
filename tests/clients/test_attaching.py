"""Attachments, metadata, flags, access to types and defaults, with the released clients against a running site."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import livesite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
INSTANCE = "9d1b8a6c-3a0e-4c5e-8b1f-2f5a0e6a7c11"


@pytest.fixture
def volume_id(live: livesite.LiveSite, tag: str) -> str:
    """A volume that nothing uses, named after the test's tag, of a type named so too."""
    live.library.volume_types.create(f"vt-{tag}")
    made = live.library.volumes.create(1, name=f"v-{tag}", volume_type=f"vt-{tag}")
    live.await_volume(made.id, status="available")
    return str(made.id)


def test_a_volume_is_attached_and_detached_by_cinder(newest: livesite.Command, tag: str, volume_id: str) -> None:
    def status() -> str:
        return newest.properties("show", volume_id)["status"]

    made = newest.properties("attachment-create", f"v-{tag}", INSTANCE, "--mode", "rw")
    assert (made["status"], made["volume_id"], status()) == ("reserved", volume_id, "reserved")

    told = newest("attachment-update", made["id"], "--host", "web-1", "--mountpoint", "/dev/vdb")
    assert "driver_volume_type" in told
    newest("attachment-complete", made["id"])
    assert newest.properties("attachment-show", made["id"])["status"] == "attached"
    [row] = newest.rows("attachment-list", "--volume-id", volume_id)
    assert (row["ID"], row["Status"], row["Server ID"]) == (made["id"], "attached", INSTANCE)
    [listed] = newest.rows("list", "--name", f"v-{tag}")
    assert (listed["Status"], listed["Attached to"]) == ("in-use", INSTANCE)
    assert "must not be attached" in newest.refused("delete", volume_id)

    newest("attachment-delete", made["id"])
    assert status() == "available"


def test_metadata_flags_type_and_state_are_changed_by_cinder(
    newest: livesite.Command, live: livesite.LiveSite, tag: str, volume_id: str
) -> None:
    newest("metadata", f"v-{tag}", "set", "tier=gold", "owner=ada")
    newest("metadata", f"v-{tag}", "unset", "owner")
    assert dict(newest.properties("metadata-show", f"v-{tag}")) == {"tier": "gold"}
    assert newest.properties("metadata-update-all", f"v-{tag}", "tier=lead") == {"tier": "lead"}
    newest("image-metadata", f"v-{tag}", "set", "os=debian")
    assert newest.properties("image-metadata-show", f"v-{tag}") == {"os": "debian"}
    newest("set-bootable", f"v-{tag}", "True")
    newest("readonly-mode-update", f"v-{tag}", "True")
    shown = newest.properties("show", f"v-{tag}")
    assert (shown["bootable"], shown["readonly"]) == ("true", "True")
    assert "tier" in newest("summary")

    live.library.volume_types.create(f"other-{tag}")
    newest("retype", f"v-{tag}", f"other-{tag}", "--migration-policy", "never")
    newest("reset-state", "--state", "error", "--attach-status", "detached", "--reset-migration-status", f"v-{tag}")
    changed = newest.properties("show", f"v-{tag}")
    assert (changed["volume_type"], changed["status"]) == (f"other-{tag}", "error")
    newest("force-delete", f"v-{tag}")
    live.await_gone("volumes", volume_id)


def test_access_and_defaults_of_types_are_given_and_taken_by_cinder(newest: livesite.Command, tag: str) -> None:
    made = newest.rows("type-create", f"vt-{tag}", "--is-public", "False")[0]
    project = ["--project-id", livesite.PROJECT_ID]
    newest("type-access-add", "--volume-type", f"vt-{tag}", *project)
    [access] = newest.rows("type-access-list", "--volume-type", f"vt-{tag}")
    assert (access["Volume_type_ID"], access["Project_ID"]) == (made["ID"], livesite.PROJECT_ID)

    newest("default-type-set", f"vt-{tag}", livesite.PROJECT_ID)
    assert newest.rows("type-default")[0]["Name"] == f"vt-{tag}"
    assert newest.properties("default-type-list", *project)["volume_type_id"] == made["ID"]
    newest("default-type-unset", livesite.PROJECT_ID)

    newest("type-access-remove", "--volume-type", f"vt-{tag}", *project)
    assert newest.rows("type-access-list", "--volume-type", f"vt-{tag}") == []
    newest("type-delete", f"vt-{tag}")


def test_attachments_and_volumes_are_worked_with_by_openstack(
    openstack: livesite.Command, newest: livesite.Command, live: livesite.LiveSite, tag: str, volume_id: str
) -> None:
    # `openstack volume attachment create` wants a compute service to ask for the server.
    made = newest.properties("attachment-create", volume_id, INSTANCE)["id"]
    openstack("volume", "attachment", "set", made, "--host", "web-1", "--mountpoint", "/dev/vdb")
    openstack("volume", "attachment", "complete", made)
    listed: Any = openstack.document("volume", "attachment", "list", "--volume-id", volume_id)
    assert [(row["ID"], row["Status"]) for row in listed] == [(made, "attached")]
    shown: Any = openstack.document("volume", "attachment", "show", made)
    assert (shown["Status"], shown["Volume ID"]) == ("attached", volume_id)
    openstack("volume", "attachment", "delete", made)

    openstack("volume", "set", f"v-{tag}", "--property", "tier=gold", "--bootable", "--read-only")
    volume: Any = openstack.document("volume", "show", f"v-{tag}")
    assert (volume["bootable"], volume["properties"]["tier"], volume["status"]) == (True, "gold", "available")
    openstack("volume", "unset", f"v-{tag}", "--property", "tier")
    live.library.volume_types.create(f"other-{tag}")
    openstack("volume", "set", f"v-{tag}", "--type", f"other-{tag}", "--retype-policy", "never")
    summary: Any = openstack.document("volume", "summary")
    assert summary["Total Count"] >= 1

    openstack("volume", "type", "create", f"private-{tag}", "--private", "--project", "admin")
    private: Any = openstack.document("volume", "type", "show", f"private-{tag}")
    assert private["access_project_ids"] == [livesite.PROJECT_ID]
    openstack("volume", "type", "unset", f"private-{tag}", "--project", "admin")
    openstack("volume", "type", "delete", f"private-{tag}")
    openstack("volume", "delete", "--force", f"v-{tag}")
    live.await_gone("volumes", volume_id)
