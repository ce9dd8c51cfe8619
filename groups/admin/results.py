"""Celery's own view of what its workers did. Nothing is decided from it."""

from __future__ import annotations

from django.contrib import admin
from django_celery_results import models as results
from unfold.decorators import display

from groups.admin import shown
from groups.admin.bases import ReadOnlyAdmin

admin.site.unregister(results.TaskResult)
admin.site.unregister(results.GroupResult)


@admin.register(results.TaskResult)
class TaskResultAdmin(ReadOnlyAdmin):
    """Celery's results."""

    list_before_template = "console/results_note.html"
    change_form_outer_before_template = "console/results_note.html"
    list_display = ("task_name", "status", "worker", "done_shown", "task_id")
    list_filter = ("status", "task_name", "date_done")
    search_fields = ("task_id", "task_name", "task_kwargs")
    fieldsets = (
        (None, {"fields": ("task_id", "task_name", "status", "worker", "date_created", "date_started", "date_done")}),
        ("Arguments", {"fields": ("task_args", "task_kwargs")}),
        ("Result", {"fields": ("result", "traceback", "meta")}),
    )

    @display(description="Done", ordering="date_done")
    def done_shown(self, row: results.TaskResult) -> str:
        """Return when it was done."""
        return shown.moment(row.date_done)
