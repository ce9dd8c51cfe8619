"""The OpenAPI document: complete, valid, open to all, and true to what checks the bodies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular import validation

from groups.api import openapi
from groups.api.v3 import group_actions, schemas

ELSEWHERE = re.compile(r"(?:src|href)\s*=\s*[\"'](?:https?:)?//")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document as a program gets it."""
    return json.loads(Client().get("/api/schema/").content)


def test_every_address_describes_itself() -> None:
    assert openapi.undescribed() == []


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    meta = json.loads((Path(validation.__file__).parent / "openapi_3_1_schema.json").read_text())

    jsonschema_rs.validator_for(meta).validate(document)


def test_the_three_apis_are_in_it(document: dict[str, Any]) -> None:
    assert {"/v3/groups/detail", "/identity/v3/auth/tokens", "/api/operations/{operation_id}"} <= set(document["paths"])


def test_it_needs_no_log_in_and_comes_as_yaml_too(document: dict[str, Any]) -> None:
    by_query = Client().get("/api/schema/?format=yaml")
    by_header = Client().get("/api/schema/", headers={"Accept": "application/yaml"})

    assert by_query.content == by_header.content
    assert yaml.load(by_query.content, Loader=yaml.CSafeLoader) == document


def test_the_schema_that_checks_a_body_is_the_one_described(document: dict[str, Any]) -> None:
    described = document["paths"]["/v3/group_types"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert described == schemas.CREATE_GROUP_TYPE


def test_every_action_is_described_with_its_first_version(document: dict[str, Any]) -> None:
    body = document["paths"]["/v3/groups/{subject_id}/action"]["post"]["requestBody"]
    described = body["content"]["application/json"]["schema"]["anyOf"]

    assert [next(iter(each["properties"])) for each in described] == list(group_actions.GroupActions.table)
    assert described[0]["description"] == "From version 3.13 on."


def test_who_may_ask_and_from_which_version_on_is_said(document: dict[str, Any]) -> None:
    groups = document["paths"]["/v3/groups"]["get"]

    assert groups["security"] == [{"token": []}, {"basic": []}]
    assert groups["x-openstack"] == {"min-ver": "3.13"}
    assert document["paths"]["/v3/"]["get"]["security"] == []
    assert document["paths"]["/identity/v3/auth/tokens"]["post"]["security"] == []


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]

    assert len(names) == len(set(names))


def test_the_page_is_made_of_what_is_served_here() -> None:
    page = Client().get("/api/docs/")
    text = page.content.decode()

    assert page.status_code == 200
    assert not ELSEWHERE.search(text)
    assert page["Content-Security-Policy"].startswith("default-src 'self'")
    served = re.findall(r"(?:src|href)=\"/static/([^\"]+)\"", text)
    assert len(served) == 3
    assert all(finders.find(name) for name in served)
    script = Client().get("/api/docs/start.js").content.decode()
    assert not re.search(r"https?://", script)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/docs"])
def test_who_looks_for_the_api_is_led_to_the_page(path: str) -> None:
    assert Client().get(path)["Location"] == "/api/docs/"
