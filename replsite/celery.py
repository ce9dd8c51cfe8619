"""The Celery app: its settings are Django's, its tasks are in the `tasks` room of each app."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

from replsite import spool

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "replsite.settings")
spool.register()

app = Celery("replsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Or the web server's other threads would send to an app without settings.
app.set_default()


@signals.setup_logging.connect
def keep_our_logging(**_known: Any) -> None:
    """Keep Celery from setting up logging: Django's settings did."""
