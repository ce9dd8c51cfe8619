"""User messages: written with the end of what failed, listed, deleted, forgotten."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from groups import models
from groups.engine import watching
from groups.services import replication
from tests.support import domain


@pytest.fixture
def failed(site):
    """A group whose failover failed."""
    group = site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail")
    replication.failover(site.owner, group_id=group.pk)
    domain.drain()
    return group


class TestAFailure:
    def test_leaves_one_message_that_says_what_failed_what_is_true_and_what_to_do(self, site, cast, failed):
        operation = domain.last_operation(failed)
        assert operation.state == "failed"

        [message] = cast.olga.get("/messages", version="3.3").body["messages"]

        text = message["user_message"]
        assert text.startswith(f"Failover of {failed.name} failed: ")
        assert all(part in text for part in (operation.error, operation.truth, operation.remedy))
        assert (message["resource_type"], message["resource_uuid"]) == ("GROUP", str(failed.pk))
        assert message["event_id"].startswith("VOLUME_GROUP_FAILOVER_")
        assert message["message_level"] == "ERROR"
        assert message["request_id"] == operation.request_id == site.owner.request_id
        kept = datetime.datetime.fromisoformat(message["guaranteed_until"]) - datetime.datetime.fromisoformat(
            message["created_at"]
        )
        assert kept == datetime.timedelta(days=30)

    def test_of_what_succeeded_leaves_none(self, site, cast):
        site.failed_over_group(1)

        assert cast.olga.get("/messages").body == {"messages": []}


class TestMessages:
    def test_are_listed_at_every_version(self, site, cast, failed):
        assert len(cast.olga.get("/messages", version=None).body["messages"]) == 1

    def test_are_of_one_s_own_project(self, site, cast, failed):
        [message] = cast.olga.get("/messages").body["messages"]

        assert cast.otto.get("/messages").body == {"messages": []}
        for ask in (cast.otto.get, cast.otto.delete):
            answer = ask(f"/messages/{message['id']}")
            assert (answer.status, answer.message) == (404, f"Message {message['id']} could not be found.")
        assert cast.ada.get(f"/messages/{message['id']}").body["message"] == {
            **message,
            "links": cast.ada.get(f"/messages/{message['id']}").body["message"]["links"],
        }

    def test_are_deleted_by_members(self, site, cast, failed):
        [message] = cast.olga.get("/messages").body["messages"]
        path = f"/messages/{message['id']}"

        assert cast.rita.delete(path).status == 403
        gone = cast.carl.delete(path)

        assert (gone.status, gone.body, cast.olga.get(path).status) == (204, None, 404)

    def test_are_filtered_sorted_and_paged(self, site, cast):
        models.Message.objects.bulk_create(
            models.Message(
                project=site.project,
                event_id=f"E{number}",
                message_level="ERROR",
                user_message="m",
                resource_type="VOLUME" if number else "GROUP",
                resource_uuid="6f1c0a9e-0000-4000-8000-00000000000" + str(number),
                request_id=f"req-{number}",
                expires_at=timezone.now() + datetime.timedelta(days=1),
            )
            for number in range(3)
        )

        def events(**query: object) -> list[str]:
            return [each["event_id"] for each in cast.olga.get("/messages", **query).body["messages"]]

        assert events(resource_type="GROUP") == ["E0"]
        assert events(request_id="req-2", message_level="ERROR") == ["E2"]
        assert events(resource_uuid="6f1c0a9e-0000-4000-8000-000000000001") == ["E1"]
        assert events(sort="event_id:asc") == ["E0", "E1", "E2"]
        first = cast.olga.get("/messages", sort="event_id:asc", limit=1).body
        assert "marker=" in first["messages_links"][0]["href"]
        assert events(sort="event_id:asc", marker=first["messages"][0]["id"]) == ["E1", "E2"]
        assert cast.olga.get("/messages", colour="red").status == 400

    def test_are_hidden_and_removed_once_expired(self, site, cast, failed):
        models.Message.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
        assert cast.olga.get("/messages").body == {"messages": []}

        watching.sweep()

        assert not models.Message.objects.exists()
