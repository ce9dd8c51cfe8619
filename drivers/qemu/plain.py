"""Turns what goes wrong with a site's files into the contract's errors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from drivers.errors import DriverError

P = ParamSpec("P")
T = TypeVar("T")


def plainly(method: Callable[P, T]) -> Callable[P, T]:
    """Raise what goes wrong with a site's files as an error that says so."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except OSError as error:
            what = f"'{error.filename}'" if error.filename else "a file in a site's folder"
            raise DriverError(
                f"The storage could not use {what}: {error.strerror or error}.",
                remedy="See whether the site's disk is full or the folder's permissions are wrong, then try again.",
            ) from error

    return call
