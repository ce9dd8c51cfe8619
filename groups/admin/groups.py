"""Volume groups: the list, a group's page, and its live part."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models as db
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import callers, clock, models, statuses
from groups.admin import acting, chart, commands, group_forms, live, pages, picture, places, shown, words
from groups.admin.bases import PageAdmin
from groups.admin.group_moves import FailBack, FailOver
from groups.admin.group_verbs import Delete, Disable, Enable, GroupVerb, ResetReplication, ResetStatus
from groups.admin.objectives import GroupObjectives
from groups.admin.verbs import VerbsMixin
from groups.objectives import Levels
from groups.queries import details, lag, objectives, overview, possible, preflight, safety
from groups.queries.safety import Protection
from groups.services import policies

_SHOWN_VOLUMES = 100
_SHOWN_ROWS = 10


class ProtectionFilter(admin.SimpleListFilter):
    """By what would become of a group's data if its site were lost now."""

    title = "protection"
    parameter_name = "protection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the classes."""
        return [(word.name.lower(), word.value) for word in Protection]

    def queryset(self, request: HttpRequest, queryset: db.QuerySet[Any]) -> db.QuerySet[Any]:
        """Return the groups of the class asked for."""
        chosen = next((word for word in Protection if word.name.lower() == self.value()), None)
        return (
            queryset
            if chosen is None
            else queryset.annotate(protection=safety.expression()).filter(protection=chosen.value)
        )


