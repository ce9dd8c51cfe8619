"""Rehearse a failover on a test copy: start it, verify the data, check it, remove it, look what is left.

The copy's calls carry the operation's fence as their epoch, and nothing here carries the group's:
rounds and operations of the group go on, and one that needs the copy's ground ends the copy. Whatever
a check finds is written down and judged at the end, after the copy was removed.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from drivers import base, write_order
from drivers.errors import CopyGone, DriverError, NoRecoveryPoint, Refused, SiteUnavailable
from groups import clock, drills, errors
from groups.engine import truth
from groups.engine.drills import checks, victim
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step

SLOWED_SECONDS = 3.0
"""How long each of a drill's calls waits where a slow target is rehearsed."""
_CHECK_GRACE_SECONDS = 30.0
COUNT, KILL = "count the writes", "kill the worker"


class DrillFailed(DriverError):
    """The rehearsed failover would not have met its criteria."""

    code = "drill_failed"
    remedy = "Read the drill's report: it names each gap. Mend them, then run the drill again to show that they are."


class Drill(Handler):
    """A failover rehearsed on a test copy."""

    looks_back = False
    _victim: victim.Victim | None = None

    @property
    def target(self) -> str:
        """Return the side the copy is made on."""
        return str(self.context.arguments["target"])

    @property
    def copy_id(self) -> str:
        """Return the copy's id, which is the run's."""
        return str(self.context.arguments["run"])

    def work(self) -> Sequence[Step]:
        """Return the steps; what is broken on purpose is among them."""
        cut = self._is_injected(drills.Injection.LINK_CUT)
        killed = self._is_injected(drills.Injection.WORKER_KILLED)
        return (
            Step(name="preflight", run=self._preflight),
            *((Step(name=COUNT, run=self._count, may_fail=True),) if self._stamped() else ()),
            Step(name="start test copy", run=self._start, undo=self._remove),
            *(self._killing() if killed else ()),
            *((Step(name="cut the copy off", run=self._remove),) if cut else ()),
            Step(name="verify data", run=self._verify),
            Step(name="look meanwhile", run=self._look, may_fail=True),
            *self._checks(),
            Step(name="clean up", run=self._clean_up, commits=True),
            Step(name="look afterwards", run=self._look, may_fail=True),
            Step(name="judge", run=self._judge),
        )

    def result(self) -> Mapping[str, object]:
        """Return the measures; the report has the rest."""
        return measures(self.context.operation.created_at, self.context.journal.results())

    def canceled_truth(self) -> str:
        """Return that production never noticed, and that the copy is gone."""
        return "Replication was not touched; the test copy was removed."

    # Steps.

    def _preflight(self, call: base.Call) -> Mapping[str, object]:
        facts = self.driver.observe(self.group, call=call)
        side = facts.side(self.target)
        if not side.reachable:
            raise SiteUnavailable(
                f"{truth.side_name(self.target).capitalize()} does not answer.", backend_id=self.target
            )
        if facts.active_side == self.target:
            raise Refused(f"The group runs on {truth.side_name(self.target)}; a copy is rehearsed on another side.")
        if side.consistent_at is None:
            raise NoRecoveryPoint(f"{truth.side_name(self.target).capitalize()} holds no complete point of the group.")
        inventory = sorted(self.driver.inventory(self.group, backend_id=self.target, call=call))
        return {**_seen(facts, self.target), "inventory": inventory, "readiness": self._readiness(facts, inventory)}

    def _readiness(self, facts: base.GroupFacts, inventory: Collection[str]) -> list[Mapping[str, object]]:
        bare = [fact.id for fact in facts.volumes if not fact.protected]
        old = [name for name in inventory if name.startswith("test copy ")]
        found = {
            "The active side answers.": (facts.active_side is not None, str(facts.active_side or "primary")),
            "Replication runs.": (facts.replicating, facts.detail),
            "Every volume is in a complete point.": (not bare, ", ".join(bare)),
            "The storage replicates no stranger with the group.": (not facts.strangers, ", ".join(facts.strangers)),
            "No test copy of an earlier drill is left.": (not old, ", ".join(old)),
        }
        at = _iso(facts.observed_at)
        return [{"check": name, "ok": ok, "evidence": said, "at": at} for name, (ok, said) in found.items()]

    def _start(self, call: base.Call) -> Mapping[str, object]:
        self._slow(call)
        copy = self.driver.start_test_copy(self.group, backend_id=self.target, copy_id=self.copy_id, call=call)
        if copy.problem:
            raise CopyGone(f"The test copy is of no use. {copy.problem}")
        facts = self.driver.observe(self.group, call=call)
        return {
            "point_at": _iso(copy.point_at),
            "started_at": _iso(copy.started_at),
            "addresses": dict(copy.addresses),
            "writable_at": _iso(call.now()),
            "bytes_behind": facts.side(self.target).bytes_behind,
        }

    def _remove(self, call: base.Call) -> None:
        self.driver.stop_test_copy(self.group, backend_id=self.target, copy_id=self.copy_id, call=call)

    def _verify(self, call: base.Call) -> Mapping[str, object]:
        self._slow(call)
        if victim.is_here():
            victim.die_soon()
        try:
            found = self.driver.check_test_copy(self.group, backend_id=self.target, copy_id=self.copy_id, call=call)
        except CopyGone as error:
            if not self._is_injected(drills.Injection.LINK_CUT):
                raise
            return {"volumes": [], "noticed": error.message, "verified_at": _iso(call.now())}
        return {
            "volumes": [
                {
                    "id": each.volume_id,
                    "digest": each.digest,
                    "bytes_same": each.bytes_same,
                    "bytes_changed": each.bytes_changed,
                    "bytes_different": each.bytes_different,
                    "differences": [list(stretch) for stretch in each.differences],
                    "not_compared": each.not_compared,
                }
                for each in found
            ],
            "verified_at": _iso(call.now()),
        }

    def _look(self, call: base.Call) -> Mapping[str, object]:
        return _seen(self.driver.observe(self.group, call=call), self.target)

    def _checks(self) -> Sequence[Step]:
        """Return a step for each check of the plan."""
        return tuple(
            Step(
                name=check_step(place, check),
                run=lambda call, place=place, check=check: self._check(call, place, check),  # type: ignore[misc]
                deadline_seconds=float(check["timeout_seconds"]) + _CHECK_GRACE_SECONDS,
            )
            for place, check in enumerate(self.context.arguments["checks"], 1)
        )

    def _check(self, call: base.Call, place: int, check: Mapping[str, Any]) -> Mapping[str, object]:
        if place == 1 and self._is_injected(drills.Injection.HOOK_FAILS):
            return {"ok": False, "detail": "It was made to fail, as the drill was asked to rehearse.", "seconds": 0.0}
        if self.context.result_of("verify data").get("noticed"):
            return {"ok": False, "detail": "There was no copy left to check.", "seconds": 0.0}
        if check["kind"] == drills.CheckKind.WRITE_ORDER:
            return self._write_order(call, check)
        return checks.run(check, told=self._told(), call=call)

    def _told(self) -> Mapping[str, object]:
        """Return what a check is told of the copy."""
        started = self.context.result_of("start test copy")
        names = {volume.id: volume for volume in self.group.volumes}
        return {
            "drill": self.copy_id,
            "group": {"id": self.group.id, "name": self.group.name},
            "target": self.target,
            "point_at": started["point_at"],
            "volumes": [
                {"id": each, "name": names[each].name, "size_bytes": names[each].size_bytes, "address": address}
                for each, address in started["addresses"].items()
                if each in names
            ],
        }

    def _stamped(self) -> Mapping[str, Any] | None:
        """Return the plan's first check of stamped writes, if it has one."""
        found = [each for each in self.context.arguments["checks"] if each["kind"] == drills.CheckKind.WRITE_ORDER]
        return found[0] if found else None

    def _layout(self, check: Mapping[str, Any]) -> write_order.Layout:
        ids = [volume.id for volume in self.group.volumes]
        return write_order.Layout(volume_ids=ids, blocks=int(check["blocks"]))

    def _count(self, call: base.Call) -> Mapping[str, object]:
        """Note how far the stamped writes have come: what the copy lacks of them a failover now would lose."""
        check = self._stamped()

        def read(volume_id: str, offset: int, length: int) -> bytes:
            call.check()
            return self.driver.read_active(self.group, volume_id=volume_id, offset=offset, length=length, call=call)

        return {} if check is None else {"newest": write_order.judge(self._layout(check), read).reached}

    def _write_order(self, call: base.Call, check: Mapping[str, Any]) -> Mapping[str, object]:
        layout = self._layout(check)
        started = clock.seconds()

        def read(volume_id: str, offset: int, length: int) -> bytes:
            call.check()
            return self.driver.read_test_copy(
                self.group,
                backend_id=self.target,
                copy_id=self.copy_id,
                volume_id=volume_id,
                offset=offset,
                length=length,
                call=call,
            )

        verdict = write_order.judge(layout, read)
        return {
            "ok": verdict.holes == 0,
            "detail": f"Write {verdict.reached} is the newest in the copy, with {verdict.holes} holes before it.",
            "reached": verdict.reached,
            "holes": verdict.holes,
            "seconds": clock.seconds() - started,
        }

    def _clean_up(self, call: base.Call) -> Mapping[str, object]:
        self._slow(call)
        made = set(self.driver.inventory(self.group, backend_id=self.target, call=call))
        self._remove(call)
        before = set(self.context.result_of("preflight")["inventory"])
        after = set(self.driver.inventory(self.group, backend_id=self.target, call=call))
        running = [copy.id for copy in self.driver.test_copies(self.group, call=call) if copy.id == self.copy_id]
        # Only what bears the drill's name: a member that joined meanwhile is no leftover.
        left = sorted(name for name in {*after - before, *running} if self.copy_id in name)
        return {"created": sorted(made - before), "left": left, "safe_at": _iso(call.now())}

    def _judge(self, call: base.Call) -> Mapping[str, object]:
        found = problems(self.context.arguments, self.context.operation.created_at, self.context.journal.results())
        if found:
            raise DrillFailed(" ".join(sentence for _, sentence in found))
        return {"passed_at": _iso(call.now())}

    # What is broken on purpose.

    def _killing(self) -> Sequence[Step]:
        return (
            Step(name="start a worker to kill", run=self._start_victim, every_attempt=True),
            Step(name=KILL, run=_own_process, when=self._hand_over),
        )

    def _start_victim(self, call: base.Call) -> None:
        """Start the process that is to die, unless this is it, or it is dead."""
        if not victim.is_here() and not self.context.result_of(KILL):
            self._victim = victim.Victim(self.context.operation, call=call)

    def _hand_over(self) -> bool:
        """Leave the drill to the process that is to die, without another word; in that process, go on."""
        if self._victim is not None:
            self._victim.go()
            raise errors.LeaseLost("this drill rehearses the death of its worker")
        return True

    def _is_injected(self, what: drills.Injection) -> bool:
        return what in self.context.arguments["injections"]

    def _slow(self, call: base.Call) -> None:
        if self._is_injected(drills.Injection.SLOW_TARGET):
            call.wait(SLOWED_SECONDS)


