"""What is said of the commands."""

from __future__ import annotations

import pytest
from django.core.management import get_commands, load_command_class

from tests.support import processes

PAGE = (processes.CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")
OURS = sorted(name for name, app in get_commands().items() if app == "groups")


def declared(name):
    """Return the arguments a command declares itself."""
    command = load_command_class("groups", name)
    own = command.create_parser("manage.py", name)
    common = {"help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color"}
    return [each for each in own._actions if each.dest not in common | {"skip_checks"}]


def section(name):
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", OURS)
def test_every_command_has_an_example_and_every_option_of_it_is_documented(name):
    options = [option for each in declared(name) for option in each.option_strings]

    assert f"manage.py {name}" in section(name)
    assert [option for option in options if f"`{option}" not in section(name)] == []


@pytest.mark.parametrize("name", OURS)
def test_every_command_and_argument_says_what_it_is_for(name):
    assert load_command_class("groups", name).help
    assert [each.dest for each in declared(name) if not each.help] == []


def test_all_commands_are_looked_at():
    assert {"bootstrap", "add_backend", "add_user"} <= set(OURS)
