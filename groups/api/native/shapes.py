"""What our own API answers: the shapes of its documents, and what lists may be asked."""

from __future__ import annotations

from groups import findings, objectives, statuses
from groups.api import shapes
from groups.api.describing import Common, Parameter, Schema
from groups.api.native import lists
from groups.api.shapes import ANYTHING, COUNT, ID, TEXT, TEXT_OR_NULL, asked, many, record, word

TIME: Schema = {"type": "string", "format": "date-time"}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}

_ERROR = record({"error": record({"code": TEXT, "message": TEXT, "remedy": TEXT})}, title="Error")
COMMON = Common(
    refusals=dict.fromkeys((400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 503), _ERROR),
    always=(400, 401, 403, 429, 503),
    with_body=(413, 415),
    on_get={304: None},
    parameters_on_get=(
        Parameter(name="If-None-Match", place="header", schema=TEXT, text="What `ETag` said: 304 when it is still so."),
    ),
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
_EVENT = record(
    {
        "id": TEXT,
        "at": TIME,
        "axis": word(statuses.Axis),
        "subject_id": ID,
        "group_id": shapes.ID_OR_NULL,
        "project_id": TEXT,
        "operation_id": shapes.ID_OR_NULL,
        "volumes": COUNT,
        "old": TEXT,
        "new": TEXT,
        "reason": TEXT,
        "actor": TEXT,
    },
    title="Event",
)
EVENTS = paged("events", _EVENT)
_AUDIT = record(
    {
        "id": TEXT,
        "at": TIME,
        **dict.fromkeys(("user_id", "user_name", "door", "request_id", "project_id", "action"), TEXT),
        **dict.fromkeys(("subject_kind", "subject_id", "subject_name", "detail"), TEXT),
        "operation_id": shapes.ID_OR_NULL,
    },
    title="AuditEntry",
)
AUDITS = paged("audit", _AUDIT)
FILTERED_AUDITS = (
    *PAGE,
    *(asked(name) for name in ("action", "user_id", "user_name", "subject_id", "request_id", "door", "project_id")),
    asked("operation_id", schema=shapes.ID),
    asked("since", "Not older than this.", TIME),
    asked("until", "Older than this.", TIME),
)
_VERB = record({"possible": shapes.BOOLEAN, "why_not": TEXT}, title="Verb")

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
        "arguments": ANYTHING,
        "attempt": COUNT,
        "failures": COUNT,
        "tried_again_at": TIME_OR_NULL,
        "cancel_requested_at": TIME_OR_NULL,
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
    {"steps": many(_STEP), "events": many(_EVENT), "verbs": record({"cancel": _VERB, "retry": _VERB})},
    title="Operation",
)
OPERATION = record({"operation": _OPERATION})
OPERATIONS = paged("operations", _OPERATION)
STARTED = {200: OPERATION, 202: OPERATION}
PREFER = Parameter(
    name="Prefer",
    place="header",
    schema=TEXT,
    text="`wait=20` waits up to 20 s for the operation's end; `Preference-Applied` says that it did.",
)
START = (
    PREFER,
    Parameter(
        name="Idempotency-Key",
        place="header",
        schema=TEXT,
        text="A name of your own for this request; sent again with the same name, it starts nothing anew.",
    ),
)

_GROUP = record(
    {
        "id": ID,
        "name": TEXT_OR_NULL,
        "description": TEXT_OR_NULL,
        "project_id": TEXT,
        "group_type": TEXT,
        "backend": TEXT,
        "volumes": COUNT,
        "status": word(statuses.GroupStatus),
        "replication_status": word(statuses.ReplicationStatus),
        "active_backend_id": TEXT,
        "health": {"enum": [*statuses.Health, None]},
        "health_detail": TEXT,
        "consistent_at": TIME_OR_NULL,
        "lag_seconds": shapes.NUMBER_OR_NULL,
        "bytes_behind": shapes.COUNT_OR_NULL,
        "observed_at": TIME_OR_NULL,
        "created_at": TIME,
        "updated_at": TIME_OR_NULL,
    },
    {
        "attached_volumes": COUNT,
        "targets": many(TEXT),
        "open_operation_id": shapes.ID_OR_NULL,
        "verbs": record(dict.fromkeys(("enable", "disable", "failover", "failback", "reset"), _VERB)),
    },
    title="ProtectedGroup",
)
GROUP = record({"group": _GROUP})
GROUPS = paged("groups", _GROUP)
FILTERED_GROUPS = (
    *PAGE,
    asked("name"),
    asked("status", schema=word(statuses.GroupStatus)),
    asked("replication_status", schema=word(statuses.ReplicationStatus)),
    asked("health", schema=word(statuses.Health)),
    asked("active_backend_id", "`default` is the primary."),
    asked("backend"),
    asked("group_type"),
    asked("project_id"),
)
FILTERED_EVENTS = (
    *PAGE,
    asked("group_id", schema=shapes.ID),
    asked("subject_id", "The group, volume or operation.", shapes.ID),
    asked("operation_id", schema=shapes.ID),
    asked("axis", schema=word(statuses.Axis)),
    asked("new", "The word it was changed to."),
    asked("actor"),
    asked("since", "Not older than this.", TIME),
    asked("until", "Older than this.", TIME),
    asked("project_id"),
)
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
    asked("state", "`open` is every state but the final ones.", word([*statuses.OperationState, "open"])),
    asked("group_id", schema=shapes.ID),
    asked("since", "Not older than this.", TIME),
    asked("until", "Older than this.", TIME),
    asked("subject_id", "The group or volume.", shapes.ID),
    asked("project_id"),
)

_LEVELS = record(dict.fromkeys(objectives.COLUMNS, shapes.NUMBER_OR_NULL), title="Levels")
_STATE: Schema = {"enum": [*objectives.State, None]}
GROUP_OBJECTIVES = record(
    {
        "objectives": record(
            {
                "own": _LEVELS,
                "hold": _LEVELS,
                "lag_seconds": shapes.NUMBER_OR_NULL,
                "rpo_state": _STATE,
                "recovery_seconds": shapes.NUMBER_OR_NULL,
                "rto_state": _STATE,
            },
            title="Objectives",
        )
    }
)
SITE_OBJECTIVES = record({"objectives": record({"hold": _LEVELS}, title="SiteObjectives")})
