"""Asks for a password on a terminal."""

from __future__ import annotations

import getpass
import sys

from groups import errors


def asked(*, user_name: str) -> str:
    """Return the password typed twice. Raises `InvalidInput` without a terminal, or when they differ."""
    if not sys.stdin.isatty():
        raise errors.InvalidInput(
            f"User {user_name} is new and needs a password, and there is no terminal to ask on.",
            remedy="Give it with --password, or run the command on a terminal.",
        )
    first = getpass.getpass(f"Password for {user_name}: ")
    if getpass.getpass("Once more: ") != first:
        raise errors.InvalidInput("The two passwords differ.", remedy="Run the command again; nothing was changed.")
    return first
