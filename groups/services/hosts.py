"""Backends as the services that Cinder's clients know: enable, disable, freeze, thaw."""

from __future__ import annotations

from django.db import transaction

from groups import callers, clock, errors, models
from groups.queries import hosts, services
from groups.services import auditing, policies, recording


def find(host: str) -> models.Backend:
    """Return the backend of a host name. Raises `InvalidInput` when there is none."""
    name = hosts.backend_name(host)
    row = models.Backend.objects.filter(name=name).first() if name else None
    if row is None:
        raise errors.InvalidInput(f"Invalid input received: No service found with host={host}")
    return row


def enable(caller: callers.Caller, *, host: str, binary: str) -> models.Backend:
    """Let a backend take new groups and volumes."""
    policies.require(caller, "volume_extension:services:update")
    return _set(caller, _found(host, binary), enabled=True, reason="")


def disable(caller: callers.Caller, *, host: str, binary: str, reason: str = "") -> models.Backend:
    """Keep a backend from taking new groups and volumes; what is there goes on."""
    policies.require(caller, "volume_extension:services:update")
    row = _found(host, binary)
    return _set(caller, row, enabled=False, reason=recording.checked_text(reason, name="disabled_reason") or "")


def freeze(caller: callers.Caller, *, host: str) -> models.Backend:
    """Let nothing on a backend be made, changed or deleted; failing over and back stays possible."""
    policies.require(caller, "volume:freeze_host")
    return _set_frozen(caller, host, frozen=True)


def thaw(caller: callers.Caller, *, host: str) -> models.Backend:
    """End a freeze."""
    policies.require(caller, "volume:thaw_host")
    return _set_frozen(caller, host, frozen=False)


def _found(host: str, binary: str) -> models.Backend:
    name = hosts.backend_name(host)
    row = models.Backend.objects.filter(name=name).first() if name else None
    if host == services.HOST and binary == services.SCHEDULER:
        raise errors.InvalidInput(
            f"Invalid input received: {binary} on {host} wakes the others; it is stopped by ending its process."
        )
    if row is None or binary != services.VOLUME:
        raise errors.NotFound(f"Service {binary} could not be found on host {host}.")
    return row


def _set(caller: callers.Caller, row: models.Backend, *, enabled: bool, reason: str) -> models.Backend:
    with transaction.atomic():
        models.Backend.objects.filter(pk=row.pk).update(enabled=enabled, disabled_reason=reason, updated_at=clock.now())
        action = "backend:enable" if enabled else "backend:disable"
        auditing.note(caller, action=action, subject=row, detail=reason)
    row.refresh_from_db()
    return row


def _set_frozen(caller: callers.Caller, host: str, *, frozen: bool) -> models.Backend:
    row = find(host)
    with transaction.atomic():
        changed = models.Backend.objects.filter(pk=row.pk, frozen=not frozen).update(
            frozen=frozen, updated_at=clock.now()
        )
        if not changed:
            raise errors.WrongState(
                f"Invalid input received: No service could be changed: frozen in ['{services.host_of(row)}'] must be"
                f" {not frozen} to {'freeze' if frozen else 'thaw'}."
            )
        auditing.note(caller, action="backend:freeze" if frozen else "backend:thaw", subject=row)
    row.refresh_from_db()
    return row
