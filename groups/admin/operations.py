"""Operations and events: lists, an operation's page with its steps, and its live part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models as db
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import callers, models, statuses
from groups.admin import acting, live, pages, shown, words
from groups.admin.bases import PageAdmin
from groups.admin.verbs import Fact, Offer, Verb, VerbsMixin
from groups.queries import details, estimating, possible
from groups.services import operations as service
from groups.statuses import OperationState, StepState

_ENDED = frozenset({StepState.DONE, StepState.SKIPPED, StepState.UNDONE})
_FAILED = frozenset({StepState.FAILED, StepState.UNDO_FAILED})
_MOVES = frozenset({statuses.Kind.FAILOVER, statuses.Kind.FAILBACK})
_MAY_CALL = frozenset({OperationState.FAILED, OperationState.CANCELED})


class OperationVerb(Verb[models.Operation]):
    """A verb of an operation."""

    def facts(self) -> list[Fact]:
        """Return the operation and how far it is."""
        row = self.row
        return [
            ("Operation", format_html("{} {}", shown.link(row, possible.sentence(row)), shown.short_id(row.pk))),
            ("State now", words.badge(row.state, statuses.OperationState)),
            ("Step", row.step or shown.NONE),
            ("Asked for by", row.user_name),
        ]


class Cancel(OperationVerb):
    """Stop an open operation."""

    slug, title, icon, rule, is_dangerous = "cancel", "Cancel", "cancel", "operation:cancel", True

    def why_not(self) -> str:
        """Return why it cannot be canceled now."""
        return possible.why_not_cancel(self.row)

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "One that no worker has begun ends at once. A begun one stops at its next safe place and takes back what it"
            " did; past its point of no return it goes on to its end."
        )

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        row = service.cancel(self.caller, operation_id=self.row.pk)
        return format_html("{} is {}.", possible.sentence(row), row.state), shown.page(row)


class Retry(OperationVerb):
    """Ask again for what failed or was canceled."""

    slug, title, icon, rule = "retry", "Run again", "replay", "operation:retry"

    def why_not(self) -> str:
        """Return why it cannot be run again now."""
        if reason := possible.why_not_retry(self.row):
            return reason
        if self.row.group is None:
            return ""
        return possible.why_not(possible.standing(self.row.group), statuses.Kind(self.row.kind))

    def effect(self) -> str:
        """Return what it will do."""
        return "The same is asked for again, as a new operation with the same arguments; what is done already is kept."

    def facts(self) -> list[Fact]:
        """Return why it ended and what is true now, too."""
        row = self.row
        return [*super().facts(), ("Why it ended", row.error or shown.NONE), ("True then", row.truth or shown.UNKNOWN)]

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        row = service.retry(self.caller, operation_id=self.row.pk)
        number = shown.link(row, str(row.pk)[:8])
        return format_html("{} was accepted again as operation {}.", possible.sentence(row), number), shown.page(row)


@admin.register(models.Operation)
class OperationAdmin(VerbsMixin, PageAdmin):
    """Operations."""

    verbs = (Cancel, Retry)
    list_display = (
        "kind_shown",
        "id_shown",
        "about",
        "state_shown",
        "now_shown",
        "created_shown",
        "took_shown",
        "user_name",
    )
    list_filter = ("state", "kind", "door", "project", "created_at")
    search_fields = ("id", "subject_id", "subject_name", "user_name", "error", "incident")
    search_help_text = "Group or volume by name or id, user, error, incident"

    def get_urls(self) -> list[URLPattern]:
        """Add the live part of an operation's page, and the operation as JSON."""
        live_view, json_view = (self.admin_site.admin_view(view) for view in (self.live_view, self.json_view))
        return [
            path("<uuid:object_id>/live/", live_view, name="groups_operation_live"),
            path("<uuid:object_id>/json/", json_view, name="groups_operation_json"),
            *super().get_urls(),
        ]

    def row_page(self, request: HttpRequest, row: models.Operation) -> HttpResponse:
        """Return an operation's page."""
        caller = acting.caller(request, project_id=row.project_id)
        offers = self.offers(verb(row, caller=caller) for verb in self.verbs)
        # What an ended one calls for is one of the verbs of its group, too: to go back, say.
        ways_on = [*offers, *_group_offers(row, caller)] if row.state in _MAY_CALL else []
        return pages.render(
            self,
            request,
            "console/operation.html",
            title=possible.sentence(row),
            row=row,
            offers=offers,
            events=list(models.Event.objects.filter(operation=row).order_by("id")),
            json_url=reverse("admin:groups_operation_json", args=(row.pk,)),
            **_live_context(row, ways_on),
        )

    def json_view(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """Return all that an operation's page shows, for programs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return JsonResponse(details.operation(row, with_steps=True), json_dumps_params={"indent": 2})

    def live_view(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """Return the part of an operation's page that moves while it is open."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        if row is None or not row.is_open:
            return live.over()
        return render(request, "console/operation_live.html", _live_context(row))

    @display(description="Operation", ordering="kind")
    def kind_shown(self, row: models.Operation) -> str:
        """Return the kind."""
        return words.kind(row.kind)

    @display(description="Id", ordering="id")
    def id_shown(self, row: models.Operation) -> SafeString:
        """Return the id."""
        return shown.short_id(row.pk)

    @display(description="Group or volume", ordering="subject_name")
    def about(self, row: models.Operation) -> str | SafeString:
        """Return what it is about."""
        return shown.subject_link(row)

    @display(description="State", ordering="state")
    def state_shown(self, row: models.Operation) -> SafeString:
        """Return the state."""
        return words.badge(row.state, statuses.OperationState)

    @display(description="Now at")
    def now_shown(self, row: models.Operation) -> str | SafeString:
        """Return the step it is at and how far that is; for an ended one, why it failed."""
        if not row.is_open:
            return row.error or shown.NONE
        return format_html("{} {}", row.step or "not begun", shown.progress(row))

    @display(description="Accepted", ordering="created_at")
    def created_shown(self, row: models.Operation) -> str | SafeString:
        """Return when it was accepted."""
        return shown.moment(row.created_at)

    @display(description="Took")
    def took_shown(self, row: models.Operation) -> str:
        """Return how long it took, or has been open."""
        return shown.took(row.created_at, row.ended_at)


@admin.register(models.Event)
class EventAdmin(PageAdmin):
    """Events."""

    list_display = ("at_shown", "about", "axis", "change", "volumes", "actor", "reason", "operation_shown")
    list_filter = ("axis", "new", "at")
    search_fields = ("subject_id", "group_id", "actor", "reason", "operation__id", "operation__subject_name")
    search_help_text = "Group by name or id, user, reason"

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.Event]:
        """Read what the list shows, in one statement."""
        return super().get_queryset(request).select_related("operation")

    def row_page(self, request: HttpRequest, row: models.Event) -> HttpResponse:
        """Return an event's page."""
        return pages.render(self, request, "console/event.html", title=str(row), row=row, event=row)

    @display(description="When", ordering="at")
    def at_shown(self, row: models.Event) -> str | SafeString:
        """Return when it was."""
        return shown.moment(row.at)

    @display(description="About")
    def about(self, row: models.Event) -> str | SafeString:
        """Return the group or volume."""
        return about(row)

    @display(description="Change", ordering="new")
    def change(self, row: models.Event) -> SafeString:
        """Return the status before and after."""
        return change(row)

    @display(description="Operation")
    def operation_shown(self, row: models.Event) -> str | SafeString:
        """Return the operation it was part of."""
        return shown.link(row.operation, str(row.operation_id)[:8])


