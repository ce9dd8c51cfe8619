"""Drill plans in the console: made, changed, approved, run now, frozen."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from groups import callers, clock, drills as words, models
from groups.admin import acting, drill_forms, fields, pages, shown
from groups.admin.bases import PageAdmin
from groups.admin.drills import outcome
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.services import drill_calendar, drill_starting, drills as service, policies

_SHOWN_RUNS = 20
_NAMED_GROUPS = 20


class PlanVerb(Verb[models.DrillPlan]):
    """A verb of a plan, and what all of them show."""

    def facts(self) -> Sequence[Fact]:
        """Return what it is about."""
        return (
            ("Plan", shown.link(self.row)),
            ("Kind", words.MEANINGS[words.DrillKind][words.DrillKind(self.row.kind)]),
            ("Groups", _groups(self.row)),
            ("Target", self.row.target or "the default one"),
        )


class RunNow(PlanVerb):
    """Drill the plan's groups now."""

    slug, title, icon, rule = "run", "Run now", "play_arrow", "drill:run"

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return "The plan is frozen: thaw it first." if self.row.frozen else ""

    def effect(self) -> str:
        """Return what it will do."""
        begins = "It begins at once, whatever the calendar says; beyond the limits drills wait for their turn."
        if self.row.kind == words.DrillKind.FULL:
            return f"Each group is failed over as planned, runs on the target for a time, and is failed back. {begins}"
        return (
            "A test copy of each group is started, checked and removed. Replication goes on; hosts notice nothing."
            f" {begins}"
        )

    def warning(self) -> str:
        """Return what it costs."""
        return "Hosts must follow to the target and back." if self.row.kind == words.DrillKind.FULL else ""

    def form(self, data: Any = None) -> forms.Form:
        """Return the choice of a group, and of what to break."""
        form = forms.Form(data)
        groups = [(str(group.pk), str(group)) for group in drill_starting.groups_of(self.row)]
        form.fields["group"] = fields.select("Group", [("", "all of them"), *groups], required=False)
        form.fields["injections"] = fields.boxes(
            "Break on purpose",
            [(word.value, fields.explained(word, words.MEANINGS[words.Injection][word])) for word in words.Injection],
            required=False,
            help_text="Rehearses the failure of a failover: the drill passes if it was noticed and nothing is left.",
        )
        form.fields["reason"] = fields.reason(required=False)
        return form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Begin them."""
        runs = service.run_now(
            self.caller,
            plan_id=self.row.pk,
            group_id=values["group"] or None,
            injections=values["injections"],
            reason=values["reason"],
        )
        if len(runs) == 1:
            return format_html("The {} has begun, or waits for its turn.", runs[0]), shown.page(runs[0])
        return f"{len(runs)} drills have begun, or wait for their turn.", shown.page(self.row)


class Change(PlanVerb):
    """Change a plan."""

    slug, title, icon, rule = "edit", "Change", "edit", "drill:plan"
    template = "console/plan_verb.html"

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "The plan gets a new version and loses its approval; proofs that were judged by the old version expire."
            " Drills under way are judged by the version they began with."
        )

    def facts(self) -> Sequence[Fact]:
        """Return which version it is about."""
        return (
            ("Version now", f"{self.row.version}, by {self.row.created_by or 'nobody'}"),
            ("Approved", _approved(self.row)),
        )

    def form(self, data: Any = None) -> forms.Form:
        """Return the whole plan."""
        self._form = drill_forms.PlanForm(data, projects=[], plan=self.row)
        return self._form

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Change what differs."""
        changed = self._form.changed(self.row)
        if changed:
            service.change_plan(self.caller, plan_id=self.row.pk, **changed)
        return drill_forms.told(changed), shown.page(self.row)


class Approve(PlanVerb):
    """Approve a plan as it is."""

    slug, title, icon, rule = "approve", "Approve", "approval", "drill:approve"

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return service.why_not_approve(self.caller, self.row)

    def effect(self) -> str:
        """Return what it will do."""
        return (
            f"Version {self.row.version} of the plan is approved in your name. Reports of its drills say so; a change"
            " of the plan takes the approval away."
        )

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.approve_plan(self.caller, plan_id=self.row.pk)
        return "The plan is approved.", shown.page(self.row)


class Freeze(PlanVerb):
    """Let nothing of the plan begin."""

    slug, title, icon, rule = "freeze", "Freeze", "ac_unit", "drill:plan"

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return "It is frozen already." if self.row.frozen else ""

    def effect(self) -> str:
        """Return what it will do."""
        return "No drill of this plan begins until it is thawed. What is under way goes on."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.freeze(self.caller, plan_id=self.row.pk, frozen=True)
        return "The plan is frozen.", shown.page(self.row)


