"""Offers of a volume to whichever project shows the right key."""

from __future__ import annotations

from django.db import models

from groups.models.fields import Row
from groups.models.groups import Volume
from groups.models.projects import Project


class Transfer(Row):
    """One offer. Its row ends when the volume is accepted, or the offer taken back."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", help_text="Whose volume it is.")
    volume = models.OneToOneField(Volume, on_delete=models.CASCADE, related_name="transfer")
    name = models.CharField(max_length=255, null=True, blank=True)
    salt = models.CharField(max_length=32, editable=False)
    digest = models.CharField(
        max_length=64, editable=False, help_text="Of the salt and the key, which is kept nowhere."
    )
    without_snapshots = models.BooleanField(default=False, help_text="Whether the volume's snapshots stay behind.")

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "volume transfer"
        indexes = (
            models.Index(fields=("project", "-created_at", "-id"), name="transfer_list"),
            models.Index(fields=("-created_at", "-id"), name="transfer_list_all"),
        )

    def __str__(self) -> str:
        return self.name or str(self.id)
