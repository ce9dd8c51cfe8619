"""Which role each verb needs, and which right where sites may choose the role."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings

from groups import callers, errors


class Right(StrEnum):
    """What a site may give to a role of its own, by a setting."""

    FAIL_OVER = "failover_role"
    FAIL_OVER_UNPLANNED = "unplanned_failover_role"
    DRILL = "drill_role"
    APPROVE = "approve_role"
    RESET = "reset_role"

    @property
    def setting(self) -> str:
        """Return the name of the setting."""
        return f"REPLSITE_{self.value.upper()}"

    @property
    def role(self) -> str:
        """Return the role that has it on this site."""
        chosen: str | None = getattr(settings.REPLSITE, self.value)
        return chosen or Right.FAIL_OVER.role


RULES: dict[str, str | Right] = {
    "group:get": callers.READER,
    "group:get_all": callers.READER,
    "group:create": callers.MEMBER,
    "group:update": callers.MEMBER,
    "group:delete": callers.MEMBER,
    "group:reset_status": Right.RESET,
    "group:group_project_attribute": callers.ADMIN,
    "group:access_group_types_specs": callers.ADMIN,
    "group:enable_replication": callers.MEMBER,
    "group:disable_replication": callers.MEMBER,
    "group:failover_replication": Right.FAIL_OVER,
    "group:failover_replication:unplanned": Right.FAIL_OVER_UNPLANNED,
    "group:list_replication_targets": callers.MEMBER,
    "group:group_types:create": callers.ADMIN,
    "group:group_types:update": callers.ADMIN,
    "group:group_types:delete": callers.ADMIN,
    "group:group_types_specs:create": callers.ADMIN,
    "group:group_types_specs:get": callers.ADMIN,
    "group:group_types_specs:get_all": callers.ADMIN,
    "group:group_types_specs:update": callers.ADMIN,
    "group:group_types_specs:delete": callers.ADMIN,
    "group:create_group_snapshot": callers.MEMBER,
    "group:get_group_snapshot": callers.READER,
    "group:get_all_group_snapshots": callers.READER,
    "group:delete_group_snapshot": callers.MEMBER,
    "group:reset_group_snapshot_status": Right.RESET,
    "group:group_snapshot_project_attribute": callers.ADMIN,
    "volume:get": callers.READER,
    "volume:get_all": callers.READER,
    "volume:create": callers.MEMBER,
    "volume:update": callers.MEMBER,
    "volume:delete": callers.MEMBER,
    "volume:force_delete": callers.ADMIN,
    "volume:extend": callers.MEMBER,
    "volume:extend_attached_volume": callers.MEMBER,
    "volume:create_snapshot": callers.MEMBER,
    "volume:get_snapshot": callers.READER,
    "volume:get_all_snapshots": callers.READER,
    "volume:update_snapshot": callers.MEMBER,
    "volume:delete_snapshot": callers.MEMBER,
    "volume:get_snapshot_metadata": callers.READER,
    "volume:update_snapshot_metadata": callers.MEMBER,
    "volume:delete_snapshot_metadata": callers.MEMBER,
    "snapshot_extension:snapshot_actions:update_snapshot_status": callers.MEMBER,
    "volume_extension:snapshot_admin_actions:reset_status": Right.RESET,
    "volume_extension:snapshot_admin_actions:force_delete": callers.ADMIN,
    "volume_extension:volume_admin_actions:reset_status": Right.RESET,
    "volume:get_volume_metadata": callers.READER,
    "volume:create_volume_metadata": callers.MEMBER,
    "volume:update_volume_metadata": callers.MEMBER,
    "volume:delete_volume_metadata": callers.MEMBER,
    "volume:update_readonly_flag": callers.MEMBER,
    "volume:retype": callers.MEMBER,
    "volume:create_transfer": callers.MEMBER,
    "volume:get_transfer": callers.READER,
    "volume:get_all_transfers": callers.READER,
    "volume:accept_transfer": callers.MEMBER,
    "volume:delete_transfer": callers.MEMBER,
    "volume:attachment_get": callers.READER,
    "volume:attachment_create": callers.MEMBER,
    "volume:attachment_update": callers.MEMBER,
    "volume:attachment_complete": callers.MEMBER,
    "volume:attachment_delete": callers.MEMBER,
    "volume_extension:volume_actions:reserve": callers.MEMBER,
    "volume_extension:volume_actions:unreserve": callers.MEMBER,
    "volume_extension:volume_actions:begin_detaching": callers.MEMBER,
    "volume_extension:volume_actions:roll_detaching": callers.MEMBER,
    "volume_extension:volume_actions:attach": callers.MEMBER,
    "volume_extension:volume_actions:detach": callers.MEMBER,
    "volume_extension:volume_actions:initialize_connection": callers.MEMBER,
    "volume_extension:volume_actions:terminate_connection": callers.MEMBER,
    "volume_extension:volume_admin_actions:force_detach": callers.ADMIN,
    "volume_extension:volume_image_metadata:show": callers.READER,
    "volume_extension:volume_image_metadata:set": callers.MEMBER,
    "volume_extension:volume_image_metadata:remove": callers.MEMBER,
    "volume_extension:volume_type_access:get_all_for_type": callers.ADMIN,
    "volume_extension:volume_type_access:addProjectAccess": callers.ADMIN,
    "volume_extension:volume_type_access:removeProjectAccess": callers.ADMIN,
    "volume_extension:volume_type_encryption:create": callers.ADMIN,
    "volume_extension:volume_type_encryption:get": callers.ADMIN,
    "volume_extension:volume_type_encryption:update": callers.ADMIN,
    "volume_extension:volume_type_encryption:delete": callers.ADMIN,
    "volume_extension:default_get": callers.ADMIN,
    "volume_extension:default_get_all": callers.ADMIN,
    "volume_extension:default_set_or_update": callers.ADMIN,
    "volume_extension:default_unset": callers.ADMIN,
    "volume_extension:type_get": callers.READER,
    "volume_extension:type_get_all": callers.READER,
    "volume_extension:type_create": callers.ADMIN,
    "volume_extension:type_update": callers.ADMIN,
    "volume_extension:type_delete": callers.ADMIN,
    "volume_extension:types_extra_specs:index": callers.READER,
    "volume_extension:types_extra_specs:show": callers.READER,
    "volume_extension:types_extra_specs:create": callers.ADMIN,
    "volume_extension:types_extra_specs:update": callers.ADMIN,
    "volume_extension:types_extra_specs:delete": callers.ADMIN,
    "group:set_objectives": callers.MEMBER,
    "site:set_objectives": callers.ADMIN,
    "group:adopt": callers.ADMIN,
    "group:restore": callers.ADMIN,
    "finding:get": callers.READER,
    "finding:ignore": callers.ADMIN,
    "operation:cancel": callers.MEMBER,
    "operation:retry": callers.MEMBER,
    "drill:get": callers.READER,
    "drill:plan": Right.DRILL,
    "drill:run": Right.DRILL,
    "drill:note": Right.DRILL,
    "drill:approve": Right.APPROVE,
    "drill:attest": Right.APPROVE,
    "backend:manage": callers.ADMIN,
    "volume_extension:quotas:show": callers.READER,
    "volume_extension:quotas:update": callers.ADMIN,
    "volume_extension:quotas:delete": callers.ADMIN,
    "volume_extension:quota_classes:get": callers.ADMIN,
    "volume_extension:quota_classes:update": callers.ADMIN,
    "limits_extension:used_limits": callers.READER,
    "message:get": callers.READER,
    "message:get_all": callers.READER,
    "message:delete": callers.MEMBER,
    "scheduler_extension:scheduler_stats:get_pools": callers.ADMIN,
    "volume_extension:capabilities": callers.ADMIN,
    "volume_extension:hosts": callers.ADMIN,
    "volume_extension:qos_specs_manage:create": callers.ADMIN,
    "volume_extension:qos_specs_manage:get": callers.ADMIN,
    "volume_extension:qos_specs_manage:get_all": callers.ADMIN,
    "volume_extension:qos_specs_manage:update": callers.ADMIN,
    "volume_extension:qos_specs_manage:delete": callers.ADMIN,
    "clusters:get_all": callers.ADMIN,
    "volume_extension:list_manageable": callers.ADMIN,
    "snapshot_extension:list_manageable": callers.ADMIN,
    "backend:get": callers.ADMIN,
    "audit:get": callers.ADMIN,
    "volume:failover_host": callers.ADMIN,
    "volume:freeze_host": callers.ADMIN,
    "volume:thaw_host": callers.ADMIN,
    "volume_extension:services:index": callers.ADMIN,
    "volume_extension:services:update": callers.ADMIN,
    "group:set_failover_priority": callers.MEMBER,
    "identity:manage": callers.ADMIN,
}


def role_for(rule: str) -> str:
    """Return the role a rule needs on this site."""
    needed = RULES[rule]
    return needed.role if isinstance(needed, Right) else needed


def allows(caller: callers.Caller, rule: str) -> bool:
    """Tell whether the caller's roles include the one the rule needs; an admin's always do."""
    return caller.is_admin or role_for(rule) in caller.roles


def why_not(caller: callers.Caller, rule: str) -> str:
    """Return why the caller may not, in a sentence for people; empty when they may."""
    if allows(caller, rule):
        return ""
    own = ", ".join(role for role in (*callers.ROLES, *further_roles()) if role in caller.roles)
    return f"This needs the role {role_for(rule)} in this project; yours: {own or 'none'}."


def require(caller: callers.Caller, rule: str) -> None:
    """Raise `Forbidden`, naming the rule, unless the caller's roles include the one it needs."""
    if not allows(caller, rule):
        raise errors.Forbidden(f"Policy doesn't allow {rule} to be performed.", remedy=why_not(caller, rule))


def further_roles() -> list[str]:
    """Return the roles that the site's settings ask for besides ours, in the settings' order."""
    return [role for role in dict.fromkeys(right.role for right in Right) if role not in callers.ROLES]
