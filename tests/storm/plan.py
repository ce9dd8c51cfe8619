"""The schedule of a storm: which verb, which kill, which fault comes when, all of it drawn from the seed."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

What = Literal["verb", "kill", "fault"]

TARGETS = ("site-b", "site-c")
"""The secondaries of each backend. A client names the primary `default`, and the first one by naming none."""
_CREATING_SHARE = 0.25
_CREATING_SECONDS = 360.0
_WEB_KILL_DELAY_SECONDS = 0.03

# How often each kind of kill comes, in parts; the components decide which are possible.
KILLS: Mapping[str, float] = {
    "worker": 40,
    "frozen worker": 8,
    "beat": 8,
    "web": 8,
    "web child": 6,
    "broker": 8,
    "connections": 14,
    "messages": 12,
    "database": 6,
    "site daemon": 14,
}
_OF_SERVERS = frozenset({"broker", "connections"})
_OF_OWN = frozenset({"messages", "database"})
_OF_QEMU = frozenset({"site daemon"})

FAULTS: Mapping[str, float] = {"site down": 5, "site frozen": 2, "site restarted": 3, "driver": 14}
_ACTIONS = ("fail", "fail-retryable", "raise-value-error", "return-none", "slow", "hang", "wrong-facts")
_CALLS = (
    "*", "observe", "promote", "replicate", "stop_writes", "allow_writes", "retire", "enable_replication",
    "disable_replication", "create_volume", "create_group", "delete_group", "delete_volume", "serve",
)  # fmt: skip

# What is asked of a group in which state, in parts. Some of it is refused, and meant to be.
_VERBS: Mapping[str, Mapping[str, float]] = {
    "disabled": {"enable": 80, "delete": 5, "failover": 5, "grow": 6, "disable": 2, "reset": 2},
    "enabled": {
        "failover": 60,
        "failback": 6,
        "enable": 7,
        "disable": 9,
        "delete": 6,
        "grow": 5,
        "shrink": 5,
        "reset": 2,
    },
    "failed-over": {"failback": 58, "failover": 24, "enable": 3, "delete": 5, "reset": 3, "disable": 2, "grow": 2},
}
_AFTER = {"enable": "enabled", "disable": "disabled", "failover": "failed-over", "failback": "enabled"}
_CANCELED_SHARE = 0.1
_DOUBLED_SHARE = 0.06


@dataclasses.dataclass(frozen=True, kw_only=True)
class Terms:
    """What a storm is made of."""

    seed: int
    seconds: float = 1800.0
    groups: int = 200
    driver: Literal["fake", "qemu"] = "fake"
    components: Literal["own", "servers"] = "servers"
    """SQLite and the spool folder, or PostgreSQL and Redis."""
    verbs_a_minute: float = 180.0
    kills_a_minute: float = 14.0
    faults_a_minute: float = 12.0
    workers: int = 3
    only: tuple[str, ...] = ()
    """The kinds of kill that come; all that are possible when empty."""
    pace_seconds: float = 0.15
    """How much longer the fake driver takes for each volume: an operation must last, to be hit in its middle."""
    plant: str = ""
    """The fault planted into every worker, if any."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Happening:
    """One thing that happens at its time, counted in seconds from the storm's beginning."""

    at: float
    what: What
    name: str
    slot: int = 0
    """Which of the storm's groups; a group that is deleted is followed by another in its place."""
    draw: float = 0.0
    """A number from 0 to 1 that picks the victim among those there are then."""
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def schedule(terms: Terms) -> list[Happening]:
    """Return everything that will happen, in order. The same terms give the same schedule."""
    verbs = list(_verbs(terms, random.Random(f"{terms.seed} verbs")))
    kills = list(_kills(terms, random.Random(f"{terms.seed} kills"), [each.at for each in verbs]))
    faults = list(_faults(terms, random.Random(f"{terms.seed} faults")))
    return sorted([*verbs, *kills, *faults], key=lambda each: (each.at, each.what, each.slot, each.name))


def kinds_of_kill(terms: Terms) -> dict[str, float]:
    """Return which kills are possible, with how often they come."""
    out = (_OF_OWN if terms.components == "servers" else _OF_SERVERS) | (
        frozenset() if terms.driver == "qemu" else _OF_QEMU
    )
    return {kind: parts for kind, parts in KILLS.items() if kind not in out and kind in (terms.only or KILLS)}


