"""What comes after a drill: its verdict, its gaps and its report; late proofs; telling people.

Called by a tick. Each part is done once however often the tick comes: the verdict is written where
there is none, the ledger has one report a drill, a notice is written once.
"""

from __future__ import annotations

import uuid

import structlog
from django.db import models as db, transaction

from drivers.errors import CopyGone
from groups import clock, drills, findings as words, ledger, models, notices, statuses
from groups.engine import comparing, findings
from groups.engine.drills import composing, delivering
from groups.engine.drills.facts import Facts
from groups.engine.handlers import drills as handler
from groups.queries import proofs
from groups.statuses import Kind, OperationState, ReplicationStatus

_AT_ONCE = 50
_CODES = (words.Code.PROOF_OVERDUE,)
_CRITICAL = ("data-differs", "left-behind", "failed")

log = structlog.get_logger(__name__)


def follow_up() -> int:
    """Conclude the drills that have ended, look for late proofs, send what is unsent; return how much was done."""
    done = 0
    for pk in list(_ended().order_by("operation__ended_at").values_list("pk", flat=True)[:_AT_ONCE]):
        done += conclude(pk)
    note_late_proofs()
    return done + delivering.send_due()


def conclude(run_id: uuid.UUID) -> bool:
    """Write a drill's verdict, gaps and report, unless that was done; return whether it was this call's to do."""
    with transaction.atomic():
        run = (
            _ended()
            .select_for_update(of=("self",))
            .filter(pk=run_id)
            .select_related("plan", "operation", "way_back", "group__backend", "group__group_type")
            .first()
        )
        if run is None or run.operation is None:
            return False
        operation = run.operation
        facts = Facts(run, operation)
        run.verdict, run.why = _verdict(run, operation, facts)
        run.ended_at = facts.ended_at
        for name in ("rpo_seconds", "rto_seconds", "verified_seconds"):
            setattr(run, name, facts.measures[name])
        run.fingerprint = _fingerprint(run, facts)
        run.save(
            update_fields=[
                "verdict",
                "why",
                "ended_at",
                "rpo_seconds",
                "rto_seconds",
                "verified_seconds",
                "fingerprint",
            ]
        )
        gaps = _gaps(run, operation, facts)
        ledger.append(run, kind=drills.EntryKind.REPORT, body=composing.compose(facts, gaps))
        _tell(run, facts)
    log.info("drill_concluded", run_id=str(run.pk), verdict=run.verdict)
    return True


def note_late_proofs() -> None:
    """Keep a finding of each group whose proof is older than its plans allow, and tell who is to be told."""
    groups = list(
        models.Group.objects.filter(replication_status=statuses.ReplicationStatus.ENABLED).select_related(
            "backend", "group_type", "project"
        )
    )
    if not groups or not models.DrillPlan.objects.exists():
        return
    found = {proof.group.pk: proof for proof in proofs.of_groups(groups)}
    open_ones = models.Finding.objects.filter(code=words.Code.PROOF_OVERDUE, closed_at__isnull=True)
    known = set(open_ones.values_list("subject_id", flat=True))
    late = [proof for proof in found.values() if proof.overdue]
    gone = known - {proof.group.pk for proof in late}
    if gone:
        findings.close(list(open_ones.filter(subject_id__in=gone).values_list("pk", flat=True)))
    fresh = [proof for proof in late if proof.group.pk not in known]
    plans = proofs.plans_of([proof.group for proof in fresh])
    for proof in fresh:
        described = comparing.Found(code=words.Code.PROOF_OVERDUE, actual=describe(proof))
        findings.keep(proof.group, [described], scope=_CODES)
        for plan in plans.get(proof.group.pk, []):
            key = f"{proof.group.pk}/{proof.run.pk if proof.run else 'never'}"[:64]
            notices.tell(plan, drills.NoticeKind.OVERDUE, text=f"{proof.group}: {describe(proof)}", key=key)


def describe(proof: proofs.Proof) -> str:
    """Return how old a proof is, in a sentence."""
    if proof.run is None or proof.age is None:
        return f"It was never proven; its plan asks for a proof every {proof.limit_days} days."
    age = f"Its last proof is {proof.age.days} days old"
    if proof.expired:
        return f"{age} and does not hold any more: {proof.expired}"
    return f"{age}; its plan asks for one every {proof.limit_days} days."


