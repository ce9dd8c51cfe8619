"""Which version there is; asked by clients before they log in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from groups.api import addresses
from groups.api.describing import describe
from groups.api.identity import answers, resource, shapes

# The version of Keystone's API, and its date, whose forms these are.
_VERSION = "v3.14"
_UPDATED = "2020-04-07T00:00:00Z"
_MEDIA_TYPE = {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}


class Versions(resource.Public):
    """The list of versions."""

    @describe({300: shapes.VERSIONS})
    def get(self, request: Request) -> HttpResponse:
        """Show it."""
        return answers.document({"versions": {"values": [_version(request)]}}, status=300)


class Version(resource.Public):
    """The one version."""

    @describe({200: shapes.VERSION})
    def get(self, request: Request) -> HttpResponse:
        """Show it."""
        return answers.document({"version": _version(request)})


def _version(request: Request | HttpRequest) -> dict[str, Any]:
    return {
        "id": _VERSION,
        "status": "stable",
        "updated": _UPDATED,
        "links": [{"rel": "self", "href": f"{addresses.base(request)}/identity/v3/"}],
        "media-types": [_MEDIA_TYPE],
    }
