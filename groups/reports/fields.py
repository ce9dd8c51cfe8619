"""The 46 fields of a drill report, in their order; each is filled, or says why it does not apply."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

SCHEMA_ID = "replsite.drill-report"
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One field."""

    number: int
    key: str
    title: str
    section: str


_SECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Identity": (
        ("id", "Drill"),
        ("schema_version", "Version of the report's schema"),
        ("product", "Product and version"),
        ("site", "Site and storage"),
        ("kind", "Kind"),
        ("plan", "Plan, version and hash"),
        ("earlier_run", "Earlier run of the plan"),
    ),
    "Intent": (
        ("objective", "What it is to show"),
        ("scenario", "Scenario"),
        ("scope", "Scope"),
        ("exclusions", "What is left out, and why"),
        ("assumptions", "Assumptions"),
        ("criteria", "Success criteria, fixed before the start"),
        ("objectives", "Objectives for recovery time and point"),
        ("trigger", "What started it"),
        ("regulatory_tags", "Rules it serves"),
    ),
    "People": (
        ("requester", "Asked for by"),
        ("approvers", "Approved by"),
        ("executor", "Carried out by"),
        ("observers", "Observers"),
        ("attestation", "Attestation"),
        ("rights", "Rights used"),
    ),
    "Before": (
        ("readiness", "Readiness checks"),
        ("state_before", "State, lag and last complete point"),
        ("storage_before", "Storage: driver, versions, capacity"),
    ),
    "Course": (
        ("steps", "Steps"),
        ("decisions", "Decisions"),
        ("waiting", "Time of machines and of people"),
        ("incidents", "Incidents during the run"),
        ("clock", "Clock"),
    ),
    "Result": (
        ("achieved_rpo", "Recovery point achieved"),
        ("achieved_rto", "Recovery time achieved"),
        ("data_verification", "Verification of the data"),
        ("group_consistency", "One moment of the whole group"),
        ("application_checks", "Checks of the recovered data"),
        ("production_impact", "Effect on production"),
        ("clean_up", "Clean-up"),
        ("protection_restored", "Protection restored"),
        ("other_side", "Time on the other side, and the way back"),
    ),
    "After": (
        ("findings", "Gaps found"),
        ("deviations", "Deviations from the plan"),
        ("comparison", "Compared with earlier runs"),
        ("coverage", "Coverage"),
        ("distribution", "Told"),
        ("retention", "Kept until"),
        ("seal", "Hash, predecessor, signature"),
    ),
}

FIELDS: tuple[Field, ...] = tuple(
    Field(number=number, key=key, title=title, section=section)
    for number, (section, key, title) in enumerate(
        ((section, key, title) for section, found in _SECTIONS.items() for key, title in found), 1
    )
)
SECTIONS: tuple[str, ...] = tuple(_SECTIONS)


@dataclasses.dataclass(frozen=True)
class NotApplicable:
    """Stands for a field that has no value, and says why."""

    because: str


def document(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report with every field in its place. Raises KeyError for one that was forgotten."""
    return {
        "schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "fields": [_entry(field, values[field.key]) for field in FIELDS],
    }


def value(report: Mapping[str, Any], key: str) -> Any:
    """Return one field's value; None when it does not apply."""
    return next((field.get("value") for field in report["fields"] if field["key"] == key), None)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a report."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Drill report",
        "description": "One rehearsed failover. Each field has a value, or says why it does not apply.",
        "type": "object",
        "required": ["schema", "schema_version", "fields"],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": SCHEMA_ID},
            "schema_version": {"const": SCHEMA_VERSION},
            "fields": {
                "type": "array",
                "minItems": len(FIELDS),
                "maxItems": len(FIELDS),
                "prefixItems": [_schema(field) for field in FIELDS],
            },
        },
    }


def _entry(field: Field, value: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "number": field.number,
        "key": field.key,
        "title": field.title,
        "section": field.section,
    }
    if isinstance(value, NotApplicable):
        return {**entry, "not_applicable": value.because}
    return {**entry, "value": value}


def _schema(field: Field) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["number", "key", "title", "section"],
        "properties": {
            "number": {"const": field.number},
            "key": {"const": field.key},
            "title": {"type": "string"},
            "section": {"const": field.section},
            "value": {"not": {"enum": [None, "", [], {}]}},
            "not_applicable": {"type": "string", "minLength": 3},
        },
        "additionalProperties": False,
        "oneOf": [{"required": ["value"]}, {"required": ["not_applicable"]}],
    }
