"""The spec keys we know, and how a spec is matched against what a backend can do."""

from __future__ import annotations

import math
from collections.abc import Mapping

from groups import objectives

TRUE = "<is> True"

REPLICATION = "replication_enabled"
"""Extra spec of a volume type: its volumes can be replicated."""
GROUP_REPLICATION = "group_replication_enabled"
"""Group spec: the group is a replication group."""
CONSISTENT_GROUP_REPLICATION = "consistent_group_replication_enabled"
"""Group spec: a replication group whose copies are one point in time of all members."""
GROUP_REPLICATIONS = (GROUP_REPLICATION, CONSISTENT_GROUP_REPLICATION)
"""The group specs each of which makes a replication group."""
MULTIATTACH = "multiattach"
"""Extra spec of a volume type: several hosts may use one of its volumes at the same time."""
INTERVAL = "replsite:interval_seconds"
"""Group spec: how often replication makes a new point, in seconds."""
OBJECTIVES = {column: f"replsite:{column}" for column in objectives.COLUMNS}
"""Group specs: from which lag or recovery time on there is a warning, or it is critical; in seconds."""

_SCOPE = "capabilities:"

DEFAULT_INTERVAL_SECONDS = 10.0
MINIMUM_INTERVAL_SECONDS = 0.5


def is_true(value: str | None) -> bool:
    """Tell whether a spec is exactly `<is> True`, the only spelling that turns replication on."""
    return value == TRUE


def is_replicated(group_specs: Mapping[str, str | None]) -> bool:
    """Tell whether a group type with these specs makes replication groups."""
    return any(is_true(group_specs.get(key)) for key in GROUP_REPLICATIONS)


def interval_seconds(group_specs: Mapping[str, str | None]) -> float:
    """Return how often a new point is made; raise ValueError, saying why, when the spec is no good."""
    raw = group_specs.get(INTERVAL)
    if raw is None:
        return DEFAULT_INTERVAL_SECONDS
    try:
        seconds = float(raw)
    except ValueError:
        raise ValueError(f"{INTERVAL} must be a number of seconds, not '{raw}'.") from None
    # NaN compares false with everything, so the test is for what is wanted.
    if not MINIMUM_INTERVAL_SECONDS <= seconds <= 86400:
        raise ValueError(f"{INTERVAL} must be between {MINIMUM_INTERVAL_SECONDS:g} and 86400 seconds, not '{raw}'.")
    return seconds


def interval_or_default(group_specs: Mapping[str, str | None]) -> float:
    """Return how often a new point is made; a spec that is no good counts as absent."""
    try:
        return interval_seconds(group_specs)
    except ValueError:
        return DEFAULT_INTERVAL_SECONDS


def objective_seconds(group_specs: Mapping[str, str | None]) -> dict[str, float | None]:
    """Return the levels that a group type sets, by column; raise ValueError, saying why, when one is no good."""
    return {column: _positive(key, group_specs.get(key)) for column, key in OBJECTIVES.items()}


def _positive(key: str, raw: str | None) -> float | None:
    if raw is None:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        seconds = math.nan
    # NaN compares false with everything.
    if not 0 < seconds < math.inf:
        raise ValueError(f"{key} must be a number of seconds above 0, not '{raw}'.")
    return seconds


def unmet(wanted: Mapping[str, str | None], capabilities: Mapping[str, object]) -> list[str]:
    """Return, in words, each spec that the capabilities do not satisfy.

    A key may say that it is one of these, `capabilities:key`; another one with a colon is scoped to somebody else
    and not matched, as in Cinder.
    """
    matched = {key: key.removeprefix(_SCOPE) for key in wanted if ":" not in key or key.startswith(_SCOPE)}
    return [
        f"{name} must be '{wanted[key]}', it is {_shown(capabilities, name)}"
        for key, name in matched.items()
        if not _satisfied(str(wanted[key] or ""), capabilities.get(name))
    ]


def _shown(capabilities: Mapping[str, object], key: str) -> str:
    return f"'{capabilities[key]}'" if key in capabilities else "not reported"


def _satisfied(wanted: str, had: object) -> bool:
    """Match one value by Cinder's operators: `<is>`, `<in>`, `<or>`, `s==`, `==`, `>=`, `<=`, or equality."""
    operator, _, operand = wanted.strip().partition(" ")
    operand = operand.strip()
    if had is None:
        return False
    text = str(had)
    if operator == "<is>":
        return _truth(operand) == _truth(text)
    if operator == "<in>":
        return operand in text
    if operator == "<or>":
        return text in [part.strip() for part in wanted.split("<or>") if part.strip()]
    if operator == "s==":
        return operand == text
    if operator in {"=", "==", ">=", "<="}:
        return _compared(operator, text, operand)
    return wanted.strip().lower() == text.lower()


def _truth(word: str) -> bool:
    return word.strip().lower() in {"true", "1", "yes", "on", "t", "y"}


def _compared(operator: str, had: str, wanted: str) -> bool:
    try:
        left, right = float(had), float(wanted)
    except ValueError:
        return False
    return {"=": left >= right, "==": left == right, ">=": left >= right, "<=": left <= right}[operator]
