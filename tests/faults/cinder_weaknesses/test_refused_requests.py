"""W1, W5, C1, C8: a refused request leaves no trace, and the next right one is accepted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from groups import models, specs
from groups.services import types, volumes
from tests.api.v3 import people, standing
from tests.api.v3.test_refusals import rows
from tests.faults.cinder_weaknesses import story
from tests.support import domain

pytestmark = pytest.mark.unjudged("rows are spoiled by hand to be refused")

ENABLE = ("enable_replication", {}, "disabled")
DISABLE = ("disable_replication", {}, "enabled")
FAIL_OVER = (story.FAILOVER, {}, "enabled")
FAIL_BACK = (story.FAILOVER, {"secondary_backend_id": "default"}, "failed-over")
MOVES = (FAIL_OVER, FAIL_BACK)
ALL = (ENABLE, DISABLE, *MOVES)

Spoil = Callable[[domain.Site, models.Group], object]


def of_group(**columns: str) -> Spoil:
    """Return what changes columns of the group."""
    return lambda site, group: models.Group.objects.filter(pk=group.pk).update(**columns)


def of_second(**columns: str) -> Spoil:
    """Return what changes columns of the second volume: the first is right, and comes before it."""
    return lambda site, group: models.Volume.objects.filter(pk=domain.members(group)[1].pk).update(**columns)


def begin_a_failover(site: domain.Site, group: models.Group) -> None:
    """Let an operation be open on the group."""
    models.Operation.objects.create(
        kind="failover", group=group, subject_id=group.pk, project=site.project, user_id="olga", members=3
    )


def begin_a_creation(site: domain.Site, group: models.Group) -> None:
    """Let an operation be open on a member."""
    fourth = volumes.create(site.owner, size_gib=1, volume_type="replicable")
    rows_of_it = models.Volume.objects.filter(pk=fourth.pk)
    rows_of_it.update(group=group, status="available", replication_status=group.replication_status)


def spoil_group_type(site: domain.Site, group: models.Group) -> None:
    """Let the group's type make no replication groups any more."""
    values = {specs.CONSISTENT_GROUP_REPLICATION: "no"}
    types.set_specs(site.admin, family=types.GROUP, type_id=group.group_type_id, values=values)


def drop_targets(site: domain.Site, group: models.Group) -> None:
    """Take the backend's targets away."""
    site.backend.targets.all().delete()


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A request nobody may be granted: what spoils it, which verbs it spoils, what the answer says."""

    spoil: Spoil
    says: str
    verbs: tuple[Any, ...] = ALL
    who: str = "olga"
    status: int = 400


REFUSALS = {
    "a second volume is attached": Refusal(of_second(status="in-use"), "is attached", MOVES),
    "a second volume is in error": Refusal(of_second(status="error"), "status must be", (ENABLE, *MOVES)),
    "a second volume is reserved": Refusal(of_second(status="reserved"), "status must be", (ENABLE, *MOVES)),
    "a volume was added since": Refusal(of_second(replication_status="disabled"), "is: disabled", (DISABLE, *MOVES)),
    "a second volume is moving": Refusal(of_second(replication_status="failing-over"), "is: failing-over"),
    "the group is elsewhere": Refusal(of_group(active_backend_id="site-b"), "is active on site-b", (ENABLE, DISABLE)),
    "the group is in error": Refusal(of_group(status="error"), "is: error", (ENABLE, *MOVES)),
    "the group is being made": Refusal(of_group(status="creating"), "is: creating"),
    "the group is moving": Refusal(of_group(replication_status="failing-over"), "is: failing-over"),
    "an operation is open": Refusal(begin_a_failover, "operation"),
    "an operation on a member is open": Refusal(begin_a_creation, "has an open operation"),
    "the group's type forbids it": Refusal(spoil_group_type, "is not a replication group type"),
    "there is no target": Refusal(drop_targets, "no replication target", (ENABLE, FAIL_OVER)),
    "a reader asks": Refusal(of_group(), "Policy doesn't allow", who="rita", status=403),
    "another project asks": Refusal(of_group(), "could not be found", who="otto", status=404),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_w1_a_refused_request_leaves_no_trace_on_any_volume(cast, site, name):
    refusal = REFUSALS[name]
    for verb, value, status in refusal.verbs:
        group = standing.replicated(site, 3, status=status)
        refusal.spoil(site, group)
        before = rows()

        answer = getattr(cast, refusal.who).act(group, verb, value)

        assert (answer.status, rows()) == (refusal.status, before), verb
        assert refusal.says in answer.message


def send(person: people.Person, group: models.Group, **words: Any) -> people.Answer:
    """Send a group's action with a body, a type, a version or an address of its own."""
    path = words.pop("path", "")
    return person.ask("POST", f"{path}/groups/{group.pk}/action", **words)


