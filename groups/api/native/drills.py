"""Drills: plans, runs, their reports and what was found wanting."""

from __future__ import annotations

import datetime
import uuid

from django.http import HttpResponse
from rest_framework.request import Request

from groups import drills as words, errors, models
from groups.api.describing import describe
from groups.api.native import drill_rows as rows, lists, resource, shapes
from groups.api.shapes import ANYTHING
from groups.api.v3 import bodies
from groups.queries import drill_lists, drill_reports, proofs, visible
from groups.services import drill_writing, drills, policies

_TEXT = {"type": "string", "maxLength": 10_000}
_WORD = {"type": "string", "maxLength": 255}
_LIST = {"type": "array"}
_TEXTS = {"type": "array", "items": _TEXT}
_DAYS = {"type": ["integer", "null"], "minimum": 1, "maximum": 36_500}
_FLAG = {"type": "boolean"}
_ANY: dict[str, object] = {}
_OF_PLAN = (
    (_ANY, drill_writing.CHANGEABLE),
    (_TEXT, ("name", *drill_writing.TEXTS)),
    (_LIST, ("groups", "webhooks", "windows", "blackouts", "checks", "emails")),
    (_TEXTS, ("regulatory_tags", "observers")),
    (_WORD, ("cron", "timezone", "target", "kind", "missed")),
    (_DAYS, ("every_days", "proof_days")),
    (_FLAG, ("enabled", "must_compare")),
)
_PLAN: bodies.Schema = {
    "type": "object",
    "properties": {
        **{name: shape for shape, names in _OF_PLAN for name in names},
        "backend": {"type": ["string", "null"], "maxLength": 255},
        "objectives": {"type": "object"},
    },
    "additionalProperties": False,
}
_NEW: bodies.Schema = {**_PLAN, "required": ["name"]}
_RUN: bodies.Schema = {
    "type": "object",
    "properties": {
        "group": {"type": "string", "format": "uuid"},
        "injections": {"type": "array", "items": {"type": "string"}},
        "reason": {"type": "string", "maxLength": 255},
    },
    "additionalProperties": False,
}
_ATTEST: bodies.Schema = {
    "type": "object",
    "properties": {"passed": {"type": "boolean"}, "text": _TEXT},
    "required": ["passed", "text"],
    "additionalProperties": False,
}
_NOTE: bodies.Schema = {
    "type": "object",
    "properties": {"text": _TEXT},
    "required": ["text"],
    "additionalProperties": False,
}
_GAP: bodies.Schema = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": [word.value for word in words.GapStatus]},
        "owner": {"type": "string", "maxLength": 255},
        "due_on": {"type": ["string", "null"]},
        "note": _TEXT,
        "retest": {"type": "string", "format": "uuid"},
    },
    "additionalProperties": False,
}
_NOTHING: bodies.Schema = {"type": "object", "additionalProperties": False}


