"""What the console shows when a page fails."""

from __future__ import annotations

import sys

import structlog
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from groups import errors

log = structlog.get_logger(__name__)


def page_failed(request: HttpRequest) -> HttpResponse:
    """Say so when it was the database; nothing on the page asks it."""
    error = sys.exc_info()[1]
    if not isinstance(error, OperationalError | InterfaceError | InternalError):
        return defaults.server_error(request)
    log.error("database_failed", exc_info=error)
    # Without the request: what that adds to a page is looked up in the database.
    return HttpResponse(loader.render_to_string("503.html", {"sentence": errors.of_database(error)}), status=503)
