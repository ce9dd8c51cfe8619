"""The Celery app: its settings are Django's, its tasks are in the `tasks` room of each app."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from celery import Celery, signals

from replsite import garbage, transports

if TYPE_CHECKING:
    from replsite.pulse import Pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "replsite.settings")
transports.register()

app = Celery("replsite", fixups=["replsite.connections:fixup"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Or the web server's other threads would send to an app without settings.
app.set_default()

_pulses: list[Pulse] = []


@signals.setup_logging.connect
def keep_our_logging(**_known: Any) -> None:
    """Keep Celery from setting up logging: Django's settings did."""


@signals.worker_ready.connect
def begin_pulse(sender: Any, **_known: Any) -> None:
    """Show from now on that this worker lives."""
    from replsite import pulse  # tables can be known only once Django is set up

    _pulses.append(pulse.of_worker(sender))
    _pulses[-1].start()


@signals.worker_ready.connect
def settle(**_known: Any) -> None:
    """Have the search for garbage leave alone what is loaded."""
    garbage.settle()


@signals.worker_ready.connect
def heed_quit(**_known: Any) -> None:
    """Stop at once on SIGQUIT; Celery's own way to do so fails with threads."""
    signal.signal(signal.SIGQUIT, _give_up)


def _give_up(*_known: Any) -> None:
    from groups.engine import leases  # as above

    leases.give_up()
    # All work ends within a second or two now: the patient way to stop is quick.
    os.kill(os.getpid(), signal.SIGTERM)


@signals.worker_shutdown.connect
def end_pulse(**_known: Any) -> None:
    """Take the sign of life away: this worker stops on purpose."""
    while _pulses:
        _pulses.pop().stop()
