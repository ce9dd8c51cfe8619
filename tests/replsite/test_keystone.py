"""A site that also lets in whom a real Keystone knows."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator

import pytest
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import RequestFactory

from groups import callers, models
from groups.queries import access
from groups.services import identity, tokens
from replsite import config, keystone
from tests.support import domain, keystone as servers, processes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600), pytest.mark.slow]
SYSTEM = callers.system(door="command")
PASSWORD = "klabautermann"


@pytest.fixture(autouse=True)
def open_database():
    """Keep the test's transaction open: requests of a real server end with their connection."""
    both = (signals.request_started, signals.request_finished)
    for signal in both:
        signal.disconnect(close_old_connections)
    yield
    for signal in both:
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[servers.Keystone]:
    """A Keystone with a project and people in it."""
    with servers.running(tmp_path_factory.mktemp("keystone")) as found:
        found.shop = found.add_project("shop")
        found.add_user("kim", PASSWORD, project="shop", roles=["member"])
        found.add_user("vera", PASSWORD, project="shop", roles=["reader"])
        found.add_user("otto", PASSWORD, project=_added(found, "elsewhere"), roles=["member"])
        yield found


def _added(server: servers.Keystone, name: str) -> str:
    server.add_project(name)
    return name


def settings_for(url, **changes):
    return config.SiteConfig(
        keystone_auth_url=url, keystone_password=servers.SERVICE_PASSWORD, keystone_timeout_seconds=2, **changes
    )


class Site:
    """A site's web server in this process, with its Keystone."""

    def __init__(self, url, **changes):
        self._application = keystone.wrapped(get_wsgi_application(), site=settings_for(url, **changes))

    def ask(self, path, *, method="GET", token="", body=None, **headers):
        if token:
            headers["X-Auth-Token"] = token
        headers["OpenStack-API-Version"] = "volume 3.71"
        data = json.dumps(body) if body is not None else ""
        request = RequestFactory().generic(method, path, data, content_type="application/json", headers=headers)
        answer = {}

        def start(status, sent, exc_info=None):
            answer.update(status=int(status.split()[0]), headers=dict(sent))

        said = b"".join(self._application(request.environ, start))
        return answer["status"], json.loads(said) if said else None, answer["headers"]


@pytest.fixture
def web(server):
    return Site(server.url)


def basic(name):
    return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()


def asked_of(server):
    """Return how often the Keystone was asked about a token."""
    return len(re.findall(r"GET /v3/auth/tokens", (server.folder / "keystone.log").read_text()))


def test_a_member_by_keystone_works_in_a_project_that_is_made_when_first_seen(server, web, site: domain.Site):
    kim = server.log_in("kim", PASSWORD, project="shop")
    body = {"group": {"group_type": "replicated", "volume_types": ["replicable"], "name": "till"}}

    status, made, _ = web.ask("/v3/groups", method="POST", token=kim, body=body)

    assert status == 202, made
    row = models.Group.objects.get(pk=made["group"]["id"])
    # A project of ours has the name already.
    assert (row.project_id, row.project.name) == (server.shop, f"shop~{server.shop}")
    assert row.project.enabled
    assert web.ask(f"/v3/{server.shop}/groups/{row.pk}", token=kim)[0] == 200
    assert models.Operation.objects.get(group=row).user_name == "kim"


def test_roles_and_projects_are_those_that_keystone_says(server, web, site: domain.Site):
    ours = site.new_group(1)
    vera = server.log_in("vera", PASSWORD, project="shop")
    otto = server.log_in("otto", PASSWORD, project="elsewhere")
    admin = server.log_in("admin", servers.ADMIN_PASSWORD, project="admin")

    assert web.ask("/v3/groups", token=vera)[0] == 200
    assert (
        web.ask("/v3/groups", method="POST", token=vera, body={"group": {"group_type": "x", "volume_types": ["y"]}})[0]
        == 403
    )
    assert web.ask(f"/v3/groups/{ours.pk}", token=otto)[0] == 404
    assert web.ask(f"/v3/groups/{ours.pk}", token=admin)[0] == 200


def test_one_process_serves_our_tokens_basic_and_the_console_too_and_keystone_hears_nothing_of_it(server, web):
    identity.add_project(SYSTEM, name="mine")
    user, _ = identity.add_user(SYSTEM, name="olga", project="mine", role="member", password=PASSWORD)
    token = tokens.issue(access.first(user)).text
    before = asked_of(server)

    assert web.ask("/v3/groups", token=token)[0] == 200
    assert web.ask("/api/operations", token=token)[0] == 200
    assert web.ask("/v3/groups", Authorization=basic("olga"))[0] == 200
    assert web.ask("/identity/v3/auth/projects", token=token)[0] == 200
    assert web.ask("/v3")[0] == 200
    assert asked_of(server) == before


@pytest.mark.parametrize("path", ["/v3/groups", "/api/operations"])
def test_a_token_that_keystone_does_not_know_is_refused_with_401(web, path):
    status, body, headers = web.ask(path, token="gAAAAAB-nobodys")

    assert status == 401
    assert "error" in body
    assert "Keystone uri" in headers["WWW-Authenticate"]


