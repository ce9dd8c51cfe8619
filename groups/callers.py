"""Who asks: the values every verb gets from its door."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

READER = "reader"
MEMBER = "member"
ADMIN = "admin"
ROLES: tuple[str, ...] = (READER, MEMBER, ADMIN)
ROLE_NAME = r"^[A-Za-z0-9_.-]{1,64}$"
"""What a role may be called, ours and the further ones that settings name."""
_IMPLIED: dict[str, frozenset[str]] = {
    READER: frozenset({READER}),
    MEMBER: frozenset({READER, MEMBER}),
    ADMIN: frozenset({READER, MEMBER, ADMIN}),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, for which project, with which roles."""

    user_id: str
    user_name: str
    project_id: str
    roles: frozenset[str]
    request_id: str = ""
    request_key: str = ""
    """The client's own name for its request: with the same one again, nothing is started anew."""
    request_digest: str = ""
    door: str = "api"
    """Where the request came in: api, console, command, beat."""

    @property
    def is_admin(self) -> bool:
        """Tell whether the caller may see and do everything."""
        return ADMIN in self.roles


def implied(role: str) -> frozenset[str]:
    """Return a role with those it includes: admin includes member, member includes reader."""
    return _IMPLIED[role]


def expanded(roles: Iterable[str]) -> frozenset[str]:
    """Return roles with those they include; a role that is not one of ours stands for itself alone."""
    return frozenset().union(*(_IMPLIED.get(role, frozenset({role})) for role in roles))


def system(*, door: str, request_id: str = "") -> Caller:
    """Return the caller that stands for Replsite itself, or for whoever has a shell on its host."""
    return Caller(
        user_id="replsite",
        user_name="replsite",
        project_id="",
        roles=_IMPLIED[ADMIN],
        request_id=request_id,
        door=door,
    )
