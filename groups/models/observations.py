"""What looks at the storage found: the newest facts of each side, and how lag went over time."""

from __future__ import annotations

from django.db import models

from groups.models.groups import Group


class SideObservation(models.Model):
    """What the newest look found of a group on one side."""

    id = models.BigAutoField(primary_key=True)
    # The constraint below brings the index.
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="side_observations", db_index=False)
    backend_id = models.CharField(max_length=255, blank=True, help_text="The target's name; empty for the primary.")
    reachable = models.BooleanField()
    claims_active = models.BooleanField(default=False, help_text="Whether it takes itself for the active side.")
    consistent_at = models.DateTimeField(null=True, blank=True, help_text="The newest complete point it holds.")
    bytes_behind = models.BigIntegerField(null=True, blank=True, help_text="What it lacks of the active side's data.")
    bytes_unsent = models.BigIntegerField(
        null=True, blank=True, help_text="What was written there and never reached the active side."
    )
    observed_at = models.DateTimeField()

    class Meta:
        ordering = ("group", "backend_id")
        constraints = (models.UniqueConstraint(fields=("group", "backend_id"), name="side_observed_once_a_group"),)

    def __str__(self) -> str:
        return f"{self.backend_id or 'primary'} of {self.group_id}"


class LagSample(models.Model):
    """How far a group's newest point was behind at a time, or at worst within a span of time."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="lag_samples", db_index=False)
    at = models.DateTimeField(help_text="The moment, or where the span begins.")
    span_seconds = models.PositiveIntegerField(default=0, help_text="0 for one look; else the worst within the span.")
    lag_seconds = models.FloatField(null=True, blank=True, help_text="Empty when no look could tell.")
    bytes_behind = models.BigIntegerField(null=True, blank=True)
    blind = models.PositiveIntegerField(default=0, help_text="How many looks in it could not tell.")

    class Meta:
        ordering = ("group", "at")
        indexes = (models.Index(fields=("span_seconds", "at"), name="lag_sample_age"),)
        constraints = (models.UniqueConstraint(fields=("group", "span_seconds", "at"), name="lag_sample_once"),)

    def __str__(self) -> str:
        return f"{self.group_id} at {self.at}"
