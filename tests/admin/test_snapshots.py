"""The pages of snapshots, and their deletion."""

from __future__ import annotations

from django.urls import reverse

from groups import models
from groups.services import group_snapshots, snapshots
from tests.admin.conftest import Cast, page, text
from tests.support import domain
from tests.support.domain import Site


def test_a_group_snapshot_is_shown_with_its_parts_and_deleted(site: Site, cast: Cast):
    group = site.enabled_group(2)
    snapshot = group_snapshots.create(site.owner, group_id=group.pk, name="night")
    domain.drain()
    part = snapshot.snapshots.first()
    assert part is not None

    shown = text(cast.member.get(page(snapshot)))
    assert all(said in shown for said in ("night", "the primary; it stays there", "Snapshots of its volumes"))
    assert page(group) in shown
    assert "part of a group snapshot" in text(cast.member.get(page(part)))
    assert page(snapshot) in text(cast.member.get(page(domain.last_operation(snapshot))))

    answer = cast.member.post(page(snapshot, "delete"), follow=True)
    assert "was accepted as operation" in text(answer)
    domain.drain()
    assert not models.GroupSnapshot.objects.exists()


def test_a_snapshot_is_listed_and_deleted(site: Site, cast: Cast):
    [volume] = domain.members(site.new_group(1))
    snapshot = snapshots.create(site.owner, volume_id=volume.pk, name="before")
    domain.drain()

    assert "before" in cast.member.get(reverse("admin:groups_snapshot_changelist")).content.decode()
    cast.member.post(page(snapshot, "delete"))
    domain.drain()

    assert not models.Snapshot.objects.exists()
