"""Drills in the console: each with its report, attestation, addenda and gaps; which groups are proven."""

from __future__ import annotations

import datetime
import json
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

from groups import callers, clock, drills as words, errors, models, statuses
from groups.admin import acting, fields, pages, shown, words as looks
from groups.admin.bases import PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.queries import drill_reports, proofs, visible
from groups.services import drills as service

_FORMS = {
    "html": (drill_reports.page, "text/html; charset=utf-8"),
    "pdf": (drill_reports.pdf, "application/pdf"),
    "csv": (drill_reports.steps, "text/csv; charset=utf-8"),
    "zip": (drill_reports.pack, "application/zip"),
}
_FORM_NAMES = {"html": "Read it", "pdf": "PDF", "csv": "Steps as CSV", "zip": "Pack for an auditor"}
_RETESTS = 50
_OF_GAP = {"status": "status", "owner": "owner", "due_on": "due on", "note": "note:", "retest": "tested again by drill"}


class RunVerb(Verb[models.DrillRun]):
    """A verb of a drill, and what all of them show."""

    def facts(self) -> Sequence[Fact]:
        """Return which drill it is about."""
        row = self.row
        return (
            ("Drill", format_html("{}, {}", shown.link(row), shown.moment(row.planned_at))),
            ("Outcome", outcome(row)),
            ("Why", row.why or shown.NONE),
            ("Plan", f"{row.plan}, by {row.plan.created_by or 'nobody'}"),
            ("Asked for by", row.requester or shown.NONE),
            ("Recovery time", seconds(row.rto_seconds)),
            ("Recovery point", seconds(row.rpo_seconds)),
            ("Report", report_links(row)),
        )


class _AttestForm(forms.Form):
    passed = fields.radios(
        "What you attest",
        (
            ("yes", fields.explained("Success", "The report is right, and the recovery was shown.")),
            ("no", fields.explained("Failure", "The recovery was not shown, whatever the verdict says.")),
        ),
    )
    text = fields.lines("Statement", required=True, help_text="Kept in the ledger with your name and your roles.")


class Attest(RunVerb):
    """Attest a drill's report."""

    slug, title, icon, rule, form_class = "attest", "Attest", "verified", "drill:attest", _AttestForm

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return service.why_not_attest(self.caller, self.row)

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "Your statement is signed into the group's ledger, once and for good. Read the report first; what comes"
            " later is an addendum."
        )

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.attest(self.caller, run_id=self.row.pk, passed=values["passed"] == "yes", text=values["text"])
        return "The report is attested.", shown.page(self.row)


class _NoteForm(forms.Form):
    text = fields.lines("Addendum", required=True, help_text="Kept in the ledger with your name; it cannot be changed.")


class AddNote(RunVerb):
    """Add an addendum to a drill's report."""

    slug, title, icon, rule, form_class = "note", "Add an addendum", "post_add", "drill:note", _NoteForm

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return service.why_not_note(self.row)

    def effect(self) -> str:
        """Return what it will do."""
        return "The report itself never changes: what you say is a new entry of the ledger, after it."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.add_note(self.caller, run_id=self.row.pk, text=values["text"])
        return "The addendum is kept.", shown.page(self.row)


