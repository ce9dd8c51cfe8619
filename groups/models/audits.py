"""Who did what."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One thing that somebody asked for and that was accepted, or a log-in. Only added, never changed."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    user_id = models.CharField(max_length=64)
    user_name = models.CharField(max_length=255)
    door = models.CharField(max_length=16, help_text="Where the request came in.")
    request_id = models.CharField(max_length=64, blank=True)
    project_id = models.CharField(max_length=64, blank=True, help_text="The project it was asked for in.")
    action = models.CharField(max_length=64)
    subject_kind = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=64, help_text="What it was done to; kept when that is gone.")
    subject_name = models.CharField(max_length=255, blank=True)
    detail = models.TextField(blank=True, help_text="What was changed; never a secret.")
    operation_id = models.UUIDField(null=True, blank=True, help_text="The operation that does it, if it takes long.")

    class Meta:
        ordering = ("-id",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = (models.Index(fields=("subject_id", "-id"), name="audit_subject"),)

    def __str__(self) -> str:
        return f"{self.user_name}: {self.action} {self.subject_name or self.subject_id}"
