"""The disk is full where the messages are kept, and not where the database is: the operation is run all the same."""

from __future__ import annotations

import pytest

from tests.support import disks, domain, doors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]


def test_an_operation_is_accepted_and_run_though_the_spool_of_messages_is_full(site, crew, postgresql):
    token, group = doors.token_of_member(site.project), site.enabled_group(1)
    web = crew.web()
    crew.worker()
    crew.beat()

    with disks.full_for(web.process):
        answer = web.act(token, group, disable_replication={})
        operation = domain.last_operation(group)
        crew.wait_for_end(operation)

    assert answer.status == 202
    assert operation.state == "succeeded"
