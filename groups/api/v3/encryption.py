"""How volumes of a type are to be encrypted."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors, models
from groups.api.describing import describe
from groups.api.v3 import answers, bodies, resource, rows, schemas, shapes
from groups.services import encryption

_NAMES = ("provider", "control_location", "cipher", "key_size")


def _values(row: models.VolumeTypeEncryption) -> rows.Fields:
    return {name: getattr(row, name) for name in _NAMES}


def _ids(row: models.VolumeTypeEncryption) -> rows.Fields:
    return {"volume_type_id": row.volume_type_id, "encryption_id": row.pk}


class Encryption(resource.Resource):
    """How volumes of a type are to be encrypted; as a rule they are not."""

    @describe({200: shapes.ENCRYPTION})
    def get(self, request: Request, type_id: str) -> HttpResponse:
        """Show it; nothing for a type without encryption."""
        row = encryption.get(self.caller, type_id=type_id)
        if row is None:
            return answers.document({})
        times = {"created_at": rows.time(row.created_at), "updated_at": rows.time(row.updated_at), "deleted_at": None}
        return answers.document({**_values(row), **_ids(row), **times, "deleted": False})

    @describe({200: shapes.NEW_ENCRYPTION}, body=schemas.CREATE_ENCRYPTION)
    def post(self, request: Request, type_id: str) -> HttpResponse:
        """Set it."""
        wanted = bodies.checked(request, schemas.CREATE_ENCRYPTION)["encryption"]
        row = encryption.create(self.caller, type_id=type_id, values=wanted)
        return answers.document({"encryption": {**_values(row), **_ids(row)}})


class EncryptionPart(resource.Resource):
    """One value of it to look at, or all of it to change; clients name it by all sorts of words then."""

    @describe({200: shapes.ENCRYPTION_VALUE})
    def get(self, request: Request, type_id: str, key: str) -> HttpResponse:
        """Show one value."""
        row = encryption.get(self.caller, type_id=type_id)
        if row is None or key not in _NAMES:
            raise errors.NotFound(f"Volume type encryption for type {type_id} has no {key}.")
        return answers.document({key: getattr(row, key)})

    @describe({200: shapes.CHANGED_ENCRYPTION}, body=schemas.UPDATE_ENCRYPTION)
    def put(self, request: Request, type_id: str, key: str) -> HttpResponse:
        """Change it."""
        body = bodies.checked(request, schemas.UPDATE_ENCRYPTION)
        encryption.update(self.caller, type_id=type_id, values=body["encryption"])
        return answers.document(body)

    @describe({202: None})
    def delete(self, request: Request, type_id: str, key: str) -> HttpResponse:
        """Take it away."""
        encryption.delete(self.caller, type_id=type_id)
        return answers.empty()
