"""How people log in to the console: as everywhere, slowed down for whoever guesses."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from groups import errors
from groups.services import login_trail, logins


class SlowedDown(ModelBackend):
    """Checks name and password with the service the API uses too."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the user, or None when name or password is wrong.

        Raises `ValidationError`, which the log-in page shows, when the name has to wait.
        """
        if username is None or password is None:
            return None
        meta = request.META if request is not None else {}
        address = logins.address_of(
            peer=meta.get("REMOTE_ADDR", ""), forwarded_for=meta.get("HTTP_X_FORWARDED_FOR", "")
        )
        try:
            return logins.with_password(name=username, password=password, address=address, way=login_trail.Way.CONSOLE)
        except errors.NotAuthenticated:
            return None
        except errors.TooManyAttempts as error:
            raise ValidationError(f"{error.message} {error.remedy}") from error
