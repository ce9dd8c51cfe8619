"""`python -m tests.storm`: let a storm blow over a site of its own; exit code 1 when the judge complains."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.storm import plan, terms as site_terms
from tests.storm.components import Components, Own, Servers
from tests.storm.people import PASSWORD
from tests.support import processes


def main() -> int:
    """Return 0 when the judge found nothing, 1 when it did."""
    # However it is ended: nothing of it stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    terms = _asked(sys.argv[1:])
    folder = Path(tempfile.mkdtemp(prefix="replsite-storm-"))
    _say(f"seed {terms.seed}: the same schedule again with --seed {terms.seed} and the same other words")
    with contextlib.ExitStack() as stack:
        stack.callback(processes.end_site, folder)
        components: Components = Servers(stack) if terms.components == "servers" else Own(folder)
        port = processes.free_port()
        settings = {
            **site_terms.QUICK,
            **(site_terms.SELDOM if terms.groups > site_terms.MANY_GROUPS else {}),
            "bind": f"127.0.0.1:{port}",
            "admin_password": PASSWORD,
        }
        env = processes.environment(folder, **settings, **components.settings())
        _become_part_of(processes.environment(folder, **settings, **components.own_settings(), log_level="ERROR"))
        # Only now: these read the settings of the site that this process is part of from here on.
        from tests.storm import conduct

        timing = site_terms.Timing.of(settings)
        storm = conduct.Storm(terms, folder=folder, env=env, components=components, port=port, timing=timing, say=_say)
        complaints = storm.run()
    if complaints:
        _say(f"logs and history in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _asked(words: list[str]) -> plan.Terms:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description="Let a storm blow over a site.")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="repeats a storm's schedule")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it blows (default: 30)")
    parser.add_argument("--groups", type=int, default=200, help="how many groups there are at a time (default: 200)")
    parser.add_argument("--driver", choices=("fake", "qemu"), default="fake", help="the storage (default: fake)")
    parser.add_argument(
        "--components",
        choices=("own", "servers"),
        default="servers",
        help="SQLite and the spool folder, or PostgreSQL and Redis (default: servers)",
    )
    parser.add_argument("--verbs", type=float, default=180.0, metavar="N", help="verbs a minute (default: 180)")
    parser.add_argument("--kills", type=float, default=14.0, metavar="N", help="kills a minute (default: 14)")
    parser.add_argument("--faults", type=float, default=12.0, metavar="N", help="storage faults a minute (default: 12)")
    parser.add_argument("--workers", type=int, default=3, metavar="N", help="worker processes (default: 3)")
    parser.add_argument("--only", action="append", default=[], choices=plan.KILLS, help="a kind of kill; repeatable")
    parser.add_argument(
        "--pace", type=float, default=0.15, metavar="SECONDS", help="the fake driver's time for each volume (0.15)"
    )
    parser.add_argument("--plant", default="", metavar="NAME", help="a fault to plant into every worker")
    asked = parser.parse_args(words)
    return plan.Terms(
        seed=asked.seed,
        seconds=asked.minutes * 60,
        groups=asked.groups,
        driver=asked.driver,
        components=asked.components,
        verbs_a_minute=asked.verbs,
        kills_a_minute=asked.kills,
        faults_a_minute=asked.faults,
        workers=asked.workers,
        only=tuple(asked.only),
        pace_seconds=asked.pace,
        plant=asked.plant,
    )


def _become_part_of(env: Mapping[str, str]) -> None:
    """Make this process one of the site's: it sets it up by the services, and reads what happened."""
    os.environ.clear()
    os.environ.update(env, DJANGO_SETTINGS_MODULE="replsite.settings")
    import django

    django.setup()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  what whoever runs it reads


if __name__ == "__main__":
    sys.exit(main())