class FollowUp(Verb[models.DrillGap]):
    """Say who closes a gap, until when, and how far it is."""

    slug, title, icon, rule = "follow-up", "Follow up", "assignment_ind", "drill:note"

    def effect(self) -> str:
        """Return what it will do."""
        return "What you say is kept beside the gap, and as an addendum to the drill's report."

    def facts(self) -> Sequence[Fact]:
        """Return what was found."""
        return gap_facts(self.row)

    def form(self, data: Any = None) -> forms.Form:
        """Return the gap as it is."""
        gap = self.row
        form = forms.Form(data)
        form.fields["status"] = fields.select("Status", [(word, word) for word in words.GapStatus], initial=gap.status)
        form.fields["owner"] = fields.text("Owner", initial=gap.owner, help_text="Who closes it.")
        form.fields["due_on"] = fields.date("Due on", initial=gap.due_on and gap.due_on.isoformat())
        form.fields["note"] = fields.lines(
            "Note", initial=gap.note, help_text="What was done about it, or why it is accepted."
        )
        later = models.DrillRun.objects.filter(
            subject_id=gap.run.subject_id, created_at__gt=gap.run.created_at, operation__isnull=False
        )[:_RETESTS]
        choices = [(str(run.pk), f"{run.planned_at:%Y-%m-%d %H:%M} UTC: {run.verdict or 'under way'}") for run in later]
        form.fields["retest"] = fields.select(
            "Tested again by",
            [("", "no drill yet"), *choices],
            required=False,
            initial=str(gap.retest_id or ""),
            help_text="A later drill of the same group, which shows that it is closed.",
        )
        return form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Change what differs."""
        gap = self.row
        wanted = {**values, "retest": values["retest"] or None}
        had = {name: getattr(gap, name) for name in wanted} | {"retest": str(gap.retest_id) if gap.retest_id else None}
        changed = {name: value for name, value in wanted.items() if value != had[name]}
        if not changed:
            return "Nothing was changed.", shown.page(gap)
        service.change_gap(self.caller, gap_id=gap.pk, **changed)
        return "The gap was changed.", shown.page(gap)


@admin.register(models.DrillRun)
class DrillRunAdmin(VerbsMixin, PageAdmin):
    """Drills, their reports, and how far all groups are proven."""

    verbs = (Attest, AddNote)
    list_display = ("planned_shown", "group_name", "plan", "kind", "trigger", "outcome_shown", "rto_shown", "rpo_shown")
    list_filter = ("verdict", "kind", "trigger", "plan", "project")
    list_select_related = ("plan", "operation")
    search_fields = ("group_name", "subject_id", "plan__name", "requester", "reason")
    search_help_text = "Group, plan, who asked for it, reason"

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
        caller = acting.caller(request, project_id=row.project_id)
        entries = list(row.entries.order_by("number"))
        return pages.render(
            self,
            request,
            "console/drill.html",
            title=str(row).capitalize(),
            row=row,
            facts=_facts(row, has_report=bool(entries)),
            gaps=list(row.gaps.select_related("retest")),
            entries=[_entry(entry) for entry in entries],
            offers=self.offers([verb(row, caller=caller) for verb in self.verbs]),
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
        return pages.render(
            self, request, "console/coverage.html", title="Proof of recoverability", facts=facts, proofs=found
        )

    @display(description="Planned for", ordering="planned_at")
    def planned_shown(self, row: models.DrillRun) -> str | SafeString:
        """Return when it is to be, or was."""
        return shown.moment(row.planned_at)

    @display(description="Outcome", ordering="verdict")
    def outcome_shown(self, row: models.DrillRun) -> SafeString:
        """Return what came of it."""
        return outcome(row)

    @display(description="Recovery time", ordering="rto_seconds")
    def rto_shown(self, row: models.DrillRun) -> str:
        """Return how long it took."""
        return seconds(row.rto_seconds)

    @display(description="Recovery point", ordering="rpo_seconds")
    def rpo_shown(self, row: models.DrillRun) -> str:
        """Return how much would be lost."""
        return seconds(row.rpo_seconds)


@admin.register(models.DrillGap)
class DrillGapAdmin(VerbsMixin, PageAdmin):
    """What drills found wanting, until it is closed."""

    verbs = (FollowUp,)
    list_display = ("severity_shown", "title", "group_shown", "status_shown", "owner", "due_shown", "found_shown")
    list_filter = ("status", "severity", "code", "owner", "run__plan", "run__project")
    list_select_related = ("run",)
    search_fields = ("title", "detail", "owner", "note", "run__group_name")
    search_help_text = "Title, owner, note, group"

    def caller_for(self, request: HttpRequest, row: models.DrillGap) -> callers.Caller:
        """Return the user as a caller in the drill's project."""
        return acting.caller(request, project_id=row.run.project_id)

    def row_page(self, request: HttpRequest, row: models.DrillGap) -> HttpResponse:
        """Return a gap's page."""
        caller = self.caller_for(request, row)
        facts = (
            *gap_facts(row),
            ("Status", looks.gap_badge(row.status)),
            ("Owner", row.owner or shown.NONE),
            ("Due on", due(row)),
            ("Note", row.note or shown.NONE),
            ("Tested again by", shown.link(row.retest)),
        )
        return pages.render(
            self,
            request,
            "console/facts.html",
            title=row.title,
            row=row,
            facts=facts,
            offers=self.offers([verb(row, caller=caller) for verb in self.verbs]),
        )

    @display(description="Severity", ordering="severity")
    def severity_shown(self, row: models.DrillGap) -> SafeString:
        """Return how bad it is."""
        return gap_severity(row)

    @display(description="Group", ordering="run__group_name")
    def group_shown(self, row: models.DrillGap) -> str:
        """Return the group whose drill found it."""
        return row.run.group_name

    @display(description="Status", ordering="status")
    def status_shown(self, row: models.DrillGap) -> SafeString:
        """Return how far it is closed."""
        return looks.gap_badge(row.status)

    @display(description="Due on", ordering="due_on")
    def due_shown(self, row: models.DrillGap) -> str | SafeString:
        """Return until when it is to be closed."""
        return due(row)

    @display(description="Found", ordering="created_at")
    def found_shown(self, row: models.DrillGap) -> str | SafeString:
        """Return when it was found."""
        return shown.moment(row.created_at)


