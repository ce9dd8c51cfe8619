"""What has to be said to make a volume."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest
from django.utils.html import format_html

from groups import callers, models
from groups.admin import acting, fields, group_forms, pages, shown
from groups.queries import visible
from groups.services import volumes as service


class AddForm(forms.Form):
    """A new volume, in a group or on its own."""

    def __init__(self, data: Any, *, request: HttpRequest, group: models.Group | None) -> None:
        super().__init__(data)
        if group is None:
            projects = [(row.pk, row.name) for row in acting.projects(request, role=callers.MEMBER)]
            self.fields["project"] = fields.select(
                "Project",
                projects,
                help_text="To make a volume in a group, open the group's page and choose Add a volume.",
            )
        self.fields["name"] = fields.text("Name")
        self.fields["description"] = fields.text("Description")
        self.fields["size_gib"] = fields.number("Size in GiB", initial=1)
        self.fields["volume_type"] = fields.select("Volume type", _types(request, group))


def group_of(request: HttpRequest) -> models.Group | None:
    """Return the group that the address names, if any."""
    named = request.GET.get("group")
    if not named:
        return None
    row_id = visible.parsed_id(named)
    group = models.Group.objects.select_related("project").filter(pk=row_id).first() if row_id else None
    if group is None:
        raise Http404(f"There is no group {named}.")
    return group


def create(request: HttpRequest, form: forms.Form, *, group: models.Group | None) -> pages.Done:
    """Create the volume a form describes."""
    values = form.cleaned_data
    volume = service.create(
        acting.caller(request, project_id=group.project_id if group else values["project"]),
        size_gib=values["size_gib"],
        volume_type=values["volume_type"],
        group_id=group.pk if group else None,
        name=values["name"],
        description=values["description"],
    )
    where = format_html(" in group {}", shown.link(group)) if group else ""
    return format_html("Volume {} is being created{}.", shown.link(volume), where), shown.page(group or volume)


def _types(request: HttpRequest, group: models.Group | None) -> list[fields.Choice]:
    if group is None:
        return group_forms.types(models.VolumeType, request)
    return [(str(row.pk), row.name) for row in group.volume_types.order_by("name")]
