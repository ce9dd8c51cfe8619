"""A group, and at once a volume in it: what Cinder's clients do without waiting between the two."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from groups.api.v3 import volumes
from groups.services import groups
from tests.support import domain

pytestmark = pytest.mark.django_db(transaction=True)


def ask_for_one(cast, group):
    return cast.olga.post("/volumes", {"volume": {"size": 1, "volume_type": "replicable", "group_id": str(group.pk)}})


@pytest.fixture
def group(site: domain.Site):
    """A group whose making nobody has begun."""
    return groups.create(site.owner, group_type="replicated", volume_types=["replicable"])


def test_a_volume_waits_for_its_group_to_be_made(site: domain.Site, cast, group):
    def work():
        time.sleep(0.2)
        domain.drain()
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()

    answer = ask_for_one(cast, group)

    worker.join()
    assert (answer.status, answer.body["volume"]["group_id"]) == (202, str(group.pk))


def test_a_volume_of_a_group_that_is_not_made_in_time_is_refused_with_the_reason(
    site: domain.Site, cast, group, monkeypatch
):
    monkeypatch.setattr(volumes, "GROUP_SECONDS", 0)

    answer = ask_for_one(cast, group)

    assert (answer.status, "has an open operation (create-group, queued)" in answer.message) == (400, True)


def test_an_outsider_does_not_wait_for_a_group(site: domain.Site, cast, group):
    body = {"volume": {"size": 1, "volume_type": "replicable", "group_id": str(group.pk)}}

    assert cast.otto.post("/volumes", body).status == 404
