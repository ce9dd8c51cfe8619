"""The key a site makes for itself."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from replsite import secretfiles
from tests.support import processes


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "site" / "secret-key"

    first, second = secretfiles.kept_key(path), secretfiles.kept_key(path)

    assert first == second
    assert len(first) > 60
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret-key"]


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from replsite import secretfiles; print(secretfiles.kept_key(pathlib.Path(sys.argv[1])))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "key")],
            env=processes.environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]

    keys = {process.communicate(timeout=60)[0] for process in started}

    assert len(keys) == 1
    assert keys != {""}


def test_an_emptied_key_file_is_refused_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "key").touch()

    with pytest.raises(secretfiles.CannotReadSecrets, match="is empty"):
        secretfiles.kept_key(tmp_path / "key")
