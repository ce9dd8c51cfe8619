"""Puts what its author wants into a drill plan, once all of it was found possible."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from groups import callers, clock, drills, errors, models, sealing
from groups.queries import visible
from groups.services import drill_calendar

TEXTS = (
    "description",
    "objective",
    "scenario",
    "severity",
    "assumptions",
    "exclusions",
    "business_function",
    "criticality",
)
PLAIN = (
    "kind",
    "target",
    "hold_minutes",
    "enabled",
    "cron",
    "timezone",
    "every_days",
    "windows",
    "blackouts",
    "surprise_minutes",
    "missed",
    "grace_minutes",
    "at_once",
    "rpo_seconds",
    "rto_seconds",
    "objectives",
    "must_compare",
    "checks",
    "proof_days",
    "regulatory_tags",
    "observers",
    "emails",
    "retention_years",
)
CHANGEABLE = frozenset({"name", "groups", "backend", "webhooks", *TEXTS, *PLAIN})
"""What a plan says and its author may change."""
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LONGEST_CHECK_SECONDS = 3600
_COUNTS = {"at_once": 1, "retention_years": 1, "hold_minutes": 0, "grace_minutes": 0, "surprise_minutes": 0}
"""The least of each number a plan holds."""
_MOST = 1_000_000


def write(caller: callers.Caller, plan: models.DrillPlan, wanted: Mapping[str, Any], *, new: bool) -> models.DrillPlan:
    """Save a plan as wanted. Raises `InvalidInput` naming what cannot be, `Duplicate` for a name that is taken."""
    if unknown := sorted(set(wanted) - CHANGEABLE):
        raise errors.InvalidInput(f"A plan has no '{unknown[0]}'. It has: {', '.join(sorted(CHANGEABLE))}.")
    for name in {*TEXTS, *PLAIN} & set(wanted):
        setattr(plan, name, wanted[name])
    if "name" in wanted:
        plan.name = str(wanted["name"]).strip()
    if not plan.name or len(plan.name) > 200:
        raise errors.InvalidInput("Give the plan a name of at most 200 characters.")
    if "webhooks" in wanted:
        plan.webhooks = [_sealed(address) for address in wanted["webhooks"]]
    groups = [visible.group(caller, each) for each in wanted["groups"]] if "groups" in wanted else None
    if "backend" in wanted:
        plan.backend = visible.backend(wanted["backend"]) if wanted["backend"] else None
    _check(plan, groups=groups, new=new)
    plan.updated_at = clock.now()
    try:
        with transaction.atomic():
            plan.save(force_insert=new)
            if groups is not None:
                plan.groups.set(groups)
    except IntegrityError:
        raise errors.Duplicate(f"There is a drill plan '{plan.name}' already.") from None
    return plan


def _check(plan: models.DrillPlan, *, groups: Collection[models.Group] | None, new: bool) -> None:
    """Raise `InvalidInput` for the first thing of a plan that cannot be."""
    _check_words(plan)
    if groups and any(group.project_id != plan.project_id for group in groups):
        raise errors.InvalidInput("A plan and its groups belong to one project.")
    if new and not groups and plan.backend is None:
        raise errors.InvalidInput("Name the groups to drill, or a backend for all of its groups.")
    if groups and plan.backend is not None:
        raise errors.InvalidInput("Name groups or a backend, not both.")
    drill_calendar.check(plan)
    if plan.kind == drills.DrillKind.FULL and plan.checks:
        raise errors.InvalidInput("A full drill has no copy to check: its clients run on the target. Give no checks.")
    plan.checks = [_checked(check) for check in plan.checks]
    for address in plan.emails:
        try:
            validate_email(address)
        except ValidationError:
            raise errors.InvalidInput(f"'{address}' is no e-mail address.") from None


def _check_words(plan: models.DrillPlan) -> None:
    for name, words in (("kind", drills.DrillKind), ("missed", drills.Missed)):
        if getattr(plan, name) not in set(words):
            raise errors.InvalidInput(f"'{getattr(plan, name)}' is no '{name}'. Possible: {', '.join(words)}.")
    for name in _COUNTS:
        value = getattr(plan, name)
        if not isinstance(value, int) or isinstance(value, bool) or not _COUNTS[name] <= value <= _MOST:
            raise errors.InvalidInput(f"'{name}' must be a whole number from {_COUNTS[name]} to {_MOST}.")
    for name in ("rpo_seconds", "rto_seconds"):
        value = getattr(plan, name)
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise errors.InvalidInput(f"'{name}' must be a number of seconds above 0.")


def _checked(check: Any) -> dict[str, Any]:
    """Return a check with all it may leave out. Raises `InvalidInput`."""
    if not isinstance(check, Mapping) or check.get("kind") not in set(drills.CheckKind):
        raise errors.InvalidInput(f"A check names its kind: {', '.join(drills.CheckKind)}.")
    found = {
        "kind": check["kind"],
        "name": str(check.get("name") or check["kind"])[:48],
        "run": str(check.get("run", "")),
        "blocks": check.get("blocks", 64),
        "timeout_seconds": check.get("timeout_seconds", 60),
        "on_failure": check.get("on_failure", "fail"),
    }
    if unknown := sorted(set(check) - set(found)):
        raise errors.InvalidInput(f"A check has no '{unknown[0]}'.")
    seconds = found["timeout_seconds"]
    if not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_CHECK_SECONDS:
        raise errors.InvalidInput(f"A check may take from 1 to {_LONGEST_CHECK_SECONDS} seconds.")
    if found["on_failure"] not in {"fail", "warn"}:
        raise errors.InvalidInput("A check that fails lets the drill 'fail', or 'warn'.")
    if found["kind"] == drills.CheckKind.COMMAND and not _PROGRAM.fullmatch(found["run"]):
        raise errors.InvalidInput("A command is the name of a program in the site's folder of checks, without a path.")
    if found["kind"] == drills.CheckKind.HTTP and not _is_web_address(found["run"]):
        raise errors.InvalidInput("A request needs an address that begins with http:// or https://.")
    if not isinstance(found["blocks"], int) or not 1 <= found["blocks"] <= 65536:
        raise errors.InvalidInput("A test of write order looks at 1 to 65536 blocks.")
    return found


def _sealed(address: object) -> dict[str, object]:
    if not _is_web_address(str(address)):
        raise errors.InvalidInput("A webhook is an address that begins with http:// or https://.")
    return sealing.seal({"url": str(address)}, secret=("url",))


def _is_web_address(text: str) -> bool:
    parts = urllib.parse.urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
