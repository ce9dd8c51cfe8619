"""Where the demo keeps what it makes, and the address it listens on."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drivers.qemu.folder import Folder

CHECKOUT = Path(__file__).resolve().parent.parent
PRIMARY, SECONDARY = "east", "west"
_PREFERRED_PORT = 8776
"""Cinder's own."""
_COMPLAINTS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """The folders and the port of one run."""

    state: Path
    sites: Path
    port: int

    @property
    def logs(self) -> Path:
        """Return the folder of the logs."""
        return self.state / "logs"

    @property
    def address(self) -> str:
        """Return where the site answers."""
        return f"http://127.0.0.1:{self.port}"

    def complaints(self) -> list[str]:
        """Return the last warnings and errors in the site's log."""
        log = self.logs / "replsite.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line for line in lines if "[warning" in line or "[error" in line][-_COMPLAINTS:]

    def site(self, name: str) -> Folder:
        """Return the folder of one storage site."""
        return Folder(self.sites / name)


@contextlib.contextmanager
def fresh(within: Path) -> Iterator[Places]:
    """Yield the places of a new run, in the folder `demo` of the one given.

    What an earlier run left is removed first. Raises `SystemExit` when another demo runs there.
    """
    state = within.resolve() / "demo"
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state.parent / "demo.lock").open("w") as lock, contextlib.ExitStack() as stack:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"Another demo runs in {state}; end it first.") from None
        shutil.rmtree(state, ignore_errors=True)
        sites = state / "sites"
        if Folder(sites / SECONDARY).problem():
            # A socket's path may have 107 bytes, and this folder lies deep.
            sites = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="replsite-demo-")))
        places = Places(state=state, sites=sites, port=_free_port())
        places.logs.mkdir(mode=0o700, parents=True)
        yield places


def _free_port() -> int:
    for port in (_PREFERRED_PORT, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as listener:
                return int(listener.getsockname()[1])
        except OSError:
            continue
    raise SystemExit("There is no free port on 127.0.0.1.")
