"""Which drivers there are: one literal map, and what other packages add by entry points."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping

from drivers.base import BackendConfig, Driver, TargetConfig
from drivers.errors import InvalidOptions
from drivers.options import parse

ENTRY_POINTS = "replsite.drivers"

DRIVERS: dict[str, str] = {
    "fake": "drivers.fake.driver:FakeDriver",
    "qemu": "drivers.qemu.driver:QemuDriver",
}


class UnknownDriver(LookupError):
    """No driver has this name."""


class BrokenDriver(ImportError):
    """A driver is named but cannot be loaded."""


def paths() -> dict[str, str]:
    """Return where each driver's class lives, by kind. An entry point cannot shadow our own."""
    found = {point.name: point.value for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    return found | DRIVERS


def load(kind: str) -> type[Driver]:
    """Return a driver's class. Raises `UnknownDriver` or `BrokenDriver`."""
    # Ours first: looking through all that is installed takes longer than most operations.
    path = DRIVERS.get(kind) or paths().get(kind)
    if path is None:
        raise UnknownDriver(f"There is no driver '{kind}'. Known drivers: {', '.join(sorted(paths()))}.")
    module, _, name = path.partition(":")
    try:
        driver = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise BrokenDriver(f"Driver '{kind}' at {path} cannot be loaded: {error}") from error
    if not (isinstance(driver, type) and issubclass(driver, Driver)):
        raise BrokenDriver(f"Driver '{kind}' at {path} is not a drivers.base.Driver.")
    if missing := sorted(getattr(driver, "__abstractmethods__", ())):
        raise BrokenDriver(f"Driver '{kind}' at {path} lacks {', '.join(missing)}.")
    return driver


def configure(
    kind: str, *, name: str, options: Mapping[str, object], targets: Mapping[str, Mapping[str, object]]
) -> BackendConfig:
    """Return a backend's checked configuration, targets in the order given.

    Raises `UnknownDriver`, `BrokenDriver`, or `InvalidOptions` naming every problem of the
    backend and of each target at once.
    """
    driver = load(kind)
    problems: list[str] = []
    values, parsed = {}, []
    try:
        values = parse(driver.options, options)
    except InvalidOptions as error:
        problems += error.problems
    for backend_id, given in targets.items():
        try:
            parsed.append(TargetConfig(backend_id=backend_id, options=parse(driver.target_options, given)))
        except InvalidOptions as error:
            problems += [f"target '{backend_id}': {problem}" for problem in error.problems]
    if problems:
        raise InvalidOptions(problems)
    return BackendConfig(name=name, options=values, targets=tuple(parsed))
