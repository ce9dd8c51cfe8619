"""Who asks, as the API's doors see it: tokens and HTTP Basic."""

from __future__ import annotations

import base64

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from rest_framework.views import APIView

from groups import callers, errors, models
from groups.api import authentication
from groups.queries import access
from groups.services import identity, tokens

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")
PASSWORD = "klabauter:männ"


@pytest.fixture(autouse=True)
def shop():
    project = identity.add_project(SYSTEM, name="shop")
    identity.add_project(SYSTEM, name="elsewhere")
    identity.add_user(SYSTEM, name="olga", project="shop", role="member", password=PASSWORD)
    return project


class Door(APIView):
    authentication_classes = authentication.CLASSES


def caller(**headers):
    """Return who asks, as a view finds out."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return authentication.caller_of(Door().initialize_request(RequestFactory().get("/v3", headers=headers)))


def basic(name="olga", password=PASSWORD, *, encoding="utf-8"):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode(encoding)).decode()


def token():
    return tokens.issue(access.first(access.user("olga"))).text


def test_a_token_says_who_asks(shop):
    found = caller(X_Auth_Token=token())

    assert (found.user_name, found.project_id, found.door) == ("olga", shop.pk, "api")
    assert found.roles == {"reader", "member"}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_name_with_a_password_says_who_asks(shop, encoding):
    found = caller(Authorization=basic(encoding=encoding))

    assert (found.user_name, found.project_id) == ("olga", shop.pk)


def test_who_sends_nothing_is_not_logged_in():
    with pytest.raises(errors.NotAuthenticated):
        caller()


@pytest.mark.parametrize(
    "sent",
    [
        {"X_Auth_Token": "unknown"},
        {"X_Auth_Token": "notused"},
        {"X_Auth_Token": "olga:shop", "X_User_Id": "olga", "X_Project_Id": "shop"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ***"},
        {"Authorization": "Basic " + base64.b64encode(b"olga").decode()},
        {"Authorization": "Bearer abc"},
        {"X_User_Id": "1", "X_Roles": "admin"},
    ],
    ids=str,
)
def test_what_proves_nothing_is_refused(sent):
    with pytest.raises(errors.NotAuthenticated):
        caller(**sent)


def test_a_wrong_password_is_refused():
    with pytest.raises(errors.NotAuthenticated):
        caller(Authorization=basic(password="wrong"))


def test_a_bad_token_is_not_made_good_by_a_password():
    with pytest.raises(errors.NotAuthenticated):
        caller(X_Auth_Token="unknown", Authorization=basic())


def test_with_basic_another_project_may_be_named_by_id_or_name():
    identity.add_user(SYSTEM, name="olga", project="elsewhere", role="reader")
    other = models.Project.objects.get(name="elsewhere")

    for named in ("elsewhere", other.pk):
        found = caller(Authorization=basic(), X_Project_Id=named)

        assert (found.project_id, found.roles) == (other.pk, {"reader"})


def test_with_basic_a_project_without_a_role_is_refused():
    with pytest.raises(errors.NotAuthenticated):
        caller(Authorization=basic(), X_Project_Id="elsewhere")


def test_with_basic_a_changed_role_counts_at_once():
    caller(Authorization=basic())

    identity.add_user(SYSTEM, name="olga", project="shop", role="reader")

    assert caller(Authorization=basic()).roles == {"reader"}


def test_a_token_is_not_for_the_project_a_header_names(shop):
    assert caller(X_Auth_Token=token(), X_Project_Id="elsewhere").project_id == shop.pk


def test_a_user_without_a_project_is_logged_in_but_may_do_nothing():
    User.objects.create_user("loner", password=PASSWORD)

    with pytest.raises(errors.Forbidden):
        caller(Authorization=basic("loner"))


def test_a_refusal_in_the_v3_api_says_how_to_log_in():
    answer = Client().get("/v3/volumes")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith('Basic realm="Replsite"')
    assert 'Keystone uri="http://testserver/identity"' in answer["WWW-Authenticate"]


def test_guessing_in_the_v3_api_is_slowed_down():
    for _ in range(5):
        Client().get("/v3/volumes", headers={"Authorization": basic(password="wrong")})

    answer = Client().get("/v3/volumes", headers={"Authorization": basic()})

    assert (answer.status_code, answer["Retry-After"]) == (429, "1")


def test_guessing_at_one_door_counts_at_the_others():
    User.objects.update(is_staff=True)
    for _ in range(5):
        Client().post("/admin/login/", {"username": "olga", "password": "wrong"})

    page = Client().post("/admin/login/", {"username": "olga", "password": PASSWORD})

    assert page.status_code == 200
    assert "Too many failed log-ins" in page.content.decode()
    assert Client().get("/v3/volumes", headers={"Authorization": basic()}).status_code == 429
