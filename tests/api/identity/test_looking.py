"""Discovery, and what can be looked at: projects, users, the catalog."""

from __future__ import annotations

import base64

import pytest
from django.contrib.auth.models import User
from django.test import Client

from groups import callers, models
from groups.queries import access
from groups.services import identity, tokens

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")
PASSWORD = "klabautermann"


@pytest.fixture(autouse=True)
def shop():
    project = identity.add_project(SYSTEM, name="shop")
    identity.add_project(SYSTEM, name="elsewhere")
    identity.add_user(SYSTEM, name="olga", project="shop", role="member", password=PASSWORD)
    identity.add_user(SYSTEM, name="ada", project="shop", role="admin", password=PASSWORD)
    return project


def get(path, *, name="olga"):
    return Client().get(path, headers={"X-Auth-Token": tokens.issue(access.first(access.user(name))).text})


def names(answer, noun):
    return [each["name"] for each in answer.json()[noun]]


@pytest.mark.parametrize("path", ["/identity", "/identity/"])
def test_the_list_of_versions_is_open_to_all(path):
    answer = Client().get(path)

    [version] = answer.json()["versions"]["values"]
    assert answer.status_code == 300
    assert version["id"].startswith("v3.")
    assert version["links"] == [{"rel": "self", "href": "http://testserver/identity/v3/"}]


@pytest.mark.parametrize("path", ["/identity/v3", "/identity/v3/"])
def test_the_version_is_open_to_all(path):
    answer = Client().get(path)

    assert answer.status_code == 200
    assert answer.json()["version"]["status"] == "stable"


@pytest.mark.parametrize(
    "path",
    ["/auth/projects", "/auth/catalog", "/projects", "/projects/x", "/users", "/users/1", "/auth/tokens"],
)
def test_everything_else_needs_a_log_in(path):
    answer = Client().get(f"/identity/v3{path}")

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401
    assert answer["WWW-Authenticate"] == (
        'Basic realm="Replsite", charset="UTF-8", Keystone uri="http://testserver/identity"'
    )
    assert answer["X-Openstack-Request-Id"].startswith("req-")


@pytest.mark.parametrize("path", ["/identity/v3/nothing", "/identity/v2.0", "/identity/v3/auth/tokens/x"])
def test_an_address_where_nothing_is_says_so_in_keystones_form(path):
    for method in ("GET", "POST", "DELETE", "PATCH"):
        answer = Client().generic(method, path)

        assert answer.status_code == 404
        assert answer.json()["error"]["title"] == "Not Found"


def test_a_method_that_is_not_there_is_refused():
    assert Client().delete("/identity/v3").status_code == 405


@pytest.mark.parametrize("path", ["/identity/v3/projects", "/identity/v3/auth/projects", "/identity/v3/projects/"])
def test_a_user_sees_their_own_projects_only(path):
    assert names(get(path), "projects") == ["shop"]


def test_a_disabled_project_is_not_listed(shop):
    headers = {"Authorization": "Basic " + base64.b64encode(f"olga:{PASSWORD}".encode()).decode()}
    models.Project.objects.update(enabled=False)

    assert names(Client().get("/identity/v3/projects", headers=headers), "projects") == []


def test_a_superuser_sees_every_project():
    User.objects.create_superuser("boss")

    assert names(get("/identity/v3/projects", name="boss"), "projects") == ["elsewhere", "shop"]


@pytest.mark.parametrize(
    "query, found",
    [
        ("name=shop", ["shop"]),
        ("name=elsewhere", []),
        ("name=nowhere", []),
        ("name=", []),
        ("name=%00", []),
        ("domain_id=default", ["shop"]),
        ("domain_id=other", []),
    ],
)
def test_projects_are_filtered_by_name_and_domain(query, found):
    assert names(get(f"/identity/v3/projects?{query}"), "projects") == found


def test_a_project_is_shown_to_who_has_a_role_there(shop):
    shown = get(f"/identity/v3/projects/{shop.pk}").json()["project"]

    assert (shown["id"], shown["name"], shown["domain_id"], shown["enabled"]) == (shop.pk, "shop", "default", True)


@pytest.mark.parametrize("which", ["elsewhere", "nowhere", "%00"])
def test_another_project_is_not_found(which):
    row = models.Project.objects.filter(name=which).first()

    assert get(f"/identity/v3/projects/{row.pk if row else which}").status_code == 404


def test_a_user_sees_themselves_only_and_an_admin_everybody():
    olga, ada = (User.objects.get(username=name) for name in ("olga", "ada"))

    assert names(get("/identity/v3/users"), "users") == ["olga"]
    assert names(get("/identity/v3/users", name="ada"), "users") == ["ada", "olga"]
    assert names(get("/identity/v3/users?name=olga", name="ada"), "users") == ["olga"]
    assert get(f"/identity/v3/users/{olga.pk}").json()["user"]["name"] == "olga"
    assert get(f"/identity/v3/users/{ada.pk}").status_code == 404
    assert get(f"/identity/v3/users/{olga.pk}", name="ada").json()["user"]["id"] == str(olga.pk)
    assert get("/identity/v3/users/olga").status_code == 404


def test_the_catalog_is_that_of_the_tokens_project(shop):
    found = get("/identity/v3/auth/catalog").json()["catalog"]

    assert [each["type"] for each in found] == ["block-storage", "volumev3", "identity"]
    assert found[1]["endpoints"][0]["url"] == f"http://testserver/v3/{shop.pk}"


def test_nothing_shown_of_a_user_holds_their_password():
    answer = get("/identity/v3/users", name="ada")

    assert User.objects.get(username="olga").password not in answer.content.decode()
