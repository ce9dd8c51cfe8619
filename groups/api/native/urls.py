"""Which view each address of our own API leads to."""

from __future__ import annotations

from django.urls import path

from groups.api.native import findings, operations

urlpatterns = [
    path("findings", findings.Findings.as_view()),
    path("findings/<uuid:finding_id>", findings.Finding.as_view()),
    path("findings/<uuid:finding_id>/adopt", findings.Adopt.as_view()),
    path("findings/<uuid:finding_id>/restore", findings.Restore.as_view()),
    path("findings/<uuid:finding_id>/ignore", findings.Ignore.as_view()),
    path("findings/<uuid:finding_id>/heed", findings.Heed.as_view()),
    path("operations", operations.Operations.as_view()),
    path("operations/<uuid:operation_id>", operations.Operation.as_view()),
    path("operations/<uuid:operation_id>/cancel", operations.Cancel.as_view()),
    path("operations/<uuid:operation_id>/retry", operations.Retry.as_view()),
]