class Thaw(PlanVerb):
    """Let drills of the plan begin again."""

    slug, title, icon, rule = "thaw", "Thaw", "wb_sunny", "drill:plan"

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return "" if self.row.frozen else "It is not frozen."

    def effect(self) -> str:
        """Return what it will do."""
        return "Drills of this plan may begin again, as its calendar says."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.freeze(self.caller, plan_id=self.row.pk, frozen=False)
        return "The plan is thawed.", shown.page(self.row)


class SendTest(PlanVerb):
    """Send a test message to the plan's addresses."""

    slug, title, icon, rule = "test", "Send a test message", "send", "drill:plan"

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return "" if self.row.emails or self.row.webhooks else "The plan names no address."

    def effect(self) -> str:
        """Return what it will do."""
        count = len(self.row.emails) + len(self.row.webhooks)
        return f"A test message goes to each of its {count} addresses within seconds."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        count = service.send_test(self.caller, plan_id=self.row.pk)
        return f"Test messages are on their way: {count}.", shown.page(self.row)


class Delete(PlanVerb):
    """Remove a plan that never ran."""

    slug, title, icon, rule, is_dangerous = "delete", "Delete", "delete", "drill:plan", True

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return "It has drills, whose reports name it: disable it instead." if self.row.runs.exists() else ""

    def effect(self) -> str:
        """Return what it will do."""
        return "The plan is removed. It never ran, so no report is lost."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.delete_plan(self.caller, plan_id=self.row.pk)
        return f"Drill plan {self.row} was removed.", shown.listing(models.DrillPlan)


class _FreezeAllForm(forms.Form):
    what = fields.radios(
        "What",
        (
            ("freeze", fields.explained("Freeze every plan", "No drill begins any more. What is under way goes on.")),
            (
                "thaw",
                fields.explained(
                    "Thaw every plan", "Drills begin again, as each calendar says; also of plans frozen one by one."
                ),
            ),
        ),
    )


