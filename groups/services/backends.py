"""Backends and their replication targets: add, change, remove."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

from django.db import transaction

from drivers import options as driver_options, registry
from drivers.errors import InvalidOptions
from groups import callers, clock, errors, models, queueing, sealing
from groups.models.backends import DEFAULT_TARGET
from groups.queries import visible
from groups.services import auditing, policies

Option = driver_options.Option
Targets = Mapping[str, Mapping[str, object]]
Check = Callable[[models.Backend], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a driver declares of itself, for whoever fills in a backend's options."""

    driver: str
    summary: str
    options: tuple[driver_options.Option, ...]
    target_options: tuple[driver_options.Option, ...]


def sheet(*, driver: str) -> Sheet:
    """Return what a driver declares. Raises `InvalidInput` when there is none, or it cannot be loaded."""
    try:
        found = registry.load(driver)
    except (registry.UnknownDriver, registry.BrokenDriver) as error:
        raise errors.InvalidInput(str(error)) from error
    return Sheet(driver=driver, summary=found.summary, options=found.options, target_options=found.target_options)


def sheets() -> list[Sheet]:
    """Return what each known driver declares."""
    return [sheet(driver=driver) for driver in sorted(registry.paths())]


def add(
    caller: callers.Caller,
    *,
    name: str,
    driver: str,
    options: Mapping[str, object],
    targets: Targets,
    description: str = "",
) -> models.Backend:
    """Add a backend with its targets, the first of which is the default one.

    Raises `InvalidInput` naming every problem of the options at once.
    """
    policies.require(caller, "backend:manage")
    _check_names(name, targets)
    _check_options(name=name, driver=driver, options=options, targets=targets)
    with transaction.atomic():
        if models.Backend.objects.filter(name=name).exists():
            raise errors.Duplicate(f"Backend {name} already exists.")
        backend = models.Backend.objects.create(
            name=name, driver=driver, options=_sealed(driver, options), description=description
        )
        _write_targets(backend, targets)
        detail = f"driver {driver}; targets: {', '.join(targets) or 'none'}"
        auditing.note(caller, action="backend:add", subject=backend, detail=detail)
    return visible.backend(name)


def change(
    caller: callers.Caller,
    *,
    name: str,
    options: Mapping[str, object],
    targets: Targets,
    enabled: bool = True,
    description: str = "",
    check: Check = lambda _row: None,
) -> models.Backend:
    """Replace a backend's options and targets; a secret given as asterisks stays as it is.

    `check` looks at the row once it is held, and raises what it has against the change.
    """
    policies.require(caller, "backend:manage")
    with transaction.atomic():
        backend = visible.backend(name, lock=True)
        check(backend)
        _replace(caller, backend, options=options, targets=targets, enabled=enabled, description=description)
    return visible.backend(name)


def set_target(
    caller: callers.Caller,
    *,
    name: str,
    backend_id: str,
    options: Mapping[str, object],
    check: Check = lambda _row: None,
) -> models.Backend:
    """Add a target to a backend, behind those it has, or replace the options of one it has."""
    policies.require(caller, "backend:manage")
    with transaction.atomic():
        backend = visible.backend(name, lock=True)
        check(backend)
        _keep_but(caller, backend, targets={**_targets(backend), backend_id: options})
    return visible.backend(name)


def remove_target(
    caller: callers.Caller, *, name: str, backend_id: str, check: Check = lambda _row: None
) -> models.Backend:
    """Take a target from a backend whose groups do not replicate to it."""
    policies.require(caller, "backend:manage")
    with transaction.atomic():
        backend = visible.backend(name, lock=True)
        check(backend)
        targets = _targets(backend)
        if targets.pop(backend_id, None) is None:
            raise errors.NotFound(f"Target {backend_id} of backend {name} could not be found.")
        _keep_but(caller, backend, targets=targets)
    return visible.backend(name)


def remove(caller: callers.Caller, *, name: str, check: Check = lambda _row: None) -> None:
    """Remove a backend that holds no group and no volume."""
    policies.require(caller, "backend:manage")
    with transaction.atomic():
        backend = visible.backend(name, lock=True)
        check(backend)
        for model, noun in ((models.Group, "groups"), (models.Volume, "volumes")):
            if count := model.objects.filter(backend=backend).count():
                raise errors.InUse(f"Backend {name} still holds {count} {noun}.")
        auditing.note(caller, action="backend:remove", subject=backend)
        backend.delete()


def check_connection(caller: callers.Caller, *, name: str) -> models.ConnectionCheck:
    """Ask a worker to look whether each side of a backend answers; the row says what it saw once it has.

    The workers reach the storage; whoever asks need not.
    """
    policies.require(caller, "backend:manage")
    backend = visible.backend(name)
    with transaction.atomic():
        # Only the newest is shown.
        models.ConnectionCheck.objects.filter(backend=backend).delete()
        check = models.ConnectionCheck.objects.create(backend=backend, user_name=caller.user_name)
        auditing.note(caller, action="backend:check-connection", subject=backend)
        queueing.wake_to_check(check)
    return check


def shown_options(backend: models.Backend) -> dict[str, object]:
    """Return a backend's options as anybody may see them, secrets masked."""
    return driver_options.mask(_declared(backend.driver).options, backend.options)


def shown_target_options(backend: models.Backend, target: models.ReplicationTarget) -> dict[str, object]:
    """Return a target's options as anybody may see them, secrets masked."""
    return driver_options.mask(_declared(backend.driver).target_options, target.options)


