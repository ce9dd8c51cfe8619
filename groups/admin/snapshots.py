"""Snapshots, of volumes and of groups: the lists, a snapshot's page, its deletion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import models as db
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import models
from groups.admin import acting, pages, shown, words
from groups.admin.bases import PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.queries import possible
from groups.services import group_snapshots, snapshots as service
from groups.statuses import SnapshotStatus

_SHOWN_ROWS = 10
Row = models.Snapshot | models.GroupSnapshot


class _Delete(Verb[Any]):
    """Delete a snapshot of either kind."""

    slug, title, icon, is_dangerous = "delete", "Delete", "delete", True

    def facts(self) -> Sequence[Fact]:
        """Return the snapshot, its status, of what it is and where."""
        return (
            ("Snapshot", format_html("{} {}", shown.link(self.row), shown.short_id(self.row.pk))),
            ("Status now", words.badge(self.row.status, SnapshotStatus)),
            ("Of", shown.link(_source(self.row))),
            ("Side", _side(self.row)),
        )

    def effect(self) -> str:
        """Return what it will do."""
        return "The snapshot is removed from the side it is on, which has to answer. What was made from it stays."

    def warning(self) -> str:
        """Return what is lost."""
        return "What it holds cannot be brought back."

    def accepted(self, operation: models.Operation) -> pages.Done:
        """Return what to tell once it was asked for."""
        number = shown.link(operation, str(operation.pk)[:8])
        message = format_html("{} was accepted as operation {}.", possible.sentence(operation), number)
        return message, shown.page(operation)


class DeleteSnapshot(_Delete):
    """Delete a volume's snapshot."""

    rule = "volume:delete_snapshot"

    def why_not(self) -> str:
        """Return why it cannot be deleted now."""
        return possible.why_not_delete_snapshot(self.row)

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.accepted(service.delete(self.caller, snapshot_id=self.row.pk))


class DeleteGroupSnapshot(_Delete):
    """Delete a group's snapshot with all its parts."""

    rule = "group:delete_group_snapshot"

    def why_not(self) -> str:
        """Return why it cannot be deleted now."""
        return possible.why_not_delete_snapshot(self.row)

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.accepted(group_snapshots.delete(self.caller, group_snapshot_id=self.row.pk))


class _Snapshots(VerbsMixin, PageAdmin):
    """What both lists do alike."""

    list_filter = ("status", "backend", "project")

    def row_page(self, request: HttpRequest, row: Row) -> HttpResponse:
        """Return a snapshot's page."""
        caller = acting.caller(request, project_id=row.project_id)
        parts = models.Snapshot.objects.none()
        if isinstance(row, models.GroupSnapshot):
            parts = row.snapshots.select_related("volume").order_by("volume__created_at", "volume__id")
        return pages.render(
            self,
            request,
            "console/snapshot.html",
            title=str(row),
            row=row,
            snapshot=row,
            source=_source(row),
            side=_side(row),
            parts=list(parts),
            offers=self.offers(verb(row, caller=caller) for verb in self.verbs),
            operations=list(models.Operation.objects.filter(subject_id=row.pk)[:_SHOWN_ROWS]),
            operations_url=shown.listing(models.Operation, f"q={row.pk}"),
            events=list(models.Event.objects.filter(subject_id=row.pk)[:_SHOWN_ROWS]),
            events_url=shown.listing(models.Event, f"q={row.pk}"),
        )

    @display(description="Name", ordering="name")
    def name_shown(self, row: Row) -> str:
        """Return the name."""
        return row.name or "(unnamed)"

    @display(description="Id", ordering="id")
    def id_shown(self, row: Row) -> SafeString:
        """Return the id."""
        return shown.short_id(row.pk)

    @display(description="Status", ordering="status")
    def status_shown(self, row: Row) -> SafeString:
        """Return the status."""
        return words.badge(row.status, SnapshotStatus)

    @display(description="Side", ordering="side")
    def side_shown(self, row: Row) -> str:
        """Return the side it is on."""
        return _side(row)


@admin.register(models.Snapshot)
class SnapshotAdmin(_Snapshots):
    """Snapshots of volumes."""

    verbs = (DeleteSnapshot,)
    list_display = (
        *("name_shown", "id_shown", "status_shown", "volume_shown", "group_snapshot_shown", "size_shown"),
        *("side_shown", "taken_at", "backend", "project"),
    )
    search_fields = ("name", "id", "description", "volume__name", "volume__id", "group_snapshot__id")
    search_help_text = "Name, description or id; name or id of the volume; id of the group snapshot"

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.Snapshot]:
        """Read what the list shows, in one statement."""
        return super().get_queryset(request).select_related("volume", "group_snapshot", "backend", "project")

    @display(description="Volume", ordering="volume__name")
    def volume_shown(self, row: models.Snapshot) -> str | SafeString:
        """Return the volume it is of."""
        return shown.link(row.volume)

    @display(description="Group snapshot", ordering="group_snapshot__name")
    def group_snapshot_shown(self, row: models.Snapshot) -> str | SafeString:
        """Return the group snapshot it is a part of."""
        return shown.link(row.group_snapshot)

    @display(description="Size", ordering="size_gib")
    def size_shown(self, row: models.Snapshot) -> str:
        """Return the size."""
        return f"{row.size_gib} GiB"


@admin.register(models.GroupSnapshot)
class GroupSnapshotAdmin(_Snapshots):
    """Snapshots of groups."""

    verbs = (DeleteGroupSnapshot,)
    list_display = (
        *("name_shown", "id_shown", "status_shown", "group_shown", "side_shown", "taken_at", "backend", "project"),
    )
    search_fields = ("name", "id", "description", "group__name", "group__id")
    search_help_text = "Name, description or id; name or id of the group"

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.GroupSnapshot]:
        """Read what the list shows, in one statement."""
        return super().get_queryset(request).select_related("group", "backend", "project")

    @display(description="Group", ordering="group__name")
    def group_shown(self, row: models.GroupSnapshot) -> str | SafeString:
        """Return the group it is of."""
        return shown.link(row.group)


def _source(row: Row) -> models.Volume | models.Group:
    """Return what a snapshot is of."""
    return row.volume if isinstance(row, models.Snapshot) else row.group


def _side(row: Row) -> str:
    """Return the side a snapshot is on, in words."""
    return f"secondary '{row.side}'" if row.side else "the primary"