def check_step(place: int, check: Mapping[str, Any]) -> str:
    """Return the name of the step of one check."""
    return f"check {place}: {check['name']}"[:64]


def measures(decided: datetime.datetime, results: Mapping[str, Mapping[str, Any]]) -> Mapping[str, object]:
    """Return what a drill's steps measured: how much would be lost, how long it takes."""
    started, verified = results.get("start test copy", {}), results.get("verify data", {})
    point, writable = _time(started.get("point_at")), _time(started.get("writable_at"))
    checked = _time(verified.get("verified_at"))
    return {
        "rpo_seconds": None if point is None else max(0.0, (decided - point).total_seconds()),
        "rpo_bytes": results.get("preflight", {}).get("bytes_behind"),
        "rto_seconds": None if writable is None else max(0.0, (writable - decided).total_seconds()),
        "verified_seconds": None if checked is None else max(0.0, (checked - decided).total_seconds()),
    }


def problems(
    terms: Mapping[str, Any], decided: datetime.datetime, results: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Return a code and a sentence for each criterion that was not met, the gravest first."""
    rehearsed = set(terms["injections"])
    found: list[tuple[str, str]] = []
    volumes = results.get("verify data", {}).get("volumes", [])
    for volume in volumes:
        if volume["bytes_different"]:
            places = ", ".join(f"{length} at byte {offset}" for offset, length in volume["differences"])
            sentence = (
                f"Volume {volume['id']} differs from the active side in {volume['bytes_different']} bytes that nobody"
                f" has written since: {places}."
            )
            found.append((f"data-differs:{volume['id']}", sentence))
    if left := results.get("clean up", {}).get("left"):
        found.append(("left-behind", f"The drill left behind: {', '.join(left)}."))
    missing = sorted({volume["not_compared"] for volume in volumes if volume["not_compared"]})
    if missing and terms["must_compare"]:
        found.append(("not-compared", f"The data was not compared. {' '.join(missing)}"))
    found += _failed_checks(terms, results, rehearsed)
    found += missed_objectives(terms, measures(decided, results), rehearsed)
    if drills.Injection.LINK_CUT in rehearsed and not results.get("verify data", {}).get("noticed"):
        found.append(("cut-not-noticed", "The copy was cut off, and nobody noticed."))
    if drills.Injection.WORKER_KILLED in rehearsed and not results.get(KILL):
        found.append(("worker-not-killed", "The worker that was to be killed was not."))
    return found


def _failed_checks(
    terms: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], rehearsed: Collection[str]
) -> list[tuple[str, str]]:
    if drills.Injection.LINK_CUT in rehearsed:
        return []
    found = []
    for place, check in enumerate(terms["checks"], 1):
        result = results.get(check_step(place, check), {})
        meant = place == 1 and drills.Injection.HOOK_FAILS in rehearsed
        if result and not result["ok"] and check["on_failure"] == "fail" and not meant:
            found.append((f"check:{place}", f"Check '{check['name']}' failed: {result['detail']}"))
    return found


def missed_objectives(
    terms: Mapping[str, Any], measured: Mapping[str, Any], rehearsed: Collection[str]
) -> list[tuple[str, str]]:
    """Return a code and a sentence for each objective that was not met."""
    if rehearsed:
        # What is broken on purpose takes its time: how long is in the report, and no breach.
        return []
    found = []
    for name, title in (("rpo_seconds", "recovery point"), ("rto_seconds", "recovery time")):
        objective, achieved = terms.get(name), measured[name]
        if objective is not None and achieved is not None and achieved > objective:
            found.append((name, f"The {title} achieved is {achieved:.1f} s, and the objective {objective:g} s."))
    return found


def _seen(facts: base.GroupFacts, target: str) -> dict[str, object]:
    """Return what a look found, as JSON values."""
    side = facts.side(target)
    return {
        "observed_at": _iso(facts.observed_at),
        "active_side": facts.active_side,
        "replicating": facts.replicating,
        "lag_seconds": None if side.consistent_at is None else max(0.0, facts.observed_at - side.consistent_at),
        "bytes_behind": side.bytes_behind,
        "sides": [
            {
                "backend_id": each.backend_id,
                "reachable": each.reachable,
                "consistent_at": None if each.consistent_at is None else _iso(each.consistent_at),
                "bytes_behind": each.bytes_behind,
            }
            for each in facts.sides
        ],
        "volumes": [
            {"id": each.id, "active_side": each.active_side, "protected": each.protected, "error": each.error}
            for each in facts.volumes
        ],
    }


def _own_process(call: base.Call) -> Mapping[str, object]:
    """Return which process is about to be killed, and when."""
    return {"process": os.getpid(), "at": _iso(call.now())}


def _iso(unix: float) -> str:
    return datetime.datetime.fromtimestamp(unix, tz=datetime.UTC).isoformat()


def _time(text: str | None) -> datetime.datetime | None:
    return None if text is None else datetime.datetime.fromisoformat(text)