@admin.register(models.Group)
class GroupAdmin(VerbsMixin, PageAdmin):
    """Volume groups."""

    verbs: tuple[type[GroupVerb], ...] = (
        FailOver,
        FailBack,
        Enable,
        Disable,
        ResetReplication,
        ResetStatus,
        Delete,
        group_forms.Edit,
        GroupObjectives,
    )
    list_display = (
        "name_shown",
        "id_shown",
        "replication_shown",
        "health_shown",
        "lag_shown",
        "runs_on",
        "volumes_shown",
        "status_shown",
        "backend",
        "project",
    )
    list_filter = (ProtectionFilter, "replication_status", "health", "status", "backend", "group_type", "project")
    search_fields = ("name", "id", "description")
    search_help_text = "Name, description, or the beginning of an id"

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.Group]:
        """Read what the list shows, in one statement."""
        rows = super().get_queryset(request).select_related("backend", "project", "group_type")
        return rows.annotate(volume_count=overview.volumes_of_group())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow those who are a member of some project."""
        return bool(acting.projects(request, role=callers.MEMBER))

    def get_urls(self) -> list[URLPattern]:
        """Add the live part of a group's page, and the group as JSON."""
        live_view, json_view = (self.admin_site.admin_view(view) for view in (self.live_view, self.json_view))
        return [
            path("<uuid:object_id>/live/", live_view, name="groups_group_live"),
            path("<uuid:object_id>/json/", json_view, name="groups_group_json"),
            *super().get_urls(),
        ]

    def add_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page that creates a group."""
        form = group_forms.AddForm(request.POST if request.method == "POST" else None, request=request)
        return pages.answer_form(
            self,
            request,
            form,
            act=lambda: group_forms.create(request, form),
            template="console/form.html",
            title="Add a volume group",
            submit="Create group",
            back=shown.listing(models.Group),
        )

    def row_page(self, request: HttpRequest, row: models.Group) -> HttpResponse:
        """Return a group's page."""
        caller = acting.caller(request, project_id=row.project_id)
        standing = possible.standing(row)
        objective = objectives.standing(row)
        sides = places.sides(row, standing, preflight.observed(row))
        return pages.render(
            self,
            request,
            "console/group.html",
            title=str(row),
            row=row,
            group=row,
            offers=self.offers(verb(row, caller=caller, standing=standing) for verb in self.verbs),
            may_add_volume=policies.allows(caller, "volume:create"),
            standing=standing,
            pictures=[picture.wide(sides), picture.tall(sides)],
            history=_history(request, row, objective.objectives.rpo),
            spans=chart.SPANS,
            objective=objective,
            commands=commands.of_group(row, standing),
            json_url=reverse("admin:groups_group_json", args=(row.pk,)),
            operation=standing.operation,
            live=live.url(standing.operation, "groups_group_live", row.pk),
            **_parts(row, standing),
        )

    def live_view(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """Return the part of a group's page that moves while an operation is open."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        operation = None if row is None else possible.open_operation(row)
        if operation is None:
            return live.over()
        context = {"operation": operation, "group": row, "live": live.url(operation, "groups_group_live", row.pk)}
        return render(request, "console/group_live.html", context)

    def json_view(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """Return all that a group's page shows, for programs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        found = details.of(row, since=clock.now() - chart.SPANS[chart.DEFAULT_SPAN][1])
        return JsonResponse(found, json_dumps_params={"indent": 2})

    @display(description="Name", ordering="name")
    def name_shown(self, row: models.Group) -> str:
        """Return the name."""
        return row.name or "(unnamed)"

    @display(description="Id", ordering="id")
    def id_shown(self, row: models.Group) -> SafeString:
        """Return the id."""
        return shown.short_id(row.pk)

    @display(description="Replication", ordering=overview.severity())
    def replication_shown(self, row: models.Group) -> SafeString:
        """Return the replication status."""
        return words.badge(row.replication_status, statuses.ReplicationStatus)

    @display(description="Health", ordering="health")
    def health_shown(self, row: models.Group) -> SafeString:
        """Return what the last look at the storage found."""
        return shown.health(row)

    @display(description="Lag", ordering="-consistent_at")
    def lag_shown(self, row: models.Group) -> str | SafeString:
        """Return the age of the newest complete point."""
        return shown.lag(row)

    @display(description="Runs on", ordering="active_backend_id")
    def runs_on(self, row: models.Group) -> str:
        """Return the active side."""
        return shown.side(row.active_backend_id)

    @display(description="Volumes")
    def volumes_shown(self, row: Any) -> int:
        """Return how many volumes it has."""
        return row.volume_count

    @display(description="Status", ordering="status")
    def status_shown(self, row: models.Group) -> SafeString:
        """Return the group's own status."""
        return words.badge(row.status, statuses.GroupStatus)


def _history(request: HttpRequest, group: models.Group, levels: Levels) -> chart.History:
    wanted = request.GET.get("span", "")
    span = wanted if wanted in chart.SPANS else chart.DEFAULT_SPAN
    points = lag.series(group.pk, since=clock.now() - chart.SPANS[span][1], points=chart.POINTS)
    return chart.history(points, span=span, levels=levels)


def _parts(group: models.Group, standing: possible.Standing) -> dict[str, Any]:
    """Return the lists on a group's page, in a number of statements that does not depend on its size."""
    volumes = models.Volume.objects.filter(group=group).select_related("volume_type").order_by("name", "created_at")
    operations = models.Operation.objects.filter(subject_id=group.pk)
    events = models.Event.objects.filter(group_id=group.pk).exclude(axis=statuses.Axis.OPERATION)
    return {
        "volumes": list(volumes[:_SHOWN_VOLUMES]),
        "more_volumes": max(0, standing.size - _SHOWN_VOLUMES),
        "volumes_url": shown.listing(models.Volume, f"group__id__exact={group.pk}"),
        "operations": list(operations[:_SHOWN_ROWS]),
        "operations_url": shown.listing(models.Operation, f"q={group.pk}"),
        "events": list(events[:_SHOWN_ROWS]),
        "events_url": shown.listing(models.Event, f"q={group.pk}"),
        "findings": list(models.Finding.objects.filter(subject_id=group.pk, closed_at__isnull=True)),
        "group_specs": list(group.group_type.group_specs.all()),
        "volume_types": list(group.volume_types.prefetch_related("extra_specs")),
    }
