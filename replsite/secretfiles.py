"""Secrets kept in files: named by `REPLSITE_<NAME>_FILE`, or made once and kept by the site."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pydantic_settings
from pydantic.fields import FieldInfo

KEY_CHARACTERS = 64


class CannotReadSecrets(Exception):
    """Files named for secrets cannot be used; `problems` says which and why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class NamedFiles(pydantic_settings.PydanticBaseSettingsSource):
    """Reads secret settings from the files that `<PREFIX><NAME>_FILE` variables name."""

    def __init__(
        self, settings_cls: type[pydantic_settings.BaseSettings], *, prefix: str, names: Collection[str]
    ) -> None:
        super().__init__(settings_cls)
        self._prefix = prefix
        self._names = names

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the content of the file named for one setting, or nothing."""
        path = os.environ.get(f"{self._prefix}{field_name.upper()}_FILE")
        value = Path(path).read_text(encoding="utf-8").strip() if path and field_name in self._names else None
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return every secret named by a file. Raises `CannotReadSecrets` naming each unusable one."""
        found: dict[str, Any] = {}
        problems: list[str] = []
        for name, field in self.settings_cls.model_fields.items():
            variable = f"{self._prefix}{name.upper()}"
            try:
                value, _, _ = self.get_field_value(field, name)
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{variable}_FILE: cannot read the file: {getattr(error, 'strerror', None) or error}")
                continue
            if value is not None and os.environ.get(variable):
                problems.append(f"{variable} and {variable}_FILE are both set: keep one")
            if value is not None:
                found[name] = value
        if problems:
            raise CannotReadSecrets(problems)
        return found


def kept_key(path: Path) -> str:
    """Return the key kept in a file, made at first use; all processes that ask at once get the same one."""
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(KEY_CHARACTERS))
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all, and never over another process's key.
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
    return _read(path)


def _read(path: Path) -> str:
    key = path.read_text(encoding="utf-8").strip()
    if not key:
        raise CannotReadSecrets([f"{path} is empty: put the key back, or delete the file to have a new one made"])
    return key
