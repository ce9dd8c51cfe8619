"""Logging in, looking at tokens and logging out, as clients do it."""

from __future__ import annotations

import datetime
import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from groups import callers, models
from groups.queries import access
from groups.services import identity, tokens

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")
TOKENS = "/identity/v3/auth/tokens"
DEFAULT = {"id": "default"}
PASSWORD = "klabautermann"


@pytest.fixture(autouse=True)
def shop():
    project = identity.add_project(SYSTEM, name="shop")
    identity.add_user(SYSTEM, name="olga", project="shop", role="member", password=PASSWORD)
    return project


def ask(method, path, *, body=None, token="", subject="", **headers):
    headers |= {"X-Auth-Token": token} if token else {}
    headers |= {"X-Subject-Token": subject} if subject else {}
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return Client().generic(method, path, data=data, content_type="application/json", headers=headers)


def with_password(scope=None, **user):
    user = {"name": "olga", "domain": DEFAULT, "password": PASSWORD} | user
    login = {"identity": {"methods": ["password"], "password": {"user": user}}}
    return {"auth": login | ({"scope": scope} if scope is not None else {})}


def with_token(token, scope=None):
    login = {"identity": {"methods": ["token"], "token": {"id": token}}}
    return {"auth": login | ({"scope": scope} if scope is not None else {})}


def project_named(name, **domain):
    return {"project": {"name": name, "domain": domain or DEFAULT}}


def log_in(scope=None, **user):
    answer = ask("POST", TOKENS, body=with_password(scope, **user))
    assert answer.status_code == 201, answer.content
    return answer["X-Subject-Token"], answer.json()["token"]


def test_a_log_in_answers_with_a_token_and_what_it_stands_for(shop):
    text, token = log_in(project_named("shop"))

    assert tokens.find(text).granted.project == shop
    assert token["methods"] == ["password"]
    assert token["user"]["name"] == "olga"
    assert token["user"]["domain"] == {"id": "default", "name": "Default"}
    assert token["project"] == {"id": shop.pk, "name": "shop", "domain": {"id": "default", "name": "Default"}}
    assert [role["name"] for role in token["roles"]] == ["reader", "member"]
    assert len(token["audit_ids"][0]) == 22
    issued, expires = (datetime.datetime.fromisoformat(token[f"{name}_at"]) for name in ("issued", "expires"))
    assert expires - issued == datetime.timedelta(hours=24)


def test_the_catalog_leads_to_the_services_of_the_project(shop):
    _, token = log_in()

    found = {
        (service["type"], service["name"], endpoint["interface"], endpoint["region"]): endpoint["url"]
        for service in token["catalog"]
        for endpoint in service["endpoints"]
    }
    assert found == {
        (kind, name, interface, "RegionOne"): f"http://testserver{path}"
        for kind, name, path in (
            ("block-storage", "cinder", "/v3"),
            ("volumev3", "cinderv3", f"/v3/{shop.pk}"),
            ("identity", "keystone", "/identity"),
        )
        for interface in ("public", "internal", "admin")
    }


def test_the_catalog_names_the_public_address_when_there_is_one(settings):
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"public_url": "https://storage.example.org"})

    _, token = log_in()

    assert {each["url"].partition("/v3")[0] for service in token["catalog"] for each in service["endpoints"]} == {
        "https://storage.example.org",
        "https://storage.example.org/identity",
    }


@pytest.mark.parametrize("named", [{"id": True}, {"name": "shop", "domain": {"name": "default"}}, {"name": "shop"}])
def test_a_project_is_chosen_by_id_or_by_name(shop, named):
    named = {"id": shop.pk} if "id" in named else named

    _, token = log_in({"project": named})

    assert token["project"]["id"] == shop.pk


def test_a_user_may_be_named_by_id():
    _, token = log_in(id=str(User.objects.get(username="olga").pk), name=None)

    assert token["user"]["name"] == "olga"


def test_who_asks_for_no_project_gets_a_token_without_one(shop):
    text, token = log_in("unscoped")

    assert "project" not in token
    assert "catalog" not in token
    assert ask("GET", "/v3/volumes", token=text).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        with_password(password="wrong"),
        with_password(name="otto"),
        with_password(domain={"id": "other"}),
        with_password(domain={"name": "other"}),
        with_password(id="999", name=None),
        with_password(name=None),
        with_password(project_named("elsewhere")),
        with_password(project_named("nowhere")),
        with_password(project_named("shop", id="other")),
        with_token("unknown"),
    ],
    ids=lambda body: json.dumps(body["auth"])[:150],
)
def test_a_log_in_that_is_not_right_is_refused_with_401(body):
    identity.add_project(SYSTEM, name="elsewhere")

    answer = ask("POST", TOKENS, body=body)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401
    assert answer.json()["error"]["title"] == "Unauthorized"
    assert answer["WWW-Authenticate"].startswith('Basic realm="Replsite"')
    assert "X-Subject-Token" not in answer
    assert not models.Token.objects.exists()


