"""The address clients reach this site at, for links and the catalog."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request


def base(request: Request | HttpRequest) -> str:
    """Return the public address, or else the request's own, without a slash at its end."""
    public: str = settings.REPLSITE.public_url
    return public or request.build_absolute_uri("/").rstrip("/")
