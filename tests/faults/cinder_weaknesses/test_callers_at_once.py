"""W8, W9, C2: of many that ask at once one is granted, and while it is done nothing else may interfere."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Sequence

import pytest
from django.db import connections

from groups import models, transitions
from tests.api.v3 import people
from tests.api.v3.test_refusals import rows
from tests.faults.cinder_weaknesses import story
from tests.support import domain

Ask = tuple[str, dict[str, object]]
CALLERS = 12


def ask_at_once(person: people.Person, group: models.Group, asks: Sequence[Ask]) -> list[people.Answer]:
    """Send all these requests from as many threads at the same moment; return the answers in their order."""
    barrier = threading.Barrier(len(asks))

    def ask(words: Ask) -> people.Answer:
        try:
            barrier.wait(30)
            return person.act(group, *words)
        finally:
            connections.close_all()

    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(ask, asks))


@pytest.mark.django_db(transaction=True)
def test_w8_c2_of_many_callers_at_once_with_two_targets_one_is_granted_and_gets_what_it_asked_for(cast, site):
    group = site.enabled_group(3)
    targets = ["site-b", "site-c"] * (CALLERS // 2)

    answers = ask_at_once(cast.olga, group, [(story.FAILOVER, {"secondary_backend_id": each}) for each in targets])

    assert sorted(answer.status for answer in answers) == [202] + [400] * (CALLERS - 1)
    [granted] = [target for target, answer in zip(targets, answers, strict=True) if answer.status == 202]
    [operation] = models.Operation.objects.filter(group=group, kind="failover")
    assert operation.arguments["target"] == granted
    domain.drain()
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="failed-over", on=granted)


@pytest.mark.django_db(transaction=True)
def test_w8_c2_of_opposite_verbs_at_once_one_is_granted_and_done(cast, site):
    group = site.enabled_group(2)
    verbs = ["enable", "disable", "fail over", "fail back"]

    answers = ask_at_once(cast.olga, group, [story.VERBS[verb] for verb in verbs * 3])

    assert sorted(answer.status for answer in answers) == [202] + [400] * 11
    assert models.Operation.objects.filter(group=group, state="queued").count() == 1
    [granted] = [verb for verb, answer in zip(verbs * 3, answers, strict=True) if answer.status == 202]
    domain.drain()
    end = story.LEADS["enabled"][granted]
    assert story.seen(cast.olga, site, group) == story.whole(
        2, replication=end, on="site-b" if end == "failed-over" else ""
    )


@pytest.mark.parametrize("state", ["queued", "running"])
def test_w9_while_a_failover_is_open_nothing_that_could_interfere_is_granted(cast, site, state):
    group = site.enabled_group(3)
    lone = domain.volumes.create(site.owner, size_gib=1, volume_type="replicable", name="lone")
    domain.drain()
    member = domain.members(group)[0]
    assert cast.olga.act(group, story.FAILOVER, {}).status == 202
    if state == "running":
        assert transitions.claim(domain.last_operation(group).pk, owner="a worker", lease_seconds=0.01)
    before = rows()

    def change(**fields: str) -> people.Answer:
        return cast.olga.put(f"/groups/{group.pk}", {"group": fields})

    fields = {"size": 1, "volume_type": "replicable", "group_id": str(group.pk)}
    correction = {"replication_status": "enabled", "reason": "because"}
    answers = {
        **{verb: cast.olga.act(group, *words) for verb, words in story.VERBS.items()},
        "add a volume": change(add_volumes=str(lone.pk)),
        "remove a member": change(remove_volumes=str(member.pk)),
        "make a volume in it": cast.olga.post("/volumes", {"volume": fields}),
        "delete a member": cast.olga.delete(f"/volumes/{member.pk}"),
        "delete a member by force": cast.ada.delete(f"/volumes/{member.pk}", force="true"),
        "attach a member": cast.ada.post(f"/volumes/{member.pk}/action", {"os-reset_status": {"status": "attaching"}}),
        "extend a member": cast.olga.post(f"/volumes/{member.pk}/action", {"os-extend": {"new_size": 2}}),
        "correct the status": cast.ada.act(group, "reset_status", {"status": "error"}),
        "correct the replication status": cast.ada.act(group, "reset_status", correction),
    }

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 400)
    assert [name for name, answer in answers.items() if len(answer.message) < 30] == []
    assert rows() == before
    domain.drain_with_retries()
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="failed-over", on="site-b")


def test_w9_once_the_failover_has_ended_what_was_refused_is_granted(cast, site):
    group = site.failed_over_group(2)
    member = domain.members(group)[0]

    assert story.leads(cast.olga, site, group) == story.LEADS["failed-over"]
    attached = cast.ada.post(f"/volumes/{member.pk}/action", {"os-reset_status": {"status": "attaching"}})
    assert attached.status == 202
