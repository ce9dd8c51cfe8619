"""The door of the web server."""

from __future__ import annotations

from pathlib import Path

from tests.support import processes


def test_what_addresses_lead_to_is_loaded_before_the_first_request(tmp_path: Path) -> None:
    code = (
        "import replsite.wsgi, sys; print('groups.api.v3.groups' in sys.modules, 'groups.admin.groups' in sys.modules)"
    )

    said = processes.run("-c", code, env=processes.environment(tmp_path))

    assert said.stdout.split() == ["True", "True"], said.stderr
