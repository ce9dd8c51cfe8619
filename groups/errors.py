"""The errors a door turns into an answer.

ReplsiteError                 code, HTTP status, sentence, what to do next
├── NotFound            404   it is not there, or the caller may not know that it is
├── Forbidden           403   the caller may not do this
├── NotAuthenticated    401   nobody is logged in
├── TooManyAttempts     429   too many wrong passwords; wait
├── IdentityUnavailable 503   whoever knows the token cannot be asked just now
├── InvalidInput        400   what was sent cannot be used
├── WrongState          400   not as things stand (409 in our own API)
│   └── Busy            400   another operation is open on the same thing
├── NoBackendFits       400   no backend satisfies the specs
├── OverQuota           413   the project has as much as it may
├── Duplicate           409   the name is taken
├── InUse               400   something still needs it
├── Outdated            412   it is not what the request took it for
├── RequestKeyReused    422   the name of the request was that of another one
└── LeaseLost             -   a worker lost its right to write (never reaches a door)
"""

from __future__ import annotations


class ReplsiteError(Exception):
    """Something expected that a caller should be told."""

    code = "error"
    http_status = 500
    native_status: int | None = None
    """The status in our own API, where it differs from the v3 API's."""
    remedy = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if remedy is not None:
            self.remedy = remedy


class NotFound(ReplsiteError):
    """It is not there, or the caller may not know that it is."""

    code = "not_found"
    http_status = 404
    remedy = "Check the name or id; list what there is."


class Forbidden(ReplsiteError):
    """The caller may not do this."""

    code = "forbidden"
    http_status = 403
    remedy = "Ask an admin for the role."


class NotAuthenticated(ReplsiteError):
    """Nobody is logged in, or the token is no longer good."""

    code = "not_authenticated"
    http_status = 401
    remedy = "Log in again."


class TooManyAttempts(ReplsiteError):
    """Too many wrong passwords came for one name from one address."""

    code = "too_many_attempts"
    http_status = 429
    remedy = "Wait as long as the answer says, then log in with the right password."

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(f"Too many failed log-ins. The next one is looked at in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class IdentityUnavailable(ReplsiteError):
    """Whoever knows the token cannot be asked just now."""

    code = "identity_unavailable"
    http_status = 503
    remedy = "Try again in a moment, or log in with a user of this site's own."


class InvalidInput(ReplsiteError):
    """What was sent cannot be used."""

    code = "invalid_input"
    http_status = 400
    remedy = "Correct the value named and send it again; nothing was changed."


class WrongState(ReplsiteError):
    """The verb is not possible as things stand."""

    code = "wrong_state"
    http_status = 400
    native_status = 409
    remedy = "Wait for or mend the state named, then try again; nothing was changed."


class Busy(WrongState):
    """Another operation is open on the same group or volume."""

    code = "busy"
    remedy = "Wait for the open operation to end, or cancel it; nothing was changed."


class NoBackendFits(ReplsiteError):
    """No backend satisfies the group specs and extra specs."""

    code = "no_backend_fits"
    http_status = 400
    remedy = "Add a backend that has what is asked for, or change the specs; nothing was changed."


class OverQuota(ReplsiteError):
    """The project would have more than it may."""

    code = "over_quota"
    http_status = 413
    remedy = "Delete what is not needed, or have an admin raise the quota; nothing was changed."


class Duplicate(ReplsiteError):
    """The name is taken."""

    code = "duplicate"
    http_status = 409
    remedy = "Choose another name."


class InUse(ReplsiteError):
    """Something still needs it."""

    code = "in_use"
    http_status = 400
    native_status = 409
    remedy = "Remove what uses it first."


class Outdated(ReplsiteError):
    """It has changed since the caller read it."""

    code = "outdated"
    http_status = 412
    remedy = "Read it again, and send the change again if it is still what you want; nothing was changed."


class RequestKeyReused(ReplsiteError):
    """The name that the client gave its request was that of another request before."""

    code = "request_key_reused"
    http_status = 422
    remedy = "Give each request a name of its own, and the same one only to the same request sent again."


class LeaseLost(Exception):
    """A worker no longer owns its operation; whatever it still does must have no effect."""


_NO_ROOM = ("disk is full", "no space left", "disk i/o error", "quota exceeded")


def of_database(error: Exception) -> str:
    """Return what to tell of a database that failed, without a word of its own."""
    if any(sign in str(error).lower() for sign in _NO_ROOM):
        return "The database cannot be written: its disk is full or failing. Make room on it, then try again."
    return "The database does not answer just now; try again in a moment."
