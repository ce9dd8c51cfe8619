"""What is not as it should be, and who watches."""

from __future__ import annotations

from django.db import models

from groups import findings
from groups.models.backends import Backend
from groups.models.fields import Row, word_check, word_field
from groups.models.groups import Group
from groups.models.operations import Operation
from groups.models.projects import Project


class Finding(Row):
    """Something somebody should know of. Open while it is seen; kept when it is gone."""

    code = word_field(findings.Code)
    severity = word_field(findings.Severity)
    subject_id = models.UUIDField(help_text="The group, operation or backend; kept when it is gone.")
    subject_name = models.CharField(max_length=255, blank=True)
    key = models.CharField(max_length=255, blank=True, help_text="Which side, volume or step, where there are several.")
    group = models.ForeignKey(Group, on_delete=models.SET_NULL, null=True, blank=True, related_name="findings")
    operation = models.ForeignKey(Operation, on_delete=models.SET_NULL, null=True, blank=True, related_name="findings")
    backend = models.ForeignKey(Backend, on_delete=models.SET_NULL, null=True, blank=True, related_name="findings")
    project = models.ForeignKey(
        Project,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose it is; empty for what only admins see.",
    )
    recorded = models.TextField(blank=True, help_text="What the record says.")
    actual = models.TextField(blank=True, help_text="What is there.")
    actual_side = models.CharField(max_length=255, null=True, blank=True, help_text="The side found active, if any.")
    seen_at = models.DateTimeField(help_text="When it was seen last.")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When it was seen no more.")
    ignored_until = models.DateTimeField(null=True, blank=True)
    ignored_by = models.CharField(max_length=255, blank=True)
    ignore_reason = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("closed_at", "-created_at"), name="finding_list"),
            models.Index(fields=("subject_id", "-created_at"), name="finding_subject"),
        )
        constraints = (
            word_check("finding", "code", findings.Code),
            word_check("finding", "severity", findings.Severity),
            models.UniqueConstraint(
                fields=("subject_id", "code", "key"),
                condition=models.Q(closed_at__isnull=True),
                name="finding_open_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code}: {self.subject_name or self.subject_id}"

    @property
    def is_open(self) -> bool:
        """Tell whether it was there at the last look."""
        return self.closed_at is None


class Pulse(models.Model):
    """A process's or a tick's newest sign of life, by the database's clock."""

    name = models.CharField(max_length=255, primary_key=True, help_text="A worker's name, or a tick's.")
    kind = models.CharField(max_length=16, choices=[("worker", "worker"), ("tick", "tick")])
    queues = models.JSONField(default=list, help_text="The queues a worker reads.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ("kind", "name")

    def __str__(self) -> str:
        return self.name
