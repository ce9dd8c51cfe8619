"""What came of a drill: what it measured, verified and left, as the fields of its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groups.engine.drills.facts import Facts
from groups.engine.handlers import drills as handler
from groups.reports.fields import NotApplicable


def _full_result(facts: Facts) -> dict[str, Any]:
    """Return what came of a planned switchover and the way back."""
    measured = facts.measures
    none = NotApplicable(f"It ended before that. {facts.operation.error}".strip())
    stopped, there = facts.ended("stop writes"), facts.ended("promote")
    away, back = facts.ended("stop writes", back=True), facts.ended("promote", back=True)
    safe = facts.ended("verify", back=True)
    return {
        "achieved_rpo": {
            "seconds": 0.0,
            "bytes": 0,
            "writes": 0,
            "how": "writes were stopped, and after the last round the target lacked nothing",
        }
        if there
        else none,
        "achieved_rto": {
            "to_writable_seconds": measured["rto_seconds"],
            "to_verified_seconds": measured["verified_seconds"],
            "without_people_seconds": measured["rto_seconds"],
            "writes_stopped_seconds": (there - stopped).total_seconds() if there and stopped else "not stopped",
            "comparing_seconds": facts.compared().get("seconds", 0.0),
            "how": "from the decision to drill, queueing included, to the target taking writes; without the comparing,"
            " which a drill alone does, and which the time of stopped writes includes",
        }
        if there
        else none,
        "data_verification": _both_legs(facts) if there else none,
        "group_consistency": {"how": "the last round is one moment of every volume, with writes stopped"}
        if there
        else none,
        "application_checks": NotApplicable("The group's own clients ran on the target."),
        "production_impact": {
            "writes_stopped_seconds": (there - stopped).total_seconds() if there and stopped else 0.0,
            "writes_stopped_on_the_way_back_seconds": (back - away).total_seconds() if back and away else 0.0,
        },
        "clean_up": NotApplicable("Nothing was made that is not the group itself."),
        "protection_restored": {
            "at": safe.isoformat(),
            "exposure_seconds": (safe - there).total_seconds() if there else 0.0,
        }
        if safe
        else NotApplicable("The group is not protected again: see the gaps."),
        "other_side": {
            "from": there.isoformat(),
            "to": back.isoformat() if back else "still there",
            "seconds": ((back or facts.ended_at) - there).total_seconds(),
            "way_back": f"operation {facts.back.pk}, {facts.back.state}" if facts.back else "not begun",
        }
        if there
        else none,
    }


def _both_legs(facts: Facts) -> Any:
    """Return what was compared on the way there, and back."""
    legs = {"there": facts.compared(), "back": facts.compared(back=True)}
    volumes = [
        {"leg": leg, "id": each["id"], "digest": each["digest"], "bytes_same": each["bytes"], "bytes_different": 0}
        for leg, found in legs.items()
        for each in found.get("volumes", [])
    ]
    if not volumes:
        return NotApplicable("The plan asks for no comparing. The storage says that the side promoted lacked no byte.")
    return {
        "method": "with writes stopped, after the last round and before the promotion: SHA-256 of each volume on both"
        " sides, which a drill goes on from only where they are equal",
        "there": "both sides are equal",
        "back": "both sides are equal" if legs["back"] else "not reached",
        "volumes": facts.named(volumes),
    }


def of(facts: Facts) -> dict[str, Any]:
    """Return the fields of a report that say what came of the drill."""
    if facts.full:
        return _full_result(facts)
    measured, started = facts.measures, facts.of("start test copy")
    none = NotApplicable(f"It ended before that. {facts.operation.error}".strip())
    volumes = facts.of("verify data").get("volumes") or []
    order = next((each for each in facts.results.values() if "holes" in each), None)
    return {
        "achieved_rpo": {
            "seconds": measured["rpo_seconds"],
            "bytes": measured["rpo_bytes"],
            **_writes(facts, order),
            "how": "from the copy's point to the decision to drill; bytes as the storage marks them",
        }
        if measured["rpo_seconds"] is not None
        else none,
        "achieved_rto": {
            "to_writable_seconds": measured["rto_seconds"],
            "to_verified_seconds": measured["verified_seconds"],
            "without_people_seconds": measured["rto_seconds"],
            "how": "from the decision to drill, queueing included, to a copy that clients can write",
        }
        if measured["rto_seconds"] is not None
        else none,
        "data_verification": {
            "method": "SHA-256 of each volume's copy; every block compared with the active side's, but those that"
            " clients have written since the point",
            "volumes": facts.named(volumes),
        }
        if volumes
        else none,
        "group_consistency": _consistency(started, order) if started else none,
        "application_checks": [
            {"name": check["name"], "kind": check["kind"], **facts.of(handler.check_step(place, check))}
            for place, check in enumerate(facts.terms.get("checks", []), 1)
            if facts.of(handler.check_step(place, check))
        ]
        or (NotApplicable("The plan has no checks.") if not facts.terms.get("checks") else none),
        **_effects(facts, none),
    }


def _writes(facts: Facts, order: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how many writes a failover at the drill's start would have lost, where they bear numbers."""
    newest = facts.of(handler.COUNT).get("newest")
    if order is None or newest is None:
        return {
            "writes": "not counted: no check of the plan looks at stamped writes, or the active side did not answer"
        }
    lost = max(0, newest - order["reached"])
    return {"writes": lost, "newest_write": newest, "newest_write_in_the_copy": order["reached"]}


def _consistency(started: Mapping[str, Any], order: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "point_at": started["point_at"],
        "how": "every volume's copy is of one complete point of the group",
        "write_order": {"newest_write": order["reached"], "holes": order["holes"]} if order else "no stamps to look at",
    }


def _effects(facts: Facts, none: NotApplicable) -> dict[str, Any]:
    started, cleaned = facts.of("start test copy"), facts.of("clean up")
    looks = {
        title: {name: found.get(name) for name in ("observed_at", "lag_seconds", "bytes_behind", "replicating")}
        for title, step in (("before", "preflight"), ("during", "look meanwhile"), ("after", "look afterwards"))
        if (found := facts.of(step))
    }
    return {
        "production_impact": {
            **looks,
            "latency": "not measured: the copy is on the target, clients are on the other side",
        }
        if looks
        else none,
        "clean_up": {
            "created": cleaned["created"],
            "left": cleaned["left"] or "nothing",
            "how": "what the target keeps for the group, named before and after",
            "safe_at": cleaned["safe_at"],
        }
        if cleaned
        else none
        if not started
        else {"left": "the copy was removed while the drill was undone", "how": facts.operation.truth or "undo"},
        "protection_restored": {"exposure_seconds": 0.0, "how": "replication went on all the time"},
        "other_side": {
            "copy_writable_from": started["writable_at"],
            "copy_until": cleaned.get("safe_at", "it was undone"),
            "way_back": "none: production stayed where it was",
        }
        if started
        else none,
    }