@pytest.mark.parametrize(
    "body, said",
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        ({}, "auth"),
        ({"auth": {}}, "auth.identity"),
        ({"auth": {"identity": {"methods": []}}}, "one method"),
        ({"auth": {"identity": {"methods": ["password"]}}}, "one method"),
        ({"auth": {"identity": {"methods": ["totp"]}}}, "one method"),
        ({"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "olga"}}}}}, "password"),
        (with_password("all"), "scope"),
        (with_password({}), "projects only"),
        (with_password({"project": {}}), "neither id nor name"),
        (with_password({"system": {"all": True}}), "projects only"),
        (with_password({"domain": DEFAULT}), "projects only"),
        (with_password(password=["wolpertinger"]), "password"),
    ],
)
def test_a_malformed_log_in_is_refused_with_400_naming_what_is_wrong(body, said):
    answer = ask("POST", TOKENS, body=body)

    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert "wolpertinger" not in answer.content.decode()
    assert PASSWORD not in answer.content.decode()


def test_a_disabled_user_cannot_log_in():
    User.objects.update(is_active=False)

    assert ask("POST", TOKENS, body=with_password()).status_code == 401


def test_too_many_failures_are_answered_with_429_and_how_long_to_wait():
    for _ in range(5):
        ask("POST", TOKENS, body=with_password(password="wrong"))

    answer = ask("POST", TOKENS, body=with_password())

    assert answer.status_code == 429
    assert answer["Retry-After"] == "1"
    assert answer.json()["error"]["title"] == "Too Many Requests"


def test_a_token_gets_a_token_for_another_project_with_the_same_end(shop):
    other = identity.add_project(SYSTEM, name="other")
    identity.add_user(SYSTEM, name="olga", project="other", role="reader")
    text, old = log_in(project_named("shop"))

    answer = ask("POST", TOKENS, body=with_token(text, project_named("other")))

    new = answer.json()["token"]
    assert new["project"]["id"] == other.pk
    assert [role["name"] for role in new["roles"]] == ["reader"]
    assert new["expires_at"] == old["expires_at"]
    assert new["methods"] == ["token", "password"]


def test_a_token_can_be_looked_at_by_its_user():
    text, token = log_in()

    answer = ask("GET", TOKENS, token=text, subject=text)

    assert answer.status_code == 200
    assert answer.json()["token"] == token
    assert answer["X-Subject-Token"] == text


def test_the_catalog_is_left_out_when_asked():
    text, _ = log_in()

    assert "catalog" not in ask("GET", f"{TOKENS}?nocatalog", token=text, subject=text).json()["token"]


def test_looking_at_a_token_can_be_asked_without_the_body():
    text, _ = log_in()

    answer = ask("HEAD", TOKENS, token=text, subject=text)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("subject", ["", "unknown"])
def test_a_token_that_is_no_good_is_not_found(method, subject):
    text, _ = log_in()

    assert ask(method, TOKENS, token=text, subject=subject).status_code == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_somebody_elses_token_is_not_found(method):
    identity.add_user(SYSTEM, name="otto", project="shop", role="member", password=PASSWORD)
    olgas, _ = log_in()
    ottos, _ = log_in(name="otto")

    answer = ask(method, TOKENS, token=ottos, subject=olgas)

    assert answer.status_code == 404
    assert answer.json() == ask(method, TOKENS, token=ottos, subject="unknown").json()
    assert tokens.find(olgas).granted.user.username == "olga"


def test_an_admin_may_look_at_and_revoke_any_token():
    identity.add_user(SYSTEM, name="ada", project="shop", role="admin", password=PASSWORD)
    olgas, _ = log_in()
    adas, _ = log_in(name="ada")

    assert ask("GET", TOKENS, token=adas, subject=olgas).json()["token"]["user"]["name"] == "olga"
    assert ask("DELETE", TOKENS, token=adas, subject=olgas).status_code == 204
    assert ask("GET", TOKENS, token=adas, subject=olgas).status_code == 404


def test_after_logging_out_the_token_is_refused():
    text, _ = log_in()

    answer = ask("DELETE", TOKENS, token=text, subject=text)

    assert (answer.status_code, answer.content) == (204, b"")
    assert ask("GET", "/v3/volumes", token=text).status_code == 401


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_token_of_ones_own_nothing_is_said_of_another(method):
    text, _ = log_in()

    assert ask(method, TOKENS, subject=text).status_code == 401


def test_a_log_in_takes_a_number_of_statements_that_does_not_grow(django_assert_max_num_queries):
    user = User.objects.get(username="olga")
    for _ in range(30):
        tokens.issue(access.first(user))

    with django_assert_max_num_queries(10):
        log_in(project_named("shop"))
