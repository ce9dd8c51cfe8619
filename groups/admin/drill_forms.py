"""The form of a drill plan: what it rehearses, when, how it is judged, who is told, what the report says of it."""

from __future__ import annotations

import dataclasses
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html
from unfold import widgets

from groups import drills as words, models
from groups.admin import acting, fields, pages, shown
from groups.services import drills as service, policies

_OFFERED = 200
_MORE_ROWS = 2
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_KINDS = [(word.value, fields.explained(word, meaning)) for word, meaning in words.MEANINGS[words.DrillKind].items()]
_MISSED = (
    (
        words.Missed.RUN_ONCE,
        fields.explained("Run it once", "As soon as the calendar, the limits and the group allow."),
    ),
    (words.Missed.SKIP, fields.explained("Skip it", "It is recorded as skipped; the next one comes at its own time.")),
)
_CHECKS = (
    ("", "choose"),
    (words.CheckKind.COMMAND, "command: run a program of the site's folder of checks"),
    (words.CheckKind.HTTP, "http: send the copy's addresses to a web address"),
    (words.CheckKind.WRITE_ORDER, "write-order: is the copy one moment of all volumes"),
)
_SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "What is rehearsed",
        "",
        ("project", "name", "description", "kind", "groups", "backend", "target", "hold_minutes"),
    ),
    (
        "When",
        "Either a cron expression or a number of days; neither means only when somebody asks for it.",
        (
            *("enabled", "timezone", "cron", "every_days", "windows", "blackouts"),
            *("surprise_minutes", "missed", "grace_minutes", "at_once"),
        ),
    ),
    (
        "How it is judged",
        "A drill passes if nothing differs, nothing is left behind, the checks are content and the objectives are met.",
        ("rpo_seconds", "rto_seconds", "objectives", "must_compare", "checks", "proof_days"),
    ),
    ("Who is told", "", ("emails", "webhooks", "forget_webhooks")),
    (
        "What the report says of it",
        "Printed in each report; what is empty is shown as not given.",
        (
            *("objective", "scenario", "severity", "assumptions", "exclusions", "business_function", "criticality"),
            *("regulatory_tags", "observers", "retention_years"),
        ),
    ),
)
_OF_CHECK = ("kind", "name", "run", "timeout_seconds", "blocks")
_LINES = ("emails", "regulatory_tags", "observers")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a section: a field, or a table of rows of one kind."""

    field: forms.BoundField | None = None
    rows: Any = None
    label: str = ""
    help_text: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """Some fields that belong together."""

    title: str
    help_text: str
    parts: list[Part]


class _Row(forms.Form):
    """A row of a table; one that is left blank is none."""

    needed: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        """Refuse a row of which only a part was given."""
        values = super().clean() or {}
        given = {name for name, value in values.items() if value or value == 0} - {"DELETE"}
        if given & {*self.needed}:
            for name in self.needed:
                if name not in given and name not in self.errors:
                    self.add_error(name, "Give this too, or leave the whole row empty.")
        return values


class _WindowRow(_Row):
    needed = ("begin", "end")
    days = forms.MultipleChoiceField(
        label="Days",
        required=False,
        choices=[(str(number), name) for number, name in enumerate(DAYS)],
        widget=widgets.UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    begin = fields.text("From", attrs={"placeholder": "22:00", "aria-label": "From"})
    end = fields.text("To", attrs={"placeholder": "05:00", "aria-label": "To"})

    def value(self) -> dict[str, Any]:
        """Return the window as a plan keeps it."""
        given = self.cleaned_data
        days = {"days": [int(day) for day in given["days"]]} if given["days"] else {}
        return {**days, "from": given["begin"].strip(), "to": given["end"].strip()}


class _BlackoutRow(_Row):
    needed = ("begin", "end")
    begin = fields.date("First day", attrs={"aria-label": "First day"})
    end = fields.date("Last day", attrs={"aria-label": "Last day"})

    def value(self) -> dict[str, Any]:
        """Return the blackout as a plan keeps it."""
        return {"from": self.cleaned_data["begin"].isoformat(), "to": self.cleaned_data["end"].isoformat()}


class _CheckRow(_Row):
    needed = ("kind",)
    kind = fields.select("Kind", _CHECKS, required=False)
    name = fields.text("Name", max_length=48, attrs={"aria-label": "Name"})
    run = fields.text("Program or address", attrs={"aria-label": "Program or address"})
    timeout_seconds = fields.seconds("Seconds")
    only_warn = fields.flag("Only warn")
    blocks = forms.IntegerField(required=False, widget=forms.HiddenInput())

    def value(self) -> dict[str, Any]:
        """Return the check as a plan keeps it; what is left out is for the services to fill in."""
        given = self.cleaned_data
        kept = {name: given[name] for name in _OF_CHECK if given[name]}
        return {**kept, "on_failure": "warn" if given["only_warn"] else "fail"}


class _ObjectiveRow(_Row):
    needed = ("group",)
    group = fields.select("Group", (), required=False)
    rpo_seconds = fields.seconds("RPO, seconds")
    rto_seconds = fields.seconds("RTO, seconds")


class PlanForm(forms.Form):
    """A whole plan; its tables are forms of their own, and all of it is right or none of it."""

    def __init__(self, data: Any, *, projects: list[models.Project], plan: models.DrillPlan | None = None) -> None:
        super().__init__(data)
        groups = _groups([plan.project] if plan else projects, plan)
        if plan is None:
            self.fields["project"] = fields.select("Project", [(row.pk, row.name) for row in projects])
        _add_subject(self, groups, plan)
        _add_calendar(self, plan)
        _add_judging(self, plan)
        _add_words(self, plan)
        self.tables = _tables(data, plan, groups)

    def is_valid(self) -> bool:
        """Tell whether the fields and all tables can be used."""
        tables = [table.is_valid() for table in self.tables.values()]
        good = super().is_valid()
        if not all(tables):
            self.add_error(None, "Correct the rows that are marked below.")
        return good and all(tables)

    def sections(self) -> list[Section]:
        """Return the fields and tables as the page shows them."""
        return [
            Section(
                title=title,
                help_text=help_text,
                parts=[self._part(name) for name in names if name in self.fields or name in self.tables],
            )
            for title, help_text, names in _SECTIONS
        ]

    def wanted(self) -> dict[str, Any]:
        """Return what the plan is to say, by the names the services know."""
        given = dict(self.cleaned_data)
        given.pop("project", None)
        for name in _LINES:
            given[name] = _split(given[name])
        hooks, forget = _split(given.pop("webhooks")), given.pop("forget_webhooks", False)
        if hooks or forget:
            given["webhooks"] = hooks
        for name in ("windows", "blackouts", "checks"):
            given[name] = [row.value() for row in _kept(self.tables[name])]
        given["objectives"] = {
            row.cleaned_data["group"]: {
                name: row.cleaned_data[name]
                for name in ("rpo_seconds", "rto_seconds")
                if row.cleaned_data[name] is not None
            }
            for row in _kept(self.tables["objectives"])
        }
        return given

    def changed(self, plan: models.DrillPlan) -> dict[str, Any]:
        """Return of that what differs from the plan as it is."""
        had = {
            "groups": sorted(str(pk) for pk in plan.groups.values_list("pk", flat=True)),
            "backend": plan.backend.name if plan.backend else "",
        }
        wanted = self.wanted()
        wanted["groups"].sort()
        return {
            name: value
            for name, value in wanted.items()
            if name == "webhooks" or value != (had[name] if name in had else _comparable(plan, name))
        }

    def _part(self, name: str) -> Part:
        if name in self.fields:
            return Part(field=self[name])
        label, help_text = _TABLES[name]
        return Part(rows=self.tables[name], label=label, help_text=help_text)


_TABLES = {
    "windows": (
        "Windows",
        "When drills may begin, in the plan's time zone; none: at any time. No day ticked: every day.",
    ),
    "blackouts": ("Blackouts", "Dates on which none begins, the first and the last day included."),
    "checks": (
        "Checks of the recovered data",
        "Of the test copy, in this order. A command names a program of the site's folder of checks, without a path.",
    ),
    "objectives": ("Other objectives for single groups", "In place of the two above, for one group each."),
}


def create(request: HttpRequest, form: PlanForm) -> pages.Done:
    """Make the plan that a form describes."""
    caller = acting.caller(request, project_id=form.cleaned_data["project"])
    plan = service.create_plan(caller, **form.wanted())
    return format_html("Drill plan {} was made. Another person may approve it.", shown.link(plan)), shown.page(plan)


def projects(request: HttpRequest) -> list[models.Project]:
    """Return the projects for which a user may make plans."""
    return acting.projects(request, role=policies.role_for("drill:plan"))


def _add_subject(form: forms.Form, groups: list[fields.Choice], plan: models.DrillPlan | None) -> None:
    had = _of(plan)
    form.fields["name"] = fields.text("Name", required=True, max_length=200, initial=had("name"))
    form.fields["description"] = fields.text("Description", initial=had("description"))
    form.fields["kind"] = fields.radios("Kind", _KINDS, initial=had("kind"))
    form.fields["groups"] = fields.boxes(
        "Groups",
        groups,
        required=False,
        initial=[str(pk) for pk in plan.groups.values_list("pk", flat=True)] if plan else [],
        help_text="The groups it rehearses, or a backend below for all of its."
        + (f" The first {_OFFERED} are offered." if len(groups) >= _OFFERED else ""),
    )
    backends = [("", "no: the groups ticked above"), *((row.name, row.name) for row in models.Backend.objects.all())]
    form.fields["backend"] = fields.select(
        "Every replicated group of a backend",
        backends,
        required=False,
        initial=plan.backend.name if plan and plan.backend else "",
        help_text="Those of the plan's project, also the ones that come later.",
    )
    form.fields["target"] = fields.text(
        "Target", initial=had("target"), help_text="The target's name; empty means each backend's default one."
    )
    form.fields["hold_minutes"] = fields.number(
        "Minutes on the target",
        initial=had("hold_minutes"),
        min_value=0,
        help_text="How long a full drill runs on the target before it goes back.",
    )


def _add_calendar(form: forms.Form, plan: models.DrillPlan | None) -> None:
    had = _of(plan)
    form.fields["enabled"] = fields.flag(
        "Enabled", initial=had("enabled"), help_text="Whether its calendar begins drills. Run now works either way."
    )
    zones = [(name, name) for name in sorted(zoneinfo.available_timezones() | {str(had("timezone"))})]
    form.fields["timezone"] = fields.select(
        "Time zone", zones, initial=had("timezone"), help_text="Of the times, windows and blackouts of this plan."
    )
    form.fields["cron"] = fields.text(
        "Cron expression",
        initial=had("cron"),
        max_length=120,
        help_text="Minute, hour, day, month, weekday. 30 2 * * 6 is Saturdays at 02:30.",
    )
    form.fields["every_days"] = fields.number(
        "Or: days within which each group is proven",
        initial=had("every_days"),
        required=False,
        min_value=1,
        help_text="Each group gets a time of its own, spread evenly, a fifth of the days before the limit.",
    )
    form.fields["surprise_minutes"] = fields.number(
        "Surprise, minutes",
        initial=had("surprise_minutes"),
        min_value=0,
        help_text="Each drill begins at a random time up to so long after its time; 0 is punctual.",
    )
    form.fields["missed"] = fields.radios("A time that went by", _MISSED, initial=had("missed"))
    form.fields["grace_minutes"] = fields.number(
        "Grace, minutes",
        initial=had("grace_minutes"),
        min_value=0,
        help_text="How late a drill may begin before its time has gone by.",
    )
    form.fields["at_once"] = fields.number(
        "At once", initial=had("at_once"), min_value=1, help_text="How many of its drills may run on one backend."
    )


def _add_judging(form: forms.Form, plan: models.DrillPlan | None) -> None:
    had = _of(plan)
    otherwise = "Empty: the group's own critical level, if it has one."
    form.fields["rpo_seconds"] = fields.seconds(
        "Most data to lose (RPO), seconds", initial=had("rpo_seconds"), help_text=otherwise
    )
    form.fields["rto_seconds"] = fields.seconds(
        "Longest time to be running again (RTO), seconds", initial=had("rto_seconds"), help_text=otherwise
    )
    form.fields["must_compare"] = fields.flag(
        "The data must have been compared",
        initial=had("must_compare"),
        help_text="A drill whose data could not be compared with the active side's does not pass, and proves nothing.",
    )
    form.fields["proof_days"] = fields.number(
        "Proof, days",
        initial=had("proof_days"),
        required=False,
        min_value=1,
        help_text="A finding is opened for each group whose newest proof is older than this, or that has none.",
    )
    form.fields["emails"] = fields.lines("E-mail addresses", initial=had("emails"), help_text="One a line.")
    kept = len(plan.webhooks) if plan else 0
    form.fields["webhooks"] = fields.lines(
        "Webhooks",
        help_text="One address a line; each gets Slack-compatible JSON. Stored encrypted and never shown."
        + (f" {kept} kept now: leave this empty to keep them, or give all of them anew." if kept else ""),
    )
    if kept:
        form.fields["forget_webhooks"] = fields.flag("Forget the webhooks that are kept")


def _add_words(form: forms.Form, plan: models.DrillPlan | None) -> None:
    had = _of(plan)
    for name, label, help_text in (
        ("objective", "Objective", "What it is to show."),
        ("scenario", "Scenario", "What is assumed to have happened, and what is lost."),
        ("severity", "Severity", "How bad the scenario is."),
        ("assumptions", "Assumptions", ""),
        ("exclusions", "Exclusions", "What it leaves out, and why."),
        ("business_function", "Business function", "What depends on these groups."),
        ("criticality", "Criticality", "How much the business depends on it."),
    ):
        longest = 64 if name in {"severity", "criticality"} else 255 if name == "business_function" else 10_000
        form.fields[name] = fields.text(label, initial=had(name), help_text=help_text, max_length=longest)
    form.fields["regulatory_tags"] = fields.lines(
        "Regulations", initial=had("regulatory_tags"), help_text="One a line, such as DORA Art. 11(6)."
    )
    form.fields["observers"] = fields.lines("Observers", initial=had("observers"), help_text="One a line.")
    form.fields["retention_years"] = fields.number(
        "Years to keep reports", initial=had("retention_years"), min_value=1, help_text="Printed in each report."
    )


def _tables(data: Any, plan: models.DrillPlan | None, groups: Iterable[fields.Choice]) -> dict[str, Any]:
    class ObjectiveRow(_ObjectiveRow):
        """One group of the plan."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["group"] = fields.select("Group", [("", "choose"), *groups], required=False)

    windows = [
        {"days": [str(day) for day in each.get("days", [])], "begin": each["from"], "end": each["to"]}
        for each in (plan.windows if plan else [])
    ]
    blackouts = [{"begin": each["from"], "end": each["to"]} for each in (plan.blackouts if plan else [])]
    checks = [{**each, "only_warn": each["on_failure"] == "warn"} for each in (plan.checks if plan else [])]
    own = [{"group": group, **levels} for group, levels in (plan.objectives if plan else {}).items()]
    return {
        name: forms.formset_factory(row, formset=fields.Rows, extra=_MORE_ROWS, can_delete=True)(
            data, initial=had, prefix=name
        )
        for name, row, had in (
            ("windows", _WindowRow, windows),
            ("blackouts", _BlackoutRow, blackouts),
            ("checks", _CheckRow, checks),
            ("objectives", ObjectiveRow, own),
        )
    }


