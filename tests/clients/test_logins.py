"""Every way to say who one is, with the released clients' own settings for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cinderclient import client as cinderclient
from keystoneauth1 import http_basic, session

from tests.clients import livesite
from tests.support import keystone, processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
VERSION = {"OS_VOLUME_API_VERSION": "3.38"}


def cinder_with(live: livesite.LiveSite, **settings: str) -> livesite.Command:
    return livesite.Command("cinder", {**VERSION, **settings}, live.folder)


def openstack_with(live: livesite.LiveSite, **settings: str) -> livesite.Command:
    return livesite.Command("openstack", settings, live.folder)


def listed(openstack: livesite.Command) -> bool:
    """Tell whether groups are listed, were it none."""
    return isinstance(openstack.document("volume", "group", "list"), list)


@pytest.fixture(scope="module")
def token(live: livesite.LiveSite) -> str:
    """A token that was made on the site's host."""
    done = processes.run("manage.py", "create_token", "olga", "--project", "admin", env=live.env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def basic(live: livesite.LiveSite) -> dict[str, str]:
    """Return what `cinder` wants for HTTP Basic."""
    return {
        "OS_AUTH_SYSTEM": "http_basic",
        "CINDER_ENDPOINT": f"{live.address}/v3",
        "CINDER_USERNAME": "olga",
        "CINDER_PASSWORD": livesite.PASSWORD,
        "CINDER_PROJECT_ID": livesite.PROJECT_ID,
    }


class TestCinder:
    def test_logs_in_by_basic_with_variables_or_flags(self, live: livesite.LiveSite) -> None:
        flags = ["--os-auth-type", "http_basic", "--os-endpoint", f"{live.address}/v3"]
        flags += ["--os-username", "olga", "--os-password", livesite.PASSWORD, "--os-project-id", livesite.PROJECT_ID]

        assert "ID" in cinder_with(live, **basic(live))("group-list")
        assert "ID" in cinder_with(live)(*flags, "group-list")

    def test_logs_in_by_a_token_that_was_made_for_it(self, live: livesite.LiveSite, token: str) -> None:
        place = {"CINDER_ENDPOINT": f"{live.address}/v3", "CINDER_PROJECT_ID": livesite.PROJECT_ID}

        assert "ID" in cinder_with(live, OS_AUTH_SYSTEM="admin_token", OS_TOKEN=token, **place)("group-list")

    @pytest.mark.parametrize("kind", ["none", "noauth"])
    def test_is_told_to_log_in_where_it_does_not(self, live: livesite.LiveSite, kind: str) -> None:
        settings = {
            "OS_AUTH_SYSTEM" if kind == "none" else "OS_AUTH_TYPE": kind,
            "CINDER_ENDPOINT": f"{live.address}/v3/{livesite.PROJECT_ID}",
            "OS_USER_ID": "olga",
            "OS_PROJECT_ID": livesite.PROJECT_ID,
        }

        assert "requires authentication" in cinder_with(live, **settings).refused("group-list")

    def test_breaks_by_itself_where_the_other_commands_variable_is_set(self, live: livesite.LiveSite) -> None:
        said = cinder_with(live, **basic(live), OS_AUTH_TYPE="http_basic").refused("group-list")

        assert "conflicting option string" in said

    def test_logs_in_by_basic_as_a_library(self, live: livesite.LiveSite) -> None:
        login = http_basic.HTTPBasicAuth(endpoint=f"{live.address}/v3", username="olga", password=livesite.PASSWORD)

        assert isinstance(cinderclient.Client("3.38", session=session.Session(login)).groups.list(), list)


class TestOpenstack:
    def test_logs_in_by_basic_with_variables(self, live: livesite.LiveSite) -> None:
        named = {"OS_AUTH_TYPE": "http_basic", "OS_ENDPOINT": f"{live.address}/v3", "OS_USERNAME": "olga"}
        settings = {**named, "OS_PASSWORD": livesite.PASSWORD}

        assert listed(openstack_with(live, **settings))
        said = openstack_with(live, **settings, OS_PROJECT_ID=livesite.PROJECT_ID).refused("volume", "group", "list")
        assert "unexpected keyword argument 'project_id'" in said

    def test_logs_in_by_a_token_that_was_made_for_it(self, live: livesite.LiveSite, token: str) -> None:
        settings = {"OS_AUTH_TYPE": "admin_token", "OS_ENDPOINT": f"{live.address}/v3", "OS_TOKEN": token}

        assert listed(openstack_with(live, **settings))

    def test_shares_one_shell_with_cinder(self, live: livesite.LiveSite, tmp_path: Path) -> None:
        auth = {"endpoint": f"{live.address}/v3", "username": "olga", "password": livesite.PASSWORD}
        (tmp_path / "clouds.yaml").write_text(
            json.dumps({"clouds": {"replsite": {"auth_type": "http_basic", "auth": auth}}})
        )
        shell = {"OS_CLOUD": "replsite", "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml"), **basic(live)}

        assert "ID" in cinder_with(live, **shell)("group-list")
        assert listed(openstack_with(live, **shell))


