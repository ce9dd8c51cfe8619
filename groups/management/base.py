"""What our commands have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from groups import callers, errors


class Error(CommandError):
    """Ends a command with exit code 1 and its sentence."""


class DoorCommand(BaseCommand):
    """Runs `run` for whoever has a shell here; says in a sentence what went wrong."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises `Error`."""
        try:
            self.run(**options)
        except errors.ReplsiteError as error:
            raise Error(" ".join(filter(None, (error.message, error.remedy)))) from error
        except DatabaseError as error:
            # Whatever the database says, a command ends with a sentence and not with a traceback.
            raise Error(
                f"The database cannot be used: {str(error).strip()}. "
                "Run `manage.py bootstrap` if that was not done yet, and look at REPLSITE_DATABASE_URL."
            ) from error

    def run(self, **options: Any) -> None:
        """Do what the command is for."""
        raise NotImplementedError

    @property
    def caller(self) -> callers.Caller:
        """Return who asks: the site itself."""
        return callers.system(door="command")

    def say(self, text: str = "") -> None:
        """Print a line."""
        self.stdout.write(text)

    def warn(self, text: str) -> None:
        """Print a line to standard error."""
        self.stderr.write(self.style.WARNING(text))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows under their heads, in columns."""
        lines = [head, *rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for line in lines:
            self.say("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
