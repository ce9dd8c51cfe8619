"""Runs the suites: `python -m tests.suites [SUITE ...] [--keystone] [-k EXPRESSION]`."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.clients import livesite
from tests.suites import environment, settings, verdicts
from tests.support import keystone, servers

SUITES = {
    "sdk": ["openstack.tests.functional.block_storage.v3"],
    "cinderclient": ["cinderclient.tests.functional"],
    "tempest": ["tempest.api.volume"],
}
# Cinder's own default: cinderclient's tests ask for more, and expect to be refused.
QUOTAS = "gigabytes=1000"


def main() -> int:
    """Run what is asked for; return 1 when any test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description="Run others' suites against a site.")
    parser.add_argument("suite", nargs="*", choices=[*SUITES, []], help="all when none is named")
    parser.add_argument("--keystone", action="store_true", help="log in at a real Keystone")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite instead of PostgreSQL")
    parser.add_argument("-k", default="", help="only the tests that pytest chooses by this expression")
    parser.add_argument("--record", action="store_true", help="write down how many passed, for docs/clients.md")
    parser.add_argument("--keep", type=Path, help="a folder for the site's files and the suites' reports")
    asked = parser.parse_args()
    programs = environment.made()
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="replsite-suites-")))
        folder.mkdir(parents=True, exist_ok=True)
        options = {"quotas": QUOTAS}
        if not asked.sqlite:
            options["database_url"] = stack.enter_context(servers.postgresql())
        cloud = stack.enter_context(_cloud(folder, with_keystone=asked.keystone, **options))
        env = settings.environment(cloud, folder)
        if asked.record and asked.k:
            parser.error("--record is for whole suites: leave -k out")
        codes = [_run(programs, name, env=env, folder=folder, expression=asked.k) for name in asked.suite or SUITES]
        if asked.record:
            log_in = "Keystone" if asked.keystone else "our own identity"
            verdicts.record(folder, asked.suite or list(SUITES), log_in=log_in)
    return 1 if any(codes) else 0


@contextlib.contextmanager
def _cloud(folder: Path, *, with_keystone: bool, **options: str) -> Iterator[settings.Cloud]:
    """Run a site, and a Keystone before it if asked to; yield where to log in."""
    if not with_keystone:
        with livesite.running(folder, with_beat=True, **options) as site:
            _add_backend(site)
            for name in ("demo", "demo-alt"):
                site.manage("add_project", name)
                site.manage("add_user", name, "--project", name, "--role", "member", "--password", livesite.PASSWORD)
            yield settings.Cloud(auth_url=f"{site.address}/identity/v3")
        return
    with keystone.running(folder) as server:
        for name in ("demo", "demo-alt"):
            server.add_project(name)
            server.add_user(name, livesite.PASSWORD, project=name, roles=["member"])
        asking = {"keystone_auth_url": server.url, "keystone_password": keystone.SERVICE_PASSWORD}
        with livesite.running(folder, with_beat=True, **asking, **options) as site:
            _add_backend(site)
            server.add_services(
                {"block-storage": f"{site.address}/v3", "volumev3": f"{site.address}/v3/$(project_id)s"}
            )
            yield settings.Cloud(auth_url=server.url, admin_password=keystone.ADMIN_PASSWORD)


def _add_backend(site: livesite.LiveSite) -> None:
    site.manage("add_backend", settings.SECOND_BACKEND, "--driver", "fake", "--target", "site-b")


def _run(programs: Path, name: str, *, env: dict[str, str], folder: Path, expression: str) -> int:
    words: Sequence[str] = [
        str(programs / "bin/python"), "-m", "pytest", "--pyargs", *SUITES[name],
        "-v", "-rfEs", "--timeout", "600", "-p", "no:cacheprovider", "--rootdir", str(folder),
        "--junitxml", str(folder / f"{name}.xml"), "-o", "python_files=test_*.py", "-W", "ignore",
        *(["-k", expression] if expression else []),
    ]  # fmt: skip
    # cinderclient's tests look for the command itself there.
    env = {**env, "OS_CINDERCLIENT_EXEC_DIR": str(programs / "bin"), "PATH": f"{programs / 'bin'}:{env['PATH']}"}
    sys.stdout.write(f"== {name}\n")
    sys.stdout.flush()
    return subprocess.run(words, env=env, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
