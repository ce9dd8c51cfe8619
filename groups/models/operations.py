"""What was asked for, how far it is, and every change of a status."""

from __future__ import annotations

import functools
import operator

from django.db import models

from groups import statuses
from groups.models.fields import Row, word_check, word_field
from groups.models.groups import Group, Volume
from groups.models.projects import Project
from groups.models.sites import SiteFailover
from groups.models.snapshots import GroupSnapshot, Snapshot

About = Group | Volume | Snapshot | GroupSnapshot
SUBJECTS = ("group", "volume", "snapshot", "group_snapshot")
"""What an operation may be about, one of them at most."""
_OPEN = [state.value for state in sorted(statuses.OPEN)]


class Operation(Row):
    """One accepted request for long work. This row is the truth; a message only wakes a worker."""

    kind = word_field(statuses.Kind)
    group = models.ForeignKey(Group, on_delete=models.SET_NULL, null=True, blank=True, related_name="operations")
    volume = models.ForeignKey(Volume, on_delete=models.SET_NULL, null=True, blank=True, related_name="operations")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.SET_NULL, null=True, blank=True, related_name="operations")
    group_snapshot = models.ForeignKey(
        GroupSnapshot, on_delete=models.SET_NULL, null=True, blank=True, related_name="operations"
    )
    subject_id = models.UUIDField(help_text="The group, volume or snapshot, kept when it is gone.")
    subject_name = models.CharField(max_length=255, blank=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    arguments = models.JSONField(default=dict)
    members = models.PositiveIntegerField(default=0, help_text="How many volumes it covers.")

    state = word_field(statuses.OperationState, default=statuses.OperationState.QUEUED)
    fence = models.PositiveIntegerField(
        default=0, help_text="Grows with every claim; writes of an older one are refused."
    )
    attempt = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="How many attempts met a retryable error.")
    epoch = models.PositiveBigIntegerField(default=0, help_text="The epoch its driver calls carry.")
    owner = models.CharField(max_length=255, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="When a waiting operation is tried again.")
    dispatched_at = models.DateTimeField(null=True, blank=True)
    undoing = models.BooleanField(default=False, help_text="Whether its steps are being undone.")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    step = models.CharField(max_length=64, blank=True, help_text="The step it is at.")
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    progress_unit = models.CharField(max_length=32, blank=True)
    waiting_for = models.CharField(max_length=255, blank=True)
    progress_at = models.DateTimeField(null=True, blank=True)

    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True, help_text="What failed, in a sentence.")
    truth = models.TextField(blank=True, help_text="What is true about the data now.")
    remedy = models.TextField(blank=True, help_text="What to do next.")
    incident = models.CharField(max_length=32, blank=True, help_text="Names the traceback in the log, for a bug.")
    result = models.JSONField(default=dict, help_text="What it found and measured.")

    user_id = models.CharField(max_length=64)
    user_name = models.CharField(max_length=255, blank=True)
    door = models.CharField(max_length=16, blank=True, help_text="Where the request came in.")
    request_id = models.CharField(max_length=64, blank=True)
    site_failover = models.ForeignKey(
        SiteFailover,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="operations",
        help_text="The failover of a whole site that it is a part of.",
    )
    request_key = models.CharField(max_length=255, blank=True, help_text="The client's own name for its request.")
    request_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what that request asked for.")

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("site_failover",), name="operation_open_of_site", condition=models.Q(state__in=_OPEN)),
            models.Index(fields=("-created_at", "-id"), name="operation_list"),
            models.Index(fields=("subject_id", "-created_at"), name="operation_subject"),
            models.Index(fields=("state", "dispatched_at"), name="operation_open", condition=models.Q(state__in=_OPEN)),
        )
        constraints = (
            word_check("operation", "kind", statuses.Kind),
            word_check("operation", "state", statuses.OperationState),
            *(
                models.UniqueConstraint(
                    fields=(subject,),
                    condition=models.Q(state__in=_OPEN, **{f"{subject}__isnull": False}),
                    name=f"one_open_operation_per_{subject}",
                )
                for subject in SUBJECTS
            ),
            models.UniqueConstraint(
                fields=("user_id", "request_key"),
                condition=~models.Q(request_key=""),
                name="one_operation_per_request_key",
            ),
            models.CheckConstraint(
                name="operation_is_not_about_two_things",
                # At least all but one of them are empty.
                condition=functools.reduce(
                    operator.or_,
                    (
                        models.Q(**{f"{other}__isnull": True for other in SUBJECTS if other != subject})
                        for subject in SUBJECTS
                    ),
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_name or self.subject_id}"

    @property
    def about(self) -> About | None:
        """Return what it is about; None when that is gone."""
        return self.group or self.volume or self.snapshot or self.group_snapshot

    @property
    def is_open(self) -> bool:
        """Tell whether it has not ended."""
        return self.state in statuses.OPEN


class OperationStep(Row):
    """One journalled part of an operation."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=64)
    state = word_field(statuses.StepState, default=statuses.StepState.PENDING)
    attempt = models.PositiveIntegerField(default=0, help_text="How many times it was begun.")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("operation", "name"), name="step_once_an_operation"),
            word_check("step", "state", statuses.StepState),
        )

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """One change of a status. Only added, never changed; outlives what it is about."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    axis = models.CharField(max_length=32)
    subject_id = models.UUIDField(help_text="The group, volume or operation.")
    group_id = models.UUIDField(null=True, blank=True, help_text="The group it belongs to, if any.")
    project_id = models.CharField(max_length=32, blank=True, help_text="The project whose it is.")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    volumes = models.PositiveIntegerField(default=0, help_text="How many volumes moved along.")
    old = models.CharField(max_length=64, blank=True)
    new = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=255)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("subject_id", "-id"), name="event_subject"),
            models.Index(fields=("group_id", "-id"), name="event_group"),
            models.Index(fields=("project_id", "-id"), name="event_project"),
        )

    def __str__(self) -> str:
        return f"{self.axis}: {self.old or '-'} to {self.new}"
