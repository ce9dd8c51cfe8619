"""Findings: a list, a finding's page, and the verbs that mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from groups import findings, models
from groups.admin import acting, fields, pages, shown, words
from groups.admin.bases import PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.findings import Mending
from groups.queries import possible
from groups.services import findings as service
from groups.statuses import Kind

_GONE = "It is seen no more."


class FindingVerb(Verb[models.Finding]):
    """A verb of a finding, and what all of them show."""

    mending: Mending

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return "" if self.row.is_open else _GONE

    def facts(self) -> Sequence[Fact]:
        """Return what differs."""
        row = self.row
        return (
            ("Finding", format_html("{} {}", severity(row), _meaning(row).title)),
            ("About", subject(row)),
            ("Recorded", row.recorded or shown.NONE),
            ("There", row.actual or shown.NONE),
            ("Since", shown.moment(row.created_at)),
        )

    def started(self, operation: models.Operation) -> pages.Done:
        """Return what an accepted operation is told as."""
        number = shown.link(operation, str(operation.pk)[:8])
        return format_html("{} was accepted as operation {}.", possible.sentence(operation), number), shown.page(
            operation
        )


class _ReasonForm(forms.Form):
    reason = fields.reason(required=True)


class Mend(FindingVerb):
    """What adopting and restoring have in common: they are operations on the group."""

    kind: Kind
    form_class = _ReasonForm

    def why_not(self) -> str:
        """Return why it is not possible now."""
        group = self.row.group
        if not self.row.is_open or group is None:
            return _GONE
        return possible.why_not(possible.standing(group), self.kind)


class Adopt(Mend):
    """Record what the storage says."""

    slug, title, icon, rule = "adopt", "Adopt what is there", "fact_check", "group:adopt"
    mending, kind = Mending.ADOPT, Kind.ADOPT

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "The storage is looked at once more, and what it says is recorded: where the group is, and whether it is"
            " replicated. Nothing on the storage changes."
        )

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.started(service.adopt(self.caller, finding_id=self.row.pk, reason=values["reason"]))


class _RestoreForm(_ReasonForm):
    discard_bytes = fields.number(
        "Bytes that may be discarded",
        initial=0,
        min_value=0,
        help_text="What the recorded side alone holds is discarded when the group is moved back to it. More than this"
        " is refused, naming the amount; nothing has changed then.",
    )


class Restore(Mend):
    """Bring the storage to what is recorded."""

    slug, title, icon, rule = "restore", "Restore what is recorded", "settings_backup_restore", "group:restore"
    mending, kind, is_dangerous, form_class = Mending.RESTORE, Kind.RESTORE, True, _RestoreForm

    def effect(self) -> str:
        """Return what it will do."""
        return (
            "The storage is brought to what is recorded. A group that was moved away is moved back as a planned"
            " failover would, with what was written there; replication is set up or taken down as recorded."
        )

    def warning(self) -> str:
        """Return what it costs."""
        if self.row.code == findings.Code.ACTIVE_ELSEWHERE:
            return "Hosts lose access to the side the group runs on now, and must be pointed to the recorded one."
        return ""

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Ask for it."""
        return self.started(
            service.restore(
                self.caller,
                finding_id=self.row.pk,
                reason=values["reason"],
                discard_bytes=values["discard_bytes"],
            )
        )


class _IgnoreForm(forms.Form):
    until = forms.SplitDateTimeField(
        label="Until (UTC)", widget=UnfoldAdminSplitDateTimeWidget(), help_text="At most a year ahead."
    )
    reason = fields.text("Reason", required=True, help_text="Kept with the finding.")


class Ignore(FindingVerb):
    """Keep a finding from calling for anybody."""

    slug, title, icon, rule = "ignore", "Ignore for a while", "notifications_paused", "finding:ignore"
    mending, form_class = Mending.IGNORE, _IgnoreForm

    def effect(self) -> str:
        """Return what it will do."""
        return "Until then it is on no front page and in no banner. It is still looked for, and closed when it is gone."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.ignore(self.caller, finding_id=self.row.pk, until=values["until"], reason=values["reason"])
        return "The finding is ignored until then.", shown.page(self.row)


