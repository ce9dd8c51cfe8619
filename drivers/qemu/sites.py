"""The sides of one backend: which of them answer, which is active."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from drivers.base import PRIMARY, BackendConfig, Call, Group
from drivers.errors import InvalidOptions, Refused, SiteUnavailable
from drivers.qemu import looking, record, serving
from drivers.qemu.folder import Folder
from drivers.qemu.side import Side


class Sites:
    """The folders of a backend's sides, and the way to them."""

    def __init__(self, config: BackendConfig) -> None:
        options = {PRIMARY: config.options, **{target.backend_id: target.options for target in config.targets}}
        self.folders = {backend_id: Folder(str(values["site"])) for backend_id, values in options.items()}
        problems = [problem for folder in self.folders.values() if (problem := folder.problem())]
        if len({folder.path.resolve() for folder in self.folders.values()}) < len(self.folders):
            problems.append("two sides have the same site folder; give each side its own")
        if problems:
            raise InvalidOptions(problems)

    def folder(self, backend_id: str) -> Folder:
        """Return a side's folder. Raises `Refused` for an unknown side."""
        if backend_id not in self.folders:
            known = ", ".join(f"'{each}'" for each in self.folders if each) or "none"
            raise Refused(f"There is no target '{backend_id}'. Targets: {known}.", remedy="Name one of the targets.")
        return self.folders[backend_id]

    def open(self, backend_id: str, call: Call) -> Side:
        """Return a side that answers. Raises `SiteUnavailable`, or `Refused` for an unknown one."""
        return Side(backend_id=backend_id, folder=self.folder(backend_id), call=call)

    def answering(self, call: Call, asked: Collection[str] | None = None) -> Mapping[str, Side]:
        """Return those of the asked sides (all when None) that answer."""
        found = {}
        for backend_id in self.folders:
            if asked is None or backend_id in asked:
                try:
                    found[backend_id] = self.open(backend_id, call)
                except SiteUnavailable:
                    call.check()
        return found

    def require(self, sides: Mapping[str, Side], wanted: Collection[str]) -> None:
        """Raise `SiteUnavailable` for the first wanted side that does not answer."""
        for backend_id in self.folders:
            if backend_id in wanted and backend_id not in sides:
                name = f"Site '{backend_id}'" if backend_id else "The primary site"
                raise SiteUnavailable(f"{name} does not answer: its daemon does not run.", backend_id=backend_id)

    def active(self, sides: Mapping[str, Side], group: Group) -> Side:
        """Return the active side. Raises `SiteUnavailable` when that may be one that does not answer."""
        records = {backend_id: side.record(group.id) for backend_id, side in sides.items()}
        best: str | None = None
        for backend_id, found in records.items():
            if found.role == record.ACTIVE and (best is None or found.outranks(records[best])):
                best = backend_id
        if best is not None:
            return sides[best]
        self.require(sides, list(self.folders))
        raise Refused(
            f"No side is the active one for group {group.id}.",
            remedy="Fail over to a side that holds a complete point.",
        )

    def know(self, group: Group, call: Call) -> None:
        """Make the primary side remember the group, unless some side that answers does; fence it."""
        sides = self.answering(call)
        known = any(side.record(group.id).role != record.NONE for side in sides.values())
        if not known:
            self.require(sides, [PRIMARY])
            serving.require_images(sides[PRIMARY], volumes=group.volumes)
        side = self.active(sides, group) if known else sides[PRIMARY]
        with side.hold(group.id) as held:
            if held.record.role == record.NONE:
                held.record.activate(epoch=call.epoch, at=call.now())
            held.save()

    def glimpses(self, group: Group, asked: Sequence[str], call: Call) -> Mapping[str, looking.Glimpse]:
        """Return what the asked sides look like, those that answer."""
        found = {}
        for backend_id, side in self.answering(call, asked).items():
            try:
                found[backend_id] = looking.Glimpse(side=side, record=side.record(group.id), view=side.look())
            except SiteUnavailable:
                call.check()
        return found
