"""Which role each verb needs."""

from __future__ import annotations

from groups import callers, errors

RULES: dict[str, str] = {
    "group:get": callers.READER,
    "group:get_all": callers.READER,
    "group:create": callers.MEMBER,
    "group:update": callers.MEMBER,
    "group:delete": callers.MEMBER,
    "group:reset_status": callers.ADMIN,
    "group:group_project_attribute": callers.ADMIN,
    "group:access_group_types_specs": callers.ADMIN,
    "group:enable_replication": callers.MEMBER,
    "group:disable_replication": callers.MEMBER,
    "group:failover_replication": callers.MEMBER,
    "group:list_replication_targets": callers.MEMBER,
    "group:group_types:create": callers.ADMIN,
    "group:group_types:update": callers.ADMIN,
    "group:group_types:delete": callers.ADMIN,
    "group:group_types_specs:create": callers.ADMIN,
    "group:group_types_specs:get": callers.ADMIN,
    "group:group_types_specs:get_all": callers.ADMIN,
    "group:group_types_specs:update": callers.ADMIN,
    "group:group_types_specs:delete": callers.ADMIN,
    "volume:get": callers.READER,
    "volume:get_all": callers.READER,
    "volume:create": callers.MEMBER,
    "volume:update": callers.MEMBER,
    "volume:delete": callers.MEMBER,
    "volume:force_delete": callers.ADMIN,
    "volume_extension:volume_admin_actions:reset_status": callers.ADMIN,
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
    "group:adopt": callers.ADMIN,
    "group:restore": callers.ADMIN,
    "finding:get": callers.READER,
    "finding:ignore": callers.ADMIN,
    "operation:cancel": callers.MEMBER,
    "operation:retry": callers.MEMBER,
    "backend:manage": callers.ADMIN,
    "identity:manage": callers.ADMIN,
}


def allows(caller: callers.Caller, rule: str) -> bool:
    """Tell whether the caller's roles include the one the rule needs."""
    return RULES[rule] in caller.roles


def require(caller: callers.Caller, rule: str) -> None:
    """Raise `Forbidden`, naming the rule, unless the caller's roles include the one it needs."""
    if not allows(caller, rule):
        raise errors.Forbidden(f"Policy doesn't allow {rule} to be performed.")
