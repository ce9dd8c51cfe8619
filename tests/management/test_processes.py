"""The commands as they are typed: exit codes, and no traceback whatever goes wrong."""

from __future__ import annotations

from tests.support import processes


def manage(*words, env):
    return processes.run("manage.py", *words, env=env)


def test_an_empty_site_says_what_to_do_and_bootstrap_makes_it_ready(tmp_path):
    env = processes.environment(tmp_path / "site")

    too_early = manage("add_project", "admin", env=env)
    ready = manage("bootstrap", env=env)
    taken = manage("add_project", "admin", env=env)

    assert (too_early.returncode, too_early.stdout) == (1, "")
    assert "manage.py bootstrap" in too_early.stderr
    assert (ready.returncode, ready.stderr) == (0, "")
    assert "shown only now" in ready.stdout
    assert (taken.returncode, taken.stdout) == (1, "")
    assert taken.stderr.startswith("Error: Project admin already exists")
    assert "Traceback" not in too_early.stderr + taken.stderr
