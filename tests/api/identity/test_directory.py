"""Projects, users and roles over HTTP, as Keystone's clients manage them."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from groups import callers, models
from groups.queries import access
from groups.services import identity, replication, tokens
from tests.support import domain

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")
PASSWORD = "klabautermann"
ROOT = "/identity/v3"


@pytest.fixture(autouse=True)
def shop():
    project = identity.add_project(SYSTEM, name="shop-floor")
    identity.add_user(SYSTEM, name="mia", project=project.pk, role="member", password=PASSWORD)
    identity.add_user(SYSTEM, name="ann", project=project.pk, role="admin", password=PASSWORD)
    return project


def ask(method, path, body=None, *, name="ann"):
    headers = {"X-Auth-Token": tokens.issue(access.first(access.user(name))).text}
    data = b"" if body is None else json.dumps(body).encode()
    answer = Client().generic(method, f"{ROOT}{path}", data=data, content_type="application/json", headers=headers)
    return answer.status_code, json.loads(answer.content) if answer.content else None


def made_user(name="zoe", **fields):
    status, body = ask("POST", "/users", {"user": {"name": name, "password": PASSWORD} | fields})
    assert status == 201, body
    return body["user"]


def role_id(name):
    _, body = ask("GET", f"/roles?name={name}")
    return body["roles"][0]["id"]


def test_an_admin_adds_a_project_a_user_and_a_role_and_the_user_logs_in():
    _, made = ask("POST", "/projects", {"project": {"name": "cellar", "domain_id": "default"}})
    user = made_user()
    at = f"/projects/{made['project']['id']}/users/{user['id']}/roles"

    assert ask("HEAD", f"{at}/{role_id('member')}") == (404, None)
    assert ask("PUT", f"{at}/{role_id('member')}") == (204, None)
    assert ask("PUT", f"{at}/{role_id('member')}") == (204, None)

    assert ask("HEAD", f"{at}/{role_id('member')}") == (204, None)
    assert [row["name"] for row in ask("GET", at)[1]["roles"]] == ["member"]
    assert access.chosen(access.user("zoe"), "cellar").roles == {"reader", "member"}
    assert access.user("zoe").check_password(PASSWORD)
    assert ask("DELETE", f"{at}/{role_id('member')}") == (204, None)
    assert ask("DELETE", f"{at}/{role_id('member')}")[0] == 404


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("POST", "/projects", {"project": {"name": "mine"}}),
        ("POST", "/users", {"user": {"name": "me"}}),
        ("POST", "/roles", {"role": {"name": "king"}}),
        ("PATCH", "/projects/{project}", {"project": {"name": "mine"}}),
        ("DELETE", "/projects/{project}", None),
        ("PATCH", "/users/{user}", {"user": {"enabled": True}}),
        ("DELETE", "/users/{user}", None),
        ("PUT", "/projects/{project}/users/{user}/roles/{role}", None),
        ("DELETE", "/projects/{project}/users/{user}/roles/{role}", None),
    ],
)
def test_a_member_may_change_nothing(shop, method, path, body):
    filled = path.format(project=shop.pk, user=access.user("mia").pk, role=role_id("admin"))

    status, answer = ask(method, filled, body, name="mia")

    assert status == 403, answer
    assert models.Project.objects.count() == 1
    assert access.first(access.user("mia")).roles == {"reader", "member"}


def test_a_member_sees_nothing_of_others(shop):
    other = identity.add_project(SYSTEM, name="cellar")
    ann = access.user("ann").pk

    assert [row["name"] for row in ask("GET", "/projects", name="mia")[1]["projects"]] == ["shop-floor"]
    assert [row["name"] for row in ask("GET", "/users", name="mia")[1]["users"]] == ["mia"]
    assert ask("GET", f"/projects/{other.pk}", name="mia")[0] == 404
    assert ask("GET", f"/users/{ann}", name="mia")[0] == 404
    assert ask("GET", f"/users/{ann}/projects", name="mia")[0] == 404
    assert ask("GET", f"/users/{ann}/groups", name="mia")[0] == 404
    [own] = ask("GET", "/role_assignments?include_names", name="mia")[1]["role_assignments"]
    assert (own["user"]["name"], own["role"]["name"], own["scope"]["project"]["name"]) == (
        "mia",
        "member",
        "shop-floor",
    )


def test_an_admin_sees_every_project_also_a_disabled_one_and_every_assignment():
    cellar = identity.add_project(SYSTEM, name="cellar")

    assert ask("PATCH", f"/projects/{cellar.pk}", {"project": {"enabled": False, "name": "vault"}})[0] == 200

    assert [row["name"] for row in ask("GET", "/projects")[1]["projects"]] == ["shop-floor", "vault"]
    assert [row["name"] for row in ask("GET", "/projects?enabled=false")[1]["projects"]] == ["vault"]
    assert [row["name"] for row in ask("GET", "/auth/projects")[1]["projects"]] == ["shop-floor"]
    assert len(ask("GET", "/role_assignments")[1]["role_assignments"]) == 2
    assert len(ask("GET", f"/role_assignments?role.id={role_id('admin')}")[1]["role_assignments"]) == 1
    assert len(ask("GET", f"/role_assignments?user.id={access.user('mia').pk}")[1]["role_assignments"]) == 1
    assert ask("GET", f"/role_assignments?scope.project.id={cellar.pk}")[1]["role_assignments"] == []
    assert ask("GET", "/role_assignments?user.id=x")[1]["role_assignments"] == []


def test_names_that_are_taken_and_domains_that_are_not_there_are_refused():
    cellar = identity.add_project(SYSTEM, name="cellar")
    zoe = made_user()

    assert ask("POST", "/projects", {"project": {"name": "cellar"}})[0] == 409
    assert ask("PATCH", f"/projects/{cellar.pk}", {"project": {"name": "shop-floor"}})[0] == 409
    assert ask("POST", "/users", {"user": {"name": "zoe", "password": "x"}})[0] == 409
    assert ask("PATCH", f"/users/{zoe['id']}", {"user": {"name": "mia"}})[0] == 409
    assert ask("POST", "/projects", {"project": {"name": "x", "domain_id": "other"}})[0] == 400
    assert ask("POST", "/users", {"user": {"name": "x", "domain_id": "other"}})[0] == 400
    assert ask("PATCH", f"/users/{zoe['id']}", {"user": {"name": "a b"}})[0] == 400
    assert ask("POST", "/roles", {"role": {"name": "king"}})[0] == 403


def test_a_changed_password_or_a_disabled_user_ends_the_tokens():
    zoe = made_user()
    models.RoleAssignment.objects.create(
        user=access.user("zoe"), project=models.Project.objects.get(name="shop-floor"), role="reader"
    )
    text = tokens.issue(access.first(access.user("zoe"))).text

    assert ask("PATCH", f"/users/{zoe['id']}", {"user": {"password": "another one"}})[0] == 200

    assert Client().get(f"{ROOT}/auth/projects", headers={"X-Auth-Token": text}).status_code == 401
    assert ask("PATCH", f"/users/{zoe['id']}", {"user": {"enabled": False, "email": "z@example.org"}})[0] == 200
    assert not access.user("zoe").is_active
    assert [row["name"] for row in ask("GET", "/users?enabled=false")[1]["users"]] == ["zoe"]


def test_a_user_changes_the_own_password_and_nobody_elses():
    mia, ann = access.user("mia"), access.user("ann")
    body = {"user": {"original_password": PASSWORD, "password": "sea-shanty"}}

    wrong = {"user": {"original_password": "x", "password": "sea-shanty"}}
    assert ask("POST", f"/users/{mia.pk}/password", wrong, name="mia")[0] == 401
    assert ask("POST", f"/users/{ann.pk}/password", body, name="mia")[0] == 404
    assert ask("POST", f"/users/{mia.pk}/password", body, name="ann")[0] == 403
    assert ask("POST", f"/users/{mia.pk}/password", {"user": {**body["user"], "password": ""}}, name="mia")[0] == 400
    assert access.user("mia").check_password(PASSWORD)

    assert ask("POST", f"/users/{mia.pk}/password", body, name="mia") == (204, None)
    assert access.user("mia").check_password("sea-shanty")


def test_an_admin_who_is_no_superuser_does_not_touch_one():
    boss = User.objects.create_superuser("boss", password=PASSWORD)

    assert ask("PATCH", f"/users/{boss.pk}", {"user": {"password": "mine now"}})[0] == 403
    assert ask("DELETE", f"/users/{boss.pk}")[0] == 403
    assert access.user("boss").check_password(PASSWORD)

    User.objects.filter(username="ann").update(is_superuser=True)
    assert ask("DELETE", f"/users/{boss.pk}") == (204, None)


def test_a_removed_user_is_gone_with_roles_and_tokens():
    zoe = made_user()

    assert ask("DELETE", f"/users/{zoe['id']}") == (204, None)
    assert ask("GET", f"/users/{zoe['id']}")[0] == 404


def test_a_project_that_owns_something_stays(site: domain.Site):
    site.new_group(1)

    status, answer = ask("DELETE", f"/projects/{site.project.pk}")

    assert (status, "still owns 1 groups" in answer["error"]["message"]) == (400, True)
    assert models.Project.objects.get(pk=site.project.pk).enabled


def test_a_removed_project_is_gone_and_its_operations_are_remembered(site: domain.Site):
    group = site.enabled_group(1)
    replication.disable(site.owner, group_id=group.pk)
    domain.drain()
    kept = models.Operation.objects.filter(project=site.project).count()
    models.Volume.objects.all().delete()
    models.Group.objects.all().delete()

    assert ask("DELETE", f"/projects/{site.project.pk}") == (204, None)

    assert ask("GET", f"/projects/{site.project.pk}")[0] == 404
    assert "shop" not in [row["name"] for row in ask("GET", "/projects")[1]["projects"]]
    assert models.Operation.objects.filter(project_id=site.project.pk).count() == kept > 0
    assert ask("POST", "/projects", {"project": {"name": "shop"}})[0] == 201


@pytest.mark.parametrize("noun", ["services", "endpoints", "regions", "domains", "roles"])
def test_what_is_listed_is_shown_alone_too(noun):
    _, listed = ask("GET", f"/{noun}", name="mia")

    for each in listed[noun]:
        status, shown = ask("GET", f"/{noun}/{each['id']}", name="mia")
        assert (status, shown) == (200, {noun[:-1]: each})
    assert ask("GET", f"/{noun}/nothing", name="mia")[0] == 404


def test_lists_of_services_and_endpoints_can_be_narrowed():
    assert [row["type"] for row in ask("GET", "/services?type=volumev3")[1]["services"]] == ["volumev3"]
    [service] = ask("GET", "/services?name=cinder")[1]["services"]
    found = ask("GET", f"/endpoints?service_id={service['id']}&interface=public")[1]["endpoints"]
    assert [row["url"] for row in found] == ["http://testserver/v3"]
    assert ask("GET", "/auth/domains")[1]["domains"] == ask("GET", "/auth/system")[1]["system"] == []
