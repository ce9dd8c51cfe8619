"""The shapes of backends, their targets and the drivers in our own API."""

from __future__ import annotations

from groups.api.describing import Parameter, Schema
from groups.api.native.shapes import TIME, TIME_OR_NULL
from groups.api.shapes import BOOLEAN, ID, TEXT, many, record, word

_VALUE: Schema = {"type": ["string", "number", "boolean", "null"]}
_OPTIONS: Schema = {"type": "object", "additionalProperties": _VALUE}
_TARGET = record({"backend_id": TEXT, "options": _OPTIONS}, title="Target")
TARGET = record({"target": _TARGET})
_BACKEND = record(
    {
        "id": ID,
        "name": TEXT,
        "driver": TEXT,
        "description": TEXT,
        "enabled": BOOLEAN,
        "host": TEXT,
        "options": _OPTIONS,
        "targets": many(_TARGET),
        "created_at": TIME,
        "updated_at": TIME_OR_NULL,
    },
    title="Backend",
)
BACKEND = record({"backend": _BACKEND})
BACKENDS = record({"backends": many(_BACKEND)})
CONNECTION = record(
    {
        "connection": record(
            {
                "asked_by": TEXT,
                "asked_at": TIME,
                "done_at": TIME_OR_NULL,
                "worker": TEXT,
                "sides": many(record({"name": TEXT, "reachable": BOOLEAN})),
                "error": TEXT,
                "remedy": TEXT,
            },
            title="Connection",
        )
    }
)
_OPTION = record(
    {
        "name": TEXT,
        "help": TEXT,
        "kind": word(["text", "path", "integer", "number", "boolean"]),
        "default": _VALUE,
        "required": BOOLEAN,
        "secret": BOOLEAN,
        "choices": many(TEXT),
    },
    title="DriverOption",
)
DRIVERS = record(
    {
        "drivers": many(
            record(
                {"name": TEXT, "summary": TEXT, "options": many(_OPTION), "target_options": many(_OPTION)},
                title="Driver",
            )
        )
    }
)
IF_MATCH = (
    Parameter(
        name="If-Match",
        place="header",
        schema=TEXT,
        text="What `ETag` said of the backend: 412 when it has changed since.",
    ),
)
