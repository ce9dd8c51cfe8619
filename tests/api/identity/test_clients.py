"""The real clients log in here."""

from __future__ import annotations

import json
import os

import openstack
import pytest
from keystoneauth1 import session as keystone_session
from keystoneauth1.exceptions import http
from keystoneauth1.identity import generic, v3

from groups import callers, errors
from groups.queries import access
from groups.services import identity, tokens
from tests.support import clients

pytestmark = pytest.mark.django_db(transaction=True)
# The library warns of what it does itself.
THE_SDK_WARNS_OF_ITSELF = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
SYSTEM = callers.system(door="command")
PASSWORD = "klabautermann"


@pytest.fixture
def shop():
    project = identity.add_project(SYSTEM, name="shop")
    identity.add_user(SYSTEM, name="olga", project="shop", role="member", password=PASSWORD)
    return project


def log_in(server, path="/identity", **changes):
    named = {
        "auth_url": f"{server.url}{path}",
        "username": "olga",
        "password": PASSWORD,
        "project_name": "shop",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    return keystone_session.Session(auth=generic.Password(**{**named, **changes}))


def command(server, *words, name="olga", silent=False):
    """Run the openstack command with the usual variables; return its answer."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    usual = {
        "OS_AUTH_URL": f"{server.url}/identity/v3",
        "OS_USERNAME": name,
        "OS_PASSWORD": PASSWORD,
        "OS_PROJECT_NAME": "shop",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
    }
    done = clients.run("openstack", [*words, *([] if silent else ["-f", "json"])], env=inherited | usual)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_openstack_token_issue_gives_a_token_for_the_project(live_server, shop):
    assert command(live_server, "token", "issue")["project_id"] == shop.pk


def test_openstack_catalog_list_lists_both_volume_services(live_server, shop):
    found = {each["Type"]: each["Endpoints"][0]["url"] for each in command(live_server, "catalog", "list")}

    assert found["block-storage"] == f"{live_server.url}/v3"
    assert found["volumev3"] == f"{live_server.url}/v3/{shop.pk}"


def test_openstack_catalog_show_and_the_lists_of_what_is_there(live_server, shop):
    assert command(live_server, "catalog", "show", "block-storage")["name"] == "cinder"
    assert [row["Name"] for row in command(live_server, "project", "list")] == ["shop"]
    assert {row["Region"] for row in command(live_server, "endpoint", "list")} == {"RegionOne"}
    assert len(command(live_server, "service", "list")) == 3
    assert [row["Name"] for row in command(live_server, "domain", "list")] == ["Default"]


def test_openstack_token_revoke_ends_a_token(live_server, shop):
    text = command(live_server, "token", "issue")["id"]

    command(live_server, "token", "revoke", text, silent=True)

    with pytest.raises(errors.NotAuthenticated):
        tokens.find(text)


def test_an_admin_sets_up_a_project_with_the_openstack_command_alone(live_server, shop):
    identity.add_user(SYSTEM, name="ann", project="shop", role="admin", password=PASSWORD)

    def ann(*words, silent=False):
        return command(live_server, *words, name="ann", silent=silent)

    made = ann("project", "create", "cellar", "--description", "below")
    user = ann("user", "create", "zoe", "--password", PASSWORD)
    ann("role", "add", "--project", "cellar", "--user", "zoe", "member", silent=True)

    assert access.chosen(access.user("zoe"), made["id"]).roles == {"reader", "member"}
    [given] = ann("role", "assignment", "list", "--names", "--user", "zoe")
    assert (given["Role"], given["User"], given["Project"]) == ("member", "zoe@Default", "cellar@Default")
    ann("user", "set", "zoe", "--email", "zoe@example.org", silent=True)
    assert ann("user", "show", "zoe")["email"] == "zoe@example.org"
    ann("role", "remove", "--project", "cellar", "--user", "zoe", "member", silent=True)
    ann("user", "delete", user["id"], silent=True)
    ann("project", "delete", "cellar", silent=True)
    assert [row["Name"] for row in ann("project", "list")] == ["shop"]


@pytest.mark.parametrize("path", ["/identity", "/identity/", "/identity/v3", "/identity/v3/"])
def test_keystoneauth_finds_the_services_from_any_form_of_the_address(live_server, shop, path):
    session = log_in(live_server, path)

    assert session.get_project_id() == shop.pk
    assert session.get_endpoint(service_type="block-storage") == f"{live_server.url}/v3"
    assert session.get_endpoint(service_type="identity", version="3") == f"{live_server.url}/identity/v3/"


def test_keystoneauth_is_told_what_is_wrong(live_server, shop):
    with pytest.raises(http.Unauthorized, match="name or the password is wrong"):
        log_in(live_server, password="wrong").get_token()
    with pytest.raises(http.Unauthorized, match="no role in project nowhere"):
        log_in(live_server, project_name="nowhere").get_token()


def test_keystoneauth_logs_in_again_once_its_token_is_revoked(live_server, shop):
    session = log_in(live_server)
    token = session.get_token()
    identity_url = f"{live_server.url}/identity/v3"
    session.delete(f"{identity_url}/auth/tokens", headers={"X-Subject-Token": token})

    answer = session.get(f"{identity_url}/projects")

    assert answer.status_code == 200
    assert session.get_token() != token


def test_a_token_is_enough_to_log_in_with(live_server, shop):
    token = log_in(live_server).get_token()
    auth = v3.Token(
        auth_url=f"{live_server.url}/identity/v3", token=token, project_name="shop", project_domain_id="default"
    )

    assert keystone_session.Session(auth=auth).get_project_id() == shop.pk


@THE_SDK_WARNS_OF_ITSELF
def test_the_sdk_connects_and_finds_the_project(live_server, shop):
    with openstack.connection.Connection(session=log_in(live_server)) as cloud:
        assert cloud.current_project_id == shop.pk
        assert cloud.identity.find_project("shop").id == shop.pk
        assert list(cloud.block_storage.volumes()) == []


@THE_SDK_WARNS_OF_ITSELF
def test_the_sdk_connects_with_http_basic(live_server, shop):
    with openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_type="http_basic",
        auth={"endpoint": f"{live_server.url}/v3", "username": "olga", "password": PASSWORD},
    ) as cloud:
        assert list(cloud.block_storage.volumes()) == []
