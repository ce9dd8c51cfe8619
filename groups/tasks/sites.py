"""Wake-up call: go on with the failover of a whole site."""

from __future__ import annotations

import uuid

from celery import shared_task

from groups import queueing
from groups.services import sites


@shared_task(name=queueing.RUN_SITE, ignore_result=True)
def run_site(*, site_failover_id: str, **_newer: object) -> int:
    """Begin what it may begin now."""
    return sites.advance(site_failover_id=uuid.UUID(site_failover_id))
