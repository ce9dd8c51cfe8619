"""Drills in the console: plans with run now and freeze, drills with their reports, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import callers, clock, drills as words, errors, models
from groups.admin import acting, fields, pages, shown
from groups.admin.bases import PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.queries import drill_reports, proofs, visible
from groups.services import drill_calendar, drill_starting, drills as service

_FORMS = {
    "html": (drill_reports.page, "text/html; charset=utf-8"),
    "pdf": (drill_reports.pdf, "application/pdf"),
    "csv": (drill_reports.steps, "text/csv; charset=utf-8"),
    "zip": (drill_reports.pack, "application/zip"),
}
_COLORS = {"passed": "success", "failed": "danger", "canceled": "default", "skipped": "warning"}


class PlanVerb(Verb[models.DrillPlan]):
    """A verb of a plan, and what all of them show."""

    def facts(self) -> Sequence[Fact]:
        """Return what it is about."""
        groups = drill_starting.groups_of(self.row)
        return (
            ("Plan", self.row.name),
            ("Kind", words.MEANINGS[words.DrillKind][words.DrillKind(self.row.kind)]),
            ("Groups", ", ".join(str(group) for group in groups) or shown.NONE),
            ("Target", self.row.target or "the default one"),
        )


class _RunForm(forms.Form):
    injections = forms.MultipleChoiceField(
        label="Break on purpose",
        required=False,
        choices=[(word.value, f"{word.value}: {words.MEANINGS[words.Injection][word]}") for word in words.Injection],
        widget=forms.CheckboxSelectMultiple,
    )
    reason = fields.reason(required=False)


class RunNow(PlanVerb):
    """Drill the plan's groups now."""

    slug, title, icon, rule, form_class = "run", "Run now", "play_arrow", "drill:run", _RunForm

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return "The plan is frozen: lift the freeze first." if self.row.frozen else ""

    def effect(self) -> str:
        """Return what it will do."""
        if self.row.kind == words.DrillKind.FULL:
            return "Each group is failed over as planned, runs on the target for a time, and is failed back."
        return "A test copy of each group is started, checked and removed. Replication goes on; hosts notice nothing."

    def warning(self) -> str:
        """Return what it costs."""
        return "Hosts must follow to the target and back." if self.row.kind == words.DrillKind.FULL else ""

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Begin them."""
        runs = service.run_now(
            self.caller, plan_id=self.row.pk, injections=values["injections"], reason=values["reason"]
        )
        page = shown.page(runs[0]) if len(runs) == 1 else shown.page(self.row)
        return f"{len(runs)} drill(s) begun, or waiting for their turn.", page


class Freeze(PlanVerb):
    """Let nothing of the plan begin, or let it again."""

    slug, title, icon, rule = "freeze", "Freeze or thaw", "ac_unit", "drill:plan"

    def effect(self) -> str:
        """Return what it will do."""
        if self.row.frozen:
            return "Drills of this plan may begin again, as its calendar says."
        return "No drill of this plan begins until it is thawed. What is under way goes on."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        plan = service.freeze(self.caller, plan_id=self.row.pk, frozen=not self.row.frozen)
        return f"The plan is {'frozen' if plan.frozen else 'thawed'}.", shown.page(self.row)


class SendTest(PlanVerb):
    """Send a test message to the plan's addresses."""

    slug, title, icon, rule = "test", "Send a test message", "send", "drill:plan"

    def effect(self) -> str:
        """Return what it will do."""
        count = len(self.row.emails) + len(self.row.webhooks)
        return f"A test message goes to each of its {count} addresses within seconds."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        count = service.send_test(self.caller, plan_id=self.row.pk)
        return f"{count} test message(s) are on their way.", shown.page(self.row)


@admin.register(models.DrillPlan)
class DrillPlanAdmin(VerbsMixin, PageAdmin):
    """Drill plans."""

    verbs = (RunNow, Freeze, SendTest)
    list_display = ("name", "kind", "rhythm", "next_shown", "state_shown")
    list_filter = ("kind", "frozen", "enabled", "project")
    search_fields = ("name",)

    def row_page(self, request: HttpRequest, row: models.DrillPlan) -> HttpResponse:
        """Return a plan's page."""
        caller = acting.caller(request, project_id=row.project_id)
        rows = list(row.runs.select_related("operation")[:20])
        facts = (
            ("Kind", row.kind),
            ("When", self.rhythm(row)),
            ("Now", drill_calendar.why_not_now(row, clock.now()) or "drills may begin"),
            ("Objectives", f"recovery point {row.rpo_seconds or '-'} s, recovery time {row.rto_seconds or '-'} s"),
            ("Version", f"{row.version}, by {row.created_by}"),
            ("Approved", f"by {row.approved_by}" if row.approved_by else "no"),
        )
        return pages.render(
            self,
            request,
            "console/drill.html",
            title=str(row),
            row=row,
            facts=facts,
            runs=[(shown.link(run, f"{run.planned_at:%Y-%m-%d %H:%M}"), run.group_name, outcome(run)) for run in rows],
            offers=self.offers([verb(row, caller=caller) for verb in self.verbs]),
        )

    @display(description="When")
    def rhythm(self, row: models.DrillPlan) -> str:
        """Return its rhythm in words."""
        if row.every_days:
            return f"each group every {row.every_days} days, {row.timezone}"
        return f"{row.cron}, {row.timezone}" if row.cron else "on request"

    @display(description="Next")
    def next_shown(self, row: models.DrillPlan) -> str | SafeString:
        """Return its next time."""
        found = drill_calendar.next_times(row, now=clock.now(), count=1)
        return shown.moment(found[0]) if found else shown.NONE

    @display(description="State")
    def state_shown(self, row: models.DrillPlan) -> str:
        """Return whether it may begin drills."""
        return "frozen" if row.frozen else "enabled" if row.enabled else "disabled"


