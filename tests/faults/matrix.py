"""The same operation again and again, each time with a new group, and all that is true at its end."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from drivers.fake import contents
from drivers.fake.control import Control
from drivers.fake.journal import LoggedCall
from drivers.fake.state import State
from groups import models
from groups.engine import observing, storage
from groups.statuses import GroupStatus
from tests.faults import logged
from tests.faults.killing import Point
from tests.support import domain

SIDES = ("", "site-b", "site-c")
_NAMELESS = re.compile("(undo point) [0-9a-f]+")


class Storage(Protocol):
    """What a kind of storage tells of itself."""

    def log(self) -> Sequence[LoggedCall]:
        """Return the calls the driver got since the group was made ready; empty where none is kept."""

    def inventory(self) -> set[str]:
        """Return the names of all there is on all sides, and of what must not be left behind."""

    def holds(self, volume_ids: Sequence[str]) -> object:
        """Return what each side holds of some volumes and lets clients do, without names and times."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One operation: what it starts from, how it is asked for, and how it ends undisturbed."""

    prepare: Callable[[domain.Site], models.Group]
    ask: Callable[[domain.Site, models.Group], object]
    ends: str = "succeeded"
    disturb: Callable[[domain.Site, models.Group], object] | None = None
    """What makes it fail once. A worker that dies may take that with it: then it ends as if nothing had."""
    once_more: Callable[[domain.Site, models.Group], object] | None = None
    """How it is asked for after it was canceled, where that is another way."""


