"""One running site for all tests with real clients."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.clients import livesite


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[livesite.LiveSite]:
    """A site with web and worker processes."""
    with livesite.running(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def cinder(live: livesite.LiveSite) -> livesite.Command:
    """The `cinder` command of the admin."""
    return livesite.Command("cinder", live.client_settings(), live.folder)


@pytest.fixture
def openstack(live: livesite.LiveSite) -> livesite.Command:
    """The `openstack` command of the admin; it chooses versions itself."""
    settings = {**live.client_settings(), "OS_IDENTITY_API_VERSION": "3"}
    del settings["OS_VOLUME_API_VERSION"]
    return livesite.Command("openstack", settings, live.folder)


@pytest.fixture
def tag() -> str:
    """What tells the names of one test from those of all others."""
    return secrets.token_hex(3)


@pytest.fixture
def newest(live: livesite.LiveSite) -> livesite.Command:
    """The `cinder` command of the admin, speaking the newest version."""
    return livesite.Command("cinder", live.client_settings(version="3.71"), live.folder)
