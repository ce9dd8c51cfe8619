"""Templates: volume types with extra specs, group types with group specs."""

from __future__ import annotations

from django.db import models

from groups.models.fields import Row


class VolumeType(Row):
    """What kind of volume this is, and by its extra specs what its backend must be able to do."""

    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    is_public = models.BooleanField(default=True, help_text="Whether every project may use it.")
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "volume type"

    def __str__(self) -> str:
        return self.name

    @property
    def specs(self) -> dict[str, str | None]:
        """Return the extra specs by key; prefetch `extra_specs` for lists."""
        return {spec.key: spec.value for spec in self.extra_specs.all()}


class GroupType(Row):
    """What kind of group this is, and by its group specs whether and how it is replicated."""

    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    is_public = models.BooleanField(default=True, help_text="Whether every project may use it.")
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "group type"

    def __str__(self) -> str:
        return self.name

    @property
    def specs(self) -> dict[str, str | None]:
        """Return the group specs by key; prefetch `group_specs` for lists."""
        return {spec.key: spec.value for spec in self.group_specs.all()}


class ExtraSpec(Row):
    """One key and value of a volume type."""

    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="extra_specs")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255, null=True, blank=True)

    class Meta:
        ordering = ("key",)
        constraints = (models.UniqueConstraint(fields=("volume_type", "key"), name="extra_spec_key_once_a_type"),)
        verbose_name = "extra spec"

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class GroupSpec(Row):
    """One key and value of a group type."""

    group_type = models.ForeignKey(GroupType, on_delete=models.CASCADE, related_name="group_specs")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255, null=True, blank=True)

    class Meta:
        ordering = ("key",)
        constraints = (models.UniqueConstraint(fields=("group_type", "key"), name="group_spec_key_once_a_type"),)
        verbose_name = "group spec"

    def __str__(self) -> str:
        return f"{self.key}={self.value}"
