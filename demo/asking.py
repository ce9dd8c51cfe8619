"""One HTTP request to the site, with no proxy between."""

from __future__ import annotations

import dataclasses
import http.client
import json
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as values."""
        return dict(json.loads(self.body))


def ask(
    port: int, path: str, *, headers: Mapping[str, str] | None = None, body: Mapping[str, object] | None = None
) -> Answer:
    """GET a path of the site, or POST a body to it. Raises `OSError` when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = None if body is None else json.dumps(body)
    known = {"Content-Type": "application/json"} if sent else {}
    try:
        connection.request("POST" if sent else "GET", path, body=sent, headers=known | dict(headers or {}))
        answer = connection.getresponse()
        return Answer(status=answer.status, headers=dict(answer.getheaders()), body=answer.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"the site broke off: {error}") from error
    finally:
        connection.close()
