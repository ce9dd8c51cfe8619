"""What users are told of work that failed after it had been accepted."""

from __future__ import annotations

from django.db import models

from groups.models.fields import Row
from groups.models.operations import Operation
from groups.models.projects import Project


class Message(Row):
    """One message to the users of a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    event_id = models.CharField(max_length=255, help_text="What happened, as a word that stays the same.")
    message_level = models.CharField(max_length=16, default="ERROR")
    user_message = models.TextField(help_text="What failed, what is true now, and what to do.")
    resource_type = models.CharField(max_length=32)
    resource_uuid = models.UUIDField()
    request_id = models.CharField(max_length=64, blank=True)
    operation = models.ForeignKey(Operation, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "user message"
        indexes = (
            models.Index(fields=("project", "-created_at", "-id"), name="message_list"),
            models.Index(fields=("-created_at", "-id"), name="message_list_all"),
        )

    def __str__(self) -> str:
        return self.event_id
