"""Rehearsed failovers: what is planned, what was run, what it found, and the ledger of reports."""

from __future__ import annotations

from django.db import models

from groups import drills, findings
from groups.models.backends import Backend
from groups.models.fields import Row, word_check, word_field
from groups.models.groups import Group
from groups.models.operations import Operation
from groups.models.projects import Project


class DrillPlan(Row):
    """What is rehearsed, when, how it is judged, and who is told."""

    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    kind = word_field(drills.DrillKind, default=drills.DrillKind.TEST_COPY)
    groups = models.ManyToManyField(Group, blank=True, related_name="drill_plans", help_text="The groups it rehearses.")
    backend = models.ForeignKey(
        Backend,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Instead of groups: every replicated group of this backend in the plan's project.",
    )
    target = models.CharField(max_length=255, blank=True, help_text="The target; empty means the default one.")
    hold_minutes = models.PositiveIntegerField(
        default=0, help_text="How long a full drill runs on the target before it goes back."
    )

    enabled = models.BooleanField(default=True)
    frozen = models.BooleanField(default=False, help_text="Nothing of it starts while this is set.")
    cron = models.CharField(max_length=120, blank=True, help_text="When, as a cron expression of five fields.")
    timezone = models.CharField(
        max_length=64, default="UTC", help_text="The time zone of times, windows and blackouts."
    )
    every_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Instead of cron: every group is proven at least this often, spread evenly."
    )
    windows = models.JSONField(
        default=list,
        blank=True,
        help_text='When drills may begin, such as {"days": [5, 6], "from": "22:00", "to": "05:00"}.',
    )
    blackouts = models.JSONField(
        default=list,
        blank=True,
        help_text='Dates on which none begins, such as {"from": "2026-12-20", "to": "2027-01-06"}.',
    )
    surprise_minutes = models.PositiveIntegerField(
        default=0, help_text="Each run begins at a random time up to so long after its time; 0 for punctually."
    )
    missed = word_field(drills.Missed, default=drills.Missed.RUN_ONCE)
    grace_minutes = models.PositiveIntegerField(default=60, help_text="How late a run may begin before it is missed.")
    at_once = models.PositiveIntegerField(default=1, help_text="How many drills may run at once on one backend.")
    planned_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Times up to here are planned."
    )

    rpo_seconds = models.FloatField(null=True, blank=True, help_text="Objective: the most data, in time, to lose.")
    rto_seconds = models.FloatField(null=True, blank=True, help_text="Objective: the longest time to be running again.")
    objectives = models.JSONField(
        default=dict,
        blank=True,
        help_text="Other objectives for single groups: {group id: {rpo_seconds, rto_seconds}}.",
    )
    must_compare = models.BooleanField(
        default=True, help_text="Whether a run passes only if its data was compared with the active side's."
    )
    checks = models.JSONField(default=list, blank=True, help_text="Checks of the recovered data, in their order.")
    proof_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="A finding is opened when a group's proof is older than this."
    )

    objective = models.TextField(blank=True, help_text="What it is to show.")
    scenario = models.TextField(blank=True, help_text="What is assumed to have happened, and what is lost.")
    severity = models.CharField(max_length=64, blank=True, help_text="How bad the scenario is.")
    assumptions = models.TextField(blank=True)
    exclusions = models.TextField(blank=True, help_text="What it leaves out, and why.")
    business_function = models.CharField(max_length=255, blank=True)
    criticality = models.CharField(max_length=64, blank=True)
    regulatory_tags = models.JSONField(default=list, blank=True, help_text='Such as "DORA Art. 11(6)".')
    observers = models.JSONField(default=list, blank=True)
    emails = models.JSONField(default=list, blank=True, help_text="Who is told by e-mail.")
    webhooks = models.JSONField(
        default=list, blank=True, help_text="Where a Slack-compatible message is sent; encrypted."
    )
    retention_years = models.PositiveIntegerField(default=7)

    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=255, blank=True, editable=False)
    approved_by = models.CharField(max_length=255, blank=True, editable=False)
    approved_at = models.DateTimeField(null=True, blank=True, editable=False)
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("name",)
        verbose_name = "drill plan"
        constraints = (
            word_check("drill_plan", "kind", drills.DrillKind),
            word_check("drill_plan", "missed", drills.Missed),
            models.CheckConstraint(
                name="drill_plan_has_one_rhythm", condition=models.Q(cron="") | models.Q(every_days__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return self.name


class DrillRun(Row):
    """One drill of one group: planned, begun, ended."""

    plan = models.ForeignKey(DrillPlan, on_delete=models.PROTECT, related_name="runs")
    group = models.ForeignKey(Group, on_delete=models.SET_NULL, null=True, blank=True, related_name="drill_runs")
    subject_id = models.UUIDField(help_text="The group, kept when it is gone.")
    group_name = models.CharField(max_length=255, blank=True)
    backend_name = models.CharField(max_length=200, blank=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    kind = word_field(drills.DrillKind)
    trigger = word_field(drills.Trigger)
    planned_at = models.DateTimeField(help_text="The time the plan names; one run of a group for each.")
    start_at = models.DateTimeField(help_text="When it may begin: later than planned for a surprise.")
    waiting_for = models.CharField(max_length=255, blank=True, help_text="What keeps it from beginning.")
    operation = models.OneToOneField(
        Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="drill_run"
    )
    way_back = models.OneToOneField(
        Operation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="drill_way_back",
        help_text="Of a full drill: the failback that ends it.",
    )
    terms = models.JSONField(default=dict, help_text="The plan as it was when the drill began: it is judged by this.")
    injections = models.JSONField(default=list, blank=True, help_text="What is broken on purpose.")
    requester = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=255, blank=True)
    verdict = models.CharField(max_length=32, blank=True, choices=[(word.value, word.value) for word in drills.Verdict])
    why = models.TextField(blank=True, help_text="Why it did not pass.")
    ended_at = models.DateTimeField(null=True, blank=True)
    rpo_seconds = models.FloatField(null=True, blank=True, help_text="Achieved.")
    rto_seconds = models.FloatField(null=True, blank=True, help_text="Achieved, from the decision to writable.")
    verified_seconds = models.FloatField(null=True, blank=True, help_text="From the decision to verified.")
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="What was proven: it expires when this changes."
    )

    class Meta:
        ordering = ("-planned_at", "-id")
        verbose_name = "drill"
        indexes = (
            models.Index(fields=("subject_id", "-ended_at"), name="drill_run_group"),
            models.Index(fields=("start_at",), name="drill_run_due", condition=models.Q(verdict="")),
        )
        constraints = (
            word_check("drill_run", "kind", drills.DrillKind),
            word_check("drill_run", "trigger", drills.Trigger),
            models.CheckConstraint(
                name="drill_run_verdict_is_known",
                condition=models.Q(verdict__in=["", *(word.value for word in drills.Verdict)]),
            ),
            models.UniqueConstraint(fields=("plan", "planned_at", "subject_id"), name="drill_once_a_planned_time"),
        )

    def __str__(self) -> str:
        return f"drill of {self.group_name or self.subject_id}"


class DrillEntry(models.Model):
    """One entry of a group's ledger of drills: chained to the one before, signed, never changed."""

    id = models.BigAutoField(primary_key=True)
    subject_id = models.UUIDField(help_text="The group.")
    number = models.PositiveIntegerField(help_text="Counts from 1 for each group, without a gap.")
    kind = word_field(drills.EntryKind)
    run = models.ForeignKey(DrillRun, on_delete=models.PROTECT, related_name="entries")
    body = models.TextField(help_text="What it says, as canonical JSON.")
    previous = models.CharField(max_length=64, help_text="The digest of the entry before.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of number, kind, previous digest and body.")
    signature = models.CharField(max_length=128, help_text="Ed25519 signature of the digest, in hex.")
    key_id = models.CharField(max_length=64, help_text="The public key, in hex.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("subject_id", "number")
        verbose_name = "ledger entry"
        verbose_name_plural = "ledger entries"
        constraints = (
            word_check("drill_entry", "kind", drills.EntryKind),
            models.UniqueConstraint(fields=("subject_id", "number"), name="drill_entry_number_once"),
            models.UniqueConstraint(
                fields=("run",), condition=models.Q(kind=drills.EntryKind.REPORT.value), name="one_report_a_drill"
            ),
            models.UniqueConstraint(
                fields=("run",),
                condition=models.Q(kind=drills.EntryKind.ATTESTATION.value),
                name="one_attestation_a_drill",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of {self.subject_id}"


class DrillGap(Row):
    """Something a drill found wanting, until it is closed and tested again."""

    run = models.ForeignKey(DrillRun, on_delete=models.PROTECT, related_name="gaps")
    code = models.CharField(max_length=64)
    severity = word_field(findings.Severity)
    title = models.CharField(max_length=255)
    detail = models.TextField(blank=True)
    status = word_field(drills.GapStatus, default=drills.GapStatus.OPEN)
    owner = models.CharField(max_length=255, blank=True)
    due_on = models.DateField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="What was done about it, or why it is accepted.")
    retest = models.ForeignKey(DrillRun, on_delete=models.PROTECT, null=True, blank=True, related_name="retests")
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "gap"
        constraints = (
            word_check("drill_gap", "severity", findings.Severity),
            word_check("drill_gap", "status", drills.GapStatus),
            models.UniqueConstraint(fields=("run", "code"), name="drill_gap_once_a_run"),
        )

    def __str__(self) -> str:
        return self.title


class DrillNotice(Row):
    """Something somebody is told, kept until it was delivered or given up."""

    kind = word_field(drills.NoticeKind)
    plan = models.ForeignKey(DrillPlan, on_delete=models.CASCADE, related_name="notices")
    run = models.ForeignKey(DrillRun, on_delete=models.CASCADE, null=True, blank=True, related_name="notices")
    key = models.CharField(max_length=64, help_text="What it is about: each is told once.")
    channel = word_field(drills.Channel)
    place = models.PositiveIntegerField(default=0, help_text="Which of the plan's addresses.")
    subject = models.CharField(max_length=255)
    text = models.TextField()
    due_at = models.DateTimeField(null=True, blank=True, help_text="When it is tried next; empty when it is settled.")
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "notice"
        indexes = (models.Index(fields=("due_at",), name="drill_notice_due", condition=models.Q(due_at__isnull=False)),)
        constraints = (
            word_check("drill_notice", "kind", drills.NoticeKind),
            word_check("drill_notice", "channel", drills.Channel),
            models.UniqueConstraint(fields=("plan", "key", "kind", "channel", "place"), name="drill_notice_once"),
        )

    def __str__(self) -> str:
        return self.subject