@admin.register(models.DrillRun)
class DrillRunAdmin(PageAdmin):
    """Drills, their reports, and how far all groups are proven."""

    list_display = ("planned_at", "group_name", "plan", "kind", "trigger", "outcome_shown", "rto_shown", "rpo_shown")
    list_filter = ("verdict", "kind", "trigger", "plan", "project")
    list_select_related = ("plan", "operation")
    search_fields = ("group_name", "subject_id")

    def get_urls(self) -> list[URLPattern]:
        """Add the reports and the coverage."""
        return [
            path("coverage/", self.admin_site.admin_view(self.coverage), name="groups_drillrun_coverage"),
            path(
                "<uuid:run_id>/report.<str:form>",
                self.admin_site.admin_view(self.report),
                name="groups_drillrun_report",
            ),
            *super().get_urls(),
        ]

    def row_page(self, request: HttpRequest, row: models.DrillRun) -> HttpResponse:
        """Return a drill's page."""
        has_report = row.entries.filter(kind=words.EntryKind.REPORT).exists()
        facts = (
            ("Group", shown.link(row.group) if row.group else f"{row.group_name} (gone)"),
            ("Plan", shown.link(row.plan)),
            ("Outcome", outcome(row)),
            ("Why", row.why or row.waiting_for or shown.NONE),
            ("Operation", shown.link(row.operation) if row.operation else shown.NONE),
            ("Recovery time", seconds(row.rto_seconds)),
            ("Recovery point", seconds(row.rpo_seconds)),
            ("Asked for by", row.requester or shown.NONE),
            ("Report", report_links(row) if has_report else "written when the drill has ended"),
        )
        gaps = [(gap.severity, gap.title, gap.status) for gap in row.gaps.all()]
        return pages.render(
            self, request, "console/drill.html", title=str(row).capitalize(), row=row, facts=facts, gaps=gaps
        )

    def report(self, request: HttpRequest, run_id: object, form: str) -> HttpResponse:
        """Return a report in one of its forms."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            run = visible.drill_run(callers.system(door="console"), run_id)
            make, media_type = _FORMS[form]
            answer = HttpResponse(make(run), content_type=media_type)
        except (errors.NotFound, KeyError):
            return HttpResponse("There is no such report.", status=404)
        answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        if form != "html":
            answer["Content-Disposition"] = f'attachment; filename="drill-{run.pk}.{form}"'
        return answer

    def coverage(self, request: HttpRequest) -> HttpResponse:
        """Return which groups are proven, how old each proof is, which are late."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        # Who may look at drills in the console may look at all of them, as at its other lists.
        found = proofs.of_groups(proofs.visible_groups(callers.system(door="console")))
        counted = proofs.coverage(found)
        facts = (
            ("Groups", counted["groups"]),
            ("Drilled in 12 months", f"{counted['drilled_in_12_months']} ({counted['percent']} %)"),
            ("Never drilled", ", ".join(counted["never"]) or shown.NONE),  # type: ignore[arg-type]
            ("Overdue", ", ".join(counted["overdue"]) or shown.NONE),  # type: ignore[arg-type]
        )
        rows = [
            (
                shown.link(proof.run, f"{proof.age.days} days old") if proof.run and proof.age else "never",
                shown.link(proof.group),
                proof.expired or ("overdue" if proof.overdue else "holds" if proof.holds else "not proven"),
            )
            for proof in found
        ]
        return pages.render(
            self, request, "console/drill.html", title="Proof of recoverability", facts=facts, runs=rows
        )

    @display(description="Outcome", ordering="verdict", label=_COLORS)
    def outcome_shown(self, row: models.DrillRun) -> str:
        """Return what came of it."""
        return row.verdict or outcome(row)

    @display(description="Recovery time", ordering="rto_seconds")
    def rto_shown(self, row: models.DrillRun) -> str:
        """Return how long it took."""
        return seconds(row.rto_seconds)

    @display(description="Recovery point", ordering="rpo_seconds")
    def rpo_shown(self, row: models.DrillRun) -> str:
        """Return how much would be lost."""
        return seconds(row.rpo_seconds)


def outcome(row: models.DrillRun) -> str:
    """Return what came of a drill, or how far it is, in a word."""
    if row.verdict:
        return row.verdict
    return row.operation.state if row.operation else "planned"


def seconds(value: float | None) -> str:
    """Return a measure in seconds."""
    return shown.NONE if value is None else f"{value:.1f} s"


def report_links(row: models.DrillRun) -> SafeString:
    """Return links to a report in each of its forms."""
    return format_html_join(
        " ",
        '<a class="c-link" href="{}">{}</a>',
        ((reverse("admin:groups_drillrun_report", args=[row.pk, form]), form.upper()) for form in _FORMS),
    )


def coverage_link() -> SafeString:
    """Return a link to the coverage page."""
    return format_html('<a href="{}">Proof of recoverability</a>', reverse("admin:groups_drillrun_coverage"))