@admin.register(models.DrillPlan)
class DrillPlanAdmin(VerbsMixin, PageAdmin):
    """Drill plans."""

    verbs = (RunNow, Change, Approve, Freeze, Thaw, SendTest, Delete)
    list_display = ("name", "kind", "rhythm", "next_shown", "state_shown", "approved_shown", "project")
    list_filter = ("kind", "frozen", "enabled", "project")
    list_select_related = ("project",)
    search_fields = ("name", "description", "created_by")
    search_help_text = "Name, description, author"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow those who may plan drills in some project."""
        return bool(drill_forms.projects(request))

    def get_urls(self) -> list[URLPattern]:
        """Add the switch for all plans."""
        view = self.admin_site.admin_view(self.freeze_all)
        return [path("freeze-all/", view, name="groups_drillplan_freeze_all"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with the switch for all plans to those who may use it."""
        links = []
        if policies.allows(acting.caller(request), "drill:plan"):
            links = [("Freeze or thaw all", "ac_unit", reverse("admin:groups_drillplan_freeze_all"))]
        return super().changelist_view(request, {**(extra_context or {}), "list_links": links})

    def freeze_all(self, request: HttpRequest) -> HttpResponse:
        """Show the switch for all plans; use it on POST."""
        caller = acting.caller(request)
        pages.require(caller, "drill:plan")
        form = _FreezeAllForm(request.POST if request.method == "POST" else None)
        return pages.answer_form(
            self,
            request,
            form,
            act=lambda: self._freeze_all(caller, frozen=form.cleaned_data["what"] == "freeze"),
            template="console/form.html",
            title="Freeze or thaw every drill plan",
            submit="Do it",
            back=shown.listing(models.DrillPlan),
        )

    @staticmethod
    def _freeze_all(caller: callers.Caller, *, frozen: bool) -> pages.Done:
        count = service.freeze_all(caller, frozen=frozen)
        done = "frozen" if frozen else "thawed"
        return f"Plans {done}: {count}. The others were so before.", shown.listing(models.DrillPlan)

    def add_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page that makes a plan."""
        posted = request.POST if request.method == "POST" else None
        form = drill_forms.PlanForm(posted, projects=drill_forms.projects(request))
        return pages.answer_form(
            self,
            request,
            form,
            act=lambda: drill_forms.create(request, form),
            template="console/plan_form.html",
            title="Add a drill plan",
            submit="Make the plan",
            back=shown.listing(models.DrillPlan),
        )

    def row_page(self, request: HttpRequest, row: models.DrillPlan) -> HttpResponse:
        """Return a plan's page."""
        caller = acting.caller(request, project_id=row.project_id)
        rows = list(row.runs.select_related("operation")[:_SHOWN_RUNS])
        return pages.render(
            self,
            request,
            "console/plan.html",
            title=str(row),
            row=row,
            parts=[("Plan", _what(row)), ("Calendar", self._when(row)), ("Judged by", _judged(row)), *_said(row)],
            runs=[(run, outcome(run)) for run in rows],
            runs_url=shown.listing(models.DrillRun, f"plan__id__exact={row.pk}"),
            offers=self.offers([verb(row, caller=caller) for verb in self.verbs if verb not in _done(row)]),
        )

    def _when(self, row: models.DrillPlan) -> Sequence[Fact]:
        upcoming = drill_calendar.next_times(row, now=clock.now(), count=1)
        return (
            ("When", self.rhythm(row)),
            ("Now", drill_calendar.why_not_now(row, clock.now()) or "drills may begin"),
            ("Next", _next(row, upcoming[0]) if upcoming else shown.NONE),
            ("Windows", "; ".join(_window(each) for each in row.windows) or "at any time"),
            ("Blackouts", "; ".join(f"{each['from']} to {each['to']}" for each in row.blackouts) or shown.NONE),
            ("Surprise", f"up to {row.surprise_minutes} min late" if row.surprise_minutes else "punctual"),
            ("Missed", f"{row.missed}, after {row.grace_minutes} min"),
            ("At once", f"{row.at_once} on one backend"),
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

    @display(description="Approved by", ordering="approved_by")
    def approved_shown(self, row: models.DrillPlan) -> str | SafeString:
        """Return who approved this version."""
        return row.approved_by or shown.NONE


def _done(row: models.DrillPlan) -> set[type[Verb[models.DrillPlan]]]:
    """Return the verbs that would change nothing now."""
    return {Freeze if row.frozen else Thaw, *((Approve,) if row.approved_by else ())}


def _next(row: models.DrillPlan, at: datetime.datetime) -> str | SafeString:
    why_not = drill_calendar.why_not_now(row, at)
    return format_html("{} {}", shown.moment(at), f"Nothing begins then: {why_not}" if why_not else "")


def _what(row: models.DrillPlan) -> Sequence[Fact]:
    return (
        ("Description", row.description or shown.NONE),
        ("Kind", words.MEANINGS[words.DrillKind][words.DrillKind(row.kind)]),
        ("Groups", _groups(row)),
        ("Target", row.target or "each backend's default one"),
        *((("On the target", f"{row.hold_minutes} min"),) if row.kind == words.DrillKind.FULL else ()),
        ("Version", f"{row.version}, by {row.created_by or 'nobody'}"),
        ("Approved", _approved(row)),
        ("Told", _told(row)),
    )


def _judged(row: models.DrillPlan) -> Sequence[Fact]:
    own = row.objectives
    names = dict(models.Group.objects.filter(pk__in=list(own)).values_list("pk", "name")) if own else {}
    single = "; ".join(
        f"{names.get(pk, pk)}: {_levels(own[str(pk)].get('rpo_seconds'), own[str(pk)].get('rto_seconds'))}"
        for pk in names
    )
    return (
        ("Objectives", _levels(row.rpo_seconds, row.rto_seconds)),
        ("For single groups", single or shown.NONE),
        ("Data compared", "must be" if row.must_compare else "need not be"),
        ("Checks", ", ".join(f"{each['name']} ({each['kind']})" for each in row.checks) or shown.NONE),
        ("Proof", f"at most {row.proof_days} days old" if row.proof_days else "may be of any age"),
    )


def _said(row: models.DrillPlan) -> list[tuple[str, Sequence[Fact]]]:
    texts = (
        ("Objective", row.objective),
        ("Scenario", row.scenario),
        ("Severity", row.severity),
        ("Assumptions", row.assumptions),
        ("Exclusions", row.exclusions),
        ("Business function", row.business_function),
        ("Criticality", row.criticality),
        ("Regulations", ", ".join(row.regulatory_tags)),
        ("Observers", ", ".join(row.observers)),
    )
    given = [(label, text) for label, text in texts if text]
    return [("In its reports", given)] if given else []


def _levels(rpo: float | None, rto: float | None) -> str:
    parts = [f"{name} {seconds:g} s" for name, seconds in (("RPO", rpo), ("RTO", rto)) if seconds is not None]
    return ", ".join(parts) or "each group's own critical levels"


def _groups(row: models.DrillPlan) -> str | SafeString:
    groups = drill_starting.groups_of(row)
    names = ", ".join(str(group) for group in groups[:_NAMED_GROUPS]) or "none"
    more = f" and {len(groups) - _NAMED_GROUPS} more" if len(groups) > _NAMED_GROUPS else ""
    if row.backend is None:
        return f"{names}{more}"
    return format_html("every replicated one of backend {}: {}{}", shown.link(row.backend), names, more)


def _approved(row: models.DrillPlan) -> str | SafeString:
    return format_html("by {}, {}", row.approved_by, shown.moment(row.approved_at)) if row.approved_by else "no"


def _told(row: models.DrillPlan) -> str | SafeString:
    hooks = len(row.webhooks)
    parts = [*row.emails, *([f"{hooks} webhook{'' if hooks == 1 else 's'}"] if hooks else [])]
    return ", ".join(parts) or shown.NONE


def _window(each: dict[str, Any]) -> str:
    days = ", ".join(drill_forms.DAYS[day] for day in each.get("days", []))
    return f"{days or 'every day'} {each['from']} to {each['to']}"
