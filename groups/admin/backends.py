"""Backends with their targets: the list, the forms made from a driver's options, removal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models as db
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import clock, errors, models
from groups.admin import acting, backend_forms, fields, live, pages, shown, sites
from groups.admin.bases import ManagedMixin, PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.queries import overview
from groups.services import backends as service

_CHECK_SECONDS = 30
"""How long a page waits for a worker to look."""


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


class CheckConnection(Verb[models.Backend]):
    """See whether a backend's sides answer."""

    slug, title, icon, rule = "check-connection", "Check connection", "network_check", "backend:manage"

    def effect(self) -> str:
        """Return what it will do."""
        return "A worker looks whether the primary and each target answer, with the options as saved. Nothing changes."

    def facts(self) -> list[Fact]:
        """Return the backend."""
        return [("Backend", shown.link(self.row)), ("Driver", self.row.driver), ("Targets", targets_of(self.row))]

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask a worker."""
        service.check_connection(self.caller, name=self.row.name)
        return f"A worker was asked to look at {self.row}.", shown.page(self.row)


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
    verbs = (sites.FailOverSite, CheckConnection, Remove)
    list_display = ("name", "driver", "enabled", "targets_shown", "groups_shown", "volumes_shown", "description")
    list_filter = ("driver", "enabled")
    search_fields = ("name", "description", "targets__backend_id")

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.Backend]:
        """Read what the list shows, in two statements."""
        return overview.backends().order_by("name")

    def get_urls(self) -> list[URLPattern]:
        """Add the live part of a backend's page."""
        view = self.admin_site.admin_view(self.live_view)
        return [path("<uuid:object_id>/live/", view, name="groups_backend_live"), *super().get_urls()]

    def live_view(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """Return what a worker saw of a backend, as soon as one has looked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        found = _connection(row) if row is not None else {}
        return render(request, "console/connection.html", found) if found.get("live") else live.over()

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
            **(_connection(backend) if backend else {}),
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


def _connection(row: models.Backend) -> dict[str, Any]:
    """Return the last look at whether a backend's sides answer, and what to poll while nobody has looked yet."""
    check = row.connection_checks.first()
    if check is None or check.done_at is not None:
        return {"check": check, "live": ""}
    # Nobody waits for ever: a message that got lost is not sent again.
    is_late = (clock.now() - check.created_at).total_seconds() > _CHECK_SECONDS
    address = "" if is_late else reverse("admin:groups_backend_live", args=(row.pk,))
    return {"check": check, "check_is_late": is_late, "live": address}


def targets_of(row: models.Backend) -> str | SafeString:
    """Return a backend's targets, the default one first."""
    return ", ".join(target.backend_id for target in row.targets.all()) or shown.NONE