def _ended() -> db.QuerySet[models.DrillRun]:
    """Return the drills that are over and have no verdict; a full one is once it is back, or cannot get there."""
    there = db.Q(operation__state=OperationState.SUCCEEDED)
    home = ~db.Q(group__replication_status__in=(ReplicationStatus.FAILED_OVER, ReplicationStatus.FAILING_OVER))
    over = (
        db.Q(kind=drills.DrillKind.TEST_COPY)
        | ~there
        | db.Q(way_back__state__in=statuses.FINAL)
        | (db.Q(way_back__isnull=True) & (home | db.Q(group__isnull=True)))
    )
    return models.DrillRun.objects.filter(over, verdict="", operation__state__in=statuses.FINAL)


def _verdict(run: models.DrillRun, operation: models.Operation, facts: Facts) -> tuple[drills.Verdict, str]:
    if facts.full and operation.state == OperationState.SUCCEEDED:
        if run.way_back is None:
            return drills.Verdict.CANCELED, "Somebody else brought the group back."
        if run.way_back.state != OperationState.SUCCEEDED:
            return drills.Verdict.FAILED, f"The way back failed: {run.way_back.error}"
        if facts.problems:
            return drills.Verdict.FAILED, " ".join(sentence for _, sentence in facts.problems)
    if operation.state == OperationState.SUCCEEDED:
        return drills.Verdict.PASSED, ""
    if operation.state == OperationState.CANCELED:
        return drills.Verdict.CANCELED, operation.error
    if operation.error_code == CopyGone.code and _was_overtaken(run, operation):
        return drills.Verdict.CANCELED, f"The group was failed over meanwhile, which goes first. {operation.error}"
    return drills.Verdict.FAILED, operation.error


def _was_overtaken(run: models.DrillRun, operation: models.Operation) -> bool:
    moves = models.Operation.objects.filter(subject_id=run.subject_id, kind__in=(Kind.FAILOVER, Kind.FAILBACK))
    return moves.exclude(ended_at__lt=operation.created_at).exists()


def _fingerprint(run: models.DrillRun, facts: Facts) -> str:
    """Return what this drill proves; empty when it proves nothing."""
    volumes = facts.of("verify data").get("volumes") or []
    compared = bool(volumes) and not any(each["not_compared"] for each in volumes)
    if facts.full:
        compared = bool(facts.compared() and facts.compared(back=True))
    if run.verdict != drills.Verdict.PASSED or not compared or run.group is None:
        return ""
    return proofs.fingerprints([run.group])[run.group.pk]


def _gaps(run: models.DrillRun, operation: models.Operation, facts: Facts) -> list[models.DrillGap]:
    """Keep what the drill found wanting, each once; return all of it."""
    if run.verdict == drills.Verdict.CANCELED:
        return []
    found = list(facts.problems)
    if run.verdict == drills.Verdict.FAILED and operation.error_code != handler.DrillFailed.code and not found:
        found.insert(0, ("failed", f"The drill could not be carried out: {run.why}"))
    found += [
        (f"warning:{place}", f"Check '{check['name']}' is not content: {result['detail']}")
        for place, check in enumerate(facts.terms.get("checks", []), 1)
        if (result := facts.of(handler.check_step(place, check))) and not result["ok"] and check["on_failure"] == "warn"
    ]
    severities = {"warning": words.Severity.NOTICE}
    rows = [
        models.DrillGap(
            run=run,
            code=code[:64],
            severity=severities.get(code.partition(":")[0])
            or (words.Severity.CRITICAL if code.partition(":")[0] in _CRITICAL else words.Severity.WARNING),
            title=sentence[:255],
            detail=sentence,
            created_at=clock.now(),
        )
        for code, sentence in found
    ]
    models.DrillGap.objects.bulk_create(rows, ignore_conflicts=True)
    return list(models.DrillGap.objects.filter(run=run).order_by("created_at", "code"))


def _tell(run: models.DrillRun, facts: Facts) -> None:
    measured = facts.measures
    said = [f"{run.verdict}: {run.plan} on {run.group_name}."]
    if measured["rto_seconds"] is not None:
        said.append(f"Recovered in {measured['rto_seconds']:.1f} s, {measured['rpo_seconds']:.1f} s of data behind.")
    if run.why:
        said.append(run.why)
    good = run.verdict == drills.Verdict.PASSED
    notices.tell(run.plan, drills.NoticeKind.ENDED if good else drills.NoticeKind.FAILED, run=run, text=" ".join(said))
    if breached := [sentence for code, sentence in facts.problems if code in {"rpo_seconds", "rto_seconds"}]:
        notices.tell(run.plan, drills.NoticeKind.BREACHED, run=run, text=" ".join(breached))
