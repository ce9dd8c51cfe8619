"""Template filters: the helpers of `words` and `shown`, for templates."""

from __future__ import annotations

from django import template
from django.contrib.admin.views.main import ChangeList
from django.urls import reverse

from groups import models, statuses
from groups.admin import attachments, backends, drills, findings, operations, shown, types, words
from groups.queries import objectives

register = template.Library()

register.filter("moment", shown.moment)
register.filter("age", shown.age)
register.filter("size", shown.size)
register.filter("short_id", shown.short_id)
register.filter("side", shown.side)
register.filter("link", shown.link)
register.filter("lag", shown.lag)
register.filter("health", shown.health)
register.filter("progress", shown.progress)
register.filter("span", shown.span)
register.filter("place_state", words.place_badge)
register.filter("check_result", words.result_badge)
register.filter("objective_state", words.objective_badge)
register.filter("subject_link", shown.subject_link)
register.filter("change", operations.change)
register.filter("about", operations.about)
register.filter("severity", findings.severity)
register.filter("finding_subject", findings.subject)
register.filter("finding_title", findings.title)
register.filter("remedy", findings.remedy)
register.filter("host", attachments.host)
register.filter("attach_mode", attachments.mode)
register.filter("gap_severity", drills.gap_severity)
register.filter("gap_status", words.gap_badge)
register.filter("due", drills.due)
register.filter("proof", words.proof_badge)
register.filter("targets", backends.targets_of)
register.filter("specs", types.spec_list)


@register.simple_tag
def export_url(found: ChangeList) -> str:
    """Return the address of a list as CSV, with its filters, search and order."""
    return reverse(f"admin:{found.opts.app_label}_{found.opts.model_name}_export") + found.get_query_string()


@register.filter
def replication(word: str) -> str:
    """Return a replication status as a badge."""
    return words.badge(word, statuses.ReplicationStatus)


@register.filter
def limit(standing: objectives.Standing) -> str:
    """Return what the objective of a group allows its lag to be."""
    levels = standing.objectives.rpo
    return shown.span(levels.critical if levels.critical is not None else levels.warning or 0.0)


@register.filter
def replication_meaning(word: str) -> str:
    """Return what a replication status means, in a sentence."""
    return statuses.MEANINGS[statuses.ReplicationStatus][statuses.ReplicationStatus(word)]


@register.filter
def group_status(word: str) -> str:
    """Return a group's status as a badge."""
    return words.badge(word, statuses.GroupStatus)


@register.filter
def volume_status(word: str) -> str:
    """Return a volume's status as a badge."""
    return words.badge(word, statuses.VolumeStatus)


@register.filter
def attach_status(word: str) -> str:
    """Return how far an attachment is as a badge."""
    return words.badge(word, statuses.AttachStatus)


@register.filter
def snapshot_status(word: str) -> str:
    """Return a snapshot's status as a badge."""
    return words.badge(word, statuses.SnapshotStatus)


@register.filter
def state(word: str) -> str:
    """Return an operation's state as a badge."""
    return words.badge(word, statuses.OperationState)


@register.filter
def site_state(word: str) -> str:
    """Return a site failover's state as a badge."""
    return words.badge(word, statuses.SiteState)


@register.filter
def step_state(word: str) -> str:
    """Return a step's state as a badge."""
    return words.badge(word, statuses.StepState)


@register.filter
def kind(word: str) -> str:
    """Return the name of a kind of operation."""
    return words.kind(word)


@register.filter
def took(row: models.Operation | models.OperationStep) -> str:
    """Return how long an operation or a step took, or has been going on."""
    began = row.created_at if isinstance(row, models.Operation) else row.started_at
    return shown.took(began, row.ended_at)
