"""How this site is wired: settings, addresses, the Celery app, health, and how its processes start.

Belongs here: what differs between two installations. No rule of replication: those are in
`groups`. Nothing else imports this package; Django and Celery do, by its name.
"""

from replsite.celery import app as celery_app

__all__ = ["celery_app"]
