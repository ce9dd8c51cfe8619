"""Who must connect anew after a move."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups.engine import handover, storage
from groups.services import attaching
from tests.support import domain


def test_the_list_costs_one_statement_and_a_side_that_is_configured_no_more_does_not_spoil_it(
    site: domain.Site,
) -> None:
    group = site.new_group(2)
    for volume in domain.members(group):
        attaching.attach(site.owner, volume_id=volume.pk, mountpoint="/dev/vdb", host="web-1")
    driver, value = domain.storage_driver(group), storage.group_value(group, domain.members(group))

    with CaptureQueriesContext(connection) as captured:
        listed = handover.list_hosts(driver, group=value, before="gone", after="site-b")

    assert len(captured) == 1
    assert [entry["volume_id"] for entry in listed] == [volume.id for volume in value.volumes]
    assert [entry["before"]["data"] for entry in listed] == [{}, {}]  # type: ignore[index]
    assert [entry["after"]["data"]["side"] for entry in listed] == ["site-b", "site-b"]  # type: ignore[index]
    assert handover.list_hosts(driver, group=value, before="site-b", after="site-b") == ()
