"""A volume's metadata, as a whole and pair by pair."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api.describing import describe
from groups.api.v3 import answers, bodies, resource, schemas, shapes
from groups.services import metadata


class Metadata(resource.Resource):
    """All of a volume's metadata."""

    @describe({200: shapes.METADATA})
    def get(self, request: Request, volume_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"metadata": metadata.get(self.caller, volume_id=volume_id)})

    @describe({200: shapes.METADATA}, body=schemas.METADATA)
    def post(self, request: Request, volume_id: str) -> HttpResponse:
        """Add pairs, and change those that are there."""
        values = bodies.checked(request, schemas.METADATA)["metadata"]
        return answers.document({"metadata": metadata.add(self.caller, volume_id=volume_id, values=values)})

    @describe({200: shapes.METADATA}, body=schemas.METADATA)
    def put(self, request: Request, volume_id: str) -> HttpResponse:
        """Replace it."""
        values = bodies.checked(request, schemas.METADATA)["metadata"]
        return answers.document({"metadata": metadata.replace(self.caller, volume_id=volume_id, values=values)})


class MetadataPair(resource.Resource):
    """One pair of a volume's metadata."""

    @describe({200: shapes.METADATA_PAIR})
    def get(self, request: Request, volume_id: str, key: str) -> HttpResponse:
        """Show it."""
        value = metadata.value_of(self.caller, volume_id=volume_id, key=key)
        return answers.document({"meta": {key: value}})

    @describe({200: shapes.METADATA_PAIR}, body=schemas.ONE_METADATA)
    def put(self, request: Request, volume_id: str, key: str) -> HttpResponse:
        """Set it."""
        meta = bodies.checked(request, schemas.ONE_METADATA)["meta"]
        if key not in meta:
            raise errors.InvalidInput("Request body and URI mismatch")
        metadata.put(self.caller, volume_id=volume_id, key=key, value=meta[key])
        return answers.document({"meta": meta})

    @describe({200: None})
    def delete(self, request: Request, volume_id: str, key: str) -> HttpResponse:
        """Remove it."""
        metadata.remove(self.caller, volume_id=volume_id, key=key)
        return answers.empty(status=200)
