"""Tokens: log in, look at one, log out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, errors, models
from groups.api import addresses, authentication
from groups.api.describing import Parameter, describe
from groups.api.identity import answers, bodies, resource, rows, shapes
from groups.api.shapes import TEXT
from groups.queries import access
from groups.services import login_trail, logins, tokens

SUBJECT_HEADER = "X-Subject-Token"
_SUBJECT = Parameter(name=SUBJECT_HEADER, place="header", schema=TEXT, required=True, text="The token in question.")
_QUERY = (Parameter(name="nocatalog", schema=TEXT, text="Leave the catalog out."),)
_WRONG_SUBJECT = f"{SUBJECT_HEADER} names no token that is good."


class Tokens(resource.Resource):
    """The tokens: `POST` needs nobody to be logged in."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Find out who asks, unless they are about to log in."""
        if request.method != "POST":
            super().initial(request, *args, **kwargs)

    @describe({201: shapes.TOKEN}, body=shapes.LOGIN, query=_QUERY, refusals=(401,), is_open=True)
    def post(self, request: Request) -> HttpResponse:
        """Log in."""
        login = bodies.read(request.body, bodies.LoginBody).auth
        issued, granted = _logged_in(login, address=authentication.address_of(request))
        shown = _shown(request, granted, issued.row)
        answer = answers.document({"token": shown}, status=201)
        answer[SUBJECT_HEADER] = issued.text
        return answer

    @describe({200: shapes.TOKEN}, query=(_SUBJECT, *_QUERY), refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """Show what a token stands for, to its user and to admins."""
        text, found = self._subject(request)
        answer = answers.document({"token": _shown(request, found.granted, found.row)})
        answer[SUBJECT_HEADER] = text
        return answer

    @describe({204: None}, query=(_SUBJECT,), refusals=(404,))
    def delete(self, request: Request) -> HttpResponse:
        """Make a token useless, for its user and for admins."""
        text, _ = self._subject(request)
        tokens.revoke(text)
        return answers.empty()

    def _subject(self, request: Request) -> tuple[str, tokens.Shown]:
        text = request.headers.get(SUBJECT_HEADER, "")
        try:
            found = tokens.find(text)
        except errors.NotAuthenticated:
            raise errors.NotFound(_WRONG_SUBJECT) from None
        if found.row.user != self.asker.user and callers.ADMIN not in self.asker.roles:
            # Not told from an unknown one, or it could be tried out whether a token is good.
            raise errors.NotFound(_WRONG_SUBJECT)
        return text, found


def _logged_in(login: bodies.Login, *, address: str) -> tuple[tokens.Issued, access.Access]:
    proof = login.identity.proof
    if isinstance(proof, bodies.Token):
        old = tokens.find(proof.id)
        granted = _scoped(login, old.row.user)
        return tokens.renew(old.row, granted), granted
    if not proof.user.domain.exists:
        raise errors.NotAuthenticated(logins.REFUSAL)
    name = proof.user.name if proof.user.id is None else access.name_of(proof.user.id)
    user = logins.with_password(
        name=name or "", password=proof.user.password, address=address, way=login_trail.Way.TOKEN
    )
    granted = _scoped(login, user)
    return tokens.issue(granted), granted


def _scoped(login: bodies.Login, user: User) -> access.Access:
    if login.scope == "unscoped":
        return access.to(user, None)
    if isinstance(login.scope, bodies.Scope):
        return access.chosen(user, login.scope.project_named)
    return access.first(user)


def _shown(request: Request, granted: access.Access, row: models.Token) -> dict[str, Any]:
    with_catalog = "nocatalog" not in request.query_params
    return rows.token(granted, row, base=addresses.base(request), with_catalog=with_catalog)
