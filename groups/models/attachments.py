"""Which host uses which volume, and how."""

from __future__ import annotations

from django.db import models

from groups import statuses
from groups.models.fields import Row, word_check, word_field
from groups.models.groups import Volume
from groups.models.projects import Project

ATTACHMENT_MODES = ("rw", "ro")


class Attachment(Row):
    """One use of a volume by one host. Its row ends with it."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    volume = models.ForeignKey(Volume, on_delete=models.PROTECT, related_name="attachments")
    attach_status = word_field(statuses.AttachStatus, default=statuses.AttachStatus.RESERVED)
    mode = models.CharField(max_length=2, blank=True, help_text="rw or ro; empty while nobody said.")
    instance_id = models.CharField(max_length=36, blank=True, help_text="The compute instance that uses it, if any.")
    host = models.CharField(max_length=255, blank=True, help_text="The host that uses it, by its own name.")
    mountpoint = models.CharField(max_length=255, blank=True, help_text="Where the host has it, such as /dev/vdb.")
    connector = models.JSONField(default=dict, help_text="What the host said of itself; empty until it did.")
    attached_at = models.DateTimeField(null=True, blank=True, help_text="When the host said that it is connected.")

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("project", "-created_at", "-id"), name="attachment_list"),
            models.Index(fields=("-created_at", "-id"), name="attachment_list_all"),
        )
        constraints = (
            word_check("attachment", "attach_status", statuses.AttachStatus),
            models.CheckConstraint(
                name="attachment_mode_is_known", condition=models.Q(mode__in=("", *ATTACHMENT_MODES))
            ),
        )

    def __str__(self) -> str:
        return f"{self.volume_id} at {self.host or self.instance_id or 'nobody yet'}"
