"""Who asks: a token of ours or of Keystone's, or a name and a password sent with each request.

A view names `CLASSES` as its authentication classes and asks `caller_of`.
"""

from __future__ import annotations

import base64
import binascii

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from groups import callers, errors
from groups.api import addresses, keystone
from groups.queries import access
from groups.services import directory, logins, tokens

TOKEN_HEADER = "X-Auth-Token"  # noqa: S105  a header's name
PROJECT_HEADER = "X-Project-Id"
NOT_LOGGED_IN = "The request you have made requires authentication."


class TokenAuthentication(BaseAuthentication):
    """An identity token in X-Auth-Token."""

    def authenticate(self, request: Request) -> tuple[object, access.Access] | None:
        """Return user and access. Raises `NotAuthenticated` for a token that is no good."""
        text = request.headers.get(TOKEN_HEADER)
        if not text:
            return None
        granted = tokens.find(text).granted
        return granted.user, granted

    def authenticate_header(self, request: Request) -> str:
        """Say in a 401 how to log in."""
        return challenge(request)


class BasicAuthentication(BaseAuthentication):
    """A name and a password; the project is the one X-Project-Id or the address names, or the account's."""

    def authenticate(self, request: Request) -> tuple[object, access.Access] | None:
        """Return user and access. Raises `NotAuthenticated` or `TooManyAttempts`."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        name, password = _decoded(encoded)
        user = logins.with_basic(name=name, password=password, address=address_of(request))
        if project := request.headers.get(PROJECT_HEADER):
            return user, access.chosen(user, project)
        return user, access.at_address(user, request.parser_context["kwargs"].get("project_id"))

    def authenticate_header(self, request: Request) -> str:
        """Say in a 401 how to log in."""
        return challenge(request)


class KeystoneAuthentication(BaseAuthentication):
    """A token of Keystone's in X-Auth-Token; only where the site asks a Keystone."""

    def authenticate(self, request: Request) -> tuple[object, access.Visitor] | None:
        """Return the visitor. Raises `NotAuthenticated`, or `IdentityUnavailable` when Keystone cannot be asked."""
        match request.META.get(keystone.ENVIRON):
            case None:
                return None
            case keystone.Unreachable(reason=reason):
                raise errors.IdentityUnavailable(f"Keystone cannot be asked whether the token is good: {reason}.")
            case keystone.Known() as found:
                visitor = _visitor(found)
                return visitor, visitor
            case _:
                raise errors.NotAuthenticated("Keystone does not know this token, or it has ended.")

    def authenticate_header(self, request: Request) -> str:
        """Say in a 401 how to log in."""
        return challenge(request)


CLASSES = (KeystoneAuthentication, TokenAuthentication, BasicAuthentication)


def access_of(request: Request) -> access.Access:
    """Return what a user of this site's own may do. Raises `NotAuthenticated`."""
    if not isinstance(request.auth, access.Access):
        raise errors.NotAuthenticated(NOT_LOGGED_IN)
    return request.auth


def caller_of(request: Request, *, request_id: str = "") -> callers.Caller:
    """Return who asks, for the verbs.

    Raises `NotAuthenticated`; `Forbidden` when the user is logged in for no project.
    """
    if isinstance(request.auth, access.Visitor):
        return request.auth.caller(door="api", request_id=request_id)
    return access_of(request).caller(door="api", request_id=request_id)


def challenge(request: Request | HttpRequest) -> str:
    """Return the header of a 401 that tells a client how it may log in."""
    return f'Basic realm="Replsite", charset="UTF-8", Keystone uri="{addresses.base(request)}/identity"'


def address_of(request: Request | HttpRequest) -> str:
    """Return where a request comes from."""
    return logins.address_of(
        peer=request.META.get("REMOTE_ADDR", ""), forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", "")
    )


def _decoded(encoded: str) -> tuple[str, str]:
    try:
        sent = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise errors.NotAuthenticated(NOT_LOGGED_IN) from None
    try:
        text = sent.decode()
    except UnicodeDecodeError:
        text = sent.decode("latin-1")
    name, colon, password = text.partition(":")
    if not colon:
        raise errors.NotAuthenticated(NOT_LOGGED_IN)
    return name, password


def _visitor(found: keystone.Known) -> access.Visitor:
    project = None
    if found.project_id:
        project = directory.visited_project(project_id=found.project_id, name=found.project_name)
    return access.Visitor(
        user_id=found.user_id, user_name=found.user_name, project=project, roles=directory.visiting_roles(found.roles)
    )
