"""Makes the OpenAPI document out of the addresses and what they say of themselves."""

from __future__ import annotations

import functools
import http
import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from groups.api import authentication, describing
from groups.api.v3 import microversions

_JSON = "application/json"
_LOG_INS: list[dict[str, list[str]]] = [{"token": []}, {"basic": []}]
_SECURITY = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": authentication.TOKEN_HEADER,
        "description": "A token of `POST /identity/v3/auth/tokens`.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": f"A user's name and password; the project goes into `{authentication.PROJECT_HEADER}`.",
    },
}
_ABOUT = (
    "Under `/v3/`: the Block Storage API, as Cinder's clients speak it. Each of its addresses is there with the id of"
    " the caller's project after `/v3` too. Which version a part came with is `min-ver`; a request names its version"
    f" in `{microversions.HEADER}`.\n\n"
    "Under `/identity/`: what lets those clients log in.\n\n"
    "Under `/api/`: what they have no words for, such as operations and findings."
)


class Described(AutoSchema):
    """Writes one operation of the document from its view's description."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """Return the operation; None, which leaves it out, where the view does not describe it."""
        view: Any = self.view
        description = describing.of(view, method)
        if description is None:
            return None
        body, common = description.body_of(view), view.common
        operation: dict[str, Any] = {
            "operationId": _operation_id(path, method),
            "summary": _summary(view, method),
            "tags": [_tag(path)],
            "parameters": [
                *_of_path(path),
                *map(_parameter, description.query),
                *map(_parameter, common.parameters),
                *map(_parameter, common.parameters_on_get if method == "GET" else ()),
            ],
            "security": _LOG_INS if view.authentication_classes and not description.is_open else [],
            "responses": _responses(description, view=view, method=method),
        }
        if body is not None:
            operation["requestBody"] = {
                "required": description.body_required,
                "content": {_JSON: {"schema": body}},
            }
        if since := getattr(view, "since", None):
            operation["x-openstack"] = {"min-ver": str(since)}
        return operation


class Generator(SchemaGenerator):
    """Puts the document together."""

    def coerce_path(self, path: str, method: str, view: Any) -> str:
        """Return the address as its view has it, where the pattern is no readable one."""
        return view.address or super().coerce_path(path, method, view)

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        """Return the document, shapes with titles in a place of their own."""
        found = super().get_schema(request, public)
        shown: dict[str, Any] = {}
        found["info"] = {"title": "Replsite", "version": str(microversions.MAXIMUM), "description": _ABOUT}
        found["servers"] = [{"url": "/"}]
        found["paths"] = _titled_apart(found["paths"], shown)
        found["components"] = {"securitySchemes": _SECURITY, "schemas": dict(sorted(shown.items()))}
        return found


@functools.cache
def document() -> Mapping[str, Any]:
    """Return the document; it is the same for everybody, and as long as the process lives."""
    return Generator().get_schema(public=True)


def undescribed() -> list[str]:
    """Return the addresses that do not describe themselves, each with its method."""
    generator = Generator()
    generator.parse(None, True)
    return [
        f"{method} {generator.coerce_path(path, method, view)}"
        for path, _, method, view in generator._get_paths_and_endpoints()  # noqa: SLF001  the only list of them
        if describing.of(view, method) is None
    ]


def _responses(description: describing.Description, *, view: Any, method: str) -> dict[str, Any]:
    common = view.common
    has_body = description.body_of(view) is not None
    headers = {name: {"schema": {"type": "string"}, "description": text} for name, text in common.headers.items()}
    statuses = {*common.always, *(common.with_body if has_body else ()), *description.refusals}
    if description.is_open or not view.authentication_classes:
        statuses -= {401, 403}
    shapes: dict[int, Any] = {status: common.refusals[status] for status in statuses}
    shapes |= {**(common.on_get if method == "GET" else {}), **description.answers_of(view)}
    return {
        str(status): {
            "description": http.HTTPStatus(status).phrase,
            "headers": headers,
            **({"content": {_JSON: {"schema": shape}}} if shape is not None else {}),
        }
        for status, shape in sorted(shapes.items())
    }


def _of_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameter(parameter: describing.Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {"name": parameter.name, "in": parameter.place, "schema": parameter.schema}
    if parameter.required:
        found["required"] = True
    return {**found, "description": parameter.text} if parameter.text else found


def _operation_id(path: str, method: str) -> str:
    words = re.findall(r"[a-z0-9]+", path.lower())
    return "_".join([method.lower(), *words])


def _summary(view: Any, method: str) -> str:
    noun = _sentence(type(view).__doc__)
    verb = _sentence(getattr(view, method.lower()).__doc__)
    return f"{noun}: {verb[:1].lower()}{verb[1:]}" if verb else noun


def _sentence(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0].rstrip(".")


def _tag(path: str) -> str:
    root, *words = [word for word in path.split("/") if word and "{" not in word] or ["discovery"]
    if root == "v3":
        return f"v3: {words[0]}" if words else "discovery"
    return f"{root}: {words[0]}" if words and root == "api" else root


def _titled_apart(part: Any, shown: dict[str, Any]) -> Any:
    """Return a part of the document with references in place of the shapes that have a title."""
    if isinstance(part, list):
        return [_titled_apart(each, shown) for each in part]
    if not isinstance(part, Mapping):
        return part
    found = {key: _titled_apart(value, shown) for key, value in part.items()}
    if isinstance(found.get("pattern"), str):
        found["pattern"] = _portable(found["pattern"])
    if isinstance(found.get("patternProperties"), dict):
        found["patternProperties"] = {_portable(key): value for key, value in found["patternProperties"].items()}
    title = found.get("title")
    if not isinstance(title, str):
        return found
    if shown.setdefault(title, found) != found:
        raise ValueError(f"Two different shapes have the title '{title}'.")
    return {"$ref": f"#/components/schemas/{title}"}


def _portable(pattern: str) -> str:
    """Return a pattern as JSON Schema has it, where nothing but the very end is `$`."""
    return pattern.replace(r"\Z", "$")
