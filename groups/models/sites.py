"""Failovers of all groups of a backend at once, and what becomes of each group in one."""

from __future__ import annotations

from django.db import models

from groups import statuses
from groups.models.backends import DEFAULT_TARGET, Backend
from groups.models.fields import Row, word_check, word_field
from groups.models.groups import Group
from groups.models.projects import Project

_OPEN = [state.value for state in sorted(statuses.SITE_OPEN)]


class SiteFailover(Row):
    """One accepted request to move every replicated group of a backend. Its groups' operations do the work."""

    backend = models.ForeignKey(
        Backend, on_delete=models.SET_NULL, null=True, blank=True, related_name="site_failovers"
    )
    backend_name = models.CharField(max_length=200, help_text="Kept when the backend is gone.")
    target = models.CharField(max_length=255, blank=True, help_text="Where to; empty means back to the primary.")
    mode = models.CharField(max_length=16, help_text="auto, planned or unplanned, as for one group.")
    concurrency = models.PositiveIntegerField(help_text="How many groups are moved at once, at most.")
    in_waves = models.BooleanField(
        default=False, help_text="Whether a priority begins only once the one before it has ended."
    )
    allow_attached_volume = models.BooleanField(default=True)
    discard_bytes = models.BigIntegerField(
        null=True, blank=True, help_text="The most that failing back may discard in each group; empty sets no limit."
    )
    reason = models.CharField(max_length=255, blank=True)
    state = word_field(statuses.SiteState, default=statuses.SiteState.RUNNING)
    lone_volumes = models.PositiveIntegerField(default=0, help_text="Volumes in no group, which are not moved.")
    outcome = models.TextField(blank=True, help_text="How it ended, in a sentence.")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    user_id = models.CharField(max_length=64)
    user_name = models.CharField(max_length=255, blank=True)
    roles = models.JSONField(default=list, help_text="The roles of who asked: their groups' failovers need them.")
    door = models.CharField(max_length=16, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "site failover"
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="site_failover_list"),
            models.Index(fields=("backend", "-created_at"), name="site_failover_backend"),
            models.Index(fields=("dispatched_at",), name="site_failover_open", condition=models.Q(state__in=_OPEN)),
        )
        constraints = (
            word_check("site_failover", "state", statuses.SiteState),
            models.CheckConstraint(name="site_failover_moves_something", condition=models.Q(concurrency__gte=1)),
            models.UniqueConstraint(
                fields=("backend",),
                condition=models.Q(state__in=_OPEN, backend__isnull=False),
                name="one_open_site_failover_per_backend",
            ),
        )

    def __str__(self) -> str:
        return f"{'failover' if self.target else 'failback'} of site {self.backend_name}"

    @property
    def is_open(self) -> bool:
        """Tell whether it has not ended."""
        return self.state in statuses.SITE_OPEN

    @property
    def kind(self) -> statuses.Kind:
        """Return what it does to each group."""
        return statuses.Kind.FAILOVER if self.target else statuses.Kind.FAILBACK

    @property
    def wanted(self) -> str:
        """Return the target as requests give it."""
        return self.target or DEFAULT_TARGET


class SiteFailoverGroup(models.Model):
    """One group of a site failover. Its state is that of its operation, or why it has none."""

    id = models.BigAutoField(primary_key=True)
    site_failover = models.ForeignKey(SiteFailover, on_delete=models.CASCADE, related_name="groups")
    group = models.ForeignKey(Group, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    subject_id = models.UUIDField(help_text="The group, kept when it is gone.")
    subject_name = models.CharField(max_length=255, blank=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    priority = models.PositiveIntegerField()
    operation = models.OneToOneField(
        "groups.Operation", on_delete=models.PROTECT, null=True, blank=True, related_name="site_place"
    )
    refusal_code = models.CharField(max_length=64, blank=True, help_text="Why it was not begun, as a word.")
    refusal = models.TextField(blank=True, help_text="Why it was not begun, in a sentence.")
    joined_late = models.BooleanField(default=False, help_text="Whether it became ready after the failover had begun.")
    consistent_at = models.DateTimeField(null=True, blank=True, help_text="Its newest complete point when it joined.")
    bytes_behind = models.BigIntegerField(null=True, blank=True, help_text="What was not on a target when it joined.")

    class Meta:
        ordering = ("priority", "id")
        verbose_name = "group of a site failover"
        indexes = (
            models.Index(
                fields=("site_failover", "priority", "id"),
                name="site_failover_pending",
                condition=models.Q(operation__isnull=True, refusal_code=""),
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("site_failover", "subject_id"), name="group_once_a_site_failover"),
            models.CheckConstraint(
                name="site_group_is_begun_or_refused",
                condition=models.Q(operation__isnull=True) | models.Q(refusal_code=""),
            ),
        )

    def __str__(self) -> str:
        return self.subject_name or str(self.subject_id)
