"""What every address asks its caller for: one row each, so that a new one without a row turns the matrix red.

A row is `METHOD address` (for an action also its name) and the rule of `groups/services/policies.py` that it
needs. `ANYBODY` needs a project alone.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from groups import models
from groups.api import describing, openapi
from groups.api.v3 import actions
from tests.support import domain

ANYBODY = ""
_ROOTS = ("/v3/", "/api/")


_ACTIONS = "volume_extension:volume_actions"

TABLE: dict[str, str] = {
    "GET /api/audit": "audit:get",
    "GET /api/backends": "backend:get",
    "POST /api/backends": "backend:manage",
    "DELETE /api/backends/{backend}": "backend:manage",
    "GET /api/backends/{backend}": "backend:get",
    "PUT /api/backends/{backend}": "backend:manage",
    "GET /api/backends/{backend}/connection": "backend:get",
    "POST /api/backends/{backend}/connection": "backend:manage",
    "GET /api/backends/{backend}/failover": "backend:get",
    "POST /api/backends/{backend}/failover": "volume:failover_host",
    "GET /api/backends/{backend}/outlook": "backend:get",
    "DELETE /api/backends/{backend}/targets/{target}": "backend:manage",
    "GET /api/backends/{backend}/targets/{target}": "backend:get",
    "PUT /api/backends/{backend}/targets/{target}": "backend:manage",
    "GET /api/drill-coverage": "drill:get",
    "POST /api/drill-gaps/{gap_id}": "drill:note",
    "GET /api/drill-plans": "drill:get",
    "POST /api/drill-plans": "drill:plan",
    "DELETE /api/drill-plans/{plan_id}": "drill:plan",
    "GET /api/drill-plans/{plan_id}": "drill:get",
    "POST /api/drill-plans/{plan_id}": "drill:plan",
    "POST /api/drill-plans/{plan_id}/approve": "drill:approve",
    "POST /api/drill-plans/{plan_id}/freeze": "drill:plan",
    "POST /api/drill-plans/{plan_id}/run": "drill:run",
    "POST /api/drill-plans/{plan_id}/test": "drill:plan",
    "POST /api/drill-plans/{plan_id}/thaw": "drill:plan",
    "GET /api/drills": "drill:get",
    "GET /api/drills/{run_id}": "drill:get",
    "POST /api/drills/{run_id}/attest": "drill:attest",
    "POST /api/drills/{run_id}/notes": "drill:note",
    "GET /api/drills/{run_id}/report": "drill:get",
    "GET /api/drills/{run_id}/report.csv": "drill:get",
    "GET /api/drills/{run_id}/report.html": "drill:get",
    "GET /api/drills/{run_id}/report.json": "drill:get",
    "GET /api/drills/{run_id}/report.pdf": "drill:get",
    "GET /api/drills/{run_id}/report.zip": "drill:get",
    "GET /api/drivers": "backend:get",
    "GET /api/events": ANYBODY,
    "GET /api/findings": "finding:get",
    "GET /api/findings/{finding_id}": "finding:get",
    "POST /api/findings/{finding_id}/adopt": "group:adopt",
    "POST /api/findings/{finding_id}/heed": "finding:ignore",
    "POST /api/findings/{finding_id}/ignore": "finding:ignore",
    "POST /api/findings/{finding_id}/restore": "group:restore",
    "GET /api/groups": "group:get_all",
    "GET /api/groups/{group_id}": "group:get",
    "POST /api/groups/{group_id}/disable": "group:disable_replication",
    "POST /api/groups/{group_id}/enable": "group:enable_replication",
    "POST /api/groups/{group_id}/failback": "group:failover_replication",
    "POST /api/groups/{group_id}/failover": "group:failover_replication",
    "POST /api/groups/{group_id}/failover-priority": "group:set_failover_priority",
    "POST /api/groups/{group_id}/reset": "group:reset_status",
    "GET /api/groups/{group_id}/objectives": "group:get",
    "PUT /api/groups/{group_id}/objectives": "group:set_objectives",
    "GET /api/objectives": ANYBODY,
    "PUT /api/objectives": "site:set_objectives",
    "GET /api/operations": ANYBODY,
    "GET /api/operations/{operation_id}": ANYBODY,
    "POST /api/operations/{operation_id}/cancel": "operation:cancel",
    "POST /api/operations/{operation_id}/retry": "operation:retry",
    "GET /api/site-failovers": "backend:get",
    "GET /api/site-failovers/{site_failover_id}": "backend:get",
    "POST /api/site-failovers/{site_failover_id}/cancel": "volume:failover_host",
    "GET /api/site-failovers/{site_failover_id}/groups": "backend:get",
    "GET /v3/attachments": "volume:attachment_get",
    "POST /v3/attachments": "volume:attachment_create",
    "GET /v3/attachments/detail": "volume:attachment_get",
    "DELETE /v3/attachments/{attachment_id}": "volume:attachment_delete",
    "GET /v3/attachments/{attachment_id}": "volume:attachment_get",
    "PUT /v3/attachments/{attachment_id}": "volume:attachment_update",
    "POST /v3/attachments/{subject_id}/action os-complete": "volume:attachment_complete",
    "GET /v3/backups": ANYBODY,
    "GET /v3/backups/detail": ANYBODY,
    "GET /v3/capabilities/{host}": "volume_extension:capabilities",
    "GET /v3/cgsnapshots": ANYBODY,
    "GET /v3/cgsnapshots/detail": ANYBODY,
    "GET /v3/clusters": "clusters:get_all",
    "GET /v3/clusters/detail": "clusters:get_all",
    "GET /v3/consistencygroups": ANYBODY,
    "GET /v3/consistencygroups/detail": ANYBODY,
    "GET /v3/default-types": "volume_extension:default_get_all",
    "DELETE /v3/default-types/{default_for}": "volume_extension:default_unset",
    "GET /v3/default-types/{default_for}": "volume_extension:default_get",
    "PUT /v3/default-types/{default_for}": "volume_extension:default_set_or_update",
    "GET /v3/extensions": ANYBODY,
    "GET /v3/extensions/{alias}": ANYBODY,
    "GET /v3/group_snapshots": "group:get_all_group_snapshots",
    "POST /v3/group_snapshots": "group:create_group_snapshot",
    "GET /v3/group_snapshots/detail": "group:get_all_group_snapshots",
    "DELETE /v3/group_snapshots/{snapshot_id}": "group:delete_group_snapshot",
    "GET /v3/group_snapshots/{snapshot_id}": "group:get_group_snapshot",
    "POST /v3/group_snapshots/{subject_id}/action reset_status": "group:reset_group_snapshot_status",
    "GET /v3/group_types": ANYBODY,
    "POST /v3/group_types": "group:group_types:create",
    "GET /v3/group_types/default": ANYBODY,
    "DELETE /v3/group_types/{type_id}": "group:group_types:delete",
    "GET /v3/group_types/{type_id}": ANYBODY,
    "PUT /v3/group_types/{type_id}": "group:group_types:update",
    "GET /v3/group_types/{type_id}/group_specs": "group:group_types_specs:get_all",
    "POST /v3/group_types/{type_id}/group_specs": "group:group_types_specs:create",
    "DELETE /v3/group_types/{type_id}/group_specs/{key}": "group:group_types_specs:delete",
    "GET /v3/group_types/{type_id}/group_specs/{key}": "group:group_types_specs:get",
    "PUT /v3/group_types/{type_id}/group_specs/{key}": "group:group_types_specs:update",
    "GET /v3/groups": "group:get_all",
    "POST /v3/groups": "group:create",
    "POST /v3/groups/action": "group:create",
    "GET /v3/groups/detail": "group:get_all",
    "GET /v3/groups/{group_id}": "group:get",
    "PUT /v3/groups/{group_id}": "group:update",
    "POST /v3/groups/{subject_id}/action delete": "group:delete",
    "POST /v3/groups/{subject_id}/action disable_replication": "group:disable_replication",
    "POST /v3/groups/{subject_id}/action enable_replication": "group:enable_replication",
    "POST /v3/groups/{subject_id}/action failover_replication": "group:failover_replication",
    "POST /v3/groups/{subject_id}/action list_replication_targets": "group:list_replication_targets",
    "POST /v3/groups/{subject_id}/action modify_body_for_action": "group:failover_replication",
    "POST /v3/groups/{subject_id}/action reset_status": "group:reset_status",
    "GET /v3/limits": "limits_extension:used_limits",
    "GET /v3/manageable_snapshots": "snapshot_extension:list_manageable",
    "GET /v3/manageable_snapshots/detail": "snapshot_extension:list_manageable",
    "GET /v3/manageable_volumes": "volume_extension:list_manageable",
    "GET /v3/manageable_volumes/detail": "volume_extension:list_manageable",
    "GET /v3/messages": "message:get_all",
    "DELETE /v3/messages/{message_id}": "message:delete",
    "GET /v3/messages/{message_id}": "message:get",
    "GET /v3/os-availability-zone": ANYBODY,
    "GET /v3/os-hosts": "volume_extension:hosts",
    "GET /v3/os-hosts/{host}": "volume_extension:hosts",
    "GET /v3/os-quota-class-sets/{name}": "volume_extension:quota_classes:get",
    "PUT /v3/os-quota-class-sets/{name}": "volume_extension:quota_classes:update",
    "DELETE /v3/os-quota-sets/{owner}": "volume_extension:quotas:delete",
    "GET /v3/os-quota-sets/{owner}": "volume_extension:quotas:show",
    "PUT /v3/os-quota-sets/{owner}": "volume_extension:quotas:update",
    "GET /v3/os-quota-sets/{owner}/defaults": "volume_extension:quotas:show",
    "GET /v3/os-services": "volume_extension:services:index",
    "PUT /v3/os-services/disable": "volume_extension:services:update",
    "PUT /v3/os-services/disable-log-reason": "volume_extension:services:update",
    "PUT /v3/os-services/enable": "volume_extension:services:update",
    "PUT /v3/os-services/failover": "volume:failover_host",
    "PUT /v3/os-services/failover_host": "volume:failover_host",
    "PUT /v3/os-services/freeze": "volume:freeze_host",
    "PUT /v3/os-services/get-log": "volume_extension:services:update",
    "PUT /v3/os-services/set-log": "volume_extension:services:update",
    "PUT /v3/os-services/thaw": "volume:thaw_host",
    "GET /v3/os-volume-transfer": "volume:get_all_transfers",
    "POST /v3/os-volume-transfer": "volume:create_transfer",
    "GET /v3/os-volume-transfer/detail": "volume:get_all_transfers",
    "DELETE /v3/os-volume-transfer/{transfer_id}": "volume:delete_transfer",
    "GET /v3/os-volume-transfer/{transfer_id}": "volume:get_transfer",
    "POST /v3/os-volume-transfer/{transfer_id}/accept": "volume:accept_transfer",
    "GET /v3/qos-specs": "volume_extension:qos_specs_manage:get_all",
    "POST /v3/qos-specs": "volume_extension:qos_specs_manage:create",
    "DELETE /v3/qos-specs/{qos_id}": "volume_extension:qos_specs_manage:delete",
    "GET /v3/qos-specs/{qos_id}": "volume_extension:qos_specs_manage:get",
    "PUT /v3/qos-specs/{qos_id}": "volume_extension:qos_specs_manage:update",
    "GET /v3/qos-specs/{qos_id}/associate": "volume_extension:qos_specs_manage:update",
    "GET /v3/qos-specs/{qos_id}/associations": "volume_extension:qos_specs_manage:get",
    "PUT /v3/qos-specs/{qos_id}/delete_keys": "volume_extension:qos_specs_manage:update",
    "GET /v3/qos-specs/{qos_id}/disassociate": "volume_extension:qos_specs_manage:update",
    "GET /v3/qos-specs/{qos_id}/disassociate_all": "volume_extension:qos_specs_manage:update",
    "GET /v3/resource_filters": ANYBODY,
    "GET /v3/scheduler-stats/get_pools": "scheduler_extension:scheduler_stats:get_pools",
    "GET /v3/snapshots": "volume:get_all_snapshots",
    "POST /v3/snapshots": "volume:create_snapshot",
    "GET /v3/snapshots/detail": "volume:get_all_snapshots",
    "DELETE /v3/snapshots/{snapshot_id}": "volume:delete_snapshot",
    "GET /v3/snapshots/{snapshot_id}": "volume:get_snapshot",
    "PUT /v3/snapshots/{snapshot_id}": "volume:update_snapshot",
    "GET /v3/snapshots/{snapshot_id}/metadata": "volume:get_snapshot_metadata",
    "POST /v3/snapshots/{snapshot_id}/metadata": "volume:update_snapshot_metadata",
    "PUT /v3/snapshots/{snapshot_id}/metadata": "volume:update_snapshot_metadata",
    "DELETE /v3/snapshots/{snapshot_id}/metadata/{key}": "volume:delete_snapshot_metadata",
    "GET /v3/snapshots/{snapshot_id}/metadata/{key}": "volume:get_snapshot_metadata",
    "PUT /v3/snapshots/{snapshot_id}/metadata/{key}": "volume:update_snapshot_metadata",
    "POST /v3/snapshots/{subject_id}/action os-force_delete": "volume_extension:snapshot_admin_actions:force_delete",
    "POST /v3/snapshots/{subject_id}/action os-reset_status": "volume_extension:snapshot_admin_actions:reset_status",
    "POST /v3/snapshots/{subject_id}/action os-update_snapshot_status": (
        "snapshot_extension:snapshot_actions:update_snapshot_status"
    ),
    "GET /v3/types": "volume_extension:type_get_all",
    "POST /v3/types": "volume_extension:type_create",
    "GET /v3/types/default": "volume_extension:type_get",
    "POST /v3/types/{subject_id}/action addProjectAccess": "volume_extension:volume_type_access:addProjectAccess",
    "POST /v3/types/{subject_id}/action removeProjectAccess": "volume_extension:volume_type_access:removeProjectAccess",
    "DELETE /v3/types/{type_id}": "volume_extension:type_delete",
    "GET /v3/types/{type_id}": "volume_extension:type_get",
    "PUT /v3/types/{type_id}": "volume_extension:type_update",
    "GET /v3/types/{type_id}/encryption": "volume_extension:volume_type_encryption:get",
    "POST /v3/types/{type_id}/encryption": "volume_extension:volume_type_encryption:create",
    "DELETE /v3/types/{type_id}/encryption/{key}": "volume_extension:volume_type_encryption:delete",
    "GET /v3/types/{type_id}/encryption/{key}": "volume_extension:volume_type_encryption:get",
    "PUT /v3/types/{type_id}/encryption/{key}": "volume_extension:volume_type_encryption:update",
    "GET /v3/types/{type_id}/extra_specs": "volume_extension:types_extra_specs:index",
    "POST /v3/types/{type_id}/extra_specs": "volume_extension:types_extra_specs:create",
    "DELETE /v3/types/{type_id}/extra_specs/{key}": "volume_extension:types_extra_specs:delete",
    "GET /v3/types/{type_id}/extra_specs/{key}": "volume_extension:types_extra_specs:show",
    "PUT /v3/types/{type_id}/extra_specs/{key}": "volume_extension:types_extra_specs:update",
    "GET /v3/types/{type_id}/os-volume-type-access": "volume_extension:volume_type_access:get_all_for_type",
    "GET /v3/volume-transfers": "volume:get_all_transfers",
    "POST /v3/volume-transfers": "volume:create_transfer",
    "GET /v3/volume-transfers/detail": "volume:get_all_transfers",
    "DELETE /v3/volume-transfers/{transfer_id}": "volume:delete_transfer",
    "GET /v3/volume-transfers/{transfer_id}": "volume:get_transfer",
    "POST /v3/volume-transfers/{transfer_id}/accept": "volume:accept_transfer",
    "GET /v3/volumes": "volume:get_all",
    "POST /v3/volumes": "volume:create",
    "GET /v3/volumes/detail": "volume:get_all",
    "GET /v3/volumes/summary": "volume:get_all",
    "POST /v3/volumes/{subject_id}/action os-attach": f"{_ACTIONS}:attach",
    "POST /v3/volumes/{subject_id}/action os-begin_detaching": f"{_ACTIONS}:begin_detaching",
    "POST /v3/volumes/{subject_id}/action os-detach": f"{_ACTIONS}:detach",
    "POST /v3/volumes/{subject_id}/action os-extend": "volume:extend",
    "POST /v3/volumes/{subject_id}/action os-force_delete": "volume:force_delete",
    "POST /v3/volumes/{subject_id}/action os-force_detach": "volume_extension:volume_admin_actions:force_detach",
    "POST /v3/volumes/{subject_id}/action os-initialize_connection": f"{_ACTIONS}:initialize_connection",
    "POST /v3/volumes/{subject_id}/action os-migrate_volume": ANYBODY,
    "POST /v3/volumes/{subject_id}/action os-migrate_volume_completion": ANYBODY,
    "POST /v3/volumes/{subject_id}/action os-reimage": ANYBODY,
    "POST /v3/volumes/{subject_id}/action os-reserve": f"{_ACTIONS}:reserve",
    "POST /v3/volumes/{subject_id}/action os-reset_status": "volume_extension:volume_admin_actions:reset_status",
    "POST /v3/volumes/{subject_id}/action os-retype": "volume:retype",
    "POST /v3/volumes/{subject_id}/action os-roll_detaching": f"{_ACTIONS}:roll_detaching",
    "POST /v3/volumes/{subject_id}/action os-set_bootable": "volume:update",
    "POST /v3/volumes/{subject_id}/action os-set_image_metadata": "volume_extension:volume_image_metadata:set",
    "POST /v3/volumes/{subject_id}/action os-show_image_metadata": "volume_extension:volume_image_metadata:show",
    "POST /v3/volumes/{subject_id}/action os-terminate_connection": f"{_ACTIONS}:terminate_connection",
    "POST /v3/volumes/{subject_id}/action os-unmanage": ANYBODY,
    "POST /v3/volumes/{subject_id}/action revert": ANYBODY,
    "POST /v3/volumes/{subject_id}/action os-unreserve": f"{_ACTIONS}:unreserve",
    "POST /v3/volumes/{subject_id}/action os-unset_image_metadata": "volume_extension:volume_image_metadata:remove",
    "POST /v3/volumes/{subject_id}/action os-update_readonly_flag": "volume:update_readonly_flag",
    "POST /v3/volumes/{subject_id}/action os-volume_upload_image": ANYBODY,
    "DELETE /v3/volumes/{volume_id}": "volume:delete",
    "GET /v3/volumes/{volume_id}": "volume:get",
    "PUT /v3/volumes/{volume_id}": "volume:update",
    "GET /v3/volumes/{volume_id}/metadata": "volume:get_volume_metadata",
    "POST /v3/volumes/{volume_id}/metadata": "volume:create_volume_metadata",
    "PUT /v3/volumes/{volume_id}/metadata": "volume:update_volume_metadata",
    "DELETE /v3/volumes/{volume_id}/metadata/{key}": "volume:delete_volume_metadata",
    "GET /v3/volumes/{volume_id}/metadata/{key}": "volume:get_volume_metadata",
    "PUT /v3/volumes/{volume_id}/metadata/{key}": "volume:update_volume_metadata",
}

BODIES: dict[str, Any] = {
    "POST /api/findings/{finding_id}/ignore": {"until": "2100-01-01T00:00:00Z", "reason": "x"},
    "POST /api/groups/{group_id}/reset": {"status": "error", "reason": "x"},
    "POST /v3/attachments": {"attachment": {"volume_uuid": "{volume_id}"}},
    "POST /v3/os-volume-transfer": {"transfer": {"volume_id": "{volume_id}"}},
    "POST /v3/volume-transfers": {"transfer": {"volume_id": "{volume_id}"}},
    "POST /v3/group_snapshots": {"group_snapshot": {"group_id": "{group_id}"}},
    "POST /v3/groups/action": {"create-from-src": {"name": "x", "source_group_id": "{group_id}"}},
    "POST /v3/snapshots": {"snapshot": {"volume_id": "{volume_id}", "force": True}},
    "PUT /v3/snapshots/{snapshot_id}": {"snapshot": {"name": "x"}},
    "PUT /v3/snapshots/{snapshot_id}/metadata/{key}": {"meta": {"k": "v"}},
    "PUT /v3/group_types/{type_id}/group_specs/{key}": {"k": "v"},
    "PUT /v3/qos-specs/{qos_id}": {"qos_specs": {"k": "v"}},
    "PUT /v3/types/{type_id}/extra_specs/{key}": {"k": "v"},
    "POST /v3/groups": {"group": {"group_type": "replicated", "volume_types": ["replicable"]}},
    "POST /v3/volumes": {"volume": {"size": 1}},
    "PUT /v3/volumes/{volume_id}": {"volume": {"name": "x"}},
    "PUT /v3/volumes/{volume_id}/metadata/{key}": {"meta": {"k": "v"}},
}
"""What is sent where something made from the address's schema would be refused for its form."""

