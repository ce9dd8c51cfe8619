"""What the console offers is what the services accept: each standing of a group, each verb."""

from __future__ import annotations

import itertools

import pytest
from django.db import transaction

from groups import callers, errors, models, statuses
from groups.queries import possible
from groups.services import group_snapshots, groups, operations, replication, snapshots, volumes
from groups.statuses import Axis, GroupStatus, Kind, OperationState, ReplicationStatus, VolumeStatus
from tests.support.domain import Site, drain

pytestmark = pytest.mark.unjudged("rows are put into every status by hand")

VERBS = {
    Kind.ENABLE: lambda caller, group: replication.enable(caller, group_id=group.pk),
    Kind.DISABLE: lambda caller, group: replication.disable(caller, group_id=group.pk),
    Kind.FAILOVER: lambda caller, group: replication.failover(caller, group_id=group.pk, allow_attached_volume=True),
    Kind.FAILBACK: lambda caller, group: replication.failover(
        caller, group_id=group.pk, secondary_backend_id="default", allow_attached_volume=True
    ),
    Kind.DELETE_GROUP: lambda caller, group: groups.delete(caller, group_id=group.pk, delete_volumes=True),
}


def retry(caller, row):
    """Ask for the same again."""
    return operations.retry(caller, operation_id=row.pk)


def cancel(caller, row):
    """Stop it."""
    return operations.cancel(caller, operation_id=row.pk)


def accepts(verb, caller: callers.Caller, row: models.Group | models.Operation) -> bool:
    """Try a verb and take it back."""
    with transaction.atomic():
        try:
            verb(caller, row)
        except errors.ReplsiteError:
            accepted = False
        else:
            accepted = True
        transaction.set_rollback(True)
    return accepted


def agrees(site: Site, group: models.Group) -> list[str]:
    """Return each verb on which the console and the services are not of one mind."""
    group = models.Group.objects.get(pk=group.pk)
    standing = possible.standing(group)
    return [
        f"{kind}: said '{possible.why_not(standing, kind)}'"
        for kind, verb in VERBS.items()
        if accepts(verb, site.owner, group) != (possible.why_not(standing, kind) == "")
    ]


def test_what_is_offered_is_what_is_accepted_in_every_status(site: Site):
    group = site.new_group(1)
    wrong = {}

    for status, word in itertools.product(GroupStatus, ReplicationStatus):
        models.Group.objects.filter(pk=group.pk).update(status=status, replication_status=word)
        models.Volume.objects.filter(group=group).update(replication_status=word)
        if found := agrees(site, group):
            wrong[status, word] = found

    assert wrong == {}


def test_what_is_offered_is_what_is_accepted_whatever_a_volume_is(site: Site):
    group = site.enabled_group(2)
    first = models.Volume.objects.filter(group=group).first()
    wrong = {}

    for status in VolumeStatus:
        models.Volume.objects.filter(pk=first.pk).update(status=status)
        if found := agrees(site, group):
            wrong[status] = found

    assert wrong == {}


def test_what_is_offered_is_what_is_accepted_when_a_volume_is_replicated_otherwise(site: Site):
    group = site.enabled_group(2)
    first = models.Volume.objects.filter(group=group).first()
    models.Volume.objects.filter(pk=first.pk).update(replication_status="disabled")

    assert agrees(site, group) == []


def test_what_is_offered_is_what_is_accepted_on_a_secondary(site: Site):
    group = site.failed_over_group(1)
    assert agrees(site, group) == []

    models.Group.objects.filter(pk=group.pk).update(replication_status="error")
    models.Volume.objects.filter(group=group).update(replication_status="error")

    assert agrees(site, group) == []


def test_what_is_offered_is_what_is_accepted_while_an_operation_is_open(site: Site):
    group = site.enabled_group(1)
    replication.failover(site.owner, group_id=group.pk)
    assert agrees(site, group) == []

    drain()
    site.new_group(1)
    volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=site.new_group(0).pk)
    busy = models.Group.objects.get(volumes__status="creating")

    assert agrees(site, busy) == []


def test_what_is_offered_is_what_is_accepted_without_replication_specs(site: Site):
    group = site.new_group(1)
    models.ExtraSpec.objects.all().delete()
    assert agrees(site, group) == []

    models.GroupSpec.objects.all().delete()

    assert agrees(site, group) == []


def test_what_is_offered_is_what_is_accepted_without_targets(site: Site):
    group = site.new_group(1)
    models.ReplicationTarget.objects.all().delete()

    assert agrees(site, group) == []


def test_what_is_offered_of_an_operation_is_what_is_accepted(site: Site):
    group, lone = site.enabled_group(1), volumes.create(site.owner, size_gib=1, volume_type="replicable")
    source, kept = site.new_group(1), volumes.create(site.owner, size_gib=1, volume_type="replicable")
    drain()
    subjects = {
        Axis.VOLUME: lone,
        Axis.SNAPSHOT: snapshots.create(site.owner, volume_id=kept.pk),
        Axis.GROUP_SNAPSHOT: group_snapshots.create(site.owner, group_id=source.pk),
    }
    drain()
    wrong = []

    for kind, state in itertools.product(Kind, OperationState):
        move = statuses.MOVES.get(kind)
        subject = subjects.get(move.axis, group) if move is not None else group
        operation = _operation(site, kind=kind, state=state, subject=subject)
        if accepts(retry, site.admin, operation) != (possible.why_not_retry(operation) == ""):
            wrong.append(("retry", kind, state))
        # Canceling twice is harmless, so the services let it pass; there is nothing to offer.
        offered = possible.why_not_cancel(operation) == "" or state == OperationState.CANCELING
        if accepts(cancel, site.owner, operation) != offered:
            wrong.append(("cancel", kind, state))
        operation.delete()

    assert wrong == []


def test_a_lone_volume_is_offered_for_deletion_when_it_can_be_deleted(site: Site):
    volume = volumes.create(site.owner, size_gib=1, volume_type="replicable")
    assert "wait for its end" in possible.why_not_delete_volume(volume)
    drain()
    volume.refresh_from_db()

    assert possible.why_not_delete_volume(volume) == ""


def test_the_number_of_statements_does_not_grow_with_the_group(site: Site, django_assert_num_queries):
    for size in (1, 9):
        group = models.Group.objects.select_related("group_type", "backend").get(pk=site.new_group(size).pk)
        with django_assert_num_queries(6):
            possible.standing(group)


def _operation(site: Site, *, kind: Kind, state: str, subject: models.About) -> models.Operation:
    return models.Operation.objects.create(
        kind=kind,
        state=state,
        subject_id=subject.pk,
        members=1,
        project=site.project,
        user_id="olga",
        **{type(subject)._meta.verbose_name.removeprefix("volume ").replace(" ", "_"): subject},
        arguments={
            "target": "site-b",
            "mode": "planned",
            "origin": "",
            "allow_attached_volume": False,
            "added": [],
            "size_gib": 2,
        },
    )
