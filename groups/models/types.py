"""Templates: volume types with extra specs, group types with group specs."""

from __future__ import annotations

from django.db import models

from groups.models.fields import Row

CONTROL_LOCATIONS = ("front-end", "back-end")
QOS_CONSUMERS = ("back-end", "front-end", "both")
QOS_CONSUMERS_ON_HOSTS = ("front-end", "both")


class Template(Row):
    """What volume types and group types have in common."""

    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    is_public = models.BooleanField(default=True, help_text="Whether every project may use it.")
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.name


class QosSpecs(Row):
    """How fast volumes should be, in the words of whoever is to see to it: a host, or the storage. No driver does."""

    name = models.CharField(max_length=255, unique=True)
    consumer = models.CharField(max_length=16, choices=[(who, who) for who in QOS_CONSUMERS])
    specs = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = verbose_name_plural = "QoS specs"
        constraints = (
            models.CheckConstraint(name="qos_consumer_is_known", condition=models.Q(consumer__in=QOS_CONSUMERS)),
        )

    def __str__(self) -> str:
        return self.name


class VolumeType(Template):
    """What kind of volume this is, and by its extra specs what its backend must be able to do."""

    qos_specs = models.ForeignKey(
        QosSpecs, on_delete=models.PROTECT, null=True, blank=True, related_name="volume_types"
    )

    class Meta(Template.Meta):
        verbose_name = "volume type"

    @property
    def specs(self) -> dict[str, str | None]:
        """Return the extra specs by key; prefetch `extra_specs` for lists."""
        return {spec.key: spec.value for spec in self.extra_specs.all()}


class VolumeTypeAccess(models.Model):
    """A project that may use a volume type which is not public."""

    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="accesses")
    project_id = models.CharField(
        max_length=64, help_text="The project's id; the identity service may know more of it."
    )

    class Meta:
        ordering = ("id",)
        verbose_name = "volume type access"
        constraints = (models.UniqueConstraint(fields=("volume_type", "project_id"), name="access_once_a_project"),)

    def __str__(self) -> str:
        return f"{self.project_id} may use {self.volume_type_id}"


class VolumeTypeEncryption(Row):
    """How volumes of a type are to be encrypted. No backend does that, so that none takes volumes of such a type."""

    volume_type = models.OneToOneField(VolumeType, on_delete=models.CASCADE, related_name="encryption")
    provider = models.CharField(max_length=255)
    control_location = models.CharField(max_length=16, choices=[(place, place) for place in CONTROL_LOCATIONS])
    cipher = models.CharField(max_length=255, null=True, blank=True)
    key_size = models.PositiveIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "volume type encryption"
        constraints = (
            models.CheckConstraint(
                name="control_location_is_known", condition=models.Q(control_location__in=CONTROL_LOCATIONS)
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} for {self.volume_type_id}"


class DefaultVolumeType(models.Model):
    """The volume type of a project's volumes that name none."""

    project_id = models.CharField(primary_key=True, max_length=64)
    volume_type = models.ForeignKey(VolumeType, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("project_id",)
        verbose_name = "default volume type"

    def __str__(self) -> str:
        return f"{self.volume_type_id} for {self.project_id}"


class GroupType(Template):
    """What kind of group this is, and by its group specs whether and how it is replicated."""

    class Meta(Template.Meta):
        verbose_name = "group type"

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
