"""The site's settings, read from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from replsite import config
from tests.support import processes


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith(config.PREFIX)]:
        monkeypatch.delenv(name)


def refusal() -> str:
    with pytest.raises(config.WrongSettings) as caught:
        config.load()
    return str(caught.value)


def test_a_site_needs_no_environment() -> None:
    site = config.load()

    assert site.bind == "127.0.0.1:8776"
    assert site.state_dir == config.CHECKOUT / "var"
    assert site.database_address == f"sqlite:///{config.CHECKOUT}/var/replsite.sqlite3"
    assert site.broker_address == f"spool://{config.CHECKOUT}/var/spool"


def test_every_wrong_value_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLSITE_BIND", "8776")
    monkeypatch.setenv("REPLSITE_LEASE_SECONDS", "-3")
    monkeypatch.setenv("REPLSITE_PROJECT_ID", "shop")
    monkeypatch.setenv("REPLSITE_BORKER_URL", "redis://localhost")

    said = refusal()

    for name in ("REPLSITE_BIND", "REPLSITE_LEASE_SECONDS", "REPLSITE_PROJECT_ID", "REPLSITE_BORKER_URL"):
        assert f"  - {name}: " in said
    assert "REPLSITE_BROKER_URL may be meant" in said


@pytest.mark.parametrize(
    "name,value",
    [
        ("BIND", "127.0.0.1:0"),
        ("BIND", "unix:relative"),
        ("DATABASE_URL", "mysql://localhost/replsite"),
        ("BROKER_URL", "sqla+sqlite:///x"),
        ("BROKER_URL", "spool://relative/path"),
        ("PUBLIC_URL", "storage.example.org"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("WORKER_CONCURRENCY", "0"),
        ("DEBUG", "perhaps"),
        ("RETRY_BASE_SECONDS", "61"),
        ("HEARTBEAT_SECONDS", "15"),
        ("STALLED_SECONDS", "60"),
    ],
)
def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"REPLSITE_{name}", value)

    assert f"REPLSITE_{name}" in refusal()


def test_what_counts_as_no_progress_follows_the_deadline_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.load().stalled_after_seconds == 20

    monkeypatch.setenv("REPLSITE_DRIVER_DEADLINE_SECONDS", "15")
    assert config.load().stalled_after_seconds == 5

    monkeypatch.setenv("REPLSITE_STALLED_SECONDS", "14")
    assert config.load().stalled_after_seconds == 14


@pytest.mark.parametrize("value", ["[::1]:8776", "0.0.0.0:80", "unix:/run/replsite.sock"])
def test_an_address_to_listen_on_is_taken(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REPLSITE_BIND", value)

    assert config.load().bind == value


def test_a_wrong_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLSITE_DATABASE_URL", "oracle://owner:wolpertinger@localhost/x")

    assert "wolpertinger" not in refusal()


def test_secrets_are_not_in_the_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLSITE_SECRET_KEY", "wolpertinger")
    monkeypatch.setenv("REPLSITE_DATABASE_URL", "postgresql://owner:wolpertinger@localhost/x")

    assert "wolpertinger" not in repr(config.load())


def test_a_secret_is_read_from_the_file_named_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wolpertinger\n")
    monkeypatch.setenv("REPLSITE_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))

    assert config.load().admin_password.get_secret_value() == "wolpertinger"


def test_a_missing_secret_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPLSITE_SECRET_KEY_FILE", str(tmp_path / "none"))

    assert "REPLSITE_SECRET_KEY_FILE: cannot read the file: No such file" in refusal()


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("one")
    monkeypatch.setenv("REPLSITE_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("REPLSITE_ADMIN_PASSWORD", "other")

    assert "REPLSITE_ADMIN_PASSWORD and REPLSITE_ADMIN_PASSWORD_FILE are both set" in refusal()


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLSITE_LEASE_SECONDS", "")

    assert config.load().lease_seconds == 30


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLSITE_ALLOWED_HOSTS", "a.example.org, b.example.org")

    assert config.load().allowed_hosts == ("a.example.org", "b.example.org")


def test_a_folder_with_odd_characters_keeps_database_and_spool(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20?#"

    said = processes.run(
        "-c",
        "import django; django.setup()\n"
        "from django.db import connection; from replsite import celery\n"
        "print(connection.settings_dict['NAME'])\n"
        "celery.app.send_task('groups.tasks.sweep')",
        env=processes.environment(folder) | {"DJANGO_SETTINGS_MODULE": "replsite.settings"},
    )

    assert said.stdout.strip() == str(folder / "replsite.sqlite3"), said.stderr
    assert len(list((folder / "spool/queues/maintenance").glob("[0-9]*"))) == 1


def test_a_wrong_setting_stops_every_command_without_a_traceback(tmp_path: Path) -> None:
    said = processes.run("manage.py", "check", env=processes.environment(tmp_path, log_level="loud"))

    assert said.returncode == 1
    assert said.stderr.startswith("Replsite cannot start with these settings:\n  - REPLSITE_LOG_LEVEL: ")
    assert "Traceback" not in said.stderr
