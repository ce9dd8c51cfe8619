"""A synchronous QMP client that pipelines: many commands out, then their answers back."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drivers.base import Call
from drivers.errors import DriverError, SiteUnavailable
from drivers.qemu.folder import Folder

GREETING_SECONDS = 2.0
REPLY_SECONDS = 10.0
WORK_SECONDS = 0.1
"""How much longer an answer may take for each thing that was asked for at once, as for each volume of a group."""
_POLL_SECONDS = 0.01
Command = tuple[str, Mapping[str, Any]]


class CommandRefused(DriverError):
    """The storage daemon refused a command.

    Retryable, because the next call looks again: another worker, or the last commands of a killed
    one, may have changed what this one had seen.
    """

    code = "qemu_refused"
    retryable = True


class Monitor:
    """One conversation with a site's daemon. Close it soon: there are only a few lines."""

    def __init__(self, *, folder: Folder, backend_id: str, call: Call, reply_seconds: float = REPLY_SECONDS) -> None:
        self._folder, self._backend_id, self._call = folder, backend_id, call
        self._reply_seconds = reply_seconds
        self._buffer = b""
        # A killed caller's last answer may still be on its way when its line is ours already.
        self._next = secrets.randbelow(10**12)
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(socket.socket(socket.AF_UNIX))
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._open.close()

    def run(self, commands: Sequence[Command], *, lenient: bool = False) -> list[Any]:
        """Run commands in order and return their answers.

        All are sent before the first answer is read. When some are refused, the others are still
        done, and the first refusal is raised; if `lenient`, a refusal stands in its answer's place.
        """
        if not commands:
            return []
        lines, names = [], []
        for name, arguments in commands:
            names.append(self._next)
            lines.append(_compact({"execute": name, "arguments": arguments, "id": self._next}))
            self._next += 1
        found: dict[int, Mapping[str, Any]] = {}
        work = sum(1 + len(arguments.get("actions", ())) for _, arguments in commands)
        with self._failures():
            self._send("\n".join(lines).encode(), work=work)
            self._socket.settimeout(self._patience(work))
            waiting = set(names)
            while waiting:
                message = self._message()
                # Events, and answers to others, come in between.
                if message.get("id") in waiting:
                    waiting.discard(message["id"])
                    found[message["id"]] = message
        answers = [self._value(name, found[each]) for (name, _), each in zip(commands, names, strict=True)]
        refusals = [answer for answer in answers if isinstance(answer, CommandRefused)]
        if refusals and not lenient:
            raise refusals[0]
        return answers

    def ask(self, name: str, **arguments: Any) -> Any:
        """Run one command and return its answer."""
        return self.run([(name, arguments)])[0]

    def unavailable(self, why: str) -> SiteUnavailable:
        """Return the error that says that this site does not answer."""
        return SiteUnavailable(f"{title(self._backend_id)} does not answer: {why}.", backend_id=self._backend_id)

    def _connect(self) -> None:
        # A socket appears before the daemon can talk; the pid file has content when it can.
        with self._failures():
            if not self._folder.pid_file.read_text().strip():
                raise self.unavailable("its daemon is still starting")
            path = self._line()
            self._socket.settimeout(min(GREETING_SECONDS, self._patience()))
            self._socket.connect(str(path))
            self._message()
        # Refused only when the line is past negotiating, which is where this leads.
        self.run([("qmp_capabilities", {})], lenient=True)

    def _line(self) -> pathlib.Path:
        """Take a monitor nobody else uses; the kernel frees it when its user dies."""
        ends = time.monotonic() + min(GREETING_SECONDS, self._patience())
        while True:
            for path in self._folder.monitor_sockets():
                descriptor = os.open(self._folder.locks / path.name, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    os.close(descriptor)
                    if error.errno not in {errno.EAGAIN, errno.EACCES}:
                        raise
                    continue
                self._open.callback(os.close, descriptor)
                return path
            if time.monotonic() > ends:
                raise self.unavailable("all lines to its daemon are in use")
            self._call.wait(_POLL_SECONDS)

    def _patience(self, work: int = 1) -> float:
        """Return how long to wait for the next bytes of so much work. Raises when the call is over.

        One transaction of hundreds of actions is one answer, and a busy machine may take long for it.
        """
        self._call.check()
        return min(self._reply_seconds + WORK_SECONDS * (work - 1), self._call.remaining() + 0.001)

    def _send(self, data: bytes, *, work: int) -> None:
        """Send it all, however slowly it is taken; a daemon takes more only once it has done what it has."""
        rest = memoryview(data)
        while rest:
            # Not `sendall`, whose patience is for all of it.
            self._socket.settimeout(self._patience(work))
            rest = rest[self._socket.send(rest) :]

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what goes wrong with the socket into errors of a driver."""
        try:
            yield
        except TimeoutError:
            self.close()
            raise self.unavailable("its daemon runs but says nothing") from None
        except (FileNotFoundError, ConnectionError):
            self.close()
            raise self.unavailable("its daemon does not run") from None
        except OSError as error:
            self.close()
            raise self.unavailable(error.strerror or str(error)) from error
        except DriverError:
            self.close()
            raise

    def _message(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            chunk = self._socket.recv(1 << 20)
            if not chunk:
                raise ConnectionResetError(errno.ECONNRESET, "the daemon hung up")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _value(self, name: str, answer: Mapping[str, Any]) -> Any:
        if "error" in answer:
            return CommandRefused(f"{title(self._backend_id)} refused {name}: {answer['error']['desc']}")
        return answer["return"]


def _compact(command: Mapping[str, Any]) -> str:
    """Return a command as short as can be: the daemon reads byte by byte, and each costs it some 5 us."""
    return json.dumps(command, separators=(",", ":"))


def title(backend_id: str) -> str:
    """Return what to call a side at the start of a sentence."""
    return f"Site '{backend_id}'" if backend_id else "The primary site"
