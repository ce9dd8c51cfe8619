"""What our own API answers: the shapes of its documents, and what lists may be asked."""

from __future__ import annotations

from groups import findings, statuses
from groups.api import shapes
from groups.api.describing import Common, Schema
from groups.api.native import lists
from groups.api.shapes import ANYTHING, COUNT, ID, TEXT, TEXT_OR_NULL, asked, many, record, word

TIME: Schema = {"type": "string", "format": "date-time"}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}

_ERROR = record({"error": record({"code": TEXT, "message": TEXT, "remedy": TEXT})}, title="Error")
COMMON = Common(
    refusals=dict.fromkeys((400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 503), _ERROR),
    always=(400, 401, 403, 429, 503),
    with_body=(413, 415),
    headers={"X-Openstack-Request-Id": "Names the request, in the log too."},
)
PAGE = (
    asked("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": lists.LONGEST}),
    asked("marker", "The id of the last one seen; `next` has it."),
)


def paged(noun: str, shape: Schema) -> Schema:
    """Return the shape of a page of a list."""
    return record({noun: many(shape), "next": TEXT_OR_NULL})


_FINDING = record(
    {
        "id": ID,
        "code": word(findings.Code),
        "severity": word(findings.Severity),
        "title": TEXT,
        "recorded": TEXT,
        "actual": TEXT,
        "remedy": TEXT,
        "verbs": many(word(findings.Mending)),
        "key": TEXT,
        "subject": record({"id": ID, "name": TEXT, "kind": word(["group", "operation", "backend"])}),
        "project_id": TEXT_OR_NULL,
        "found_at": TIME,
        "seen_at": TIME,
        "closed_at": TIME_OR_NULL,
        "ignored": record({"until": TIME_OR_NULL, "by": TEXT, "reason": TEXT}),
    },
    title="Finding",
)
FINDING = record({"finding": _FINDING})
FINDINGS = paged("findings", _FINDING)

_STEP = record(
    {
        "name": TEXT,
        "state": word(statuses.StepState),
        "attempt": COUNT,
        "started_at": TIME_OR_NULL,
        "ended_at": TIME_OR_NULL,
        "error": TEXT,
    },
    title="Step",
)
_OPERATION = record(
    {
        "id": ID,
        "kind": word(statuses.Kind),
        "state": word(statuses.OperationState),
        "subject": record({"id": ID, "name": TEXT}),
        "project_id": TEXT,
        "volumes": COUNT,
        "asked_by": TEXT,
        "request_id": TEXT,
        "attempt": COUNT,
        "owner": TEXT,
        "progress": record(
            {
                "step": TEXT,
                "done": COUNT,
                "total": COUNT,
                "unit": TEXT,
                "waiting_for": TEXT,
                "at": TIME_OR_NULL,
            }
        ),
        "created_at": TIME,
        "started_at": TIME_OR_NULL,
        "ended_at": TIME_OR_NULL,
        "error": record({"code": TEXT, "message": TEXT, "truth": TEXT, "remedy": TEXT, "incident": TEXT}),
        "result": ANYTHING,
    },
    {"steps": many(_STEP)},
    title="Operation",
)
OPERATION = record({"operation": _OPERATION})
OPERATIONS = paged("operations", _OPERATION)
ACCEPTED = {202: OPERATION}
FILTERED_FINDINGS = (
    *PAGE,
    asked("state", schema=word(["open", "ignored", "closed", "all"])),
    asked("severity", schema=word(findings.Severity)),
    asked("code", schema=word(findings.Code)),
    asked("subject_id", schema=shapes.ID),
    asked("project_id"),
)
FILTERED_OPERATIONS = (
    *PAGE,
    asked("kind", schema=word(statuses.Kind)),
    asked("state", schema=word(statuses.OperationState)),
    asked("subject_id", "The group or volume.", shapes.ID),
    asked("project_id"),
)
