"""The OpenAPI document, for programs, and the page that shows it to people. Both are open to all."""

from __future__ import annotations

import functools
import json
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe
from drf_spectacular import renderers

from groups.api import openapi

_JSON, _YAML = "application/vnd.oai.openapi+json", "application/vnd.oai.openapi"
_ASSETS = "drf_spectacular_sidecar/swagger-ui-dist"
_SETTINGS = {
    "url": "../schema/",
    "dom_id": "#document",
    "deepLinking": True,
    "docExpansion": "none",
    "filter": True,
    "persistAuthorization": False,
    "validatorUrl": None,
}
# The page's own scripts and styles, and nothing from elsewhere.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Return the document, as YAML to those who ask for it, else as JSON."""
    wanted = request.GET.get("format") or ("yaml" if "yaml" in request.headers.get("Accept", "") else "json")
    media_type = _YAML if wanted == "yaml" else _JSON
    return HttpResponse(_rendered(media_type), content_type=media_type)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Return the page."""
    assets: dict[str, Any] = {
        "style": static(f"{_ASSETS}/swagger-ui.css"),
        "icon": static(f"{_ASSETS}/favicon-32x32.png"),
        "bundle": static(f"{_ASSETS}/swagger-ui-bundle.js"),
    }
    answer = render(request, "api/document.html", assets)
    answer["Content-Security-Policy"] = _POLICY
    return answer


@require_safe
def script(_request: HttpRequest) -> HttpResponse:
    """Return what starts the page: a script of its own address, as the page lets none stand within it."""
    text = f"SwaggerUIBundle({{...{json.dumps(_SETTINGS)}, presets: [SwaggerUIBundle.presets.apis]}});\n"
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")


@functools.cache
def _rendered(media_type: str) -> bytes:
    # Made once: anybody may ask for it, and it takes a while.
    if media_type == _JSON:
        return orjson.dumps(openapi.document())
    return bytes(renderers.OpenApiYamlRenderer().render(openapi.document()))
