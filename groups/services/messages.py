"""User messages: delete one."""

from __future__ import annotations

from groups import callers
from groups.queries import messages
from groups.services import policies


def delete(caller: callers.Caller, *, message_id: object) -> None:
    """Take a message away; what it was about stays as it is."""
    message = messages.one(caller, message_id)
    policies.require(caller, "message:delete")
    message.delete()