def _kills(terms: Terms, chance: random.Random, verbs: Sequence[float]) -> Iterator[Happening]:
    kinds = kinds_of_kill(terms)
    # Every kind comes in a short storm, too.
    pending = chance.sample(sorted(kinds), len(kinds))
    for at in _times(terms.seconds, terms.kills_a_minute, chance):
        kind = pending.pop() if pending else chance.choices(list(kinds), list(kinds.values()))[0]
        if kind.startswith("web") and verbs:
            # While it answers.
            at = min(verbs, key=lambda verb: abs(verb - at)) + chance.uniform(0, _WEB_KILL_DELAY_SECONDS)  # noqa: PLW2901
        details = {"pause": round(chance.expovariate(1.0), 3), "side": chance.choice(("", *TARGETS))}
        yield Happening(at=at, what="kill", name=kind, draw=chance.random(), details=details)


def _faults(terms: Terms, chance: random.Random) -> Iterator[Happening]:
    kinds = FAULTS if terms.driver == "fake" else {kind: parts for kind, parts in FAULTS.items() if kind != "driver"}
    for at in _times(terms.seconds, terms.faults_a_minute, chance):
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        details: dict[str, Any] = {
            "side": chance.choice(("", *TARGETS)),
            "seconds": round(chance.uniform(1, 8), 3),
            "call": chance.choice(_CALLS),
            "action": chance.choice(_ACTIONS),
            "volume": chance.choice((None, None, 1, 2, 3)),
            "when": chance.choice(("before", "after")),
            "times": chance.choice((1, 1, 2, 3)),
        }
        yield Happening(at=at, what="fault", name=kind, draw=chance.random(), details=details)


def _verbs(terms: Terms, chance: random.Random) -> Iterator[Happening]:
    creating = min(terms.seconds * _CREATING_SHARE, _CREATING_SECONDS)
    born = [creating * slot / terms.groups for slot in range(terms.groups)]
    for slot, at in enumerate(born):
        yield _creation(slot, at, terms, chance)
    # What a client believes; what it asks for may be refused, as the truth may be another.
    believed = ["enabled"] * terms.groups
    for at in _times(terms.seconds, terms.verbs_a_minute, chance):
        slot = chance.randrange(max(1, sum(each <= at for each in born)))
        verb = _drawn(_VERBS[believed[slot]], chance)
        yield Happening(at=at, what="verb", name=verb, slot=slot, details=_arguments(verb, chance))
        believed[slot] = _AFTER.get(verb, believed[slot])
        if verb == "delete":
            believed[slot] = "enabled"
            yield _creation(slot, at + chance.uniform(1, 5), terms, chance)
        elif chance.random() < _CANCELED_SHARE:
            yield Happening(at=at + chance.expovariate(2.0), what="verb", name="cancel", slot=slot)
        elif chance.random() < _DOUBLED_SHARE:
            other = _drawn(_VERBS[believed[slot]], chance)
            if other not in {"delete", "reset"}:
                yield Happening(at=at, what="verb", name=other, slot=slot, details=_arguments(other, chance))


def _creation(slot: int, at: float, terms: Terms, chance: random.Random) -> Happening:
    volumes = chance.randint(1, 3 if terms.driver == "fake" else 2)
    return Happening(at=at, what="verb", name="create", slot=slot, details={"volumes": volumes})


def _arguments(verb: str, chance: random.Random) -> dict[str, Any]:
    mode = chance.choices(("auto", "planned", "unplanned"), (80, 10, 10))[0]
    if verb == "failover":
        return {"target": chance.choice((None, *TARGETS)), "mode": mode}
    if verb == "failback":
        # Back unplanned throws away what was written; only few people ask for it.
        return {"target": "default", "mode": "auto" if mode == "planned" else mode}
    return {}


def _drawn(parts: Mapping[str, float], chance: random.Random) -> str:
    return chance.choices(list(parts), list(parts.values()))[0]


def _times(seconds: float, a_minute: float, chance: random.Random) -> list[float]:
    """Return times at random; how many they are is certain."""
    return sorted(chance.uniform(0, seconds) for _ in range(round(a_minute * seconds / 60)))
