"""Volume types and group types, each with its specs inline; everything is changed by the services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models as db, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold import widgets
from unfold.decorators import display

from groups import callers, models, specs
from groups.admin import acting, fields, pages, shown
from groups.admin.bases import ManagedMixin, PageAdmin
from groups.admin.objectives import TypeObjectives
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.services import types as service

_BLANK_ROWS = 3


def _objective(column: str) -> str:
    measure, level, _ = column.split("_")
    return f"{measure.upper()}: from how many seconds on it is {'a warning' if level == 'warning' else level}"


class TypeForm(forms.Form):
    """A type without its specs."""

    name = fields.text("Name", required=True)
    description = fields.text("Description")
    is_public = fields.flag("Public", initial=True, help_text="Every project may use it; otherwise only admins.")


class SpecForm(forms.Form):
    """One spec."""

    key = forms.CharField(
        required=False,
        max_length=255,
        widget=widgets.UnfoldAdminTextInputWidget(attrs={"list": "known-keys", "aria-label": "Key"}),
    )
    value = forms.CharField(
        required=False,
        max_length=255,
        widget=widgets.UnfoldAdminTextInputWidget(attrs={"list": "known-values", "aria-label": "Value"}),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a value without a key."""
        values = super().clean() or {}
        if values.get("value") and not values.get("key"):
            self.add_error("key", "Name the key of this value.")
        return values


SpecRows = forms.formset_factory(SpecForm, formset=fields.Rows, extra=_BLANK_ROWS, can_delete=True)


class Delete(Verb[Any]):
    """Delete a type."""

    slug, title, icon, is_dangerous = "delete", "Delete", "delete", True
    family: ClassVar[service.Family]

    def effect(self) -> str:
        """Return what it will do."""
        return "The type and its specs are deleted, unless something still uses it."

    def facts(self) -> list[Fact]:
        """Return the type."""
        return [(self.family.noun, shown.link(self.row))]

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.delete(self.caller, family=self.family, type_id=self.row.pk)
        return f"{self.family.noun} {self.row} was deleted.", shown.listing(self.family.model)


class DeleteVolumeType(Delete):
    """Delete a volume type."""

    family, rule = service.VOLUME, f"{service.VOLUME.type_rule}delete"


class DeleteGroupType(Delete):
    """Delete a group type."""

    family, rule = service.GROUP, f"{service.GROUP.type_rule}delete"


class TypeAdmin(ManagedMixin, VerbsMixin, PageAdmin):
    """What volume types and group types have in common."""

    family: ClassVar[service.Family]
    specs_name: ClassVar[str]
    known: ClassVar[Mapping[str, str]]
    list_display = ("name", "id_shown", "specs_shown", "is_public", "uses", "description")
    list_filter = ("is_public",)
    search_fields = ("name", "id", "description")

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[Any]:
        """Read what the list shows, in two statements."""
        return super().get_queryset(request).prefetch_related(self.specs_name)

    def add_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page that creates a type."""
        return self._form_page(request, None)

    def row_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Return a type's page: a form for those who may change it."""
        return self._form_page(request, row)

    def _form_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        caller = acting.caller(request)
        posted = request.POST if request.method == "POST" else None
        if posted is not None:
            pages.require(caller, self.manage_rule)
        had = row.specs if row else {}
        form = TypeForm(posted, initial=_initial(row))
        rows = SpecRows(posted, initial=[{"key": key, "value": value or ""} for key, value in had.items()])
        if posted is not None and not rows.is_valid():
            form.add_error(None, "Correct the specs below.")
        return pages.answer_form(
            self,
            request,
            form,
            act=lambda: self._save(caller, row, form.cleaned_data, _values(rows, had)),
            template="console/type.html",
            title=str(row) if row else f"Add a {self.opts.verbose_name}",
            row=row,
            rows=rows,
            specs=had,
            known=self.known,
            spec_noun=self.family.spec_noun,
            may_change=self.may_manage(request),
            offers=self.offers(verb(row, caller=caller) for verb in self.verbs) if row else [],
            back=shown.listing(self.model),
        )

    def _save(
        self, caller: callers.Caller, row: Any, values: dict[str, Any], wanted: Mapping[str, str | None]
    ) -> pages.Done:
        family = self.family
        # One transaction: a type is changed with all its specs, or not at all.
        with transaction.atomic():
            if row is None:
                row = service.create(caller, family=family, **values, spec_values=wanted)
                return format_html("{} {} was created.", family.noun, shown.link(row)), shown.page(row)
            had = row.specs
            service.update(caller, family=family, type_id=row.pk, changes=values)
            for key in had.keys() - wanted.keys():
                service.delete_spec(caller, family=family, type_id=row.pk, key=key)
            if changed := {key: value for key, value in wanted.items() if had.get(key, ...) != value}:
                service.set_specs(caller, family=family, type_id=row.pk, values=changed)
        return format_html("{} {} was changed.", family.noun, values["name"]), shown.page(row)

    @display(description="Id", ordering="id")
    def id_shown(self, row: Any) -> SafeString:
        """Return the id."""
        return shown.short_id(row.pk)

    @display(description="Specs")
    def specs_shown(self, row: Any) -> str | SafeString:
        """Return the specs."""
        return spec_list(row) or shown.NONE

    @display(description="Used by")
    def uses(self, row: Any) -> str:
        """Return how much is of this type."""
        return f"{row.use_count} {self.used_by}"

    used_by: ClassVar[str]


@admin.register(models.VolumeType)
class VolumeTypeAdmin(TypeAdmin):
    """Volume types."""

    family, specs_name, used_by = service.VOLUME, "extra_specs", "volumes"
    manage_rule = f"{service.VOLUME.type_rule}update"
    verbs = (DeleteVolumeType,)
    known = {
        specs.REPLICATION: f"{specs.TRUE} - its volumes can be replicated",
        "volume_backend_name": "the name of the one backend to use",
    }

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[Any]:
        """Count the volumes too."""
        return super().get_queryset(request).annotate(use_count=db.Count("volumes", distinct=True))


@admin.register(models.GroupType)
class GroupTypeAdmin(TypeAdmin):
    """Group types."""

    family, specs_name, used_by = service.GROUP, "group_specs", "groups"
    manage_rule = f"{service.GROUP.type_rule}update"
    verbs = (TypeObjectives, DeleteGroupType)
    known = {
        specs.CONSISTENT_GROUP_REPLICATION: f"{specs.TRUE} - replicated, all volumes at one point in time",
        specs.GROUP_REPLICATION: f"{specs.TRUE} - replicated",
        specs.INTERVAL: "how often a new point is made, in seconds",
        **{key: _objective(column) for column, key in specs.OBJECTIVES.items()},
    }

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[Any]:
        """Count the groups too."""
        return super().get_queryset(request).annotate(use_count=db.Count("groups", distinct=True))


def spec_list(row: models.VolumeType | models.GroupType) -> SafeString:
    """Return a type's specs, one a line."""
    return format_html_join("", '<code class="c-spec">{}={}</code>', ((k, v or "") for k, v in row.specs.items()))


def _initial(row: Any) -> dict[str, Any]:
    if row is None:
        return {"is_public": True}
    return {"name": row.name, "description": row.description or "", "is_public": row.is_public}


def _values(rows: Any, had: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the specs as the form wants them; a value that was absent and stays empty stays absent."""
    kept = [form.cleaned_data for form in rows.forms if form not in rows.deleted_forms and form.cleaned_data.get("key")]
    return {
        row["key"]: None if not row["value"] and row["key"] in had and had[row["key"]] is None else row["value"]
        for row in kept
    }
