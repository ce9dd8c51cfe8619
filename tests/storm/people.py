"""Whoever asks the site for something: by HTTP, with a token from a real log-in."""

from __future__ import annotations

import collections
import dataclasses
import http.client
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

VERSION = "volume 3.38"
USER, PROJECT, PASSWORD = "admin", "admin", "correct horse battery"
_REQUEST_SECONDS = 30.0
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    request_id: str
    token: str
    body: Mapping[str, Any]

    @property
    def refusal(self) -> str:
        """Return the sentence of a refusal."""
        for inner in self.body.values():
            if isinstance(inner, Mapping) and "message" in inner:
                return str(inner["message"])
        return ""


class Cut(Exception):
    """The web process was not there, or went away in the middle: nobody knows what became of the request."""


class Person:
    """A client that logs in once, and again when its token is no longer good. Safe to use from several threads."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._token = ""
        self._lock = threading.Lock()
        self.cut = 0
        self.slowest = 0.0
        self.statuses: collections.Counter[int] = collections.Counter()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send one request and return the answer, whatever it says. Raises `Cut`."""
        answer = self._ask(method, f"/v3/{path}", body, headers={"X-Auth-Token": self._logged_in()})
        if answer.status == 401:
            self._token = ""
        return answer

    def ask_patiently(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send a request that may be repeated, until there is an answer. Raises `Cut` after a minute."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = self.ask(method, path, body)
                if answer.status not in {401, 500, 503} or time.monotonic() > end:
                    return answer
            except Cut:
                if time.monotonic() > end:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _logged_in(self) -> str:
        with self._lock:
            if not self._token:
                domain = {"id": "default"}
                user = {"name": USER, "password": PASSWORD, "domain": domain}
                identity = {"methods": ["password"], "password": {"user": user}}
                scope = {"project": {"name": PROJECT, "domain": domain}}
                body = {"auth": {"identity": identity, "scope": scope}}
                answer = self._ask("POST", "/identity/v3/auth/tokens", body, headers={})
                if answer.status != 201:
                    raise Cut(f"no log-in: {answer.status}")
                self._token = answer.token
            return self._token

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, *, headers: Mapping[str, str]) -> Answer:
        sent = None if body is None else json.dumps(body)
        known = {"OpenStack-API-Version": VERSION, "Content-Type": "application/json", **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_REQUEST_SECONDS)
        began = time.monotonic()
        try:
            connection.request(method, path, body=sent, headers=known)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.cut += 1
            raise Cut(str(error)) from error
        finally:
            connection.close()
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[answer.status] += 1
        return Answer(
            status=answer.status,
            request_id=answer.headers.get("X-Openstack-Request-Id", ""),
            token=answer.headers.get("X-Subject-Token", ""),
            body=json.loads(content) if content else {},
        )
