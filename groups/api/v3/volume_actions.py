"""What can be done to a volume besides showing and changing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse

from groups import callers, errors
from groups.api import describing
from groups.api.v3 import actions, answers, bodies, microversions, schemas, shapes
from groups.queries import visible
from groups.services import attaching, extending, metadata, volumes

Wanted = dict[str, Any]

_NO_MIGRATION = "none"
_NOT_HERE = {
    "os-migrate_volume": "volumes stay on the backend they were made on; fail their group over instead",
    "os-migrate_volume_completion": "volumes are not migrated",
    "revert": "make a volume from the snapshot and use that; what was written since stays in the old one",
    "os-unmanage": "a volume that is given up would no longer be replicated; delete it instead",
    "os-volume_upload_image": "there is no image service",
    "os-reimage": "there is no image service",
}


def _reset(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    migration = wanted.get("migration_status")
    if migration is not None and migration.lower() != _NO_MIGRATION:
        raise errors.InvalidInput(f"Invalid input received: no volume is migrated here, so none can be '{migration}'.")
    volumes.reset_status(
        caller, volume_id=volume_id, status=wanted.get("status"), attach_status=wanted.get("attach_status")
    )
    return answers.empty()


def _force_delete(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
    volumes.delete(caller, volume_id=volume_id, force=True)
    return answers.empty()


def _set_bootable(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    volumes.set_bootable(caller, volume_id=volume_id, bootable=schemas.boolean(wanted["bootable"]))
    return answers.empty(status=200)


def _set_readonly(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    volumes.set_readonly(caller, volume_id=volume_id, readonly=schemas.boolean(wanted["readonly"]))
    return answers.empty()


def _retype(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    volumes.retype(caller, volume_id=volume_id, new_type=wanted["new_type"])
    return answers.empty()


def _reserve(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
    attaching.reserve(caller, volume_id=volume_id)
    return answers.empty()


def _unreserve(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
    attaching.unreserve(caller, volume_id=volume_id)
    return answers.empty()


def _begin_detaching(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
    attaching.begin_detaching(caller, volume_id=volume_id)
    return answers.empty()


def _roll_detaching(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
    attaching.roll_detaching(caller, volume_id=volume_id)
    return answers.empty()


def _attach(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    attaching.attach(
        caller,
        volume_id=volume_id,
        mountpoint=wanted["mountpoint"],
        instance_id=wanted.get("instance_uuid") or "",
        host=wanted.get("host_name") or "",
        mode=wanted.get("mode", "rw"),
    )
    return answers.empty()


def _detach(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    attaching.detach(caller, volume_id=volume_id, attachment_id=wanted.get("attachment_id"))
    return answers.empty()


def _force_detach(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    attaching.detach(caller, volume_id=volume_id, attachment_id=wanted.get("attachment_id"), force=True)
    return answers.empty()


def _initialize_connection(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    connection = attaching.initialize_connection(caller, volume_id=volume_id, connector=wanted["connector"])
    return answers.document({"connection_info": connection})


def _terminate_connection(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
    attaching.terminate_connection(caller, volume_id=volume_id)
    return answers.empty()


def _show_image_metadata(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
    return answers.document({"metadata": metadata.of_image(caller, volume_id=volume_id)})


def _set_image_metadata(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    pairs = metadata.set_of_image(caller, volume_id=volume_id, values=wanted["metadata"])
    return answers.document({"metadata": pairs})


def _unset_image_metadata(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    metadata.unset_of_image(caller, volume_id=volume_id, key=wanted["key"])
    return answers.empty(status=200)


def _refusing(name: str) -> actions.Action:
    """Return an action of Cinder's that cannot be done here, and says so."""

    def refuse(caller: callers.Caller, volume_id: str, _wanted: Wanted) -> HttpResponse:
        visible.volume(caller, volume_id)
        raise errors.InvalidInput(f"Invalid input received: {name} is not possible: {_NOT_HERE[name]}.")

    return _always(refuse, {}, {})


def _extend(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    extending.extend(caller, volume_id=volume_id, size_gib=int(wanted["new_size"]), in_use=False)
    return answers.empty()


def _extend_also_in_use(caller: callers.Caller, volume_id: str, wanted: Wanted) -> HttpResponse:
    extending.extend(caller, volume_id=volume_id, size_gib=int(wanted["new_size"]))
    return answers.empty()


def _always(
    do: actions.Do, schema: bodies.Schema = schemas.NOTHING, answers: describing.Answers | None = None
) -> actions.Action:
    return actions.Action(
        do=do, schema=schema, since=microversions.MINIMUM, answers={202: None} if answers is None else answers
    )


class VolumeActions(actions.Actions):
    """Where a volume's actions are sent."""

    table: ClassVar[Mapping[str, actions.Action]] = {
        "os-reset_status": _always(_reset, schemas.RESET_VOLUME),
        "os-force_delete": _always(_force_delete),
        "os-set_bootable": _always(_set_bootable, schemas.SET_BOOTABLE, {200: None}),
        "os-update_readonly_flag": _always(_set_readonly, schemas.SET_READONLY),
        "os-extend": actions.Action(
            do=_extend,
            schema=schemas.EXTEND,
            since=microversions.MINIMUM,
            later=(microversions.EXTENDED_IN_USE, _extend_also_in_use),
        ),
        "os-retype": _always(_retype, schemas.RETYPE),
        "os-reserve": _always(_reserve),
        "os-unreserve": _always(_unreserve),
        "os-begin_detaching": _always(_begin_detaching),
        "os-roll_detaching": _always(_roll_detaching),
        "os-attach": _always(_attach, schemas.ATTACH),
        "os-detach": _always(_detach, schemas.DETACH),
        "os-force_detach": _always(_force_detach, schemas.FORCE_DETACH),
        "os-initialize_connection": _always(_initialize_connection, schemas.CONNECTION, {200: shapes.CONNECTION}),
        "os-terminate_connection": _always(_terminate_connection, schemas.CONNECTION),
        "os-show_image_metadata": _always(_show_image_metadata, answers={200: shapes.METADATA}),
        "os-set_image_metadata": _always(_set_image_metadata, schemas.SET_IMAGE_METADATA, {200: shapes.METADATA}),
        "os-unset_image_metadata": _always(_unset_image_metadata, schemas.UNSET_IMAGE_METADATA, {200: None}),
        **{name: _refusing(name) for name in _NOT_HERE},
    }
