"""What this API has: extensions and filters; and the lists of what it has not, which clients ask for all the same."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api.describing import describe
from groups.api.v3 import answers, microversions, resource, rows, site_shapes as shapes
from groups.services import policies

_UPDATED = "2026-01-01T00:00:00+00:00"
_EXTENSIONS: Mapping[str, tuple[str, str]] = {
    "backend-capabilities": ("Capabilities", "What a backend can do."),
    "capabilities": ("Capabilities", "What a backend can do."),
    "os-admin-actions": ("AdminActions", "Correct a status by hand, delete by force."),
    "os-availability-zone": ("AvailabilityZones", "The availability zones."),
    "os-extend": ("Extend", "Make volumes larger."),
    "os-extended-snapshot-attributes": ("ExtendedSnapshotAttributes", "A snapshot's project and progress."),
    "os-hosts": ("Hosts", "The hosts of services."),
    "os-quota-class-sets": ("QuotaClasses", "The quotas of a class."),
    "os-quota-sets": ("Quotas", "The quotas of a project."),
    "os-services": ("Services", "List services, enable, disable, freeze, thaw and fail them over."),
    "os-snapshot-actions": ("SnapshotActions", "Correct a snapshot's status."),
    "os-types-extra-specs": ("TypesExtraSpecs", "What a volume type asks of its backend."),
    "os-types-manage": ("TypesManage", "Make and change volume types."),
    "os-used-limits": ("UsedLimits", "What is in use, with the limits."),
    "os-vol-host-attr": ("VolumeHostAttribute", "Where a volume is, for admins."),
    "os-vol-mig-status-attr": ("VolumeMigStatusAttribute", "Always empty: volumes do not migrate."),
    "os-vol-tenant-attr": ("VolumeTenantAttribute", "A volume's project."),
    "os-volume-actions": ("VolumeActions", "Attach, detach, extend and more."),
    "os-volume-transfer": ("VolumeTransfer", "Offer volumes to other projects, and accept them."),
    "os-volume-type-access": ("VolumeTypeAccess", "Which projects may use a volume type that is not public."),
    "qos-specs": ("Qos_specs_manage", "Keep how fast volumes of a type should be."),
    "scheduler-stats": ("SchedulerStats", "The pools."),
}
FILTERS: Mapping[str, tuple[str, ...]] = {
    "volume": (
        "name",
        "status",
        "metadata",
        "bootable",
        "migration_status",
        "availability_zone",
        "group_id",
        "size",
        "created_at",
        "updated_at",
        "consumes_quota",
    ),
    "backup": ("name", "status", "volume_id"),
    "snapshot": ("name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota"),
    "group": ("name",),
    "group_snapshot": ("name", "status", "group_id"),
    "attachment": ("volume_id", "status", "instance_id", "attach_status"),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "pool": ("name", "volume_type"),
    "volume_type": ("is_public", "extra_specs"),
}
"""By what those who are no admins may filter."""


class Extensions(resource.Resource):
    """All extensions of the API: what Cinder calls so."""

    @describe({200: shapes.EXTENSIONS})
    def get(self, _request: Request) -> HttpResponse:
        """List them."""
        return answers.document({"extensions": [_extension(alias) for alias in _EXTENSIONS]})


class Extension(resource.Resource):
    """One extension."""

    @describe({200: shapes.EXTENSION})
    def get(self, _request: Request, alias: str) -> HttpResponse:
        """Show it."""
        if alias not in _EXTENSIONS:
            raise errors.NotFound(f"Extension with alias {alias} does not exist")
        return answers.document({"extension": _extension(alias)})


class ResourceFilters(resource.Resource):
    """By what lists may be filtered."""

    since = microversions.RESOURCE_FILTERS

    @describe({200: shapes.RESOURCE_FILTERS}, query=shapes.RESOURCE_FILTER_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List it, of everything or of one kind of thing."""
        wanted = request.query_params.get("resource")
        if wanted is not None and wanted not in FILTERS:
            raise errors.InvalidInput(f"Invalid input received: no resource '{wanted}'. Known: {', '.join(FILTERS)}.")
        listed = [
            {"resource": name, "filters": list(filters)} for name, filters in FILTERS.items() if wanted in (None, name)
        ]
        return answers.document({"resource_filters": listed})


class Nothing(resource.Resource):
    """What there is none of here, such as backups."""

    key = "nothing"
    """What the list is called in the answer."""
    rule: str | None = None
    """What listing it needs, where that is not for everybody."""

    @describe(lambda view: {200: shapes.nothing(view.key)})
    def get(self, _request: Request) -> HttpResponse:
        """Say so."""
        if self.rule is not None:
            policies.require(self.caller, self.rule)
        return answers.document({self.key: []})


LISTS: Mapping[str, dict[str, object]] = {
    **{address: {"key": "backups"} for address in ("backups", "backups/detail")},
    **{address: {"key": "consistencygroups"} for address in ("consistencygroups", "consistencygroups/detail")},
    **{address: {"key": "cgsnapshots"} for address in ("cgsnapshots", "cgsnapshots/detail")},
    **{
        address: {"key": "clusters", "rule": "clusters:get_all", "since": microversions.CLUSTER_FIELD}
        for address in ("clusters", "clusters/detail")
    },
    **{
        f"manageable_{what}{end}": {
            "key": f"manageable-{what}",
            "rule": f"{what[:-1]}_extension:list_manageable",
            "since": microversions.MANAGEABLE,
        }
        for what in ("volumes", "snapshots")
        for end in ("", "/detail")
    },
}
"""The addresses of empty lists, each with what its view needs to know."""


def _extension(alias: str) -> rows.Fields:
    name, description = _EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": description, "updated": _UPDATED, "links": []}