def _groups(owners: Iterable[models.Project], plan: models.DrillPlan | None) -> list[fields.Choice]:
    rows = models.Group.objects.filter(project__in=list(owners)).select_related("project").order_by("name", "pk")
    found = {str(row.pk): f"{row} ({row.project}, {row.replication_status})" for row in rows[:_OFFERED]}
    if plan is not None:
        found |= {str(row.pk): f"{row} ({row.replication_status})" for row in plan.groups.all()}
    return list(found.items())


def _of(plan: models.DrillPlan | None) -> Any:
    """Return what reads a value of a plan for its field: of a new one, the column's default."""

    def read(name: str) -> Any:
        value = getattr(models.DrillPlan() if plan is None else plan, name)
        return "\n".join(value) if name in _LINES else value

    return read


def _comparable(plan: models.DrillPlan, name: str) -> Any:
    value = getattr(plan, name)
    if name != "checks":
        return value
    # As the form would give the same check back.
    return [
        {
            **{key: each[key] for key in _OF_CHECK if each.get(key)},
            "on_failure": each["on_failure"],
        }
        for each in value
    ]


def _kept(rows: Any) -> list[Any]:
    return [
        row
        for row in rows.forms
        if row not in rows.deleted_forms and any(row.cleaned_data.get(name) for name in row.needed)
    ]


def _split(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def told(changed: Mapping[str, Any]) -> str:
    """Return what was done to a plan."""
    return "Nothing was changed." if not changed else "The plan was changed. It has a new version, and no approval."
