"""The storm from its first process to its verdict. Needs Django to be set up for the stormed site."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from django.core.management import call_command
from django.db import DatabaseError, connection

from groups import callers, models, specs, statuses
from groups.services import backends, types
from tests.judging import history, verdict
from tests.storm import figures, plan, verbs
from tests.storm.components import Components
from tests.storm.killer import Killer
from tests.storm.mending import Mender
from tests.storm.people import PROJECT, Cut, Person
from tests.storm.stack import Stack
from tests.storm.storages import Fakes, Qemu, Storage
from tests.storm.terms import Timing
from tests.storm.watch import Watch
from tests.storm.writers import Writers
from tests.support import domain, processes

Say = Callable[[str], None]

_NAP_SECONDS = 0.2
_TELL_SECONDS = 15.0
_WRITES_A_SECOND = 20.0
_CLOCK_ERROR_SECONDS = 0.2
"""On a busy machine a look at the database's clock is that inexact."""
_INTERVAL_SECONDS = {"fake": 30, "qemu": 3}


class Storm:
    """One storm over one site."""

    def __init__(
        self,
        terms: plan.Terms,
        *,
        folder: Path,
        env: Mapping[str, str],
        components: Components,
        port: int,
        timing: Timing,
        say: Say,
    ) -> None:
        self._terms, self._folder, self._say = terms, folder, say
        self._components = components
        self._storage: Storage = (
            Fakes(folder, pace_seconds=terms.pace_seconds) if terms.driver == "fake" else Qemu(folder)
        )
        self._timing = timing
        caller = self._set_up()
        self._watch = Watch(recovery_seconds=timing.recovery_seconds)
        self._stack = Stack(folder=folder, env=env, workers=terms.workers, watch=self._watch, plant=terms.plant)
        self._person = Person(port)
        self._verbs = verbs.Verbs(person=self._person, caller=caller, slots=terms.groups)
        self._killer = Killer(
            stack=self._stack,
            components=components,
            storage=self._storage,
            watch=self._watch,
            lease_seconds=timing.lease_seconds,
        )
        self._writers = Writers(self._storage, seed=terms.seed, a_second=_WRITES_A_SECOND)
        self._mender = Mender(self._verbs, timing=timing, keep_up=self._keep_up)
        self._began = self._told = self._checked = time.monotonic()

    def run(self) -> list[str]:
        """Let it blow, bring all to rest and to health, and return what there is to complain about."""
        with self._processes():
            self._begin()
            for happening in plan.schedule(self._terms):
                self._wait_until(self._began + happening.at)
                (self._verbs if happening.what == "verb" else self._killer).carry_out(happening)
            self._wait_until(self._began + self._terms.seconds)
            return self._end()

    def _set_up(self) -> callers.Caller:
        """Make the site ready: tables, the admin, backends and types."""
        call_command("bootstrap", stdout=io.StringIO())
        caller = domain.caller("admin", models.Project.objects.get(name=PROJECT), callers.ADMIN)
        for each in self._storage.backends:
            backends.add(caller, name=each.name, driver=self._terms.driver, options=each.options, targets=each.targets)
        interval = str(_INTERVAL_SECONDS[self._terms.driver])
        wanted = {specs.CONSISTENT_GROUP_REPLICATION: specs.TRUE, specs.INTERVAL: interval}
        types.create(caller, family=types.GROUP, name=verbs.GROUP_TYPE, spec_values=wanted)
        types.create(caller, family=types.VOLUME, name=verbs.VOLUME_TYPE, spec_values={specs.REPLICATION: specs.TRUE})
        return caller

    @contextlib.contextmanager
    def _processes(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for ending in (connection.close, self._storage.end, self._stack.dismiss, self._verbs.finish):
                stack.callback(ending)
            stack.callback(self._writers.stop)
            yield

    def _begin(self) -> None:
        self._stack.start()
        processes.wait_until(self._answers, what="the web process to answer")
        self._writers.start()
        self._began = self._told = time.monotonic()
        self._say(f"{time.monotonic() - self._began:5.0f} s  the site answers; the storm begins")

    def _answers(self) -> bool:
        try:
            return self._person.ask("GET", "groups").status == 200
        except Cut:
            return False

    def _wait_until(self, at: float) -> None:
        """Bring back what is due and keep everything up, until it is time."""
        while True:
            self._keep_up()
            now = time.monotonic()
            if now >= at:
                return
            time.sleep(max(0.0, min(at, self._killer.next_due(), now + _NAP_SECONDS) - now))

    def _keep_up(self) -> None:
        """Do what a supervisor does, and tell how it goes now and then."""
        self._killer.bring_back()
        now = time.monotonic()
        if now - self._checked >= 1.0:
            self._checked = now
            self._stack.check()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._tell()

    def _tell(self) -> None:
        try:
            groups, asked = models.Group.objects.count(), models.Operation.objects.count()
            still_open = models.Operation.objects.filter(state__in=statuses.OPEN).count()
        except DatabaseError as error:
            self._say(f"the database does not answer the storm: {type(error).__name__}")
            connection.close()
            return
        self._say(
            f"{time.monotonic() - self._began:5.0f} s  {groups} groups, {asked} operations ({still_open} open),"
            f" {self._killer.kills.total()} kills, {self._killer.faults.total()} faults,"
            f" {len(self._writers.writes)} writes"
        )

    # The end.

    def _end(self) -> list[str]:
        self._say("       calm: everything is brought back, and must come to rest by itself")
        self._killer.calm()
        self._verbs.finish()
        complaints = self._mender.wait_for_rest()
        if not complaints:
            self._say("       at rest; every group is brought to health by verbs")
            complaints = self._mender.mend() or self._mender.wait_for_health()
        self._writers.stop()
        unread = self._writers.read_all()
        found = self._history()
        complaints += [*unread, *verbs.unkept(self._verbs.promises), *self._verbs.broken, *self._stack.ends_unasked]
        complaints += verdict.judge(found)
        if complaints:
            self._dump()
        for line in self._summary(found, complaints):
            self._say(line)
        return complaints

    def _history(self) -> history.History:
        return history.collect(
            logs=self._storage.logs(),
            writes=list(self._writers.writes),
            reads=list(self._writers.reads),
            observe=history.look,
            at_rest=True,
            clock_error_seconds=_CLOCK_ERROR_SECONDS,
            outages=self._watch.outages(crews=(self._stack.copiers, self._stack.worker_places)),
            lease_seconds=self._timing.lease_seconds,
        )

    def _summary(self, found: history.History, complaints: Sequence[str]) -> Iterator[str]:
        terms = self._terms
        yield ""
        yield f"seed {terms.seed}, {terms.seconds / 60:g} minutes, driver {terms.driver}, {terms.components} components"
        yield f"groups made: {sum(each.kind == statuses.Kind.CREATE_GROUP for each in found.operations)}"
        yield f"operations: {len(found.operations)}"
        for kind, ends in sorted(figures.operations_by_end().items()):
            yield f"  {kind:18s}  {', '.join(f'{count} {state}' for state, count in sorted(ends.items()))}"
        yield from figures.table("failed operations", figures.failures_by_code())
        yield from figures.table("kills", self._killer.kills)
        yield from figures.table("faults of storage", self._killer.faults)
        yield from figures.table("refusals", self._verbs.refusals)
        took = figures.take_overs(found.events, self._stack.spells)
        for kind, seconds in took.items():
            yield f"taken over from {kind} workers: {figures.spread(seconds)}"
        longest, which = figures.longest_passing(found.events)
        yield f"longest time a passing status stood: {longest:.1f} s ({which})"
        yield f"requests cut off: {self._person.cut}; slowest answer: {self._person.slowest:.1f} s"
        yield f"answers: {dict(sorted(self._person.statuses.items()))}"
        yield f"writes: {len(found.writes)} acknowledged, {self._writers.refused} not let through"
        yield f"reads: {len(found.reads)}"
        yield f"verbs needed to bring all to health: {self._mender.verbs_needed}"
        yield f"complaints: {len(complaints)}"
        yield from (f"  {complaint}" for complaint in complaints)

    def _dump(self) -> None:
        """Keep what happened beside the logs, for whoever looks into a complaint."""
        for model in (models.Operation, models.OperationStep, models.Event, models.Group, models.Volume):
            with (self._folder / f"{model.__name__.lower()}.jsonl").open("w") as out:
                for row in model.objects.order_by("pk"):
                    fields = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
                    out.write(json.dumps(fields, default=str) + "\n")
        with (self._folder / "diary.jsonl").open("w") as out:
            for at, happening in self._killer.diary:
                out.write(json.dumps({"time": at, **dataclasses.asdict(happening)}) + "\n")
        with (self._folder / "call.jsonl").open("w") as out:
            out.writelines(json.dumps(call.__dict__) + "\n" for call in self._storage.logs())