OWNED = frozenset(
    {
        "group_id",
        "volume_id",
        "snapshot_id",
        "group_snapshot_id",
        "attachment_id",
        "transfer_id",
        "message_id",
        "operation_id",
        "finding_id",
        "plan_id",
        "run_id",
        "gap_id",
    }
)
"""What belongs to a project, by its name in addresses: for an outsider it is not there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """One thing that can be asked for."""

    method: str
    path: str
    action: str = ""
    body: Any = None

    @property
    def row(self) -> str:
        """Return its name in the table."""
        return f"{self.method} {self.path} {self.action}".strip()

    @property
    def is_of_a_project(self) -> bool:
        """Tell whether what it is about belongs to a project."""
        named = {part[1:-1] for part in f"{self.path}/{self.body}".split("/") if part.startswith("{")}
        about_subject = "subject_id" in named and not self.path.startswith("/v3/types/")
        return about_subject or bool(named & OWNED) or "_id}" in str(BODIES.get(self.row))


def addresses() -> Iterator[Address]:
    """Yield everything that can be asked for, as the addresses describe themselves."""
    generator = openapi.Generator()
    generator.parse(None, True)
    for path, _, method, view in generator._get_paths_and_endpoints():
        where = generator.coerce_path(path, method, view)
        if not where.startswith(_ROOTS) or not view.authentication_classes:
            continue
        if isinstance(view, actions.Actions):
            for name, action in view.table.items():
                yield Address(method=method, path=where, action=name, body={name: sample(action.schema)})
            continue
        description = describing.of(view, method)
        assert description is not None, where
        schema = description.body_of(view)
        found = Address(method=method, path=where, body=None if schema is None else sample(schema))
        yield dataclasses.replace(found, body=BODIES.get(found.row, found.body))


def sample(schema: Mapping[str, Any]) -> Any:
    """Return something small that a schema takes."""
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return sample({**{k: v for k, v in schema.items() if k != choice}, **schema[choice][0]})
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    match kind:
        case "object":
            properties = schema.get("properties", {})
            names = schema.get("required") or list(properties)[: schema.get("minProperties", 0)]
            return {name: sample(properties.get(name, {"type": "string"})) for name in names}
        case "array":
            return [sample(schema["items"])] if schema.get("minItems") else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return str(uuid.uuid4()) if schema.get("format") == "uuid" else "x" * max(1, schema.get("minLength", 1))


def filled(address: Address, things: Mapping[str, str]) -> str:
    """Return an address with the ids of things that are there."""
    noun = address.path.split("/")[2]
    own = things.get(f"{noun}/subject_id")
    # What these names mean depends on the noun before them.
    named = {**things, **(dict.fromkeys(("subject_id", "type_id", "snapshot_id"), own) if own else {})}
    found = address.path
    for name in [part[1:-1] for part in address.path.split("/") if part.startswith("{")]:
        assert named.get(name), f"{address.row}: say in tests/api/matrix.py what {name} is"
        found = found.replace(f"{{{name}}}", named[name])
    return found


def body_of(address: Address, things: Mapping[str, str]) -> Any:
    """Return what is sent, with the ids of things that are there."""
    text = json.dumps(address.body)
    for name in ("volume_id", "group_id"):
        text = text.replace(f"{{{name}}}", things[name])
    return json.loads(text)


def furnished(site: domain.Site) -> dict[str, str]:
    """Make one of everything that belongs to a project; return their ids by their names in addresses."""
    group = site.enabled_group(1)
    [volume] = domain.members(group)
    now = timezone.now()
    kept = {"project": site.project, "user_id": "olga", "backend": site.backend, "status": "available"}
    group_snapshot = models.GroupSnapshot.objects.create(group=group, group_type=group.group_type, **kept)
    snapshot = models.Snapshot.objects.create(volume=volume, size_gib=1, metadata={"k": "v"}, **kept)
    attachment = models.Attachment.objects.create(project=site.project, volume=volume)
    offered = models.Volume.objects.create(
        volume_type=site.volume_type, size_gib=1, **{**kept, "status": "awaiting-transfer"}
    )
    transfer = models.Transfer.objects.create(project=site.project, volume=offered)
    operation = domain.last_operation(group)
    finding = models.Finding.objects.create(
        code="not-replicating", severity="critical", subject_id=group.pk, group=group, project=site.project, seen_at=now
    )
    message = models.Message.objects.create(
        project=site.project,
        event_id="x",
        user_message="x",
        resource_type="GROUP",
        resource_uuid=group.pk,
        expires_at=now.replace(year=2100),
    )
    run = models.SiteFailover.objects.create(
        backend=site.backend, backend_name="array", mode="auto", concurrency=1, user_id="olga"
    )
    plan = models.DrillPlan.objects.create(name="plan", project=site.project)
    drill = models.DrillRun.objects.create(
        plan=plan,
        group=group,
        subject_id=group.pk,
        project=site.project,
        kind="test-copy",
        trigger="requested",
        planned_at=now,
        start_at=now,
    )
    gap = models.DrillGap.objects.create(run=drill, code="x", severity="warning", title="x")
    return {
        "plan_id": str(plan.pk),
        "run_id": str(drill.pk),
        "gap_id": str(gap.pk),
        "group_id": str(group.pk),
        "volume_id": str(volume.pk),
        "snapshot_id": str(snapshot.pk),
        "group_snapshot_id": str(group_snapshot.pk),
        "attachment_id": str(attachment.pk),
        "transfer_id": str(transfer.pk),
        "message_id": str(message.pk),
        "operation_id": str(operation.pk),
        "finding_id": str(finding.pk),
        "site_failover_id": str(run.pk),
        "groups/subject_id": str(group.pk),
        "volumes/subject_id": str(volume.pk),
        "snapshots/subject_id": str(snapshot.pk),
        "group_snapshots/subject_id": str(group_snapshot.pk),
        "attachments/subject_id": str(attachment.pk),
        "types/subject_id": str(site.volume_type.pk),
        "group_types/subject_id": str(site.group_type.pk),
        "qos_id": str(models.QosSpecs.objects.create(name="fast", consumer="both").pk),
        "owner": site.project.pk,
        "default_for": site.project.pk,
        "name": "default",
        "key": "k",
        "backend": "array",
        "target": "site-b",
        "host": "replsite@array",
        "alias": "os-hosts",
    }
