"""People who speak to the v3 API, and what they are answered."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from groups import models
from groups.queries import access
from groups.services import tokens

LATEST = "3.71"


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def message(self) -> str:
        """Return an error's sentence."""
        [fault] = self.body.values()
        return str(fault["message"])


class Person:
    """Somebody with a role in a project, logged in."""

    def __init__(self, name: str, *, project: models.Project, role: str) -> None:
        user = User.objects.create_user(name)
        models.RoleAssignment.objects.create(user=user, project=project, role=role)
        self.project_id = project.pk
        self.token = tokens.issue(access.to(user, project)).text

    def get(self, path: str, *, version: str | None = LATEST, **query: Any) -> Answer:
        """Ask for something."""
        return self.ask("GET", path, version=version, query=query)

    def post(self, path: str, body: object, *, version: str | None = LATEST) -> Answer:
        """Send a JSON body."""
        return self.ask("POST", path, body=body, version=version)

    def put(self, path: str, body: object, *, version: str | None = LATEST) -> Answer:
        """Send a JSON body that replaces."""
        return self.ask("PUT", path, body=body, version=version)

    def delete(self, path: str, *, version: str | None = LATEST, **query: Any) -> Answer:
        """Ask for a deletion."""
        return self.ask("DELETE", path, version=version, query=query)

    def act(self, group: models.Group, name: str, value: object, *, version: str | None = LATEST) -> Answer:
        """Send one of a group's actions."""
        return self.post(f"/groups/{group.pk}/action", {name: value}, version=version)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
        version: str | None = LATEST,
        query: dict[str, Any] | None = None,
        root: str = "/v3",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request below a root; `version` goes into the header."""
        sent = {"X-Auth-Token": self.token, **(headers or {})}
        if version is not None:
            sent["OpenStack-API-Version"] = version if " " in version else f"volume {version}"
        data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        answer = Client().generic(
            method, f"{root}{path}", data=data, content_type=content_type, headers=sent, query_params=query
        )
        return Answer(answer.status_code, json.loads(answer.content) if answer.content else None, dict(answer.headers))


@dataclasses.dataclass
class Cast:
    """Everybody. Olga owns what there is, Carl is in her project, Rita may only look, Otto is elsewhere."""

    olga: Person
    carl: Person
    rita: Person
    otto: Person
    ada: Person


def cast(project: models.Project, elsewhere: models.Project) -> Cast:
    """Return everybody, logged in."""
    return Cast(
        olga=Person("olga", project=project, role="member"),
        carl=Person("carl", project=project, role="member"),
        rita=Person("rita", project=project, role="reader"),
        otto=Person("otto", project=elsewhere, role="member"),
        ada=Person("ada", project=project, role="admin"),
    )
