"""What the console's lists and pages have in common."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models as db
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from groups.admin import acting
from groups.admin.exporting import ExportMixin
from groups.services import auditing, policies


class ReadOnlyAdmin(ExportMixin, ModelAdmin):
    """A list and a page of what only the services and the engine write: nothing is edited, nothing is deleted."""

    actions = None
    list_per_page = 50
    list_filter_submit = True
    empty_value_display = "none"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class PageAdmin(ReadOnlyAdmin):
    """A list whose rows have a page of our own instead of Django's form."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the row's page, or where there is none yet, the page that adds one."""
        if object_id is None:
            if not self.has_add_permission(request):
                raise PermissionDenied
            return self.add_page(request)
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self.row_page(request, row)

    def add_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page that adds a row; for those that allow adding."""
        raise PermissionDenied

    def row_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Return a row's page."""
        raise NotImplementedError


class ManagedMixin(ExportMixin, ModelAdmin):
    """Lets those add, change and delete whom a policy of the services allows to, and keeps who did."""

    manage_rule: ClassVar[str]

    def may_manage(self, request: HttpRequest) -> bool:
        """Tell whether the user may change rows."""
        return policies.allows(acting.caller(request), self.manage_rule)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Ask the policy."""
        return self.may_manage(request)

    def has_change_permission(self, request: HttpRequest, obj: db.Model | None = None) -> bool:
        """Ask the policy."""
        return self.may_manage(request)

    def has_delete_permission(self, request: HttpRequest, obj: db.Model | None = None) -> bool:
        """Ask the policy."""
        return self.may_manage(request)

    def log_addition(self, request: HttpRequest, obj: db.Model, message: Any) -> Any:
        """Keep who added a row with Django's form."""
        self._note(request, obj, "add", message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: db.Model, message: Any) -> Any:
        """Keep who changed a row with Django's form, and which of its fields."""
        self._note(request, obj, "change", message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep who deleted rows with Django's page."""
        for row in queryset:
            self._note(request, row, "delete", "")
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, row: db.Model, what: str, message: Any) -> None:
        said = message if isinstance(message, str) else json.dumps(message)
        auditing.note(
            acting.caller(request),
            action=f"{self.opts.model_name}:{what}",
            subject=row,
            # Names of fields, never their values.
            detail=LogEntry(change_message=said).get_change_message(),
        )
