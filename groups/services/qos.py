"""QoS specs: how fast volumes of a type should be, kept, shown and told to hosts; no driver heeds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, models as db, transaction

from groups import callers, clock, errors, models
from groups.queries import visible
from groups.services import auditing, policies

_RULE = "volume_extension:qos_specs_manage:"


def create(caller: callers.Caller, *, name: str, consumer: str, values: Mapping[str, str]) -> models.QosSpecs:
    """Create QoS specs under a name that is free."""
    policies.require(caller, f"{_RULE}create")
    name = name.strip()
    try:
        with transaction.atomic():
            row = models.QosSpecs.objects.create(name=name, consumer=consumer, specs=dict(values))
            auditing.note(caller, action="qos:create", subject=row, detail=auditing.named(values))
    except IntegrityError as error:
        raise errors.Duplicate(f"QoS Specs {name} already exists.") from error
    return row


def get(caller: callers.Caller, *, qos_id: object) -> models.QosSpecs:
    """Return QoS specs by id. Raises `NotFound`."""
    policies.require(caller, f"{_RULE}get")
    return _found(qos_id)


def set_keys(caller: callers.Caller, *, qos_id: object, values: Mapping[str, str], consumer: str | None) -> None:
    """Add keys to QoS specs or change those they have; the others stay."""
    policies.require(caller, f"{_RULE}update")
    with transaction.atomic():
        row = _found(qos_id, lock=True)
        said = {**values, "consumer": consumer} if consumer else values
        _write(row, specs={**row.specs, **values}, consumer=consumer or row.consumer)
        auditing.note(caller, action="qos:set-keys", subject=row, detail=auditing.named(said))


def delete_keys(caller: callers.Caller, *, qos_id: object, keys: Iterable[str]) -> None:
    """Remove keys from QoS specs, all or none. Raises `InvalidInput` for one that they have not."""
    policies.require(caller, f"{_RULE}update")
    gone = set(keys)
    with transaction.atomic():
        row = _found(qos_id, lock=True)
        if missing := sorted(gone - set(row.specs)):
            raise errors.InvalidInput(f"QoS Specs {row.pk} has no spec with key {missing[0]}.")
        _write(row, specs={key: value for key, value in row.specs.items() if key not in gone})
        auditing.note(caller, action="qos:delete-keys", subject=row, detail=auditing.named(gone))


def delete(caller: callers.Caller, *, qos_id: object, force: bool = False) -> None:
    """Delete QoS specs that no volume type has; `force` takes them from those that do."""
    policies.require(caller, f"{_RULE}delete")
    with transaction.atomic():
        row = _found(qos_id, lock=True)
        types = models.VolumeType.objects.filter(qos_specs=row)
        if not force and types.exists():
            raise errors.InUse(f"QoS Specs {row.pk} is still associated with entities.")
        types.update(qos_specs=None)
        auditing.note(caller, action="qos:delete", subject=row)
        row.delete()


def associations(caller: callers.Caller, *, qos_id: object) -> list[models.VolumeType]:
    """Return the volume types that have QoS specs."""
    policies.require(caller, f"{_RULE}get")
    return list(models.VolumeType.objects.filter(qos_specs=_found(qos_id)).order_by("name"))


def associate(caller: callers.Caller, *, qos_id: object, type_id: object) -> None:
    """Give QoS specs to a volume type that has none; to one that has these it changes nothing."""
    policies.require(caller, f"{_RULE}update")
    with transaction.atomic():
        row = _found(qos_id, lock=True)
        kind = visible.volume_type(caller, type_id)
        free = models.VolumeType.objects.filter(db.Q(qos_specs=None) | db.Q(qos_specs=row), pk=kind.pk)
        if not free.update(qos_specs=row):
            raise errors.WrongState(
                f"Invalid volume type: Type {kind.pk} is already associated with another qos specs:"
                f" {kind.qos_specs_id}. Disassociate that first."
            )
        auditing.note(caller, action="qos:associate", subject=row, detail=f"with type {kind.name}")


def disassociate(caller: callers.Caller, *, qos_id: object, type_id: object) -> None:
    """Take QoS specs from a volume type; from one that has them not it changes nothing."""
    policies.require(caller, f"{_RULE}update")
    with transaction.atomic():
        row = _found(qos_id)
        kind = visible.volume_type(caller, type_id)
        if models.VolumeType.objects.filter(pk=kind.pk, qos_specs=row).update(qos_specs=None):
            auditing.note(caller, action="qos:disassociate", subject=row, detail=f"from type {kind.name}")


def disassociate_all(caller: callers.Caller, *, qos_id: object) -> None:
    """Take QoS specs from every volume type."""
    policies.require(caller, f"{_RULE}update")
    with transaction.atomic():
        row = _found(qos_id)
        count = models.VolumeType.objects.filter(qos_specs=row).update(qos_specs=None)
        auditing.note(caller, action="qos:disassociate", subject=row, detail=f"from {count} types")


def _found(qos_id: object, *, lock: bool = False) -> models.QosSpecs:
    known = visible.parsed_id(qos_id)
    rows = models.QosSpecs.objects.select_for_update() if lock else models.QosSpecs.objects.all()
    row = rows.filter(pk=known).first() if known else None
    if row is None:
        raise errors.NotFound(f"No such QoS spec {qos_id}.")
    return row


def _write(row: models.QosSpecs, **values: object) -> None:
    models.QosSpecs.objects.filter(pk=row.pk).update(**values, updated_at=clock.now())
