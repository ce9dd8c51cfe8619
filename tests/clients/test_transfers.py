"""Volumes that go to another project and back, with the released clients against a running site."""

from __future__ import annotations

from typing import Any

import openstack as sdk
import pytest

from tests.clients import livesite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def elsewhere(live: livesite.LiveSite, tag: str) -> dict[str, str]:
    """What somebody sets who is a member of another project."""
    live.manage("add_project", f"p-{tag}")
    live.manage("add_user", f"u-{tag}", "--project", f"p-{tag}", "--role", "member", "--password", livesite.PASSWORD)
    return {**live.client_settings(f"u-{tag}", version="3.55"), "OS_PROJECT_NAME": f"p-{tag}"}


@pytest.fixture
def openstack_elsewhere(live: livesite.LiveSite, elsewhere: dict[str, str]) -> livesite.Command:
    """The `openstack` command of somebody in another project."""
    return livesite.Command("openstack", elsewhere, live.folder)


@pytest.fixture
def volume_id(live: livesite.LiveSite, tag: str) -> str:
    """A volume that nothing uses, named after the test's tag."""
    live.library.volume_types.create(f"vt-{tag}")
    made = live.library.volumes.create(1, name=f"v-{tag}", volume_type=f"vt-{tag}")
    live.await_volume(made.id, status="available")
    return str(made.id)


def test_a_volume_goes_to_another_project_and_back(
    newest: livesite.Command, openstack_elsewhere: livesite.Command, tag: str, volume_id: str
) -> None:
    newest.properties("transfer-create", volume_id, "--name", f"old-{tag}")
    assert newest.properties("show", volume_id)["status"] == "awaiting-transfer"
    newest("transfer-delete", f"old-{tag}")
    made = newest.properties("transfer-create", f"v-{tag}", "--name", f"t-{tag}", "--no-snapshots")
    assert made["id"] in [row["ID"] for row in newest.rows("transfer-list")]
    shown = newest.properties("transfer-show", f"t-{tag}")
    assert (shown["volume_id"], shown["no_snapshots"], "auth_key" in shown) == (volume_id, "True", False)

    openstack_elsewhere("volume", "transfer", "request", "accept", made["id"], "--auth-key", made["auth_key"])
    volume: Any = openstack_elsewhere.document("volume", "show", volume_id)
    assert (volume["status"], volume["name"]) == ("available", f"v-{tag}")

    first: Any = openstack_elsewhere.document("volume", "transfer", "request", "create", volume_id)
    openstack_elsewhere("volume", "transfer", "request", "delete", first["id"])
    back: Any = openstack_elsewhere.document(
        "volume", "transfer", "request", "create", volume_id, "--name", f"back-{tag}"
    )
    listed: Any = openstack_elsewhere.document("volume", "transfer", "request", "list")
    assert [row["ID"] for row in listed] == [back["id"]]
    told: Any = openstack_elsewhere.document("volume", "transfer", "request", "show", f"back-{tag}")
    assert told["volume_id"] == volume_id
    newest("transfer-accept", back["id"], back["auth_key"])
    assert newest.properties("show", volume_id)["status"] == "available"


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of the SDK, about itself
def test_a_volume_is_offered_listed_and_accepted_by_the_sdk(
    live: livesite.LiveSite, elsewhere: dict[str, str], volume_id: str, tag: str
) -> None:
    storage, there = (
        sdk.connect(load_yaml_config=False, load_envvars=False, **_login(settings)).block_storage
        for settings in (live.client_settings(), elsewhere)
    )
    made = storage.create_transfer(volume_id=volume_id, name=f"t-{tag}")
    assert made.id in [row.id for row in storage.transfers()]
    assert storage.find_transfer(f"t-{tag}").volume_id == volume_id
    assert storage.get_transfer(made.id).auth_key is None

    taken = there.accept_transfer(made.id, made.auth_key)

    assert taken.volume_id == volume_id
    assert there.get_volume(volume_id).status == "available"
    again = there.create_transfer(volume_id=volume_id)
    there.delete_transfer(again)
    assert list(there.transfers()) == []


def _login(settings: dict[str, str]) -> dict[str, str]:
    login = {name.removeprefix("OS_").lower(): value for name, value in settings.items()}
    del login["volume_api_version"]
    return login
