"""Configured storage systems and where they may replicate to."""

from __future__ import annotations

from django.db import models

from groups.models.fields import Row

DEFAULT_TARGET = "default"
"""The reserved target name that means back to the primary."""


FAILED_OVER = "failed-over"
"""Why a backend whose site was failed over takes nothing new, in Cinder's word."""


def host_of(backend_name: str) -> str:
    """Return the name the clients see of a backend, host@backend#pool."""
    return f"replsite@{backend_name}#{backend_name}"


class Backend(Row):
    """One configured storage system with its driver."""

    name = models.CharField(max_length=200, unique=True)
    driver = models.CharField(max_length=64, help_text="The driver that speaks to it.")
    options = models.JSONField(default=dict, help_text="The driver's options; secret ones are encrypted.")
    enabled = models.BooleanField(default=True, help_text="Whether new volumes and groups may be placed on it.")
    disabled_reason = models.CharField(max_length=255, blank=True, help_text="Why it takes nothing new.")
    frozen = models.BooleanField(
        default=False, help_text="Whether nothing on it may be made, changed or deleted; replication goes on."
    )
    active_backend_id = models.CharField(
        max_length=255, blank=True, help_text="Where its last site failover went; empty means the primary."
    )
    description = models.CharField(max_length=255, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """Return the name the clients see, host@backend#pool."""
        return host_of(self.name)


class ReplicationTarget(Row):
    """One place a backend may replicate to."""

    primary = models.ForeignKey(Backend, on_delete=models.CASCADE, related_name="targets")
    backend_id = models.CharField(max_length=255, help_text="Its name, as failover requests give it.")
    options = models.JSONField(default=dict, help_text="The driver's options for it; secret ones are encrypted.")
    position = models.PositiveIntegerField(default=0, help_text="The lowest is the default target.")

    class Meta:
        ordering = ("position", "backend_id")
        verbose_name = "replication target"
        constraints = (
            models.UniqueConstraint(fields=("primary", "backend_id"), name="target_once_a_backend"),
            models.CheckConstraint(
                name="target_is_not_the_reserved_word",
                condition=~models.Q(backend_id__in=(DEFAULT_TARGET, "")),
            ),
        )

    def __str__(self) -> str:
        return self.backend_id


class ConnectionCheck(Row):
    """What a worker saw when somebody asked whether a backend's sides answer."""

    backend = models.ForeignKey(Backend, on_delete=models.CASCADE, related_name="connection_checks")
    user_name = models.CharField(max_length=255)
    worker = models.CharField(max_length=255, blank=True)
    done_at = models.DateTimeField(null=True, blank=True, help_text="Empty until a worker has looked.")
    sides = models.JSONField(default=list, help_text="For each side its name and whether it answered.")
    error = models.TextField(blank=True, help_text="Why nothing could be looked at.")
    remedy = models.TextField(blank=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"check of {self.backend_id}"