class Plans(resource.Resource):
    """The drill plans the caller may see."""

    @describe({200: rows.PLANS}, query=shapes.PAGE, refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """Return a page of them."""
        policies.require(self.caller, "drill:get")
        page, filters = lists.question(request)
        found = [rows.plan(row) for row in drill_lists.plans(self.caller, page=page, filters=filters)]
        return resource.document(lists.page_of(request, "drill_plans", found, page=page))

    @describe({201: rows.PLAN}, body=_NEW, refusals=(404, 409))
    def post(self, request: Request) -> HttpResponse:
        """Make one."""
        plan = drills.create_plan(self.caller, **bodies.checked(request, _NEW))
        return resource.document({"drill_plan": rows.plan(plan)}, status=201)


class Plan(resource.Resource):
    """One drill plan."""

    http_method_names = ["get", "head", "post", "delete"]

    @describe({200: rows.PLAN}, refusals=(404,))
    def get(self, _request: Request, plan_id: uuid.UUID) -> HttpResponse:
        """Return it."""
        policies.require(self.caller, "drill:get")
        return resource.document({"drill_plan": rows.plan(visible.drill_plan(self.caller, plan_id))})

    @describe({200: rows.PLAN}, body=_PLAN, refusals=(404, 409))
    def post(self, request: Request, plan_id: uuid.UUID) -> HttpResponse:
        """Change what is named; it gets a new version and loses its approval."""
        plan = drills.change_plan(self.caller, plan_id=plan_id, **bodies.checked(request, _PLAN))
        return resource.document({"drill_plan": rows.plan(plan)})

    @describe({204: None}, refusals=(404, 409))
    def delete(self, _request: Request, plan_id: uuid.UUID) -> HttpResponse:
        """Remove one that never ran."""
        drills.delete_plan(self.caller, plan_id=plan_id)
        return HttpResponse(status=204)


class PlanVerb(resource.Resource):
    """Freeze, thaw or approve a plan, or send a test message to its addresses."""

    verb = ""

    @describe({200: rows.PLAN}, body=_NOTHING, body_required=False, refusals=(404, 409))
    def post(self, request: Request, plan_id: uuid.UUID) -> HttpResponse:
        """Do it at once."""
        if request.body:
            bodies.checked(request, _NOTHING)
        if self.verb == "approve":
            drills.approve_plan(self.caller, plan_id=plan_id)
        elif self.verb == "test":
            drills.send_test(self.caller, plan_id=plan_id)
        else:
            drills.freeze(self.caller, plan_id=plan_id, frozen=self.verb == "freeze")
        return resource.document({"drill_plan": rows.plan(visible.drill_plan(self.caller, plan_id))})


class RunNow(resource.Resource):
    """Drill a plan's groups, or one of them, now."""

    @describe({202: rows.STARTED}, body=_RUN, refusals=(404, 409))
    def post(self, request: Request, plan_id: uuid.UUID) -> HttpResponse:
        """Begin as many as the limits allow; the others wait for their turn."""
        wanted = bodies.checked(request, _RUN)
        found = drills.run_now(
            self.caller,
            plan_id=plan_id,
            group_id=wanted.get("group"),
            injections=wanted.get("injections", []),
            reason=wanted.get("reason", ""),
        )
        runs = models.DrillRun.objects.filter(pk__in=[run.pk for run in found]).select_related("plan")
        return resource.document({"drills": [rows.run(run) for run in runs]}, status=202)


class Runs(resource.Resource):
    """The drills the caller may see."""

    @describe({200: rows.RUNS}, query=shapes.PAGE, refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """Return a page of them, newest first."""
        policies.require(self.caller, "drill:get")
        page, filters = lists.question(request)
        found = [rows.run(row) for row in drill_lists.runs(self.caller, page=page, filters=filters)]
        return resource.document(lists.page_of(request, "drills", found, page=page))


class Run(resource.Resource):
    """One drill."""

    @describe({200: rows.RUN}, refusals=(404,))
    def get(self, _request: Request, run_id: uuid.UUID) -> HttpResponse:
        """Return it with its gaps and its entries in the ledger."""
        policies.require(self.caller, "drill:get")
        run = visible.drill_run(self.caller, run_id)
        whole = {
            **rows.run(run),
            "gaps": [rows.gap(gap) for gap in run.gaps.all()],
            "entries": drill_reports.entries(run),
        }
        return resource.document({"drill": whole})


class Report(resource.Resource):
    """A drill's report, in one of its forms."""

    form = "json"

    @describe({200: ANYTHING}, refusals=(404,))
    def get(self, _request: Request, run_id: uuid.UUID) -> HttpResponse:
        """Return it."""
        policies.require(self.caller, "drill:get")
        run = visible.drill_run(self.caller, run_id)
        if self.form == "json":
            return resource.document(drill_reports.report(run))
        return sent(run, self.form)


class Attest(resource.Resource):
    """Attest a drill's report."""

    @describe({201: rows.ENTRY}, body=_ATTEST, refusals=(404, 409))
    def post(self, request: Request, run_id: uuid.UUID) -> HttpResponse:
        """Do it once and for all; addenda can be added from then on."""
        drills.attest(self.caller, run_id=run_id, **bodies.checked(request, _ATTEST))
        return _last_entry(visible.drill_run(self.caller, run_id))


class Note(resource.Resource):
    """Add an addendum to a drill's report."""

    @describe({201: rows.ENTRY}, body=_NOTE, refusals=(404, 409))
    def post(self, request: Request, run_id: uuid.UUID) -> HttpResponse:
        """Do it."""
        drills.add_note(self.caller, run_id=run_id, **bodies.checked(request, _NOTE))
        return _last_entry(visible.drill_run(self.caller, run_id))


class Gap(resource.Resource):
    """Something a drill found wanting."""

    @describe({200: rows.GAP}, body=_GAP, refusals=(404, 409))
    def post(self, request: Request, gap_id: uuid.UUID) -> HttpResponse:
        """Say who closes it, until when, how far it is; an addendum to the report keeps it."""
        wanted = bodies.checked(request, _GAP)
        if wanted.get("due_on"):
            try:
                wanted["due_on"] = datetime.date.fromisoformat(wanted["due_on"])
            except ValueError:
                raise errors.InvalidInput(f"'{wanted['due_on']}' is no date such as 2027-01-31.") from None
        return resource.document({"drill_gap": rows.gap(drills.change_gap(self.caller, gap_id=gap_id, **wanted))})


class Coverage(resource.Resource):
    """Which groups' recovery is proven, how old each proof is, which are late."""

    @describe({200: rows.COVERAGE})
    def get(self, _request: Request) -> HttpResponse:
        """Return all of it."""
        policies.require(self.caller, "drill:get")
        found = proofs.of_groups(proofs.visible_groups(self.caller))
        return resource.document({"coverage": proofs.coverage(found), "proofs": [rows.proof(proof) for proof in found]})


def sent(run: models.DrillRun, form: str) -> HttpResponse:
    """Return a report as a file of one of its forms."""
    name = f"drill-{run.group_name or run.subject_id}-{run.planned_at:%Y%m%dT%H%M%SZ}"
    make, media_type = {
        "html": (drill_reports.page, "text/html; charset=utf-8"),
        "pdf": (drill_reports.pdf, "application/pdf"),
        "csv": (drill_reports.steps, "text/csv; charset=utf-8"),
        "zip": (drill_reports.pack, "application/zip"),
    }[form]
    answer = HttpResponse(make(run), content_type=media_type)
    # Shown as a page of its own with nothing but itself allowed in it.
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    kept = "".join(each if each.isalnum() or each in "-_." else "_" for each in name)
    answer["Content-Disposition"] = f'{"inline" if form == "html" else "attachment"}; filename="{kept}.{form}"'
    return answer


def _last_entry(run: models.DrillRun) -> HttpResponse:
    return resource.document({"entry": drill_reports.entries(run)[-1]}, status=201)
