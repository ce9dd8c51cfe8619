"""Any list of the console as CSV: the same rows, filters, search and order, all pages of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models as db
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import strip_tags
from django.utils.text import capfirst
from unfold.admin import ModelAdmin as UnfoldAdmin

_CHUNK = 500
_LEFT_OUT = frozenset({"action_checkbox", "id", "id_shown"})
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for the beginning of a formula."""


class ExportMixin(UnfoldAdmin):
    """Offers a list as CSV to whoever may see it."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the list as CSV."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export.csv", self.admin_site.admin_view(self.export_view), name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """Return the list as CSV, row by row, however long it is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found: ChangeList = self.get_changelist_instance(request)
        answer = StreamingHttpResponse(_lines(self, found), content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}s.csv"'
        return answer


class _Line:
    """What `csv` writes to: gives each line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def _lines(admin: ModelAdmin[Any], found: ChangeList) -> Iterator[str]:
    columns = [str(name) for name in found.list_display if name not in _LEFT_OUT]
    writer = csv.writer(_Line())
    labels = [capfirst(str(label_for_field(name, found.model, model_admin=admin))) for name in columns]
    # The whole id: what a program reads is not what fits a screen.
    yield writer.writerow(["Id", *labels])
    for row in found.queryset.iterator(chunk_size=_CHUNK):
        cells = [_cell(admin, row, name) for name in columns]
        yield writer.writerow([_safe(str(row.pk)), *cells])


def _cell(admin: ModelAdmin[Any], row: db.Model, name: str) -> str:
    try:
        _, _, value = lookup_field(name, row, admin)
    except ObjectDoesNotExist:
        return ""
    return "" if value is None else _safe(_plain(str(value)))


def _plain(text: str) -> str:
    """Return what a cell says, without its markup and without the names of its icons."""
    while (start := text.find('<span class="material-symbols-outlined"')) >= 0:
        end = text.find("</span>", start)
        text = text[:start] + text[end + len("</span>") :]
    return " ".join(strip_tags(text).split())


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text
