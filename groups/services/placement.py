"""Finds a backend whose capabilities satisfy the specs asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from django.db import models as db

from drivers import registry
from groups import errors, models, specs


def capabilities(backend: models.Backend) -> dict[str, object]:
    """Return what a backend can do, by the keys that specs are matched with.

    Made from what its driver declares and from its targets; no storage is called.
    """
    declared = registry.load(backend.driver).capabilities
    targets = [target.backend_id for target in backend.targets.all()]
    return {
        "volume_backend_name": backend.name,
        "vendor_name": declared.vendor_name,
        "storage_protocol": declared.storage_protocol,
        specs.MULTIATTACH: declared.multiattach,
        "replication_enabled": bool(targets),
        "replication_targets": targets,
        "group_replication_enabled": bool(targets) and declared.group_replication,
        "consistent_group_replication_enabled": bool(targets) and declared.consistent_group_replication,
    }


def require_able(backend: models.Backend, ability: Literal["snapshots", "extend"], *, what: str) -> None:
    """Raise `WrongState` when a backend's driver declares that it cannot do something."""
    if not getattr(registry.load(backend.driver).capabilities, ability):
        raise errors.WrongState(
            f"Invalid input received: Backend {backend} cannot do that (driver {backend.driver}). Cannot {what}."
        )


def place(
    *,
    group_type: models.GroupType | None,
    volume_types: Iterable[models.VolumeType],
    on: models.Backend | None = None,
) -> models.Backend:
    """Return the emptiest enabled backend that satisfies every spec; `on` allows only that one.

    Raises `NoBackendFits`, saying for each backend what it lacks.
    """
    volume_types = list(volume_types)
    _refuse_encrypted(volume_types)
    wanted: list[tuple[str, Mapping[str, str | None]]] = [
        (f"volume type '{row.name}'", row.specs) for row in volume_types
    ]
    if group_type is not None:
        wanted.append((f"group type '{group_type.name}'", group_type.specs))
    candidates = [on] if on is not None else list(_candidates())
    if not candidates:
        raise errors.NoBackendFits(
            "No valid backend was found. There is no backend that is enabled and not frozen; add one with"
            " 'manage.py add_backend', or enable or thaw one."
        )
    reasons = []
    for backend in candidates:
        lacks = _lacks(backend, wanted)
        if not lacks:
            return backend
        reasons.append(f"{backend.name}: {'; '.join(lacks)}")
    raise errors.NoBackendFits(f"No valid backend was found. {'. '.join(reasons)}.")


def _refuse_encrypted(volume_types: Sequence[models.VolumeType]) -> None:
    found = models.VolumeTypeEncryption.objects.filter(volume_type__in=volume_types).select_related("volume_type")
    if (row := found.first()) is not None:
        raise errors.NoBackendFits(
            f"No valid backend was found. Volume type '{row.volume_type}' wants its volumes encrypted, which no backend"
            " here does."
        )


def _candidates() -> list[models.Backend]:
    backends = list(models.Backend.objects.filter(enabled=True, frozen=False).prefetch_related("targets"))
    rows = models.Volume.objects.order_by().values_list("backend_id").annotate(volumes=db.Count("pk"))
    volumes = dict(rows)
    return sorted(backends, key=lambda backend: (volumes.get(backend.pk, 0), backend.name))


def _lacks(backend: models.Backend, wanted: list[tuple[str, Mapping[str, str | None]]]) -> list[str]:
    try:
        offered = capabilities(backend)
    except (registry.UnknownDriver, registry.BrokenDriver) as error:
        return [str(error)]
    return [f"{whose} wants {problem}" for whose, values in wanted for problem in specs.unmet(values, offered)]
