"""How much a project may have."""

from __future__ import annotations

from django.db import models

PROJECT, CLASS = "project", "class"
DEFAULT_CLASS = "default"
"""The quota class whose limits hold for every project that has none of its own."""
UNLIMITED = -1


class QuotaLimit(models.Model):
    """One limit of a project, or of a quota class."""

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=16, choices=[(PROJECT, PROJECT), (CLASS, CLASS)])
    owner = models.CharField(max_length=255, help_text="The project's id, or the class's name.")
    resource = models.CharField(max_length=300, help_text="What is limited, such as volumes or gigabytes_fast.")
    limit = models.IntegerField(help_text="How much at most; -1 is no limit.")
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("scope", "owner", "resource")
        verbose_name = "quota"
        constraints = (
            models.UniqueConstraint(fields=("scope", "owner", "resource"), name="quota_once_an_owner"),
            models.CheckConstraint(name="quota_scope_is_known", condition=models.Q(scope__in=(PROJECT, CLASS))),
            models.CheckConstraint(name="quota_is_a_limit", condition=models.Q(limit__gte=UNLIMITED)),
        )

    def __str__(self) -> str:
        return f"{self.resource} of {self.owner}: {self.limit}"
