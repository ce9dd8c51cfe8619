"""What failovers may cost on the whole site, where neither a group nor its type says."""

from __future__ import annotations

from django.db import models

_EMPTY = "Empty: as the site's settings say."


class SiteObjectives(models.Model):
    """The site's levels: one row, or none while nobody has set any."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    rpo_warning_seconds = models.FloatField(null=True, blank=True, help_text=_EMPTY)
    rpo_critical_seconds = models.FloatField(null=True, blank=True, help_text=_EMPTY)
    rto_warning_seconds = models.FloatField(null=True, blank=True, help_text=_EMPTY)
    rto_critical_seconds = models.FloatField(null=True, blank=True, help_text=_EMPTY)
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "site objectives"
        constraints = (models.CheckConstraint(name="site_objectives_are_one_row", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return "objectives of the site"
