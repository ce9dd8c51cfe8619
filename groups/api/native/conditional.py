"""Answers that have not changed since the client read them are not sent again; what has changed is not written over."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags

from groups import errors

ANY = "*"


def tag(content: bytes) -> str:
    """Return the tag of a document: the same for the same document, another for any other."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def get(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """Give the answer to a reading request its tag; return one without a body to a client that has it."""
    if request.method not in ("GET", "HEAD") or answer.status_code != 200 or not isinstance(answer, HttpResponse):
        return answer
    answer["ETag"] = tag(answer.content)
    # What a proxy made weak on its way is still what we sent.
    known = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
    if answer["ETag"] not in known and ANY not in known:
        return answer
    unchanged = HttpResponse(status=304)
    for name, value in answer.items():
        if name != "Content-Type":
            unchanged[name] = value
    del unchanged["Content-Type"]
    return unchanged


def require(request: HttpRequest, document: Mapping[str, Any], *, noun: str) -> None:
    """Raise `Outdated` when the client asks for a change of something else than this document."""
    wanted = parse_etags(request.headers.get("If-Match", ""))
    if wanted and ANY not in wanted and tag(orjson.dumps(document)) not in wanted:
        raise errors.Outdated(f"{noun} has changed since it was read.")
