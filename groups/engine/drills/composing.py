"""Gathers the 46 fields of a drill's report from what was journalled while it ran."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from drivers import registry
from groups import clock, drills, ledger, models
from groups.engine.drills import results
from groups.engine.drills.facts import Facts
from groups.engine.handlers import drills as handler
from groups.queries import proofs
from groups.reports import build
from groups.reports.fields import NotApplicable, document
from groups.statuses import OperationState, StepState

_EARLIER = 10
_NOBODY = NotApplicable("Nobody was named.")
_UNSAID = NotApplicable("The plan does not say.")
VERIFY = "python verify_report.py PACK... (in every pack, needs nothing but Python), or manage.py verify_report PACK..."


def compose(facts: Facts, gaps: Sequence[models.DrillGap]) -> dict[str, Any]:
    """Return the report of a drill that has ended."""
    return document(
        {**_identity(facts), **_intent(facts), **_people(facts), **_before(facts), **_course(facts)}
        | results.of(facts)
        | _after(facts, gaps)
    )


def _identity(facts: Facts) -> dict[str, Any]:
    run, plan = facts.run, facts.run.plan
    earlier = _earlier(run)
    return {
        "id": str(run.pk),
        "schema_version": "1",
        "product": {"name": "Replsite", "version": build.version(), "build": build.commit()},
        "site": {
            "group": run.group_name,
            "backend": run.backend_name,
            "active_side": facts.of("preflight").get("active_side") or "primary",
            "target": facts.terms.get("target", ""),
        },
        "kind": {
            drills.DrillKind.TEST_COPY: "drill on a test copy",
            drills.DrillKind.FULL: "planned switchover and failback",
        }[drills.DrillKind(run.kind)],
        "plan": {
            **facts.terms.get("plan", {"id": str(plan.pk), "name": plan.name, "version": plan.version}),
            "hash": hashlib.sha256(ledger.canonical(facts.terms).encode()).hexdigest(),
        },
        "earlier_run": str(earlier[0].pk) if earlier else NotApplicable("It is the plan's first of this group."),
    }


def _intent(facts: Facts) -> dict[str, Any]:
    terms, run = facts.terms, facts.run
    objectives = {name: terms[name] for name in ("rpo_seconds", "rto_seconds") if terms.get(name) is not None}
    return {
        "objective": terms.get("objective") or _UNSAID,
        "scenario": {
            "scenario": terms.get("scenario") or "The active side is lost.",
            "severity": terms.get("severity") or "not stated",
            "broken_on_purpose": [
                {"what": each, "meaning": drills.MEANINGS[drills.Injection][drills.Injection(each)]}
                for each in run.injections
            ]
            or "nothing",
        },
        "scope": {
            "group": {"id": str(run.subject_id), "name": run.group_name},
            "volumes": [
                {"id": str(each.pk), "name": each.name or "", "size_gib": each.size_gib, "owner": each.user_id}
                for each in facts.members
            ],
            "business_function": terms.get("business_function") or "not stated",
            "criticality": terms.get("criticality") or "not stated",
        },
        "exclusions": terms.get("exclusions") or NotApplicable("Nothing is left out of the group."),
        "assumptions": terms.get("assumptions") or _UNSAID,
        "criteria": _criteria(terms),
        "objectives": objectives or NotApplicable("The plan sets no objective for this group."),
        "trigger": {
            "what": run.trigger,
            "meaning": drills.MEANINGS[drills.Trigger][drills.Trigger(run.trigger)],
            "planned_at": run.planned_at.isoformat(),
            "calendar": terms.get("calendar", {}),
            "reason": run.reason or "none given",
        },
        "regulatory_tags": terms.get("regulatory_tags") or NotApplicable("The plan names none."),
    }


def _criteria(terms: Mapping[str, Any]) -> list[str]:
    found = ["No byte differs that nobody has written since the point.", "Nothing is left behind."]
    if terms.get("must_compare"):
        found.append("The data is compared with the active side's.")
    for name, title in (("rpo_seconds", "recovery point"), ("rto_seconds", "recovery time")):
        if terms.get(name) is not None:
            found.append(f"The {title} achieved is at most {terms[name]:g} s.")
    found += [f"Check '{each['name']}' is content." for each in terms.get("checks", []) if each["on_failure"] == "fail"]
    return found


def _people(facts: Facts) -> dict[str, Any]:
    terms, operation = facts.terms, facts.operation
    return {
        "requester": facts.run.requester or operation.user_name or _NOBODY,
        "approvers": [{"name": terms["approved_by"], "at": terms["approved_at"]}]
        if terms.get("approved_by")
        else NotApplicable("The plan needs no approval and got none."),
        "executor": {"system": "Replsite", "worker": _workers(facts) or ["none"], "asked_by": operation.user_name},
        "observers": terms.get("observers") or _NOBODY,
        "attestation": NotApplicable("It is given after the report is written, as an entry of its own in the ledger."),
        "rights": {"door": operation.door or "beat", "rule": "drill:run", "user": operation.user_name},
    }


def _workers(facts: Facts) -> list[str]:
    return sorted(
        {event.reason.rpartition(" by ")[2].split(",")[0] for event in facts.events if "claimed" in event.reason}
    )


def _before(facts: Facts) -> dict[str, Any]:
    found = facts.of("preflight")
    never = NotApplicable("The preflight did not get that far.")
    group = facts.group
    if facts.full:
        # A failover's own preflight: which sides answer, and which point is there.
        readiness: Any = (
            [{"check": "The failover's preflight.", "ok": True, "evidence": dict(found)}] if found else never
        )
    else:
        readiness = found.get("readiness") or never
    return {
        "readiness": readiness,
        "state_before": {"point_on_the_target": found["point"], "mode": found["mode"]}
        if facts.full and found
        else {
            "observed_at": found["observed_at"],
            "lag_seconds": found["lag_seconds"],
            "bytes_behind": found["bytes_behind"],
            "sides": [{**each, "backend_id": each["backend_id"] or "primary"} for each in found["sides"]],
            "volumes": facts.named(
                [{**each, "active_side": each["active_side"] or "primary"} for each in found["volumes"]]
            ),
        }
        if found
        else never,
        "storage_before": {
            "driver": group.backend.driver,
            "summary": registry.load(group.backend.driver).summary,
            "version": f"as of Replsite {build.version()}",
            "gib": sum(each.size_gib for each in facts.members),
            "volumes": len(facts.members),
        }
        if group is not None
        else NotApplicable("The group is gone."),
    }


def _course(facts: Facts) -> dict[str, Any]:
    operation, run = facts.operation, facts.run
    ended = facts.ended_at
    took = (ended - operation.created_at).total_seconds()
    queued = ((operation.started_at or ended) - operation.created_at).total_seconds()
    people = [event for event in facts.events if event.new == OperationState.CANCELING != event.old]
    incidents = _incidents(facts)
    return {
        "steps": [_step(facts.steps, step) for step in facts.steps]
        + [_step(facts.way_back, step, prefix="way back: ") for step in facts.way_back]
        or NotApplicable("It was canceled before it began."),
        "decisions": [
            {"what": "cancel", "by": event.actor, "at": event.at.isoformat(), "reason": event.reason}
            for event in people
        ]
        or NotApplicable("Nothing had to be decided while it ran."),
        "waiting": {
            "total_seconds": took,
            "machine_seconds": took,
            "human_seconds": 0.0,
            "queued_seconds": queued,
            "waited_for_its_turn_seconds": max(0.0, (operation.created_at - run.start_at).total_seconds()),
        },
        "incidents": incidents or NotApplicable("No worker was replaced, and no step was tried again."),
        "clock": {
            "source": "the database's clock, which all hosts of the site share",
            "offset_of_reporting_host_seconds": round(clock.host_offset_seconds(), 3),
        },
    }


def _step(steps: Sequence[models.OperationStep], step: models.OperationStep, prefix: str = "") -> dict[str, Any]:
    took = (step.ended_at - step.started_at).total_seconds() if step.started_at and step.ended_at else None
    return {
        "order": step.position + 1,
        "name": f"{prefix}{step.name}",
        "after": f"{prefix}{steps[step.position - 1].name}" if step.position else "the request",
        "started_at": step.started_at.isoformat() if step.started_at else None,
        "ended_at": step.ended_at.isoformat() if step.ended_at else None,
        "seconds": took,
        "attempt": step.attempt,
        "result": step.state,
        "actor": "system",
        "error": step.error,
        "output_digest": hashlib.sha256(json.dumps(step.result, sort_keys=True).encode()).hexdigest(),
    }


def _incidents(facts: Facts) -> list[dict[str, Any]]:
    found = []
    last: datetime.datetime | None = None
    for event in facts.events:
        if "taken over from" in event.reason:
            silent = (event.at - last).total_seconds() if last else None
            found.append(
                {"what": "a worker was replaced", "at": event.at.isoformat(), "detail": event.reason, "seconds": silent}
            )
        if event.new == OperationState.WAITING:
            found.append({"what": "tried again later", "at": event.at.isoformat(), "detail": event.reason})
        last = event.at
    if noticed := facts.of("verify data").get("noticed"):
        safe, cut = facts.of("clean up").get("safe_at"), facts.ended("cut the copy off")
        seconds = (datetime.datetime.fromisoformat(safe) - cut).total_seconds() if safe and cut else None
        found.append({"what": "the copy was cut off", "detail": noticed, "seconds_to_safe": seconds})
    if killed := facts.of(handler.KILL):
        found.append(_killed(facts, killed))
    return found


def _killed(facts: Facts, killed: Mapping[str, Any]) -> dict[str, Any]:
    """Return how long it took after its worker was killed until somebody went on, and until all was safe."""
    at = datetime.datetime.fromisoformat(killed["at"])
    later = [event.at for event in facts.events if "taken over from" in event.reason and event.at > at]
    safe = facts.of("clean up").get("safe_at")
    return {
        "what": "the worker was killed on purpose",
        "at": killed["at"],
        "detail": f"Process {killed['process']} was killed -9 while it read the copy.",
        "seconds_to_taken_over": (min(later) - at).total_seconds() if later else None,
        "seconds_to_safe": (datetime.datetime.fromisoformat(safe) - at).total_seconds() if safe else None,
    }


def _after(facts: Facts, gaps: Sequence[models.DrillGap]) -> dict[str, Any]:
    run, terms = facts.run, facts.terms
    skipped = [
        step.name for step in [*facts.steps, *facts.way_back] if step.state in {StepState.PENDING, StepState.FAILED}
    ]
    ended = facts.ended_at
    return {
        "findings": [
            {
                "code": gap.code,
                "severity": gap.severity,
                "title": gap.title,
                "detail": gap.detail,
                "status": gap.status,
                "owner": gap.owner or "nobody yet",
                "due_on": gap.due_on.isoformat() if gap.due_on else "not set",
            }
            for gap in gaps
        ]
        or NotApplicable("The drill found no gap."),
        "deviations": [f"Not carried out to its end: {name}." for name in skipped]
        or NotApplicable("Every step was carried out as planned."),
        "comparison": _comparison(facts),
        "coverage": _coverage(facts),
        "distribution": terms.get("emails") or NotApplicable("The plan names nobody."),
        "retention": {
            "class": "drill report",
            "years": terms.get("retention_years", 7),
            "until": (ended + datetime.timedelta(days=365 * terms.get("retention_years", 7))).date().isoformat(),
        },
        "seal": {
            "chain": str(run.subject_id),
            "algorithm": "SHA-256 chain, Ed25519 signature",
            "public_key": ledger.public_key(),
            "where": "number, digest, predecessor and signature stand in the ledger entry around this report",
            "verify": VERIFY,
        },
    }


def _comparison(facts: Facts) -> Any:
    earlier = _earlier(facts.run)
    if not earlier:
        return NotApplicable("There is no earlier run of this plan and group.")
    return [
        {
            "run": str(each.pk),
            "ended_at": each.ended_at.isoformat() if each.ended_at else None,
            "verdict": each.verdict,
            "rpo_seconds": each.rpo_seconds,
            "rto_seconds": each.rto_seconds,
            "verified_seconds": each.verified_seconds,
        }
        for each in earlier
    ]


def _coverage(facts: Facts) -> Any:
    rows = models.Group.objects.filter(project_id=facts.run.project_id, replication_status="enabled")
    found = proofs.of_groups(list(rows.select_related("backend", "group_type")))
    return proofs.coverage(found) if found else NotApplicable("No group of the project is replicated any more.")


def _earlier(run: models.DrillRun) -> list[models.DrillRun]:
    rows = models.DrillRun.objects.filter(
        plan_id=run.plan_id, subject_id=run.subject_id, created_at__lt=run.created_at, ended_at__isnull=False
    )
    return list(rows.exclude(verdict=drills.Verdict.SKIPPED).order_by("-created_at")[:_EARLIER])
