"""Quotas: of a project, of a class; and the limits a project works under."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api.describing import describe
from groups.api.v3 import answers, bodies, microversions, resource, site_shapes as shapes
from groups.queries import filtering, quotas as found
from groups.services import policies, quotas

_NUMBER: bodies.Schema = {"type": ["integer", "string"], "pattern": r"^-?[0-9]{1,12}$"}
_LIMITS: bodies.Schema = {
    "type": "object",
    # What clients send along and nobody reads.
    "properties": {"tenant_id": {"type": ["string", "null"]}, "class_name": {"type": ["string", "null"]}},
    "additionalProperties": _NUMBER,
}
_SET: bodies.Schema = {
    "type": "object",
    "properties": {"quota_set": _LIMITS},
    "required": ["quota_set"],
    "additionalProperties": False,
}
_CLASS_SET: bodies.Schema = {
    "type": "object",
    "properties": {"quota_class_set": _LIMITS},
    "required": ["quota_class_set"],
    "additionalProperties": False,
}
_NOT_LIMITS = ("tenant_id", "class_name")


class QuotaSet(resource.Resource):
    """The quotas of a project."""

    @describe({200: shapes.QUOTA_SET}, query=shapes.QUOTA_QUERY)
    def get(self, request: Request, owner: str) -> HttpResponse:
        """Show them, with what is in use when that is asked for."""
        _require_sight(self, owner)
        limits: dict[str, Any] = found.limits(owner)
        if filtering.truth(request.query_params.get("usage", "false"), name="usage"):
            used = found.in_use(owner)
            limits = {name: {"limit": limit, "in_use": used[name], "reserved": 0} for name, limit in limits.items()}
        return answers.document({"quota_set": {"id": owner, **limits}})

    @describe({200: shapes.CHANGED_QUOTA_SET}, body=_SET, query=shapes.QUOTA_CHANGE_QUERY)
    def put(self, request: Request, owner: str) -> HttpResponse:
        """Set some of them."""
        policies.require(self.caller, "volume_extension:quotas:update")
        limits = _limits(bodies.checked(request, _SET)["quota_set"])
        if not filtering.truth(request.query_params.get("skip_validation", "true"), name="skip_validation"):
            _refuse_below_use(owner, limits)
        return answers.document({"quota_set": quotas.set_for_project(self.caller, project_id=owner, limits=limits)})

    @describe({200: None})
    def delete(self, _request: Request, owner: str) -> HttpResponse:
        """Let the default ones hold for it again."""
        quotas.forget(self.caller, project_id=owner)
        return answers.empty(status=200)


class DefaultQuotaSet(resource.Resource):
    """The quotas of a project that has none of its own."""

    @describe({200: shapes.QUOTA_SET})
    def get(self, _request: Request, owner: str) -> HttpResponse:
        """Show them."""
        _require_sight(self, owner)
        return answers.document({"quota_set": {"id": owner, **found.defaults()}})


class QuotaClassSet(resource.Resource):
    """The quotas of a class; those of the class `default` hold for every project that has none of its own."""

    @describe({200: shapes.QUOTA_CLASS_SET})
    def get(self, _request: Request, name: str) -> HttpResponse:
        """Show them."""
        policies.require(self.caller, "volume_extension:quota_classes:get")
        return answers.document({"quota_class_set": {"id": name, **found.of_class(name)}})

    @describe({200: shapes.CHANGED_QUOTA_CLASS_SET}, body=_CLASS_SET)
    def put(self, request: Request, name: str) -> HttpResponse:
        """Set some of them."""
        policies.require(self.caller, "volume_extension:quota_classes:update")
        limits = _limits(bodies.checked(request, _CLASS_SET)["quota_class_set"])
        return answers.document({"quota_class_set": quotas.set_for_class(self.caller, name=name, limits=limits)})


class Limits(resource.Resource):
    """The limits a project works under."""

    @describe({200: shapes.LIMITS}, query=shapes.LIMITS_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """Show them with what is in use; an admin may ask for those of another project."""
        policies.require(self.caller, "limits_extension:used_limits")
        project_id = self.caller.project_id
        if self.version >= microversions.PROJECT_LIMITS and self.caller.is_admin:
            project_id = request.query_params.get("project_id", project_id)
        limits, used = found.limits(project_id), found.in_use(project_id)
        absolute = {
            "maxTotalVolumes": limits["volumes"],
            "maxTotalSnapshots": limits["snapshots"],
            "maxTotalVolumeGigabytes": limits["gigabytes"],
            "maxTotalBackups": limits["backups"],
            "maxTotalBackupGigabytes": limits["backup_gigabytes"],
            "totalVolumesUsed": used["volumes"],
            "totalGigabytesUsed": used["gigabytes"],
            "totalSnapshotsUsed": used["snapshots"],
            "totalBackupsUsed": 0,
            "totalBackupGigabytesUsed": 0,
        }
        return answers.document({"limits": {"rate": [], "absolute": absolute}})


def _require_sight(view: resource.Resource, owner: str) -> None:
    """Refuse who asks for another project's quotas and is no admin, whether there is such a project or not."""
    policies.require(view.caller, "volume_extension:quotas:show")
    if owner != view.caller.project_id and not view.caller.is_admin:
        raise errors.Forbidden("Policy doesn't allow volume_extension:quotas:show to be performed.")


def _limits(wanted: dict[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in wanted.items() if name not in _NOT_LIMITS}


def _refuse_below_use(owner: str, limits: dict[str, int]) -> None:
    used = found.in_use(owner)
    below = sorted(name for name, limit in limits.items() if 0 <= limit < used[name])
    if below:
        raise errors.InvalidInput(
            f"Invalid input received: Quota limit is less than what is in use for: {', '.join(below)}."
        )