def _declared(driver: str) -> Sheet:
    """Return what a driver declares; of one that cannot be loaded nobody knows what is secret, so all of it is."""
    try:
        return sheet(driver=driver)
    except errors.InvalidInput as error:
        return Sheet(driver=driver, summary=error.message, options=(), target_options=())


def _targets(backend: models.Backend) -> dict[str, Mapping[str, object]]:
    return {target.backend_id: _opened(target.options) for target in backend.targets.all()}


def _opened(values: Mapping[str, object]) -> dict[str, object]:
    """Return options in clear, those left out that were closed with another key: they are to be entered again."""
    opened: dict[str, object] = {}
    for name, value in values.items():
        with contextlib.suppress(sealing.CannotUnseal):
            opened |= sealing.unseal({name: value})
    return opened


def _keep_but(caller: callers.Caller, backend: models.Backend, *, targets: Targets) -> None:
    _replace(
        caller,
        backend,
        options=_opened(backend.options),
        targets=targets,
        enabled=backend.enabled,
        description=backend.description,
    )


def _replace(
    caller: callers.Caller,
    backend: models.Backend,
    *,
    options: Mapping[str, object],
    targets: Targets,
    enabled: bool,
    description: str,
) -> None:
    _check_names(backend.name, targets)
    had = _targets(backend)
    options = _with_kept_secrets(options, _opened(backend.options))
    targets = {key: _with_kept_secrets(given, had.get(key, {})) for key, given in targets.items()}
    _check_options(name=backend.name, driver=backend.driver, options=options, targets=targets)
    _refuse_dropping_used_targets(backend, targets)
    models.Backend.objects.filter(pk=backend.pk).update(
        options=_sealed(backend.driver, options),
        enabled=enabled,
        # Why it was disabled is no news once it is not.
        **({"disabled_reason": ""} if enabled else {}),
        description=description,
        updated_at=clock.now(),
    )
    backend.targets.all().delete()
    _write_targets(backend, targets)
    detail = _changed(backend, had=had, options=options, targets=targets, enabled=enabled, description=description)
    auditing.note(caller, action="backend:change", subject=backend, detail=detail)


def _check_names(name: str, targets: Targets) -> None:
    if not name or not all(character.isalnum() or character in "-_." for character in name):
        raise errors.InvalidInput(f"'{name}' is not a possible backend name: letters, digits and - _ . only.")
    for backend_id in targets:
        if not backend_id or len(backend_id) > 255:
            raise errors.InvalidInput("A target's id has 1 to 255 characters.")
        if backend_id == DEFAULT_TARGET:
            raise errors.InvalidInput(f"A target cannot be called '{DEFAULT_TARGET}': it means back to the primary.")


def _check_options(*, name: str, driver: str, options: Mapping[str, object], targets: Targets) -> None:
    try:
        registry.configure(driver, name=name, options=options, targets=targets)
    except InvalidOptions as error:
        raise errors.InvalidInput(f"Backend {name} cannot work: {error}.") from error
    except (registry.UnknownDriver, registry.BrokenDriver) as error:
        raise errors.InvalidInput(str(error)) from error


def _sealed(driver: str, options: Mapping[str, object]) -> dict[str, object]:
    secret = [option.name for option in registry.load(driver).options if option.secret]
    return sealing.seal(options, secret=secret)


def _write_targets(backend: models.Backend, targets: Targets) -> None:
    secret = [option.name for option in registry.load(backend.driver).target_options if option.secret]
    models.ReplicationTarget.objects.bulk_create(
        [
            models.ReplicationTarget(
                primary=backend,
                backend_id=backend_id,
                options=sealing.seal(given, secret=secret),
                position=position,
            )
            for position, (backend_id, given) in enumerate(targets.items())
        ]
    )


def _changed(
    backend: models.Backend,
    *,
    had: Targets,
    options: Mapping[str, object],
    targets: Targets,
    enabled: bool,
    description: str,
) -> str:
    """Return the names of what changed, without any value: some are secret."""
    before, after = _opened(backend.options), dict(options)
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    changed += [] if enabled == backend.enabled else ["enabled"]
    changed += [] if description == backend.description else ["description"]
    changed += [f"target {name}" for name in {*had, *targets} if had.get(name) != targets.get(name)]
    changed += [] if list(had) == list(targets) or {*had} != {*targets} else ["order of targets"]
    return f"changed: {auditing.named(changed) or 'nothing'}"


def _with_kept_secrets(given: Mapping[str, object], had: Mapping[str, object]) -> dict[str, object]:
    return {key: had.get(key) if value == driver_options.MASK else value for key, value in given.items()}


def _refuse_dropping_used_targets(backend: models.Backend, targets: Targets) -> None:
    dropped = [target.backend_id for target in backend.targets.all() if target.backend_id not in targets]
    used = models.Group.objects.filter(backend=backend).exclude(replication_status="disabled")
    if dropped and used.exists():
        raise errors.InUse(
            f"Target {', '.join(dropped)} cannot be removed while groups of backend {backend.name} are replicated."
        )
    kept = models.Snapshot.objects.filter(backend=backend, side__in=dropped).count()
    if kept:
        raise errors.InUse(
            f"Target {', '.join(dropped)} cannot be removed while it keeps {kept} snapshots, which were taken there."
        )
