"""A site with something of everything on it, and people of every role."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from groups import models
from groups.engine import observing
from groups.services import qos, replication, transfers, volumes
from tests.api.v3 import people
from tests.faults.conftest import crew, postgresql
from tests.support import differing, domain

__all__ = ["crew", "postgresql"]

People = Mapping[str, Mapping[str, str]]


@pytest.fixture
def furnished(site: domain.Site) -> domain.Site:
    """The site with groups in several statuses, operations, findings, a lone volume that is offered, and QoS specs."""
    site.new_group(2)
    site.failed_over_group(1)
    moved = site.enabled_group(1)
    differing.moved(moved, to="site-b")
    observing.observe_all()
    failed = site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail", times=1)
    replication.failover(site.owner, group_id=failed.pk)
    alone = volumes.create(site.owner, size_gib=1, volume_type=site.volume_type.name)
    domain.drain_with_retries()
    transfers.create(site.owner, volume_id=alone.pk)
    qos.create(site.admin, name="fast", consumer="both", values={"iops": "500"})
    return site


@pytest.fixture
def everybody(furnished: domain.Site) -> People:
    """The headers by which each is known: an admin, a member, a reader, somebody from elsewhere, and nobody."""
    elsewhere = models.Project.objects.get(pk=furnished.outsider.project_id)
    cast = people.cast(furnished.project, elsewhere)
    named = {"admin": cast.ada, "member": cast.olga, "reader": cast.rita, "outsider": cast.otto}
    return {**{role: {"X-Auth-Token": person.token} for role, person in named.items()}, "nobody": {}}