def _facts(row: models.DrillRun, *, has_report: bool) -> Sequence[Fact]:
    plan = row.terms.get("plan", {})
    judged = ", ".join(
        f"{name} {row.terms[key]:g} s"
        for name, key in (("RPO", "rpo_seconds"), ("RTO", "rto_seconds"))
        if row.terms.get(key) is not None
    )
    return (
        ("Outcome", outcome(row)),
        *_given(("Why", row.why or row.waiting_for)),
        ("Group", shown.link(row.group) if row.group else f"{row.group_name} (gone)"),
        ("Plan", format_html("{}{}", shown.link(row.plan), f", version {plan['version']}" if plan else "")),
        ("Kind", row.kind),
        ("Target", row.terms.get("target") or shown.NONE),
        ("Begun by", words.MEANINGS[words.Trigger][words.Trigger(row.trigger)]),
        ("Asked for by", row.requester or shown.NONE),
        *_given(("Reason", row.reason)),
        ("Planned for", shown.moment(row.planned_at)),
        ("Ended", shown.moment(row.ended_at, absent="not yet")),
        *_given(("Broken on purpose", ", ".join(row.injections))),
        ("Operation", _operations(row)),
        ("Objectives", judged or shown.NONE),
        ("Recovery time", seconds(row.rto_seconds)),
        ("Recovery point", seconds(row.rpo_seconds)),
        ("Report", report_links(row) if has_report else "written when the drill has ended"),
    )


def _given(*facts: tuple[str, str]) -> list[Fact]:
    """Return of some facts those there is something to say of."""
    return [(label, text) for label, text in facts if text]


def _operations(row: models.DrillRun) -> str | SafeString:
    if row.operation is None:
        return shown.NONE
    way_back = format_html(", and {}", shown.link(row.way_back, "the way back")) if row.way_back else ""
    return format_html("{}{}", shown.link(row.operation, "its steps"), way_back)


def _entry(entry: models.DrillEntry) -> dict[str, Any]:
    """Return an entry of the ledger as its page shows it."""
    if entry.kind == words.EntryKind.REPORT:
        return {"row": entry, "who": "Replsite", "text": "The report, sealed when the drill had ended."}
    body = json.loads(entry.body)
    if entry.kind == words.EntryKind.ATTESTATION:
        text = f"{'Success' if body['passed'] else 'Failure'}: {body['text']}"
    elif "gap" in body:
        said = (f"{name} {body[key]}" for key, name in _OF_GAP.items() if key in body)
        text = f"Gap {body['gap']}: {'; '.join(said)}"
    else:
        text = body["text"]
    return {"row": entry, "who": body["name"], "text": text}


def gap_facts(row: models.DrillGap) -> Sequence[Fact]:
    """Return what a drill found wanting."""
    return (
        ("Gap", format_html("{} {}", gap_severity(row), row.title)),
        ("Detail", row.detail or shown.NONE),
        ("Found by", format_html("{}, {}", shown.link(row.run), shown.moment(row.run.planned_at))),
    )


def gap_severity(row: models.DrillGap) -> SafeString:
    """Return how bad a gap is; one that is closed keeps its word and loses its color."""
    return looks.gap_severity_badge(row.severity, is_open=row.status in words.OPEN_GAPS)


def due(row: models.DrillGap) -> str | SafeString:
    """Return until when a gap is to be closed."""
    if row.due_on is None:
        return shown.NONE
    late = row.status in words.OPEN_GAPS and row.due_on < clock.now().astimezone(datetime.UTC).date()
    return format_html(
        '<span class="{}">{}{}</span>', "c-late" if late else "", row.due_on, ", overdue" if late else ""
    )


def outcome(row: models.DrillRun) -> SafeString:
    """Return what came of a drill, or how far it is."""
    if row.verdict:
        return looks.verdict_badge(row.verdict)
    return looks.badge(row.operation.state, statuses.OperationState) if row.operation else looks.planned_badge()


def seconds(value: float | None) -> str:
    """Return a measure in seconds."""
    return shown.NONE if value is None else f"{value:.1f} s"


def report_links(row: models.DrillRun) -> SafeString:
    """Return links to a report in each of its forms."""
    return format_html_join(
        " ",
        '<a class="c-button c-small" href="{}">{}</a>',
        ((reverse("admin:groups_drillrun_report", args=[row.pk, form]), name) for form, name in _FORM_NAMES.items()),
    )
