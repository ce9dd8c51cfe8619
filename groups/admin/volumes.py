"""Volumes: the list, a volume's page, its verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models as db
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import callers, models, statuses
from groups.admin import acting, fields, pages, shown, volume_forms, words
from groups.admin.bases import PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.queries import overview, possible
from groups.services import volumes as service
from groups.statuses import Axis, ReplicationStatus, VolumeStatus

_SHOWN_ROWS = 10
_SHOWN_ATTACHMENTS = 20


class VolumeVerb(Verb[models.Volume]):
    """A verb of a volume."""

    def facts(self) -> Sequence[Fact]:
        """Return the volume, its statuses and its group."""
        row = self.row
        return (
            ("Volume", format_html("{} {}", shown.link(row), shown.short_id(row.pk))),
            ("Status now", words.badge(row.status, VolumeStatus)),
            ("Size", f"{row.size_gib} GiB"),
            ("Group", shown.link(row.group)),
        )


class Edit(VolumeVerb):
    """Rename a volume."""

    slug, title, icon, rule = "edit", "Change name", "edit", "volume:update"

    def effect(self) -> str:
        """Return what it will do."""
        return "The name and description change at once; the storage is not touched."

    def form(self, data: Any = None) -> forms.Form:
        """Return the present name."""
        form = forms.Form(data, initial={"name": self.row.name, "description": self.row.description})
        form.fields["name"] = fields.text("Name")
        form.fields["description"] = fields.text("Description")
        return form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Change it."""
        row = service.update(self.caller, volume_id=self.row.pk, changes=values)
        return format_html("The name and description of {} were changed.", shown.link(row)), shown.page(row)


class Delete(VolumeVerb):
    """Delete a volume."""

    slug, title, icon, rule, is_dangerous = "delete", "Delete", "delete", "volume:delete", True

    def why_not(self) -> str:
        """Return why it cannot be deleted now."""
        return possible.why_not_delete_volume(self.row)

    def effect(self) -> str:
        """Return what it will do."""
        return "The volume is deleted on every side."

    def warning(self) -> str:
        """Return what is lost."""
        return "Its data cannot be brought back."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        operation = service.delete(self.caller, volume_id=self.row.pk)
        number = shown.link(operation, str(operation.pk)[:8])
        message = format_html("{} was accepted as operation {}.", possible.sentence(operation), number)
        return message, shown.page(operation)


class ResetStatus(VolumeVerb):
    """Correct a volume's own status."""

    slug, title, icon, is_dangerous = "reset-status", "Reset status", "edit_attributes", True
    rule = "volume_extension:volume_admin_actions:reset_status"

    def effect(self) -> str:
        """Return what it will do."""
        return "Only the record is changed, at once: the storage is neither asked nor told."

    def form(self, data: Any = None) -> forms.Form:
        """Return the choice of a status, and why."""
        form = forms.Form(data)
        targets = [word for word in VolumeStatus if word in statuses.RESETS[Axis.VOLUME].targets]
        form.fields["to"] = fields.radios(
            "Set it to", [(word, fields.explained(word, statuses.MEANINGS[VolumeStatus][word])) for word in targets]
        )
        form.fields["reason"] = fields.reason(required=True)
        return form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.reset_status(self.caller, volume_id=self.row.pk, status=values["to"], reason=values["reason"])
        return format_html("The status of {} was set to {}.", shown.link(self.row), values["to"]), shown.page(self.row)


@admin.register(models.Volume)
class VolumeAdmin(VerbsMixin, PageAdmin):
    """Volumes."""

    verbs = (Edit, ResetStatus, Delete)
    list_display = (
        "name_shown",
        "id_shown",
        "status_shown",
        "replication_shown",
        "group_shown",
        "size_shown",
        "volume_type",
        "backend",
        "project",
    )
    list_filter = ("status", "replication_status", "volume_type", "backend", "project")
    search_fields = ("name", "id", "description", "group__name", "group__id")
    search_help_text = "Name, description or id; name or id of the group"

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.Volume]:
        """Read what the list shows, in one statement."""
        return super().get_queryset(request).select_related("group", "volume_type", "backend", "project")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow those who are a member of some project."""
        return bool(acting.projects(request, role=callers.MEMBER))

    def add_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page that creates a volume, on its own or in the group named in the address."""
        group = volume_forms.group_of(request)
        form = volume_forms.AddForm(request.POST if request.method == "POST" else None, request=request, group=group)
        return pages.answer_form(
            self,
            request,
            form,
            act=lambda: volume_forms.create(request, form, group=group),
            template="console/form.html",
            title=f"Add a volume to {group}" if group else "Add a volume",
            submit="Create volume",
            back=shown.page(group) if group else shown.listing(models.Volume),
        )

    def row_page(self, request: HttpRequest, row: models.Volume) -> HttpResponse:
        """Return a volume's page."""
        caller = acting.caller(request, project_id=row.project_id)
        return pages.render(
            self,
            request,
            "console/volume.html",
            title=str(row),
            row=row,
            volume=row,
            offers=self.offers(verb(row, caller=caller) for verb in self.verbs),
            attachments=list(row.attachments.all()[:_SHOWN_ATTACHMENTS]),
            attachments_url=shown.listing(models.Attachment, f"q={row.pk}"),
            operations=list(models.Operation.objects.filter(subject_id=row.pk)[:_SHOWN_ROWS]),
            operations_url=shown.listing(models.Operation, f"q={row.pk}"),
            events=list(models.Event.objects.filter(subject_id=row.pk)[:_SHOWN_ROWS]),
            events_url=shown.listing(models.Event, f"q={row.pk}"),
        )

    @display(description="Name", ordering="name")
    def name_shown(self, row: models.Volume) -> str:
        """Return the name."""
        return row.name or "(unnamed)"

    @display(description="Id", ordering="id")
    def id_shown(self, row: models.Volume) -> SafeString:
        """Return the id."""
        return shown.short_id(row.pk)

    @display(description="Status", ordering="status")
    def status_shown(self, row: models.Volume) -> SafeString:
        """Return the volume's own status."""
        return words.badge(row.status, VolumeStatus)

    @display(description="Replication", ordering=overview.severity())
    def replication_shown(self, row: models.Volume) -> SafeString:
        """Return the replication status."""
        return words.badge(row.replication_status, ReplicationStatus)

    @display(description="Group", ordering="group__name")
    def group_shown(self, row: models.Volume) -> str | SafeString:
        """Return the group."""
        return shown.link(row.group)

    @display(description="Size", ordering="size_gib")
    def size_shown(self, row: models.Volume) -> str:
        """Return the size."""
        return f"{row.size_gib} GiB"
