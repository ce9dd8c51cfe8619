"""Which view each address of our own API leads to."""

from __future__ import annotations

from django.urls import path, re_path

from groups.api.native import (
    audits,
    backends,
    drills,
    events,
    findings,
    groups,
    objectives,
    operations,
    resource,
    sites,
)

urlpatterns = [
    path("findings", findings.Findings.as_view()),
    path("findings/<uuid:finding_id>", findings.Finding.as_view()),
    path("findings/<uuid:finding_id>/adopt", findings.Adopt.as_view()),
    path("findings/<uuid:finding_id>/restore", findings.Restore.as_view()),
    path("findings/<uuid:finding_id>/ignore", findings.Ignore.as_view()),
    path("findings/<uuid:finding_id>/heed", findings.Heed.as_view()),
    path("groups", groups.Groups.as_view()),
    path("groups/<uuid:group_id>", groups.Group.as_view()),
    path("groups/<uuid:group_id>/enable", groups.Enable.as_view()),
    path("groups/<uuid:group_id>/disable", groups.Disable.as_view()),
    path("groups/<uuid:group_id>/failover", groups.Failover.as_view()),
    path("groups/<uuid:group_id>/failback", groups.Failback.as_view()),
    path("groups/<uuid:group_id>/reset", groups.Reset.as_view()),
    path("groups/<uuid:group_id>/objectives", objectives.OfGroup.as_view()),
    path("objectives", objectives.OfSite.as_view()),
    path("events", events.Events.as_view()),
    path("operations", operations.Operations.as_view()),
    path("operations/<uuid:operation_id>", operations.Operation.as_view()),
    path("operations/<uuid:operation_id>/cancel", operations.Cancel.as_view()),
    path("operations/<uuid:operation_id>/retry", operations.Retry.as_view()),
    path("audit", audits.Audits.as_view()),
    path("drivers", backends.Drivers.as_view()),
    path("backends", backends.Backends.as_view()),
    path("backends/<str:backend>", backends.Backend.as_view()),
    path("backends/<str:backend>/targets/<str:target>", backends.Target.as_view()),
    path("backends/<str:backend>/connection", backends.Connection.as_view()),
    path("backends/<str:backend>/failover", sites.BackendFailover.as_view()),
    path("backends/<str:backend>/outlook", sites.Outlook.as_view()),
    path("site-failovers", sites.SiteFailovers.as_view()),
    path("site-failovers/<uuid:site_failover_id>", sites.SiteFailover.as_view()),
    path("site-failovers/<uuid:site_failover_id>/groups", sites.Places.as_view()),
    path("site-failovers/<uuid:site_failover_id>/cancel", sites.Cancel.as_view()),
    path("groups/<uuid:group_id>/failover-priority", sites.Priority.as_view()),
    path("drill-plans", drills.Plans.as_view()),
    path("drill-plans/<uuid:plan_id>", drills.Plan.as_view()),
    path("drill-plans/<uuid:plan_id>/run", drills.RunNow.as_view()),
    *(
        path(f"drill-plans/<uuid:plan_id>/{verb}", drills.PlanVerb.as_view(verb=verb))
        for verb in ("freeze", "thaw", "approve", "test")
    ),
    path("drills", drills.Runs.as_view()),
    path("drills/<uuid:run_id>", drills.Run.as_view()),
    path("drills/<uuid:run_id>/report", drills.Report.as_view()),
    *(
        path(f"drills/<uuid:run_id>/report.{form}", drills.Report.as_view(form=form))
        for form in ("json", "html", "pdf", "csv", "zip")
    ),
    path("drills/<uuid:run_id>/attest", drills.Attest.as_view()),
    path("drills/<uuid:run_id>/notes", drills.Note.as_view()),
    path("drill-gaps/<uuid:gap_id>", drills.Gap.as_view()),
    path("drill-coverage", drills.Coverage.as_view()),
    re_path("", resource.NotRouted.as_view()),
]