class Heed(FindingVerb):
    """Stop ignoring a finding."""

    slug, title, icon, rule = "heed", "Stop ignoring", "notifications_active", "finding:ignore"
    mending = Mending.IGNORE

    def why_not(self) -> str:
        """Return why it is not possible now."""
        return super().why_not() or ("" if possible.is_ignored(self.row) else "It is not ignored.")

    def effect(self) -> str:
        """Return what it will do."""
        return "It calls for somebody again, on the front page and in the banner."

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        service.heed(self.caller, finding_id=self.row.pk)
        return "The finding is ignored no more.", shown.page(self.row)


@admin.register(models.Finding)
class FindingAdmin(VerbsMixin, PageAdmin):
    """Findings."""

    verbs = (Adopt, Restore, Ignore, Heed)
    list_display = ("severity_shown", "title_shown", "about", "since_shown", "seen_shown", "state_shown")
    list_filter = ("severity", "code", "closed_at", "project")
    list_select_related = ("group", "operation", "backend")
    search_fields = ("subject_name", "subject_id", "actual", "code")
    search_help_text = "Group by name or id, or words of what is there"

    def row_page(self, request: HttpRequest, row: models.Finding) -> HttpResponse:
        """Return a finding's page."""
        caller = acting.caller(request, project_id=row.project_id or "")
        mendings = {*_meaning(row).mendings, Mending.IGNORE}
        other = Ignore if possible.is_ignored(row) else Heed
        offered = [verb(row, caller=caller) for verb in self.verbs if verb.mending in mendings and verb is not other]
        return pages.render(
            self,
            request,
            "console/finding.html",
            title=_meaning(row).title,
            row=row,
            finding=row,
            offers=self.offers(offered),
        )

    @display(description="Severity", ordering="severity")
    def severity_shown(self, row: models.Finding) -> SafeString:
        """Return how bad it is."""
        return severity(row)

    @display(description="What", ordering="code")
    def title_shown(self, row: models.Finding) -> str:
        """Return what it means."""
        return _meaning(row).title

    @display(description="About", ordering="subject_name")
    def about(self, row: models.Finding) -> str | SafeString:
        """Return what it is about."""
        return subject(row)

    @display(description="Since", ordering="created_at")
    def since_shown(self, row: models.Finding) -> str | SafeString:
        """Return when it was found."""
        return shown.moment(row.created_at)

    @display(description="Last seen", ordering="seen_at")
    def seen_shown(self, row: models.Finding) -> str | SafeString:
        """Return when it was seen last."""
        return shown.moment(row.seen_at)

    @display(description="Now", ordering="closed_at")
    def state_shown(self, row: models.Finding) -> str:
        """Return whether it is there, ignored or gone."""
        return state(row)


def severity(row: models.Finding) -> SafeString:
    """Return how bad a finding is, as a badge; one that is gone is gray."""
    return words.severity_badge(row.severity, is_open=row.is_open)


def subject(row: models.Finding) -> str | SafeString:
    """Return a link to what a finding is about; its name alone when that is gone."""
    found = row.operation or row.group or row.backend
    if found is None:
        return format_html('{} <span class="c-subtle">(gone)</span>', row.subject_name or row.subject_id)
    return shown.link(found)


def title(row: models.Finding) -> str:
    """Return what a finding means."""
    return _meaning(row).title


def remedy(row: models.Finding) -> str:
    """Return what to do next about a finding."""
    return _meaning(row).remedy


def state(row: models.Finding) -> str:
    """Return in words whether a finding is there, ignored or gone."""
    if not row.is_open:
        return "gone"
    return "ignored" if possible.is_ignored(row) else "open"


def _meaning(row: models.Finding) -> findings.Meaning:
    return findings.MEANINGS[findings.Code(row.code)]
