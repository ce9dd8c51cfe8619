"""A site on the fake storage, set up and asked through the services as a door would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - tables can be known only once Django is set up

from drivers.fake.control import Control  # noqa: E402
from groups import callers, models, specs  # noqa: E402
from groups.services import backends, groups, replication, types, volumes  # noqa: E402
from groups.statuses import OperationState  # noqa: E402


class Wait(Protocol):
    """Waits until a claim is true."""

    def __call__(self, claim: Callable[[], object], *, what: str) -> None:
        """Wait."""


class Site:
    """One project, one backend, and replicated groups of three volumes."""

    def __init__(self, storage: Path) -> None:
        call_command("migrate", verbosity=0)
        name = storage.name
        project = models.Project.objects.create(name=name)
        self._admin = callers.Caller(
            user_id="bench", user_name="bench", project_id=project.pk, roles=callers.implied(callers.ADMIN)
        )
        self._control = Control(folder=storage)
        self._name = name
        backends.add(self._admin, name=name, driver="fake", options={"state": str(storage)}, targets={"site-b": {}})
        where = {"volume_backend_name": name}
        types.create(
            self._admin,
            family=types.GROUP,
            name=name,
            spec_values={specs.CONSISTENT_GROUP_REPLICATION: specs.TRUE},
        )
        types.create(self._admin, family=types.VOLUME, name=name, spec_values={specs.REPLICATION: specs.TRUE, **where})

    def replicated_group(self, wait: Wait) -> models.Group:
        """Return a new group once its replication is enabled."""
        group = groups.create(self._admin, group_type=self._name, volume_types=[self._name], name="bench")
        self._wait_for_all(wait)
        for _ in range(3):
            volumes.create(self._admin, size_gib=1, volume_type=self._name, group_id=group.pk, name="bench")
        self._wait_for_all(wait)
        replication.enable(self._admin, group_id=group.pk)
        self._wait_for_all(wait)
        return group

    def fail_over(self, group: models.Group) -> models.Operation:
        """Ask for a planned failover."""
        return replication.failover(self._admin, group_id=group.pk, mode="planned")

    def hang_in_promotion(self) -> None:
        """Have the next promotion hang in its middle."""
        self._control.add_fault(call="promote", action="hang", volume=2, times=1)

    def hangs(self) -> bool:
        """Tell whether the promotion hangs."""
        return all(fault.times_left == 0 for fault in self._control.faults())

    def hang_no_more(self) -> None:
        """Let promotions be."""
        self._control.clear_faults()

    def owner_of(self, operation: models.Operation) -> str:
        """Return the name of the worker that has an operation."""
        operation.refresh_from_db()
        return operation.owner.partition("@")[0]

    def attempts(self, operation: models.Operation) -> int:
        """Return how often an operation was claimed."""
        operation.refresh_from_db()
        return operation.attempt

    def has_succeeded(self, operation: models.Operation) -> bool:
        """Tell whether an operation has succeeded. Raises `RuntimeError` when it ended otherwise."""
        operation.refresh_from_db()
        if not operation.is_open and operation.state != OperationState.SUCCEEDED:
            raise RuntimeError(f"{operation} ended {operation.state}: {operation.error}")
        return not operation.is_open

    def _wait_for_all(self, wait: Wait) -> None:
        rows = models.Operation.objects
        wait(lambda: not any(row.is_open for row in rows.all()), what="the operations")
        for row in rows.all():
            self.has_succeeded(row)
