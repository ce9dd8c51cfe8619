"""The door of the web server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "replsite.settings")

application: Callable[..., Iterable[bytes]] = get_wsgi_application()

from django import urls  # noqa: E402  there are no settings before
from django.conf import settings  # noqa: E402

# All that addresses lead to is loaded now, or the first who asks each process would wait for it.
urls.resolve("/nothing")

if settings.REPLSITE.keystone_auth_url:
    from replsite import keystone  # only a site with a Keystone has what this needs

    application = keystone.wrapped(application, site=settings.REPLSITE)
