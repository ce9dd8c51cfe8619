"""The audit trail: who did what, through which door."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import models
from groups.admin import pages, shown
from groups.admin.bases import PageAdmin

UNKNOWN_USER = "nobody known"


@admin.register(models.AuditEntry)
class AuditAdmin(PageAdmin):
    """The audit trail."""

    list_display = ("at_shown", "user_shown", "action_shown", "subject", "detail", "door")
    list_filter = ("action", "door", "subject_kind", "at")
    search_fields = ("user_name", "action", "subject_name", "subject_id", "detail", "request_id", "operation_id")
    search_help_text = "User, what was done, to what (name or id), request id"

    def row_page(self, request: HttpRequest, row: models.AuditEntry) -> HttpResponse:
        """Return an entry's page."""
        facts = [
            ("When", shown.moment(row.at)),
            ("Who", row.user_name or UNKNOWN_USER),
            ("Did", row.action),
            ("To", format_html("{} {}", row.subject_kind, subject(row))),
            ("Detail", row.detail or shown.NONE),
            ("Through", row.door),
            ("Project", row.project_id or shown.NONE),
            ("Operation", operation(row)),
            ("Request", format_html("<code>{}</code>", row.request_id) if row.request_id else shown.NONE),
        ]
        return pages.render(self, request, "console/facts.html", title=str(row), row=row, facts=facts, offers=[])

    @display(description="When", ordering="id")
    def at_shown(self, row: models.AuditEntry) -> str | SafeString:
        """Return when it was."""
        return shown.moment(row.at)

    @display(description="Who", ordering="user_name")
    def user_shown(self, row: models.AuditEntry) -> str | SafeString:
        """Return who it was; nobody knows of a log-in by a name that no user has."""
        return row.user_name or UNKNOWN_USER

    @display(description="To", ordering="subject_name")
    def subject(self, row: models.AuditEntry) -> str | SafeString:
        """Return what it was done to."""
        return subject(row)

    @display(description="Action", ordering="action")
    def action_shown(self, row: models.AuditEntry) -> str | SafeString:
        """Return what was done, with a link to the operation that does it, if there is one."""
        return (
            row.action if row.operation_id is None else shown.row_link(models.Operation, row.operation_id, row.action)
        )


def subject(row: models.AuditEntry) -> str | SafeString:
    """Return a link to what an entry is about; the page says so when that is gone."""
    name = row.subject_name or row.subject_id[:8]
    if not name:
        return shown.NONE
    model = next((each for each in apps.get_models() if each._meta.verbose_name == row.subject_kind), None)  # noqa: SLF001
    if model is None or row.action.endswith((":remove", ":delete", ":revoke")):
        return name
    try:
        address = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_change", args=(row.subject_id,))  # noqa: SLF001
    except NoReverseMatch:
        return name
    return format_html('<a class="c-link" href="{}">{}</a>', address, name)


def operation(row: models.AuditEntry) -> str | SafeString:
    """Return a link to the operation an entry began, if any."""
    if row.operation_id is None:
        return shown.NONE
    return shown.row_link(models.Operation, row.operation_id, str(row.operation_id)[:8])
