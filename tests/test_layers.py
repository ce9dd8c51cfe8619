"""Who may import whom: held by import-linter, and shown to be held."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT

LINTER = Path(sys.executable).parent / "lint-imports"
ROOMS = ("replsite", "groups", "drivers")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-logo", "--no-cache"], cwd=folder, timeout=100, check=False, capture_output=True, text=True
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the rooms to break."""
    for room in ROOMS:
        shutil.copytree(CHECKOUT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_room_uses_only_the_rooms_it_may() -> None:
    said = lint(CHECKOUT)

    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    "path,line,contract",
    [
        ("groups/models/volumes_too.py", "from groups import transitions", "Each room uses only the rooms below it"),
        ("groups/api/shortcut.py", "from groups.admin import actions", "Each room uses only the rooms below it"),
        ("groups/services/shortcut.py", "from drivers import base", "The engine alone calls drivers"),
        ("groups/services/waking.py", "import celery", "Celery is known only where"),
        ("groups/engine/wiring.py", "from replsite import config", "What differs between sites"),
        ("groups/queries/busy.py", "from groups import transitions", "Reading changes nothing"),
        ("drivers/fake/rows.py", "from django.db import models", "Drivers are plain Python"),
    ],
)
def test_a_forbidden_import_is_caught(copy: Path, path: str, line: str, contract: str) -> None:
    admin = copy / "groups" / "admin"
    admin.mkdir(exist_ok=True)
    for name in ("__init__.py", "actions.py"):
        (admin / name).touch()
    (copy / path).write_text(f"{line}\n")

    said = lint(copy)

    assert said.returncode == 1
    broken = [each for each in said.stdout.splitlines() if " BROKEN" in each]
    assert any(each.startswith(contract) for each in broken), said.stdout
