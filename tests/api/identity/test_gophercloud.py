"""What gophercloud asks when it logs in, and Terraform with it: its requests, in its order, by hand."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from groups import callers
from groups.services import identity

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")
PASSWORD = "klabautermann"
BASE = "/identity/"


@pytest.fixture(autouse=True)
def shop():
    project = identity.add_project(SYSTEM, name="shop")
    identity.add_user(SYSTEM, name="olga", project="shop", role="member", password=PASSWORD)
    return project


def log_in(method, proof, scope):
    auth = {"identity": {"methods": [method], method: proof}} | ({"scope": scope} if scope else {})
    return Client().post(f"{BASE}v3/auth/tokens", json.dumps({"auth": auth}), content_type="application/json")


def endpoint(token, kind, *, interface="public", region="RegionOne"):
    """Return the one address that it chooses from the catalog."""
    [found] = [
        each["url"]
        for service in token["catalog"]
        if service["type"] == kind
        for each in service["endpoints"]
        if each["interface"] == interface and each["region_id"] == region
    ]
    return found


def test_it_finds_the_version_of_the_identity_service():
    answer = Client().get(BASE)

    [version] = answer.json()["versions"]["values"]
    assert answer.status_code in (200, 300)
    assert version["status"] in ("current", "supported", "stable")
    assert {"rel": "self", "href": "http://testserver/identity/v3/"} in version["links"]


@pytest.mark.parametrize("domain", [{"name": "Default"}, {"id": "default"}])
def test_it_logs_in_with_a_password_and_uses_the_volume_service(shop, domain):
    user = {"name": "olga", "password": PASSWORD, "domain": domain}
    answer = log_in("password", {"user": user}, {"project": {"name": "shop", "domain": domain}})

    token = answer.json()["token"]
    assert (answer.status_code, token["project"]["id"]) == (201, shop.pk)
    for kind in ("block-storage", "volumev3"):
        path = endpoint(token, kind).removeprefix("http://testserver")
        listed = Client().get(f"{path}/volumes/detail", headers={"X-Auth-Token": answer["X-Subject-Token"]})
        assert listed.json() == {"volumes": []}


def test_it_logs_in_by_ids_and_by_a_token(shop):
    user_id = log_in("password", {"user": {"name": "olga", "password": PASSWORD, "domain": {"id": "default"}}}, None)
    known = user_id.json()["token"]["user"]["id"]

    by_id = log_in("password", {"user": {"id": known, "password": PASSWORD}}, {"project": {"id": shop.pk}})
    by_token = log_in("token", {"id": by_id["X-Subject-Token"]}, {"project": {"id": shop.pk}})

    assert [each.status_code for each in (by_id, by_token)] == [201, 201]


def test_it_logs_in_again_once_its_token_is_refused():
    answer = Client().get("/v3/volumes/detail", headers={"X-Auth-Token": "rs-ended"})

    assert answer.status_code == 401
