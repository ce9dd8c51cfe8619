"""Groups and their volumes, and the round each replicated group is in."""

from __future__ import annotations

from django.db import models

from groups import statuses
from groups.models.backends import Backend
from groups.models.fields import OrEmpty, Row, StringsField, word_check, word_field
from groups.models.projects import Project
from groups.models.types import GroupType, VolumeType


class Subject(Row):
    """What groups and volumes have in common: an owner, a place, two statuses and an epoch."""

    # The indexes that begin with it are among those of each table.
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, blank=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    availability_zone = models.CharField(max_length=255, default="nova")
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, related_name="+")
    replication_status = word_field(statuses.ReplicationStatus, default=statuses.ReplicationStatus.DISABLED)
    previous_status = models.CharField(max_length=32, blank=True, editable=False)
    previous_replication_status = models.CharField(max_length=32, blank=True, editable=False)
    epoch = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Grows with every take-over and change; the storage refuses an older one."
    )
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name or str(self.id)


class Group(Subject):
    """Volumes handled as one."""

    group_type = models.ForeignKey(GroupType, on_delete=models.PROTECT, related_name="groups")
    volume_types = models.ManyToManyField(VolumeType, through="GroupVolumeType", related_name="groups")
    status = word_field(statuses.GroupStatus, default=statuses.GroupStatus.CREATING)
    active_backend_id = models.CharField(
        max_length=255, blank=True, help_text="The side that may be written; empty means the primary."
    )
    failover_priority = models.PositiveIntegerField(
        default=100, help_text="When the whole site is failed over, lower numbers go first."
    )
    health = models.CharField(max_length=32, blank=True, help_text="What the last look at the storage found.")
    health_detail = models.TextField(blank=True)
    consistent_at = models.DateTimeField(null=True, blank=True, help_text="The newest complete point on a target.")
    bytes_behind = models.BigIntegerField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    source_group_snapshot_id = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The group snapshot it was made from; kept when that is gone."
    )
    source_group_id = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The group it was made from; kept when that is gone."
    )
    rpo_warning_seconds = models.FloatField(null=True, blank=True, help_text="Empty: as its type says.")
    rpo_critical_seconds = models.FloatField(null=True, blank=True, help_text="Empty: as its type says.")
    rto_warning_seconds = models.FloatField(null=True, blank=True, help_text="Empty: as its type says.")
    rto_critical_seconds = models.FloatField(null=True, blank=True, help_text="Empty: as its type says.")

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "volume group"
        indexes = (
            models.Index(fields=("project", "-created_at", "-id"), name="group_list"),
            models.Index(fields=("-created_at", "-id"), name="group_list_all"),
            models.Index(fields=("project", "status", "-created_at", "-id"), name="group_list_status"),
            models.Index(fields=("status", "-created_at", "-id"), name="group_list_all_status"),
            models.Index("project", OrEmpty("name"), "id", name="group_name"),
            models.Index(OrEmpty("name"), "id", name="group_name_all"),
            # Small enough to count by.
            models.Index(fields=("project",), name="group_count"),
        )
        constraints = (
            word_check("group", "status", statuses.GroupStatus),
            word_check("group", "replication_status", statuses.ReplicationStatus),
        )


class GroupVolumeType(models.Model):
    """A volume type whose volumes a group takes."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="volume_type_links")
    volume_type = models.ForeignKey(VolumeType, on_delete=models.PROTECT, related_name="group_links")

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("group", "volume_type"), name="volume_type_once_a_group"),)

    def __str__(self) -> str:
        return f"{self.group_id}: {self.volume_type_id}"


class Volume(Subject):
    """One volume, in a group or on its own."""

    group = models.ForeignKey(
        Group, on_delete=models.PROTECT, null=True, blank=True, related_name="volumes", db_index=False
    )
    volume_type = models.ForeignKey(VolumeType, on_delete=models.PROTECT, related_name="volumes")
    size_gib = models.PositiveIntegerField(help_text="Size in GiB.")
    status = word_field(statuses.VolumeStatus, default=statuses.VolumeStatus.CREATING)
    metadata = StringsField(default=dict, blank=True)
    bootable = models.BooleanField(default=False)
    multiattach = models.BooleanField(default=False)
    source_snapshot_id = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The snapshot it was made from; kept when that is gone."
    )
    source_volume_id = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The volume it was made from; kept when that is gone."
    )
    readonly = models.BooleanField(
        null=True, blank=True, help_text="Whether hosts may only read it; empty: never said."
    )
    image_metadata = StringsField(default=dict, blank=True, help_text="What it knows of the image on it.")

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("project", "-created_at", "-id"), name="volume_list"),
            models.Index(fields=("-created_at", "-id"), name="volume_list_all"),
            # A status that few have would else be looked for among all.
            models.Index(fields=("project", "status", "-created_at", "-id"), name="volume_list_status"),
            models.Index(fields=("status", "-created_at", "-id"), name="volume_list_all_status"),
            models.Index("project", OrEmpty("name"), "id", name="volume_name"),
            models.Index(OrEmpty("name"), "id", name="volume_name_all"),
            # Small enough to count by.
            models.Index(fields=("project",), name="volume_count"),
            models.Index(fields=("group", "created_at", "id"), name="volume_members"),
        )
        constraints = (
            word_check("volume", "status", statuses.VolumeStatus),
            word_check("volume", "replication_status", statuses.ReplicationStatus),
            models.CheckConstraint(name="volume_size_is_positive", condition=models.Q(size_gib__gte=1)),
        )


class Round(models.Model):
    """A replicated group's running or next round; a lease makes sure there is one at a time."""

    group = models.OneToOneField(Group, on_delete=models.CASCADE, primary_key=True, related_name="round")
    due_at = models.DateTimeField(db_index=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=255, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="How many rounds in a row failed.")
    error = models.TextField(blank=True, help_text="Why the last round failed; empty when it did not.")

    def __str__(self) -> str:
        return f"round of {self.group_id}"
