"""Fills a site with groups and volumes, in the database and on the fake storage, in bulk."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import uuid
from pathlib import Path

import django
from django.conf import settings

if not settings.configured or not django.apps.apps.ready:
    django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from drivers import base
from drivers.fake.control import Control
from groups import callers, models, specs
from groups.engine import storage
from groups.queries import access
from groups.services import backends, tokens, types

_AT_ONCE = 2000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """One project with its admin, and one backend."""

    project: models.Project
    admin: callers.Caller
    backend: models.Backend
    group_type: models.GroupType
    volume_type: models.VolumeType
    token: str
    storage: Control

    @property
    def path(self) -> str:
        """Return where the project's resources are."""
        return f"/v3/{self.project.pk}"


def build(folder: Path, *, name: str = "bench", call_seconds: float = 0.0) -> Site:
    """Set up a project and a backend of the fake driver; its rounds come once a day and disturb nothing."""
    call_command("migrate", verbosity=0)
    project = models.Project.objects.create(name=name)
    user = User.objects.create_superuser(name)
    admin = callers.Caller(
        user_id=str(user.pk), user_name=name, project_id=project.pk, roles=callers.implied(callers.ADMIN)
    )
    backend = backends.add(
        admin,
        name=name,
        driver="fake",
        options={"state": str(folder / name), "latency_seconds": call_seconds},
        targets={"site-b": {}},
    )
    group_specs = {specs.CONSISTENT_GROUP_REPLICATION: specs.TRUE, specs.INTERVAL: "86400"}
    types.create(admin, family=types.GROUP, name=name, spec_values=group_specs)
    types.create(
        admin,
        family=types.VOLUME,
        name=name,
        spec_values={specs.REPLICATION: specs.TRUE, "volume_backend_name": name},
    )
    return Site(
        project=project,
        admin=admin,
        backend=backend,
        group_type=models.GroupType.objects.get(name=name),
        volume_type=models.VolumeType.objects.get(name=name),
        token=tokens.issue(access.to(user, project)).text,
        storage=Control(folder=folder / name),
    )


def groups(site: Site, *, count: int, size: int, on_storage: bool = True) -> list[models.Group]:
    """Add groups of volumes that stand ready, not replicated yet."""
    now = timezone.now()
    made = models.Group.objects.bulk_create(
        (
            models.Group(
                project=site.project,
                user_id=site.admin.user_id,
                name=f"group-{number}",
                backend=site.backend,
                group_type=site.group_type,
                status="available",
                created_at=now + datetime.timedelta(microseconds=number),
            )
            for number in range(count)
        ),
        batch_size=_AT_ONCE,
    )
    models.GroupVolumeType.objects.bulk_create(
        (models.GroupVolumeType(group=group, volume_type=site.volume_type) for group in made), batch_size=_AT_ONCE
    )
    driver = storage.driver_for(_at_once(site.backend))
    for group in made:
        members = volumes(site, count=size, group=group)
        if on_storage:
            call = base.Call(epoch=0)
            for row in members:
                driver.create_volume(storage.volume_value(row), call=call)
            driver.create_group(storage.group_value(group, members), call=call)
    return made


def _at_once(backend: models.Backend) -> models.Backend:
    """Return the same storage, not waited for."""
    found = copy.copy(backend)
    found.options = {**backend.options, "latency_seconds": 0}
    return found


def volumes(site: Site, *, count: int, group: models.Group | None = None) -> list[models.Volume]:
    """Add volumes, in the database alone; each a moment younger than the one before."""
    now = timezone.now()
    return models.Volume.objects.bulk_create(
        (
            models.Volume(
                id=uuid.uuid4(),
                project=site.project,
                user_id=site.admin.user_id,
                name=f"volume-{number}",
                backend=site.backend,
                volume_type=site.volume_type,
                group=group,
                size_gib=1,
                status="available",
                metadata={"tier": "gold"},
                created_at=now + datetime.timedelta(microseconds=number),
            )
            for number in range(count)
        ),
        batch_size=_AT_ONCE,
    )
