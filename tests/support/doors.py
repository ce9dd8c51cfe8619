"""The door of a running web server, and somebody who knocks at it."""

from __future__ import annotations

import dataclasses
import json
import time
import urllib.error
import urllib.request

from django.contrib.auth.models import User

from groups import models
from groups.queries import access
from groups.services import tokens
from tests.support import workers

_GIVE_UP_SECONDS = 60
NOBODY = 0
"""The status of no answer: the server broke the connection."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, and how long it took."""

    status: int
    seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Door:
    """Where a web server listens, and its process."""

    port: int
    process: workers.Process

    def answers(self) -> bool:
        """Tell whether the web server answers."""
        return self._ask(urllib.request.Request(f"http://127.0.0.1:{self.port}/healthz")).status == 200

    def act(self, token: str, group: models.Group, **action: object) -> Answer:
        """Ask for an action on a group; return when and what was answered."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v3/{group.project_id}/groups/{group.pk}/action",
            data=json.dumps(action).encode(),
            headers={
                "Content-Type": "application/json",
                "X-Auth-Token": token,
                "OpenStack-API-Version": "volume 3.38",
            },
        )
        return self._ask(request)

    def _ask(self, request: urllib.request.Request) -> Answer:
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=_GIVE_UP_SECONDS) as answer:  # noqa: S310 - our own address
                status = answer.status
        except urllib.error.HTTPError as refusal:
            status = refusal.code
            refusal.close()
        except OSError:
            status = NOBODY
        return Answer(status=status, seconds=time.monotonic() - began)


def token_of_member(project: models.Project) -> str:
    """Return the token of a new member of a project."""
    user = User.objects.create_user(f"member-{User.objects.count()}")
    models.RoleAssignment.objects.create(user=user, project=project, role="member")
    return tokens.issue(access.to(user, project)).text
