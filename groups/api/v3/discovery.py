"""Which versions there are; the one thing clients may ask without logging in."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups.api import addresses
from groups.api.describing import describe
from groups.api.v3 import answers, microversions, resource, shapes

# The date of the microversion's description, which clients show.
_UPDATED = "2023-08-31T00:00:00Z"
_MEDIA_TYPE = {"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}


class Versions(resource.Public):
    """The document that lists the versions."""

    status = 200

    @describe(lambda view: {view.status: shapes.VERSIONS})
    def get(self, request: Request) -> HttpResponse:
        """Show it."""
        base = addresses.base(request)
        version = {
            "id": f"v{microversions.MINIMUM}",
            "status": "CURRENT",
            "version": str(microversions.MAXIMUM),
            "min_version": str(microversions.MINIMUM),
            "updated": _UPDATED,
            "links": [
                {
                    "rel": "describedby",
                    "type": "text/html",
                    "href": "https://docs.openstack.org/api-ref/block-storage/",
                },
                {"rel": "self", "href": f"{base}/v3/"},
            ],
            "media-types": [_MEDIA_TYPE],
        }
        return answers.document({"versions": [version]}, status=self.status)