def about(row: models.Event) -> str | SafeString:
    """Return a link to what an event is about, by its operation's name for it where there is one."""
    if row.operation is not None:
        return shown.subject_link(row.operation)
    if row.group_id is not None:
        return shown.row_link(models.Group, row.group_id, str(row.group_id)[:8])
    return shown.short_id(row.subject_id)


def change(row: models.Event) -> SafeString:
    """Return the status before and after as badges."""
    return format_html(
        '{} <span class="material-symbols-outlined c-arrow" aria-label="to">arrow_forward</span> {}',
        words.badge_of_axis(row.old, row.axis),
        words.badge_of_axis(row.new, row.axis),
    )


def _group_offers(row: models.Operation, caller: callers.Caller) -> list[Offer]:
    """Return the moves that the group of an operation could take now."""
    group_admin = admin.site.get_model_admin(models.Group)
    if row.group is None or not isinstance(group_admin, VerbsMixin) or row.kind not in _MOVES:
        return []
    group = row.group
    moves = [verb for verb in group_admin.verbs if getattr(verb, "kind", None) in _MOVES]
    return group_admin.offers(verb(group, caller=caller) for verb in moves)


def _live_context(row: models.Operation, offers: Sequence[Offer] = ()) -> dict[str, Any]:
    steps = list(row.steps.all())
    return {
        "operation": row,
        "steps": steps,
        "ended": sum(1 for step in steps if step.state in _ENDED),
        "failed_step": next((step for step in reversed(steps) if step.state in _FAILED), None),
        "left": estimating.seconds_left(row, steps),
        "last": estimating.last(row.group, statuses.Kind(row.kind)) if row.is_open and row.group else None,
        "next_steps": [button for offer in offers if not offer.why_not for button in offer.buttons],
        "live": live.url(row, "groups_operation_live", row.pk),
    }
