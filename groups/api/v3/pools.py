"""What there is to place volumes on: pools, capabilities, zones, hosts."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api.describing import describe
from groups.api.v3 import answers, microversions, resource, rows, site_shapes as shapes
from groups.queries import filtering, services as found
from groups.services import hosts, policies, pools, recording

_POOL_FIELDS = ("namespace", "vendor_name", "volume_backend_name", "pool_name", "driver_version", "storage_protocol")
_TOTAL = "(total)"


class Pools(resource.Resource):
    """All pools."""

    @describe({200: shapes.POOLS}, query=shapes.POOL_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them, with what they can do when that is asked for."""
        query = request.query_params
        filtered = self.version >= microversions.POOL_FILTERS
        listed = pools.listed(
            self.caller,
            name=query.get("name") if filtered else None,
            volume_type=query.get("volume_type") if self.version >= microversions.POOLS_OF_TYPE else None,
        )
        if not filtering.truth(query.get("detail", "false"), name="detail"):
            return answers.document({"pools": [{"name": pool.backend.host} for pool in listed]})
        detailed = [{"name": pool.backend.host, "capabilities": pool.capabilities} for pool in listed]
        return answers.document({"pools": detailed})


class Capabilities(resource.Resource):
    """What one backend can do."""

    @describe({200: shapes.CAPABILITIES})
    def get(self, _request: Request, host: str) -> HttpResponse:
        """Show it."""
        pool = pools.of_host(self.caller, host=host)
        known = {"namespace": f"OS::Storage::Capabilities::{pool.backend.host}", **pool.capabilities}
        return answers.document(
            {
                **{name: known[name] for name in _POOL_FIELDS},
                "display_name": pool.backend.name,
                "description": pool.backend.description or None,
                "visibility": "public",
                "replication_targets": known.get("replication_targets", []),
                "properties": {
                    name: {
                        "title": name.replace("_", " ").capitalize(),
                        "description": f"The extra or group spec '{name}' = '<is> True' can be satisfied.",
                        "type": "boolean",
                    }
                    for name, value in sorted(known.items())
                    if value is True
                },
            }
        )


class Zones(resource.Resource):
    """The availability zones."""

    @describe({200: shapes.ZONES})
    def get(self, _request: Request) -> HttpResponse:
        """List them."""
        zones = [{"zoneName": zone, "zoneState": {"available": True}} for zone in recording.ZONES]
        return answers.document({"availabilityZoneInfo": zones})


class Hosts(resource.Resource):
    """The hosts of services, as old clients list them."""

    @describe({200: shapes.HOSTS})
    def get(self, _request: Request) -> HttpResponse:
        """List them."""
        policies.require(self.caller, "volume_extension:hosts")
        return answers.document({"hosts": [_host(service) for service in found.listed()]})


class Host(resource.Resource):
    """One host."""

    @describe({200: shapes.HOST})
    def get(self, _request: Request, host: str) -> HttpResponse:
        """Show how much it holds, of all projects together and of each."""
        policies.require(self.caller, "volume_extension:hosts")
        if host == found.HOST:
            return answers.document({"host": []})
        try:
            backend = hosts.find(host)
        except errors.InvalidInput:
            raise errors.NotFound(f"Host {host} could not be found.") from None
        return answers.document({"host": [{"resource": _held(host, each)} for each in found.held(backend)]})


def _host(service: found.Service) -> rows.Fields:
    return {
        "host_name": service.host,
        "service": service.binary,
        "zone": recording.ZONES[0],
        "service-status": "available" if service.is_up else "unavailable",
        "service-state": "enabled" if service.is_enabled else "disabled",
        "last-update": rows.time(service.updated_at),
    }


def _held(host: str, held: found.Held) -> rows.Fields:
    return {
        "host": host,
        "project": held.project_id or _TOTAL,
        "volume_count": str(held.volumes),
        "total_volume_gb": str(held.volume_gib),
        "snapshot_count": str(held.snapshots),
        "total_snapshot_gb": str(held.snapshot_gib),
    }
