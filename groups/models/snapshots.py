"""Snapshots: of one volume, and of all volumes of a group at one moment."""

from __future__ import annotations

import uuid

from django.db import models

from groups import statuses
from groups.models.backends import Backend
from groups.models.fields import Row, StringsField, word_check, word_field
from groups.models.groups import Group, Volume
from groups.models.projects import Project
from groups.models.types import GroupType


class Kept(Row):
    """What both kinds of snapshot have in common: an owner, a place, a status and an epoch."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, blank=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(
        max_length=255, blank=True, help_text="The side it was taken on and stays on; empty means the primary."
    )
    status = word_field(statuses.SnapshotStatus, default=statuses.SnapshotStatus.CREATING)
    previous_status = models.CharField(max_length=32, blank=True, editable=False)
    epoch = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Grows with every claim; the storage refuses an older one."
    )
    taken_at = models.DateTimeField(null=True, blank=True, help_text="The moment it holds.")
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name or str(self.id)


class GroupSnapshot(Kept):
    """All volumes of a group as they were at one moment."""

    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="snapshots")
    group_type = models.ForeignKey(GroupType, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "group snapshot"
        indexes = (
            models.Index(fields=("project", "-created_at", "-id"), name="group_snapshot_list"),
            models.Index(fields=("-created_at", "-id"), name="group_snapshot_list_all"),
        )
        constraints = (word_check("group_snapshot", "status", statuses.SnapshotStatus),)


class Snapshot(Kept):
    """One volume as it was at one moment; alone, or as a part of a group's snapshot."""

    volume = models.ForeignKey(Volume, on_delete=models.PROTECT, related_name="snapshots")
    group_snapshot = models.ForeignKey(
        GroupSnapshot, on_delete=models.PROTECT, null=True, blank=True, related_name="snapshots"
    )
    size_gib = models.PositiveIntegerField(help_text="Size in GiB.")
    metadata = StringsField(default=dict, blank=True)
    progress = models.CharField(
        max_length=4, blank=True, help_text="How far a compute service said that it is, such as 80%."
    )

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("project", "-created_at", "-id"), name="snapshot_list"),
            models.Index(fields=("-created_at", "-id"), name="snapshot_list_all"),
        )
        constraints = (
            word_check("snapshot", "status", statuses.SnapshotStatus),
            models.CheckConstraint(name="snapshot_size_is_positive", condition=models.Q(size_gib__gte=1)),
        )

    @property
    def set_id(self) -> uuid.UUID:
        """Return the id that snapshots of the same moment share."""
        return self.group_snapshot_id or self.id
