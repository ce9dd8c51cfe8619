"""Brokers of a test's own, on free ports of 127.0.0.1, with power over their processes.

Each may be stopped, killed, frozen and started again at the same address.
"""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import psutil

from tests.support import processes

_RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Not the one in the search path: that becomes another user, who may not read our folder."""

_START_SECONDS = 180
"""RabbitMQ takes five seconds, on a machine with nothing else to do."""


class Broker(abc.ABC):
    """Carries messages."""

    @property
    @abc.abstractmethod
    def address(self) -> str:
        """Return what to set as the site's broker."""


class Spool(Broker):
    """A folder; nothing runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def address(self) -> str:
        """Return what to set as the site's broker."""
        return f"spool://{self._folder}"


class Server(Broker):
    """A message server of Debian's in a folder and a session of its own."""

    scheme: str

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"replsite-{self.scheme}-"))
        self.port = processes.free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def _command(self) -> list[str]:
        """Return the program and its words."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Tell whether a client would get an answer now."""

    def _environment(self) -> dict[str, str]:
        return {**os.environ}

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._environment(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            processes.wait_until(self.answers, seconds=_START_SECONDS, what=f"{self.scheme} to answer")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(self.folder / 'log').read_text(errors='replace')[-3000:]}") from error

    def stop(self) -> None:
        """Let it end in good order."""
        self._signal(signal.SIGTERM)
        self._wait()

    def kill(self) -> None:
        """Kill -9 it."""
        self._signal(signal.SIGKILL)
        self._wait()

    def freeze(self) -> None:
        """Stop it where it is: it takes connections, as the kernel does that, and never answers."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """Kill it for good and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _wait(self) -> None:
        if self._process is not None:
            self._process.wait(60)


class Redis(Server):
    """A Redis that keeps nothing on disk, unless told to keep everything."""

    scheme = "redis"

    def __init__(self, *, persistent: bool = False) -> None:
        super().__init__()
        self._keep = "yes" if persistent else "no"

    @property
    def address(self) -> str:
        """Return what to set as the site's broker."""
        return f"redis://127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        """Tell whether it answers a ping."""
        return b"PONG" in _ask(self.port, b"PING\r\n")

    def _command(self) -> list[str]:
        keep = ["--save", "", "--appendonly", self._keep, "--appendfsync", "always", "--dir", str(self.folder)]
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), *keep]


class RabbitMQ(Server):
    """A RabbitMQ with a node, a port mapper and a folder of its own."""

    scheme = "amqp"

    def __init__(self) -> None:
        super().__init__()
        if not _RABBITMQ.exists():
            raise AssertionError("RabbitMQ is not installed: apt-get install rabbitmq-server")
        self._mapper_port, self._cluster_port = processes.free_port(), processes.free_port()
        (self.folder / "plugins").write_text("[].")

    @property
    def address(self) -> str:
        """Return what to set as the site's broker."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def answers(self) -> bool:
        """Tell whether it greets a client."""
        return _ask(self.port, b"AMQP\0\0\x09\x01").startswith(b"\x01")

    def end(self) -> None:
        """Kill it and the port mapper it started, and remove its folder."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get("RABBITMQ_MNESIA_BASE") == str(self.folder / "data"):
                    process.kill()
        super().end()

    def _command(self) -> list[str]:
        return [str(_RABBITMQ)]

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return inherited | {
            "HOME": str(self.folder),
            # Has the script become the server, instead of staying its parent.
            "detached": "yes",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_NODENAME": f"tests-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._cluster_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
        }


def _ask(port: int, question: bytes) -> bytes:
    """Return the first bytes of the answer; none when there is none within a second."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(question)
            return connection.recv(64)
    except OSError:
        return b""
