"""Pools: what each backend can do and holds, from what its driver declares and from the record; no storage is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.db import models as db

from drivers import registry
from groups import callers, clock, errors, models, specs
from groups.queries import hosts, visible
from groups.services import placement, policies

UNKNOWN = "unknown"
"""What Cinder's drivers say of a capacity nobody tells them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pool:
    """One backend's only pool."""

    backend: models.Backend
    capabilities: Mapping[str, object]


def listed(caller: callers.Caller, *, name: str | None = None, volume_type: str | None = None) -> list[Pool]:
    """Return the pools, or the one of a name, or those that can hold volumes of a type; four statements at most."""
    policies.require(caller, "scheduler_extension:scheduler_stats:get_pools")
    wanted = visible.volume_type_called(caller, volume_type).specs if volume_type else {}
    held = models.Volume.objects.order_by().values_list("backend_id").annotate(size=db.Sum("size_gib"))
    sizes = dict(held)
    rows = models.Backend.objects.prefetch_related("targets").order_by("name")
    found = [Pool(backend=row, capabilities=_capabilities(row, sizes.get(row.pk, 0))) for row in rows]
    return [pool for pool in found if name in (None, pool.backend.host) and not specs.unmet(wanted, pool.capabilities)]


def of_host(caller: callers.Caller, *, host: str) -> Pool:
    """Return the pool of a host. Raises `NotFound`."""
    policies.require(caller, "volume_extension:capabilities")
    name = hosts.backend_name(host)
    row = models.Backend.objects.prefetch_related("targets").filter(name=name).first() if name else None
    if row is None:
        raise errors.NotFound(f"Can't find service: {host}")
    return Pool(backend=row, capabilities=_capabilities(row, 0))


def _capabilities(row: models.Backend, held_gib: int) -> dict[str, object]:
    try:
        offered = placement.capabilities(row)
    except (registry.UnknownDriver, registry.BrokenDriver) as error:
        offered = {"volume_backend_name": row.name, "vendor_name": UNKNOWN, "storage_protocol": UNKNOWN}
        offered |= {"backend_state": "down", "error": str(error)}
    return {
        "backend_state": "up",
        **offered,
        "pool_name": row.name,
        "driver_version": row.driver,
        "total_capacity_gb": UNKNOWN,
        "free_capacity_gb": UNKNOWN,
        "allocated_capacity_gb": held_gib,
        "reserved_percentage": 0,
        "QoS_support": False,
        "thin_provisioning_support": False,
        "timestamp": clock.now().replace(tzinfo=None).isoformat(timespec="microseconds"),
    }
