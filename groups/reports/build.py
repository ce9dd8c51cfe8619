"""Which version and build of the product this is."""

from __future__ import annotations

import functools
import pathlib
import tomllib

_ROOT = pathlib.Path(__file__).parents[2]
_UNKNOWN = "unknown"


@functools.cache
def version() -> str:
    """Return the version of this checkout."""
    try:
        return str(tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return _UNKNOWN


@functools.cache
def commit() -> str:
    """Return the commit this checkout is at; unknown where it is no checkout."""
    git = _ROOT / ".git"
    try:
        if git.is_file():
            git = _ROOT / git.read_text().partition(":")[2].strip()
        head = (git / "HEAD").read_text().strip()
        name = head.partition("ref: ")[2]
        if not name:
            return head
        shared = git / (git / "commondir").read_text().strip() if (git / "commondir").exists() else git
        if (shared / name).exists():
            return (shared / name).read_text().strip()
        packed = (shared / "packed-refs").read_text().splitlines()
        return next(line.split()[0] for line in packed if line.endswith(f" {name}"))
    except (OSError, StopIteration):
        return _UNKNOWN
