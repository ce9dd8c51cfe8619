"""Discovery, microversions, addresses, and the form of every answer."""

from __future__ import annotations

import base64
import json
import re

import pytest
from django.test import Client

from tests.api.v3 import people

GENERIC_400 = "The server could not comply with the request since it is either malformed or otherwise incorrect."


@pytest.mark.parametrize("path, status", [("/", 300), ("/v3", 200), ("/v3/", 200)])
def test_versions_are_told_to_anybody(path: str, status: int) -> None:
    answer = Client().get(path)

    [version] = json.loads(answer.content)["versions"]
    assert answer.status_code == status
    assert (version["id"], version["status"]) == ("v3.0", "CURRENT")
    assert (version["min_version"], version["version"]) == ("3.0", "3.71")
    assert version["links"][1] == {"rel": "self", "href": "http://testserver/v3/"}
    assert re.fullmatch(r"req-[0-9a-f-]{36}", answer["X-Openstack-Request-Id"])


def test_links_use_the_public_address(settings) -> None:  # type: ignore[no-untyped-def]
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"public_url": "https://storage.example.org"})

    answer = Client().get("/v3/")

    assert json.loads(answer.content)["versions"][0]["links"][1]["href"] == "https://storage.example.org/v3/"


@pytest.mark.parametrize(
    "path", ["/v2/", "/v3/nothing", "/v3/0123456789abcdef", "/v3/groups/", "/v3/admin/groups", "/no"]
)
def test_an_unknown_address_is_a_404_in_json(path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code == 404
    assert json.loads(answer.content)["code"] == "404 Not Found"
    assert "X-Openstack-Request-Id" in answer


def test_a_wrong_method_is_a_404_in_json(cast: people.Cast) -> None:
    assert cast.olga.delete("/groups").body["title"] == "Not Found"
    assert cast.olga.put("/volumes", {}).status == 404
    assert cast.olga.ask("DELETE", "/groups/0b0a7a35-3c3d-4e3e-8a51-07a5a9d1a001").status == 404
    assert cast.olga.ask("OPTIONS", "/groups").status == 404


def test_without_a_log_in_nothing_is_told(cast: people.Cast) -> None:
    answer = Client().get("/v3/groups", headers={"OpenStack-API-Version": "volume 3.38"})

    assert answer.status_code == 401
    assert json.loads(answer.content)["error"]["title"] == "Unauthorized"
    assert answer["WWW-Authenticate"]


def test_guessing_a_password_is_slowed_down(cast: people.Cast) -> None:
    wrong = base64.b64encode(b"olga:wrong").decode()

    answers = [Client().get("/v3/groups", headers={"Authorization": f"Basic {wrong}"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert json.loads(answers[-1].content)["overLimit"]["code"] == 429


@pytest.mark.parametrize("header", ["volume 3.38", "compute 2.1, volume 3.38", "VOLUME 3.38"])
def test_the_version_asked_for_is_echoed(cast: people.Cast, header: str) -> None:
    answer = cast.olga.get("/groups", version=header)

    assert answer.status == 200
    assert answer.headers["OpenStack-API-Version"] == "volume 3.38"
    assert answer.headers["Vary"] == "OpenStack-API-Version"


def test_latest_is_the_highest_version(cast: people.Cast) -> None:
    assert cast.olga.get("/types", version="latest").headers["OpenStack-API-Version"] == "volume 3.71"


@pytest.mark.parametrize("version", ["3.72", "3.99", "4.0"])
def test_a_version_that_is_not_offered_is_a_406(cast: people.Cast, version: str) -> None:
    answer = cast.olga.get("/types", version=version)

    assert answer.status == 406
    assert answer.body["computeFault"]["message"] == (
        f"Version {version} is not supported by the API. Minimum is 3.0 and maximum is 3.71."
    )


def test_version_two_is_not_echoed(cast: people.Cast) -> None:
    answer = cast.olga.get("/types", version="2.0")

    assert answer.status == 406
    assert "OpenStack-API-Version" not in answer.headers


@pytest.mark.parametrize(
    "header, message",
    [
        ("volume 3", "API Version String 3 is of invalid format. Must be of format MajorNum.MinorNum."),
        ("volume 3.38 x", GENERIC_400),
        ("block-storage 3.38", GENERIC_400),
        ("compute 2.1", GENERIC_400),
        (" ", GENERIC_400),
    ],
)
def test_a_malformed_version_is_a_400(cast: people.Cast, header: str, message: str) -> None:
    answer = cast.olga.get("/types", version=header)

    assert (answer.status, answer.message) == (400, message)


@pytest.mark.parametrize(
    "path, first",
    [("/group_types", "3.11"), ("/groups", "3.13"), ("/groups/detail", "3.13")],
)
def test_nothing_is_there_before_its_version(cast: people.Cast, path: str, first: str) -> None:
    before = f"3.{int(first.split('.')[1]) - 1}"

    assert cast.olga.get(path, version=first).status == 200
    assert cast.olga.get(path, version=before).body["itemNotFound"]["code"] == 404
    assert cast.olga.get(path, version=None).status == 404


def test_every_address_works_with_and_without_project_and_suffix(cast: people.Cast) -> None:
    paths = [
        "/groups",
        f"/{cast.olga.project_id}/groups",
        "/groups.json",
        f"/{cast.olga.project_id}/groups/detail.json",
    ]

    assert {cast.olga.get(path).status for path in paths} == {200}


@pytest.mark.parametrize("who", ["olga", "ada"])
def test_another_projects_address_is_refused_even_to_admins(cast: people.Cast, who: str) -> None:
    answer = getattr(cast, who).get(f"/{cast.otto.project_id}/groups")

    assert (answer.status, answer.message) == (400, "Malformed request url")


def test_both_request_ids_are_on_answers_with_a_body(cast: people.Cast) -> None:
    answer = cast.olga.get("/types/unknown")

    assert answer.status == 404
    assert answer.headers["X-Openstack-Request-Id"] == answer.headers["X-Compute-Request-Id"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b'{"group_type": {"name": "a\\u0000b"}}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(cast: people.Cast, raw: bytes) -> None:
    answer = cast.ada.ask("POST", "/group_types", raw=raw)

    assert (answer.status, answer.message) == (400, "Malformed request body")


def test_another_content_type_is_refused(cast: people.Cast) -> None:
    answer = cast.ada.ask("POST", "/group_types", raw=b"<xml/>", content_type="application/xml")

    assert (answer.status, answer.body["badMediaType"]["message"]) == (415, "Unsupported Content-Type")


def test_the_vendor_content_type_is_taken(cast: people.Cast) -> None:
    body = json.dumps({"group_type": {"name": "gold"}}).encode()

    answer = cast.ada.ask(
        "POST", "/group_types", raw=body, content_type="application/vnd.openstack.volume+json; charset=utf-8"
    )

    assert answer.status == 202


def test_a_huge_body_is_refused(cast: people.Cast) -> None:
    answer = cast.ada.ask("POST", "/group_types", raw=b" " * 200_000)

    assert answer.status == 413
    assert answer.body["overLimit"]["retryAfter"] == answer.headers["Retry-After"] == "0"


@pytest.mark.parametrize("path", ["/groups?name=%00", "/types/%00"])
def test_a_character_no_database_keeps_is_refused(cast: people.Cast, path: str) -> None:
    assert cast.olga.get(path).status == 400


def test_a_fault_of_ours_tells_nothing_but_its_request_id(cast: people.Cast, monkeypatch, caplog) -> None:  # type: ignore[no-untyped-def]
    def fail(*_given: object, **_named: object) -> None:
        raise ValueError("a secret inside")

    monkeypatch.setattr("groups.queries.groups.listed", fail)

    answer = cast.olga.get("/groups")

    assert answer.status == 500
    assert "secret" not in answer.body["computeFault"]["message"]
    assert answer.headers["X-Openstack-Request-Id"] in caplog.text