class Compute(BaseHTTPRequestHandler):
    """As much of a compute service as says that there is a server of this id."""

    def do_GET(self) -> None:
        """Answer with the versions, or with the server that was asked for."""
        where = f"http://{self.headers['Host']}/v2.1"
        links = [{"rel": "self", "href": f"{where}/"}]
        known = {"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1", "links": links}
        found: dict[str, Any] = {"version": known}
        if "/servers/" in self.path:
            found = {"server": {"id": self.path.rpartition("/")[2], "name": "web-1", "status": "ACTIVE"}}
        text = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


@pytest.fixture
def openstack_with_compute(live: livesite.LiveSite) -> Iterator[livesite.Command]:
    """The `openstack` command of the admin, in a cloud that has servers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Compute)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        place = {"OS_COMPUTE_ENDPOINT_OVERRIDE": f"http://127.0.0.1:{server.server_port}/v2.1"}
        yield livesite.Command("openstack", {**live.client_settings(version="3.54"), **place}, live.folder)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_volume_is_attached_to_a_server_by_openstack(
    openstack_with_compute: livesite.Command, live: livesite.LiveSite
) -> None:
    live.library.volume_types.create("vt-server")
    volume = live.library.volumes.create(1, name="v-server", volume_type="vt-server").id
    live.await_volume(volume, status="available")
    server = "9d1b8a6c-3a0e-4c5e-8b1f-2f5a0e6a7c11"

    made: Any = openstack_with_compute.document(
        "volume", "attachment", "create", "v-server", server, "--mode", "rw", "--connect", "--host", "web-1"
    )

    assert (made["Volume ID"], made["Instance ID"], made["Status"]) == (volume, server, "attaching")


@pytest.mark.soak
def test_the_walkthrough_of_replication_is_the_same_by_keystone(tmp_path: Path) -> None:
    with keystone.running(tmp_path) as server:
        server.add_project("shop")
        server.add_user("kim", livesite.PASSWORD, project="shop", roles=["member"])
        asking = {"keystone_auth_url": server.url, "keystone_password": keystone.SERVICE_PASSWORD}
        with livesite.running(tmp_path, **asking) as site:
            server.add_services(
                {"block-storage": f"{site.address}/v3", "volumev3": f"{site.address}/v3/$(project_id)s"}
            )
            domains = {"OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default", "OS_AUTH_URL": server.url}
            admin = {"OS_USERNAME": "admin", "OS_PASSWORD": keystone.ADMIN_PASSWORD, "OS_PROJECT_NAME": "admin"}
            member = {"OS_USERNAME": "kim", "OS_PASSWORD": livesite.PASSWORD, "OS_PROJECT_NAME": "shop"}
            walk(
                cinder_with(site, **domains, **admin),
                cinder_with(site, **domains, **member),
                openstack_with(site, **domains, **member),
            )


def walk(cinder_admin: livesite.Command, cinder: livesite.Command, openstack: livesite.Command) -> None:
    """Replicate a group there and back with both commands, each with tokens of a Keystone."""
    cinder_admin("group-type-create", "gt")
    cinder_admin("group-type-key", "gt", "set", "consistent_group_replication_enabled=<is> True")
    cinder_admin("type-create", "vt")
    cinder_admin("type-key", "vt", "set", "replication_enabled=<is> True")
    assert "HTTP 403" in cinder.refused("group-type-create", "other")

    def until(name: str, value: str) -> None:
        processes.wait_until(lambda: cinder.properties("group-show", "g")[name] == value, what=f"{name}: {value}")

    group_id = cinder.properties("group-create", "--name", "g", "gt", "vt")["id"]
    until("status", "available")
    volume = cinder.properties("create", "--group-id", group_id, "--volume-type", "vt", "--name", "v", "1")["id"]
    processes.wait_until(lambda: cinder.properties("show", volume)["status"] == "available", what="the volume")
    cinder("group-enable-replication", "g")
    until("replication_status", "enabled")
    assert [row["backend_id"] for row in cinder.rows("group-list-replication-targets", "g")] == ["site-b", "site-c"]
    cinder("group-failover-replication", "g", "--secondary-backend-id", "site-c")
    until("replication_status", "failed-over")
    openstack("volume", "group", "failover", "--secondary-backend-id", "default", "g")
    until("replication_status", "enabled")
    openstack("volume", "group", "failover", "g")
    until("replication_status", "failed-over")
    cinder("group-failover-replication", "g", "--secondary-backend-id", "default")
    until("replication_status", "enabled")
    cinder("group-disable-replication", "g")
    until("replication_status", "disabled")
    openstack("volume", "group", "delete", "--force", "g")
    processes.wait_until(lambda: cinder.rows("group-list") == [], what="the group to be gone")
