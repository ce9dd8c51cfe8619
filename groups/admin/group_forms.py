"""What has to be said to make a group, and to change its name or its membership."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html

from groups import callers, models
from groups.admin import acting, fields, pages, shown
from groups.admin.group_verbs import GroupVerb
from groups.services import groups as service

_OFFERED = 200


class AddForm(forms.Form):
    """A new group."""

    def __init__(self, data: Any, *, request: HttpRequest) -> None:
        super().__init__(data)
        projects = [(row.pk, row.name) for row in acting.projects(request, role=callers.MEMBER)]
        self.fields["project"] = fields.select("Project", projects, help_text="Who owns it; it stays there for good.")
        self.fields["name"] = fields.text("Name")
        self.fields["description"] = fields.text("Description")
        self.fields["group_type"] = fields.select(
            "Group type", types(models.GroupType, request), help_text="Says whether and how the group is replicated."
        )
        kinds = types(models.VolumeType, request)
        self.fields["volume_types"] = fields.boxes(
            "Volume types",
            kinds,
            help_text="Its volumes may be of these types.",
            initial=[kinds[0][0]] if len(kinds) == 1 else [],
        )


def create(request: HttpRequest, form: forms.Form) -> pages.Done:
    """Create the group a form describes."""
    values = form.cleaned_data
    group = service.create(
        acting.caller(request, project_id=values["project"]),
        group_type=values["group_type"],
        volume_types=values["volume_types"],
        name=values["name"],
        description=values["description"],
    )
    message = format_html("Group {} is being created on backend {}.", shown.link(group), group.backend)
    return message, shown.page(group)


class Edit(GroupVerb):
    """Rename a group, add volumes to it, take volumes out of it."""

    slug, title, icon, rule = "edit", "Change name or volumes", "edit", "group:update"

    def why_not(self) -> str:
        """Return nothing: a name can always be changed."""
        return ""

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "A name changes at once. Volumes are added and taken out by an operation; one added to a replicated"
            " group is not protected until replication is enabled again."
        )

    def form(self, data: Any = None) -> forms.Form:
        """Return the present name, and the volumes that can come and go."""
        form = forms.Form(data, initial={"name": self.row.name, "description": self.row.description})
        form.fields["name"] = fields.text("Name")
        form.fields["description"] = fields.text("Description")
        members = models.Volume.objects.filter(group=self.row).order_by("name", "created_at")
        lone = models.Volume.objects.filter(
            group=None,
            project_id=self.row.project_id,
            backend_id=self.row.backend_id,
            volume_type__in=self.row.volume_types.all(),
        ).order_by("name", "created_at")
        form.fields["add_volumes"] = _volumes(
            "Add volumes", lone, none="No lone volume of its types is on its backend."
        )
        form.fields["remove_volumes"] = _volumes("Take volumes out", members, none="It has no volume.")
        return form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Change it."""
        operation = service.update(
            self.caller,
            group_id=self.row.pk,
            name=values["name"],
            description=values["description"],
            add_volumes=values["add_volumes"],
            remove_volumes=values["remove_volumes"],
        )
        if operation is not None:
            return self.started(operation)
        return format_html("The name and description of {} were changed.", values["name"]), shown.page(self.row)


def types(model: type[models.GroupType | models.VolumeType], request: HttpRequest) -> list[fields.Choice]:
    """Return the types a user may choose."""
    rows = model.objects.order_by("name")
    if not request.user.is_superuser:
        rows = rows.filter(is_public=True)
    return [(str(row.pk), row.name) for row in rows]


def _volumes(label: str, rows: Any, *, none: str) -> forms.MultipleChoiceField:
    choices = [(str(row.pk), f"{row} ({row.size_gib} GiB, {row.status})") for row in rows[:_OFFERED]]
    more = f"The first {_OFFERED} are offered." if len(choices) == _OFFERED else ""
    return fields.boxes(label, choices, required=False, help_text=more if choices else none)