FAILING_OVER: dict[str, object] = {story.FAILOVER: {}}
MALFORMED: dict[str, tuple[dict[str, Any], int]] = {
    "no body": ({"raw": b""}, 400),
    "no JSON": ({"raw": b"{'failover_replication': {}}"}, 400),
    "half of it": ({"raw": b'{"failover_replication": {'}, 400),
    "a list": ({"body": [FAILING_OVER]}, 400),
    "two verbs": ({"body": {**FAILING_OVER, "disable_replication": {}}}, 400),
    "no such verb": ({"body": {"promote_replication": {}}}, 400),
    "no values": ({"body": {story.FAILOVER: None}}, 400),
    "a list of values": ({"body": {story.FAILOVER: []}}, 400),
    "a key too many": ({"body": {story.FAILOVER: {"force": True}}}, 400),
    "a flag that is none": ({"body": {story.FAILOVER: {"allow_attached_volume": "maybe"}}}, 400),
    "a number for a target": ({"body": {story.FAILOVER: {"secondary_backend_id": 1}}}, 400),
    "a text for a disable": ({"body": {"disable_replication": "now"}}, 400),
    "another type": ({"body": FAILING_OVER, "content_type": "text/plain"}, 415),
    "a form": ({"raw": b"failover_replication=", "content_type": "application/x-www-form-urlencoded"}, 415),
    "an old version": ({"body": FAILING_OVER, "version": "3.37"}, 404),
    "no version": ({"body": FAILING_OVER, "version": None}, 404),
    "a version to come": ({"body": FAILING_OVER, "version": "3.99"}, 406),
    "no version at all": ({"body": FAILING_OVER, "version": "volume 3.38 x"}, 400),
    "another project's address": ({"body": FAILING_OVER, "path": "/" + "0" * 32}, 400),
}


def test_w1_a_malformed_request_leaves_no_trace(cast, site):
    group = standing.replicated(site, 2, status="enabled")
    before = rows()

    answers = {name: send(cast.olga, group, **words).status for name, (words, _) in MALFORMED.items()}

    assert answers == {name: status for name, (_, status) in MALFORMED.items()}
    assert rows() == before


def test_w1_a_request_without_a_good_token_leaves_no_trace(cast, site):
    group = standing.replicated(site, 2, status="enabled")
    before = rows()

    answers = [
        Client().post(f"/v3/groups/{group.pk}/action", FAILING_OVER, "application/json", headers=headers).status_code
        for headers in ({}, {"X-Auth-Token": "made up", "OpenStack-API-Version": "volume 3.38"})
    ]

    assert answers == [401, 401]
    assert rows() == before


def test_w1_after_a_refusal_for_an_attached_volume_the_same_request_with_the_flag_is_granted(cast, site):
    group = site.enabled_group(3)
    second = domain.members(group)[1]
    models.Volume.objects.filter(pk=second.pk).update(status="in-use")
    refused = cast.olga.act(group, story.FAILOVER, {})
    models.Volume.objects.filter(pk=second.pk).update(status="available")
    after = story.seen(cast.olga, site, group)
    models.Volume.objects.filter(pk=second.pk).update(status="in-use")

    granted = cast.olga.act(group, story.FAILOVER, {"allow_attached_volume": True})
    domain.drain()

    assert (refused.status, granted.status) == (400, 202)
    assert after == story.whole(3, replication="enabled")
    assert story.ended(group).state == "succeeded"
    assert {volume.replication_status for volume in domain.members(group)} == {"failed-over"}


def test_c1_one_volume_of_five_that_is_not_ready_leaves_the_other_four_as_they_were(cast, site):
    group = site.enabled_group(5)
    third = models.Volume.objects.filter(pk=domain.members(group)[2].pk)
    third.update(replication_status="disabled")
    before = rows()

    refused = cast.olga.act(group, story.FAILOVER, {})

    assert refused.status == 400
    assert str(third.get().pk) in refused.message
    assert rows() == before
    third.update(replication_status="enabled")
    assert story.leads(cast.olga, site, group) == story.LEADS["enabled"]


@pytest.mark.parametrize("target", ["site-x", "SITE-B", " site-b", "primary", "b.example", "Default"])
def test_w5_c8_a_mistyped_target_is_refused_at_once_and_costs_nothing(cast, site, target):
    group = standing.replicated(site, 2, status="enabled")
    before = rows()

    answer = cast.olga.act(group, story.FAILOVER, {"secondary_backend_id": target})

    assert answer.status == 400
    assert f"'{target}' is not a replication target" in answer.message
    assert "Valid targets are: site-b, site-c, and 'default'" in answer.message
    assert rows() == before


def test_w5_c8_after_a_mistyped_target_the_group_serves_on_and_goes_where_it_is_sent_next(cast, site):
    group = site.enabled_group(2)
    site.control.forget_log()

    refused = cast.olga.act(group, story.FAILOVER, {"secondary_backend_id": "site-x"})

    assert refused.status == 400
    assert site.control.log() == []
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="enabled")
    assert cast.olga.act(group, story.FAILOVER, {"secondary_backend_id": "site-c"}).status == 202
    domain.drain()
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="failed-over", on="site-c")
