"""Logs: one layout, no secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replsite import logs
from tests.support import processes

SECRET = "wolpertinger"
WRITE = f"""
import django; django.setup()
import logging, structlog
structlog.contextvars.bind_contextvars(operation_id="17")
structlog.get_logger("ours").info("step_done", token="{SECRET}", address="https://me:{SECRET}@array", step="fence")
logging.getLogger("theirs").warning("login with password='%s' to %s", "{SECRET}", "array")
try:
    raise ValueError("bad token={SECRET}")
except ValueError:
    structlog.get_logger("ours").exception("broken")
logging.getLogger("celery.app.trace").info("tick")
logging.getLogger("ours").debug("detail")
"""


def written(state_dir: Path, layout: str) -> list[str]:
    env = processes.environment(state_dir, log_format=layout) | {"DJANGO_SETTINGS_MODULE": "replsite.settings"}
    said = processes.run("-c", WRITE, env=env)
    assert said.returncode == 0, said.stderr
    assert said.stdout == ""
    return said.stderr.splitlines()


def test_json_logs_are_one_object_a_line_with_what_was_bound(tmp_path: Path) -> None:
    ours, theirs, broken = (json.loads(line) for line in written(tmp_path, "json"))

    assert ours["event"] == "step_done"
    assert (ours["level"], ours["logger"], ours["operation_id"], ours["step"]) == ("info", "ours", "17", "fence")
    assert ours["timestamp"].endswith("Z")
    assert theirs["level"] == "warning"
    assert "ValueError" in broken["exception"]


@pytest.mark.parametrize("layout", ["json", "console"])
def test_secrets_are_not_in_the_logs(tmp_path: Path, layout: str) -> None:
    text = "\n".join(written(tmp_path, layout))

    assert SECRET not in text
    assert "step_done" in text
    assert "broken" in text


@pytest.mark.parametrize(
    "text,shown",
    [
        ("GET /v3?token=abc&limit=2", "GET /v3?token=***&limit=2"),
        ('{"password": "a b", "user": "me"}', '{"password": ***, "user": "me"}'),
        ("X-Auth-Token: abc", "X-Auth-Token: ***"),
        ("redis://:abc@host:6379/0", "redis://:***@host:6379/0"),
        ("https://host:8776/v3", "https://host:8776/v3"),
        ("3 tokens were cleared", "3 tokens were cleared"),
    ],
)
def test_a_secret_inside_a_text_is_masked(text: str, shown: str) -> None:
    assert logs.masked(text) == shown


def test_secrets_are_masked_at_every_depth() -> None:
    assert logs.masked({"options": [{"password": "abc", "host": "a"}]}) == {
        "options": [{"password": "***", "host": "a"}]
    }
