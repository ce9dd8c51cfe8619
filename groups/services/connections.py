"""How a host reaches a volume now: on the side that is active, by what its driver declares.

Asked anew each time and kept nowhere, so that after a failover the answer is the new side's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Protocol

from drivers import registry
from drivers.errors import DriverError
from groups import errors, models, sealing
from groups.models.backends import DEFAULT_TARGET

Data = dict[str, object]


class _Declared(Protocol):
    """What a driver says of a connection."""

    @property
    def kind(self) -> str: ...

    @property
    def data(self) -> Mapping[str, object]: ...


class _Driver(Protocol):
    """As much of a driver as may be asked outside of the engine: it calls no storage for this."""

    def connection(self, volume_id: str, *, backend_id: str) -> _Declared: ...


def of(attachments: Iterable[models.Attachment]) -> Mapping[uuid.UUID, Data]:
    """Return for each attachment how its host reaches the volume, in the attachments API's flat form.

    Empty for one whose host has not said yet how it connects. Each backend's driver is built once.
    """
    drivers: dict[uuid.UUID, _Driver] = {}
    found: dict[uuid.UUID, Data] = {}
    for row in attachments:
        found[row.pk] = {}
        if not row.connector:
            continue
        driver = drivers.get(row.volume.backend_id)
        if driver is None:
            driver = drivers[row.volume.backend_id] = _driver(row.volume.backend)
        kind, data = _asked(driver, row.volume, mode=row.mode)
        found[row.pk] = {**data, "driver_volume_type": kind, "attachment_id": row.pk}
    return found


def to(volume: models.Volume, *, mode: str) -> Data:
    """Return how a host reaches a volume, in the form of the older connection action."""
    kind, data = _asked(_driver(volume.backend), volume, mode=mode)
    return {"driver_volume_type": kind, "data": data}


def _asked(driver: _Driver, volume: models.Volume, *, mode: str) -> tuple[str, Data]:
    side = volume.group.active_backend_id if volume.group is not None else ""
    try:
        connection = driver.connection(str(volume.pk), backend_id=side)
    except DriverError as error:
        raise errors.WrongState(f"Invalid volume: {error.message}", remedy=error.remedy) from error
    return connection.kind, {
        **connection.data,
        "backend_id": side or DEFAULT_TARGET,
        "access_mode": mode or "rw",
        "encrypted": False,
        "qos_specs": _for_host(volume.volume_type.qos_specs),
    }


def _for_host(specs: models.QosSpecs | None) -> Mapping[str, str] | None:
    """Return what a host is to see to itself; None where that is nothing."""
    return specs.specs if specs is not None and specs.consumer in models.QOS_CONSUMERS_ON_HOSTS else None


def _driver(backend: models.Backend) -> _Driver:
    try:
        config = registry.configure(
            backend.driver,
            name=backend.name,
            options=sealing.unseal(backend.options),
            targets={target.backend_id: sealing.unseal(target.options) for target in backend.targets.all()},
        )
        return registry.load(backend.driver)(config)
    except (DriverError, registry.UnknownDriver, registry.BrokenDriver, sealing.CannotUnseal) as error:
        raise errors.WrongState(
            f"Invalid volume: Backend {backend} cannot be used: {error}", remedy="Have an admin mend the backend."
        ) from error
