"""Asks a Keystone about tokens that are not ours, on a site that has one. Needs requirements-keystone.txt.

Everything else (our own tokens, HTTP Basic, the console) goes on without Keystone, so that a site can be commanded
while Keystone is away.
"""

from __future__ import annotations

import collections
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from keystoneauth1 import exceptions as client_errors
from keystonemiddleware import auth_token
from keystonemiddleware.auth_token import _exceptions as middleware_errors

from groups.api import keystone
from groups.services import tokens
from replsite import config

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_AREAS = ("/v3", "/api")
_CACHE = "replsite.keystone_cache"
_MOST_REMEMBERED = 10_000
_SPARED_SECONDS = 2.0
"""How long a Keystone that did not answer is not asked again: or every request would wait for it."""

_NOT_ANSWERED = (
    client_errors.ConnectFailure,
    client_errors.DiscoveryFailure,
    client_errors.RequestTimeout,
    middleware_errors.ServiceError,
)

_trouble: contextvars.ContextVar[str] = contextvars.ContextVar("trouble", default="")


def wrapped(application: Application, *, site: config.SiteConfig) -> Application:
    """Return the application, which then also lets in whom the site's Keystone knows."""
    # It warns of each option of its own log-in, and tells of each bad token three times.
    logging.getLogger("keystonemiddleware._common.config").setLevel(logging.ERROR)
    logging.getLogger("keystonemiddleware.auth_token").setLevel(logging.ERROR)
    remembered = _Remembered()
    asking = _Asking(_Handed(application), _options(site))

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        token = environ.get("HTTP_X_AUTH_TOKEN", "")
        if not token or tokens.is_ours(token) or not environ.get("PATH_INFO", "").startswith(_AREAS):
            return application(environ, start_response)
        _trouble.set("")
        answered: Iterable[bytes] = asking({**environ, _CACHE: remembered}, start_response)
        return answered

    return answer


class _Handed:
    """The application, handed what the middleware found out in a form that no client can send."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._application({**environ, keystone.ENVIRON: _found(environ)}, start_response)


class _Asking(auth_token.AuthProtocol):  # type: ignore[misc]  # it brings no types
    """The middleware, which also tells a bad token from a Keystone that cannot be asked."""

    _spared_until = 0.0

    def fetch_token(self, token: str, **options: Any) -> Any:
        """Return what Keystone, or the memory, says of a token. Raises the middleware's `InvalidToken`."""
        spared = time.monotonic() < self._spared_until and not self._token_cache.get(token)
        if spared:
            _trouble.set("it did not answer just now")
            raise middleware_errors.InvalidToken("not asked")
        try:
            return super().fetch_token(token, **options)
        except middleware_errors.InvalidToken as error:
            # What the middleware calls invalid in the same breath when Keystone did not answer.
            if isinstance(error.__context__, _NOT_ANSWERED):
                self._spare(error.__context__)
            raise
        except client_errors.ClientException as error:
            self._spare(error)
            raise middleware_errors.InvalidToken("not asked") from error

    def _spare(self, error: Exception) -> None:
        self._spared_until = time.monotonic() + _SPARED_SECONDS
        _trouble.set(_reason(error))


class _Remembered:
    """What Keystone said of tokens a short while ago; in this process, and not for ever more."""

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[str, tuple[float, bytes]] = collections.OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what was said, unless it is too old."""
        with self._lock:
            until, said = self._kept.get(key, (0.0, b""))
        return said if _now() < until else None

    def set(self, key: str, said: bytes, time: float) -> None:
        """Remember it for some seconds."""
        until = _now() + time
        with self._lock:
            self._kept[key] = (until, said)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_REMEMBERED:
                self._kept.popitem(last=False)


def _now() -> float:
    return time.monotonic()


def _found(environ: Environ) -> keystone.Known | keystone.Unknown | keystone.Unreachable:
    if reason := _trouble.get():
        return keystone.Unreachable(reason=reason)
    status = environ.get("HTTP_X_IDENTITY_STATUS")
    if status != "Confirmed" or environ.get("HTTP_X_SERVICE_IDENTITY_STATUS", status) != "Confirmed":
        return keystone.Unknown()
    return keystone.Known(
        user_id=environ["HTTP_X_USER_ID"],
        user_name=environ.get("HTTP_X_USER_NAME", ""),
        project_id=environ.get("HTTP_X_PROJECT_ID", ""),
        project_name=environ.get("HTTP_X_PROJECT_NAME", ""),
        roles=frozenset(filter(None, environ.get("HTTP_X_ROLES", "").split(","))),
    )


def _reason(error: Exception) -> str:
    match error:
        case client_errors.RequestTimeout() | client_errors.ConnectTimeout():
            return "it did not answer in time"
        case client_errors.Unauthorized() | middleware_errors.ServiceError():
            return "it refuses this site's own user; an admin of this site must look at REPLSITE_KEYSTONE_USERNAME"
        case client_errors.ConnectFailure() | client_errors.DiscoveryFailure():
            return "it cannot be reached"
        case _:
            return "it answered with an error"


def _options(site: config.SiteConfig) -> dict[str, Any]:
    return {
        "auth_type": "password",
        "auth_url": site.keystone_auth_url,
        "www_authenticate_uri": site.keystone_public_url or site.keystone_auth_url,
        "username": site.keystone_username,
        "password": site.keystone_password.get_secret_value(),
        "project_name": site.keystone_project,
        "user_domain_id": site.keystone_domain,
        "project_domain_id": site.keystone_domain,
        "cafile": str(site.keystone_ca_file) if site.keystone_ca_file else None,
        "interface": site.keystone_interface,
        "delay_auth_decision": True,
        "include_service_catalog": False,
        "service_token_roles": [site.keystone_service_role],
        "service_token_roles_required": True,
        "cache": _CACHE,
        "token_cache_time": int(site.keystone_cache_seconds),
        "http_connect_timeout": site.keystone_timeout_seconds,
        "http_request_max_retries": 1,
    }
