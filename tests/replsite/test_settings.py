"""Django's settings, as the site's settings make them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests.support import processes


def settings_with(state_dir: Path, *names: str, **values: str) -> dict[str, object]:
    code = (
        "import json, sys; from django.conf import settings\n"
        "print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))"
    )
    env = processes.environment(state_dir, **values) | {"DJANGO_SETTINGS_MODULE": "replsite.settings"}
    said = processes.run("-c", code, *names, env=env)
    assert said.returncode == 0, said.stderr
    return dict(json.loads(said.stdout))


@pytest.mark.django_db
@pytest.mark.skipif("sqlite" not in settings.DATABASES["default"]["ENGINE"], reason="about SQLite")
@pytest.mark.parametrize(
    "pragma,value", [("journal_mode", "wal"), ("synchronous", 1), ("foreign_keys", 1), ("busy_timeout", 20000)]
)
def test_sqlite_is_set_up_for_many_writers(pragma: str, value: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {pragma}")

        assert cursor.fetchone() == (value,)


def test_a_postgresql_address_makes_kept_and_checked_connections(tmp_path: Path) -> None:
    address = "postgresql://owner:p%40ss@db.example.org:5433/replsite?sslmode=require"

    database = settings_with(tmp_path, "DATABASES", database_url=address)["DATABASES"]

    assert isinstance(database, dict)
    expected = {
        "ENGINE": "replsite.postgresql",
        "NAME": "replsite",
        "USER": "owner",
        "PASSWORD": "p@ss",
        "HOST": "db.example.org",
        "PORT": 5433,
        "CONN_MAX_AGE": 3600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "sslmode": "require",
            "options": "-c idle_in_transaction_session_timeout=30000",
            "server_side_binding": True,
            "prepare_threshold": 2,
        },
    }
    assert {name: database["default"][name] for name in expected} == expected


def test_a_public_https_address_is_trusted_and_secures_cookies(tmp_path: Path) -> None:
    names = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")

    made = settings_with(tmp_path, *names, public_url="https://storage.example.org:8443/", allowed_hosts="localhost")

    assert made == {
        "ALLOWED_HOSTS": ["localhost", "storage.example.org"],
        "CSRF_TRUSTED_ORIGINS": ["https://storage.example.org:8443"],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
    }


def test_the_state_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    settings_with(tmp_path / "site", "DEBUG")

    assert (tmp_path / "site").stat().st_mode & 0o777 == 0o700


def test_a_redis_address_gets_time_outs(tmp_path: Path) -> None:
    made = settings_with(tmp_path, "CELERY_BROKER_TRANSPORT_OPTIONS", broker_url="redis://localhost:1/0")

    assert made["CELERY_BROKER_TRANSPORT_OPTIONS"] == {
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "health_check_interval": 25,
    }


def test_a_request_for_an_unknown_host_is_refused(client: Client) -> None:
    assert client.get("/healthz", headers={"host": "evil.example.org"}).status_code == 400


def test_an_unknown_address_is_not_redirected_to_one_with_a_slash(client: Client) -> None:
    assert client.post("/healthz/").status_code == 404