@pytest.mark.soak
def test_a_token_that_was_ended_is_refused_once_it_is_no_longer_remembered(server):
    web = Site(server.url, keystone_cache_seconds=0.5)
    kim = server.log_in("kim", PASSWORD, project="shop")
    assert web.ask("/v3/groups", token=kim)[0] == 200

    server.ask("DELETE", "/auth/tokens", subject=kim)

    processes.wait_until(lambda: web.ask("/v3/groups", token=kim)[0] == 401, seconds=20, what="the token to end")


def test_what_keystone_said_is_remembered_for_a_while(server, web):
    kim = server.log_in("kim", PASSWORD, project="shop")
    web.ask("/v3/groups", token=kim)
    before = asked_of(server)

    assert [web.ask("/v3/groups", token=kim)[0] for _ in range(5)] == [200] * 5
    assert asked_of(server) == before


def test_headers_that_claim_what_only_keystone_says_are_not_believed(web):
    identity.add_project(SYSTEM, name="mine", project_id="0" * 32)
    claimed = {
        "X-Identity-Status": "Confirmed",
        "X-User-Id": "boss",
        "X-Project-Id": "0" * 32,
        "X-Roles": "admin",
        "replsite.keystone": "x",
    }

    assert web.ask("/v3/groups", **claimed)[0] == 401
    assert web.ask("/v3/groups", token="gAAAAAB-nobodys", **claimed)[0] == 401
    assert web.ask("/v3/groups", token="rs-nobodys", **claimed)[0] == 401


def test_another_service_vouches_only_with_the_role_for_it(server, web):
    kim = server.log_in("kim", PASSWORD, project="shop")
    service = server.log_in("replsite", servers.SERVICE_PASSWORD, project="service")

    assert web.ask("/v3/groups", token=kim, **{"X-Service-Token": service})[0] == 200
    assert web.ask("/v3/groups", token=kim, **{"X-Service-Token": kim})[0] == 401
    assert web.ask("/v3/groups", token=kim, **{"X-Service-Token": "nobodys"})[0] == 401


def test_a_token_for_no_project_is_told_so(server, web):
    user = {"name": "kim", "domain": {"id": "default"}, "password": PASSWORD}
    login = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": "unscoped"}
    headers, _ = server.ask("POST", "/auth/tokens", {"auth": login})

    status, body, _ = web.ask("/api/operations", token=headers["X-Subject-Token"])

    assert (status, body["error"]["message"]) == (403, "The token of kim is for no project.")


def test_a_project_that_is_disabled_here_lets_nobody_in(server, web):
    kim = server.log_in("kim", PASSWORD, project="shop")
    web.ask("/v3/groups", token=kim)
    models.Project.objects.filter(pk=server.shop).update(enabled=False)

    assert web.ask("/v3/groups", token=kim)[0] == 403


def test_with_keystone_away_its_tokens_get_503_and_everybody_else_goes_on(server):
    identity.add_project(SYSTEM, name="mine")
    identity.add_user(SYSTEM, name="olga", project="mine", role="member", password=PASSWORD)
    web = Site(f"http://127.0.0.1:{processes.free_port()}/v3")

    status, body, _ = web.ask("/v3/groups", token="gAAAAAB-somebodys")
    again, native, _ = web.ask("/api/operations", token="gAAAAAB-somebodys")

    assert (status, body["serviceUnavailable"]["code"]) == (503, 503)
    assert "Keystone cannot be asked whether the token is good" in body["serviceUnavailable"]["message"]
    assert (again, native["error"]["code"]) == (503, "identity_unavailable")
    assert web.ask("/v3/groups", Authorization=basic("olga"))[0] == 200


@pytest.mark.soak
def test_with_keystone_frozen_only_the_first_request_waits_and_remembered_tokens_go_on(server):
    web = Site(server.url)
    kim, vera = (server.log_in(name, PASSWORD, project="shop") for name in ("kim", "vera"))
    assert web.ask("/v3/groups", token=kim)[0] == 200

    with server.frozen():
        status, body, _ = web.ask("/v3/groups", token=vera)
        assert (status, "in time" in body["serviceUnavailable"]["message"]) == (503, True)
        assert web.ask("/v3/groups", token=kim)[0] == 200

    processes.wait_until(lambda: web.ask("/v3/groups", token=vera)[0] == 200, seconds=30, what="Keystone to be back")


def test_a_wrong_password_of_the_sites_own_user_is_503_and_says_whose_fault_it_is(server):
    kim = server.log_in("kim", PASSWORD, project="shop")
    web = Site(server.url, keystone_username="nobody")

    status, body, _ = web.ask("/v3/groups", token=kim)

    assert (status, "REPLSITE_KEYSTONE_USERNAME" in body["serviceUnavailable"]["message"]) == (503, True)


def test_a_keystone_without_a_password_for_it_stops_the_site_at_start(tmp_path):
    env = processes.environment(tmp_path, keystone_auth_url="http://keystone.example.org/v3")
    done = processes.run("-c", "import replsite.settings", env={**os.environ, **env})

    assert done.returncode != 0
    assert "REPLSITE_KEYSTONE_PASSWORD" in done.stdout + done.stderr
