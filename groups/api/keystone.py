"""What the web server found out from Keystone about a request's token, on a site that has a Keystone."""

from __future__ import annotations

import dataclasses

ENVIRON = "replsite.keystone"
"""Where the web server leaves what it found out; no client can send it, as it is no header."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """Keystone says that the token is good, and whose it is."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    roles: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Unknown:
    """Keystone says that the token is no good."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unreachable:
    """Keystone could not be asked."""

    reason: str
