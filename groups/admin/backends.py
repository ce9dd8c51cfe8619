"""Backends with their targets: the list, the forms made from a driver's options, removal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models as db
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import errors, models
from groups.admin import acting, backend_forms, fields, pages, shown
from groups.admin.bases import ManagedMixin, PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.queries import overview
from groups.services import backends as service


class Remove(Verb[models.Backend]):
    """Remove a backend."""

    slug, title, icon, is_dangerous, rule = "delete", "Remove", "delete", True, "backend:manage"

    def effect(self) -> str:
        """Return what it will do."""
        return "Replsite forgets the backend and its targets, unless it still holds something. The storage is not told."

    def facts(self) -> list[Fact]:
        """Return the backend."""
        return [("Backend", shown.link(self.row)), ("Driver", self.row.driver), ("Targets", targets_of(self.row))]

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.remove(self.caller, name=self.row.name)
        return f"Backend {self.row} was removed.", shown.listing(models.Backend)


class DriverForm(forms.Form):
    """Which driver a new backend has."""

    def __init__(self) -> None:
        super().__init__()
        choices = [(sheet.driver, fields.explained(sheet.driver, sheet.summary)) for sheet in service.sheets()]
        self.fields["driver"] = fields.radios("Driver", choices)


@admin.register(models.Backend)
class BackendAdmin(ManagedMixin, VerbsMixin, PageAdmin):
    """Backends."""

    manage_rule = "backend:manage"
    verbs = (Remove,)
    list_display = ("name", "driver", "enabled", "targets_shown", "groups_shown", "volumes_shown", "description")
    list_filter = ("driver", "enabled")
    search_fields = ("name", "description", "targets__backend_id")

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.Backend]:
        """Read what the list shows, in two statements."""
        return overview.backends().order_by("name")

    def add_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page that adds a backend, once its driver is chosen."""
        driver = request.GET.get("driver", "")
        if not driver:
            title, back = "Add a backend", shown.listing(models.Backend)
            return pages.render(self, request, "console/driver.html", title=title, form=DriverForm(), back=back)
        return self._form_page(request, driver=driver, backend=None)

    def row_page(self, request: HttpRequest, row: models.Backend) -> HttpResponse:
        """Return a backend's page: a form for those who may change it."""
        return self._form_page(request, driver=row.driver, backend=row)

    def _form_page(self, request: HttpRequest, *, driver: str, backend: models.Backend | None) -> HttpResponse:
        try:
            sheet = service.sheet(driver=driver)
        except errors.ReplsiteError as error:
            messages.error(request, pages.sentence(error))
            return HttpResponseRedirect(shown.listing(models.Backend))
        posted = request.POST if request.method == "POST" else None
        caller = acting.caller(request)
        if posted is not None:
            pages.require(caller, self.manage_rule)
        form = backend_forms.BackendForm(posted, sheet=sheet, backend=backend)
        rows = backend_forms.target_rows(posted, sheet=sheet, backend=backend)
        if posted is not None and not rows.is_valid():
            form.add_error(None, "Correct the targets below.")
        return pages.answer_form(
            self,
            request,
            form,
            act=lambda: backend_forms.save(request, form, rows, sheet=sheet, backend=backend),
            template="console/backend.html",
            title=str(backend) if backend else f"Add a backend with driver {driver}",
            row=backend,
            backend=backend,
            rows=rows,
            sheet=sheet,
            may_change=self.may_manage(request),
            offers=self.offers(verb(backend, caller=caller) for verb in self.verbs) if backend else [],
            back=shown.listing(models.Backend),
        )

    @display(description="Targets, default first")
    def targets_shown(self, row: models.Backend) -> str | SafeString:
        """Return the targets."""
        return targets_of(row)

    @display(description="Groups")
    def groups_shown(self, row: Any) -> int:
        """Return how many groups it holds."""
        return row.group_count

    @display(description="Volumes")
    def volumes_shown(self, row: Any) -> int:
        """Return how many volumes it holds."""
        return row.volume_count


def targets_of(row: models.Backend) -> str | SafeString:
    """Return a backend's targets, the default one first."""
    return ", ".join(target.backend_id for target in row.targets.all()) or shown.NONE