@dataclasses.dataclass
class Bench:
    """One site on which a case is run again and again."""

    site: domain.Site
    case: Case
    storage: Storage
    group: models.Group = dataclasses.field(init=False)
    names: dict[str, str] = dataclasses.field(init=False)
    """What each id of this turn is called in comparisons."""

    def begin(self, *, disturbed: bool = True) -> None:
        """Make everything ready and ask for the operation; nobody has taken it yet."""
        self.ready(disturbed=disturbed)
        self.ask()

    def ready(self, *, disturbed: bool = True) -> None:
        """Make everything ready."""
        for side in SIDES:
            self.site.control.site_up(side)
        self.site.control.clear_faults()
        models.Volume.objects.filter(name="lone").update(name="older")
        self._before = self.storage.inventory()
        tables = (models.Volume, models.Snapshot, models.GroupSnapshot)
        self._known = {str(pk) for table in tables for pk in table.objects.values_list("pk", flat=True)}
        self.group = self.case.prepare(self.site)
        if disturbed and self.case.disturb is not None:
            self.case.disturb(self.site, self.group)
        self.site.control.forget_log()
        self.name()

    def ask(self) -> None:
        """Ask for the operation."""
        self.case.ask(self.site, self.group)
        self.name()

    def ask_once_more(self) -> None:
        """Ask for the operation after it was canceled."""
        (self.case.once_more or self.case.ask)(self.site, self.group)
        self.name()

    def mark(self) -> int:
        """Return how many calls the storage has got."""
        return len(self.storage.log())

    def name(self) -> None:
        """Find out which volumes and groups this turn is about."""
        ids = models.Volume.objects.order_by("created_at", "id").values_list("pk", flat=True)
        new = [str(pk) for pk in ids if str(pk) not in self._known]
        self.volume_ids = new
        newest = models.Group.objects.latest("created_at")
        kept = [
            *models.Snapshot.objects.order_by("volume__created_at", "created_at", "id").values_list("pk", flat=True),
            *models.GroupSnapshot.objects.order_by("created_at", "id").values_list("pk", flat=True),
        ]
        new_kept = [str(pk) for pk in kept if str(pk) not in self._known]
        self.names = {volume_id: f"volume {number}" for number, volume_id in enumerate(new, 1)}
        self.names |= {snapshot_id: f"snapshot {number}" for number, snapshot_id in enumerate(new_kept, 1)}
        # Snapshots that are taken for an operation alone are named by it.
        self.names |= {str(models.Operation.objects.latest("created_at").pk): "the operation"}
        self.names |= {str(self.group.pk): "the group", str(newest.pk): "the newest group"}
        runs = models.DrillRun.objects.filter(subject_id=self.group.pk).values_list("pk", flat=True)
        self.names |= {str(pk): "the drill" for pk in runs}

    # What is true.

    def end(self) -> dict[str, Any]:
        """Return all that must not depend on how often workers died."""
        operation = models.Operation.objects.latest("created_at")
        return {
            "operation": (operation.kind, operation.state, operation.error_code, operation.undoing),
            "events": self._moves(operation),
            "steps": [(step.name, step.state) for step in operation.steps.all()],
            **self.state(),
        }

    def state(self) -> dict[str, Any]:
        """Return what is true of the group and its volumes, by the record and by the storage."""
        return {
            "held": self.storage.holds(self.volume_ids),
            "left": sorted(self._called(name) for name in self.storage.inventory() - self._before),
            "group": self._rows(models.Group, "status", "replication_status", "active_backend_id"),
            "volumes": self._rows(models.Volume, "status", "replication_status", "size_gib", "group"),
            "snapshots": self._rows(models.Snapshot, "status", "size_gib", "volume", "group_snapshot"),
            "group snapshots": self._rows(models.GroupSnapshot, "status", "group"),
            "round": list(
                models.Round.objects.filter(group=self.group).values("failures", "error", "lease_until", "owner")
            ),
            "seen": self._seen(),
        }

    def attempts(self) -> dict[str, int]:
        """Return how often the operation, and each of its steps, was begun."""
        operation = models.Operation.objects.latest("created_at")
        return {"": operation.attempt, **{step.name: step.attempt for step in operation.steps.all()}}

    def _moves(self, operation: models.Operation) -> list[object]:
        events = models.Event.objects.filter(operation=operation).order_by("id")
        moves = [(event.axis, event.old, event.new, event.volumes) for event in events]
        # A take-over is a move from a state to itself; all other moves stand once.
        return [move for move in moves if move[1] != move[2]]

    def _rows(self, model: Any, *columns: str) -> list[dict[str, object]]:
        rows = model.objects.filter(pk__in=list(self.names)).order_by("created_at", "id").values(*columns)
        return [{name: self.names.get(str(value), value) for name, value in row.items()} for row in rows]

    def _called(self, text: str) -> str:
        for name, called in self.names.items():
            text = text.replace(name, called)
        return _NAMELESS.sub(r"\1", text)

    def _seen(self) -> object:
        """Look at the group as the observe tick does; return what it finds."""
        group = models.Group.objects.select_related("backend", "group_type").filter(pk=self.group.pk).first()
        if group is None or group.status != GroupStatus.AVAILABLE:
            return None
        observing._look(storage.driver_for(group.backend), group)
        group.refresh_from_db()
        open_ones = models.Finding.objects.filter(group=group, closed_at__isnull=True)
        return group.health, sorted(open_ones.values_list("code", "key"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reference:
    """An undisturbed run."""

    end: Mapping[str, Any]
    points: Sequence[Point]
    log: Sequence[LoggedCall]
    names: Mapping[str, str]
    steps: logged.Steps
    sides: set[str]
    attempts: Mapping[str, int]


def reference(bench: Bench, points: Sequence[Point]) -> Reference:
    """Return what an undisturbed run that has just ended was like."""
    log = bench.storage.log()
    return Reference(
        end=bench.end(),
        points=points,
        log=log,
        names=bench.names,
        steps=logged.steps(log, points, bench.names),
        sides=logged.sides_asked(log, bench.names),
        attempts=bench.attempts(),
    )


def problems(bench: Bench, references: Sequence[Reference]) -> list[str]:
    """Return all that is otherwise, after one death, than after any of the undisturbed runs."""
    log, end = bench.storage.log(), bench.end()
    alike = [each for each in references if each.end == end]
    if not alike:
        return [f"ended otherwise: {different(references[0].end, end)}"]
    wrong = _log_problems(log, references, bench.names) if log else []
    if all(_begun_too_often(each.attempts, bench.attempts()) for each in alike):
        wrong.append(f"begun too often: {bench.attempts()}")
    return wrong


def _log_problems(log: Sequence[LoggedCall], references: Sequence[Reference], names: Mapping[str, str]) -> list[str]:
    """Return what a log has that none of the undisturbed runs explains."""
    wrong = []
    found = logged.attempts(log, names)
    if not any(logged.explains(each.steps, found, names) for each in references):
        wrong.append(f"calls: {[[(call.method, call.backend_id, call.outcome) for call in part] for part in found]}")
    if not logged.sides_asked(log, names) <= set[str]().union(*(each.sides for each in references)):
        wrong.append("a side was asked that need not be")
    return wrong


def _begun_too_often(before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Tell whether more was begun again than one death explains: the operation, its looks and one step."""
    more = {name: now[name] - before.get(name, 0) for name in now if now[name] != before.get(name, 0)}
    return any(count > 1 for count in more.values()) or len(set(more) - {"", "preflight", "look"}) > 1


def different(before: Any, now: Any) -> Any:
    """Return only those parts in which two values differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        return {key: different(before.get(key), now.get(key)) for key in keys}
    if isinstance(before, list) and isinstance(now, list):
        return {
            place: different(*pair)
            for place, pair in enumerate(itertools.zip_longest(before, now))
            if pair[0] != pair[1]
        }
    return f"{before!r} became {now!r}"


class Fake:
    """The fake storage."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def log(self) -> Sequence[LoggedCall]:
        """See `Storage.log`."""
        return self._control.log()

    def inventory(self) -> set[str]:
        """See `Storage.inventory`."""
        return {f"{side or 'primary'}: {name}" for side in SIDES for name in self._control.inventory(side)}

    def holds(self, volume_ids: Sequence[str]) -> object:
        """See `Storage.holds`."""
        points: dict[object, int] = {}
        return {side: [self._copy(side, volume_id, points) for volume_id in volume_ids] for side in SIDES}

    def _copy(self, side: str, volume_id: str, points: dict[object, int]) -> object:
        with State(self._control.folder) as state, state.snapshot() as snapshot:
            row = snapshot.execute(
                "SELECT * FROM copies WHERE side = ? AND volume_id = ?", (side, volume_id)
            ).fetchone()
            if row is None:
                return None
            told = ("size_bytes", "role", "writable", "serving", "written", "replicating", "spread")
            return {
                **{name: row[name] for name in told},
                # Which copies are of one moment matters, and not what it is called.
                "point": None if row["point"] is None else points.setdefault(row["point"], len(points)),
                "content": contents.read(snapshot, side, volume_id, 0, 64).rstrip(b".\0").decode(),
                "clients write": self._control.can_write(side=side, volume_id=volume_id),
            }
