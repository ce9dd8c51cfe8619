"""Attachments: which host uses which volume, since when and how. Read only: hosts make and end them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import models, statuses
from groups.admin import pages, shown, words
from groups.admin.bases import PageAdmin
from groups.admin.verbs import Fact

_MODES = {"rw": "reads and writes", "ro": "reads only", "": "not said yet"}


@admin.register(models.Attachment)
class AttachmentAdmin(PageAdmin):
    """Which host uses which volume."""

    list_display = (
        "host_shown",
        "volume_shown",
        "group_shown",
        "status_shown",
        "mode_shown",
        "since_shown",
        "mountpoint",
        "project",
    )
    list_filter = ("attach_status", "mode", "volume__group", "project")
    list_select_related = ("volume__group", "project")
    search_fields = ("host", "instance_id", "volume__name", "volume__id", "volume__group__name", "mountpoint")
    search_help_text = "Host, instance, volume or group"

    def row_page(self, request: HttpRequest, row: models.Attachment) -> HttpResponse:
        """Return an attachment's page. What the host said of itself stays out: it may hold secrets."""
        facts: list[Fact] = [
            ("Status", words.badge(row.attach_status, statuses.AttachStatus)),
            ("Means", statuses.MEANINGS[statuses.AttachStatus][statuses.AttachStatus(row.attach_status)]),
            ("Host", row.host or shown.NONE),
            ("Instance", row.instance_id or shown.NONE),
            ("Volume", shown.link(row.volume)),
            ("Group", shown.link(row.volume.group)),
            ("Mode", mode(row)),
            ("Place on the host", row.mountpoint or shown.NONE),
            ("Connected", shown.moment(row.attached_at, absent="not yet")),
            ("Asked for", shown.moment(row.created_at)),
            ("Project", shown.link(row.project)),
        ]
        title = f"Attachment of {row.volume}"
        return pages.render(self, request, "console/facts.html", title=title, row=row, facts=facts, offers=[])

    @display(description="Host", ordering="host")
    def host_shown(self, row: models.Attachment) -> str:
        """Return who uses it."""
        return host(row)

    @display(description="Volume", ordering="volume__name")
    def volume_shown(self, row: models.Attachment) -> str | SafeString:
        """Return what is used."""
        return shown.link(row.volume)

    @display(description="Group", ordering="volume__group__name")
    def group_shown(self, row: models.Attachment) -> str | SafeString:
        """Return the volume's group."""
        return shown.link(row.volume.group)

    @display(description="Status", ordering="attach_status")
    def status_shown(self, row: models.Attachment) -> SafeString:
        """Return how far it is."""
        return words.badge(row.attach_status, statuses.AttachStatus)

    @display(description="Mode", ordering="mode")
    def mode_shown(self, row: models.Attachment) -> str:
        """Return what the host does with it."""
        return mode(row)

    @display(description="Since", ordering="attached_at")
    def since_shown(self, row: models.Attachment) -> str | SafeString:
        """Return since when the host is connected."""
        return shown.moment(row.attached_at, absent="not yet")


def host(row: models.Attachment) -> str:
    """Return who uses a volume."""
    return row.host or (f"instance {row.instance_id}" if row.instance_id else "nobody yet")


def mode(row: models.Attachment) -> str:
    """Return what a host does with a volume."""
    return _MODES[row.mode]
