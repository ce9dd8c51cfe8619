"""One id leads from a client's request to all that became of it."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client

from groups import models
from groups.api.v3.resource import REQUEST_ID
from tests.api.v3 import people
from tests.support import domain

GIVEN = "req-3d44af93-9675-4d33-96a6-b8e05ce2ceb3"


@pytest.fixture
def olga(site: domain.Site) -> people.Person:
    return people.Person("olga", project=site.project, role="member")


def ask(person: people.Person, path: str, body: object = None, *, given: str | None = GIVEN):
    """Ask for something under an id; return the answer."""
    headers = {"X-Auth-Token": person.token, "OpenStack-API-Version": "volume 3.38"}
    if given is not None:
        headers[REQUEST_ID] = given
    method = "GET" if body is None else "POST"
    data = b"" if body is None else json.dumps(body).encode()
    return Client().generic(method, path, data=data, content_type="application/json", headers=headers)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_id_a_client_gives_leads_to_its_operation_a_live_worker_s_log_and_the_message(site, crew, olga):
    group = site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail")
    worker = crew.worker(log_format="json")

    answer = ask(olga, f"/v3/groups/{group.pk}/action", {"failover_replication": {}})
    assert (answer.status_code, answer.headers[REQUEST_ID]) == (202, GIVEN)
    operation = domain.last_operation(group)
    crew.wait_for_end(operation)

    assert (operation.request_id, operation.state) == (GIVEN, "failed")
    said = [json.loads(line) for line in worker.log.read_text().splitlines() if GIVEN in line]
    assert {"attempt_started", "step_started", "operation_failed"} <= {line["event"] for line in said}
    assert {line["request_id"] for line in said} == {GIVEN}
    [message] = ask(olga, "/v3/messages", given=None).json()["messages"]
    assert (message["request_id"], message["resource_uuid"]) == (GIVEN, str(group.pk))
    assert models.AuditEntry.objects.filter(request_id=GIVEN, action="failover").count() == 1


@pytest.mark.parametrize("given", [None, "", "req-1", f"{GIVEN}; rm", GIVEN.upper()])
def test_an_id_that_is_none_is_replaced_by_a_new_one(site, olga, given):
    for path in ("/v3/volumes", "/api/operations", "/identity/v3/auth/projects"):
        found = ask(olga, path, given=given).headers[REQUEST_ID]

        assert found.startswith("req-")
        assert uuid.UUID(found.removeprefix("req-"))
        assert found != given


def test_the_id_is_in_the_answers_of_all_three_apis(site, olga):
    for path in ("/v3/volumes", "/v3", "/v3/nothing", "/api/operations", "/identity/v3/auth/projects"):
        assert ask(olga, path).headers[REQUEST_ID] == GIVEN, path
