"""A real Keystone of a test's own: one worker on a free port, its database a copy of one that is set up."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support import processes

ADMIN_PASSWORD = "secret"
SERVICE_PASSWORD = "asks about tokens"
_DEFAULT = {"id": "default"}


class Keystone:
    """Says where it is, and sets it up as its admin."""

    def __init__(self, folder: Path, *, home: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v3"
        # In a file: Keystone takes the words of its process for its own.
        chosen = {
            "bind": f"127.0.0.1:{port}",
            "wsgi_app": "keystone.wsgi.api:application",
            "control_socket_disable": True,
        }
        (folder / "gunicorn.conf.py").write_text("".join(f"{name} = {value!r}\n" for name, value in chosen.items()))
        with (folder / "web.log").open("wb") as log:
            # Keystone looks for its settings in the folder that this names.
            env = {"OS_KEYSTONE_CONFIG_DIR": str(folder), "PATH": "/usr/bin:/bin"}
            self.process = subprocess.Popen(
                [str(home / "venv/bin/gunicorn")], cwd=folder, env=env, stdout=log, stderr=log
            )
        self._admin = ""

    def ask(self, method: str, path: str, body: object = None, *, token: str = "", subject: str = "") -> Any:
        """Send a request, as the admin unless a token is given; return the answer's headers and document."""
        headers = {"Content-Type": "application/json", "X-Auth-Token": token or self._admin}
        headers |= {"X-Subject-Token": subject} if subject else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
            text = answer.read()
            return answer.headers, json.loads(text) if text else None

    def log_in(self, name: str, password: str, *, project: str) -> str:
        """Return a token for a user in a project."""
        user = {"name": name, "domain": _DEFAULT, "password": password}
        login = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": project, "domain": _DEFAULT}},
        }
        headers, _ = self.ask("POST", "/auth/tokens", {"auth": login})
        return str(headers["X-Subject-Token"])

    def set_up(self) -> None:
        """Put itself into its catalog, and add the user that sites ask it as."""
        self._admin = self.log_in("admin", ADMIN_PASSWORD, project="admin")
        self.add_services({"identity": self.url})
        self.add_project("service")
        self.add_user("replsite", SERVICE_PASSWORD, project="service", roles=["service"])

    def add_services(self, addresses: dict[str, str]) -> None:
        """Add services to its catalog, by type."""
        for kind, url in addresses.items():
            name = {"name": kind, "type": kind}
            service = self.ask("POST", "/services", {"service": name})[1]["service"]["id"]
            for interface in ("public", "internal", "admin"):
                endpoint = {"service_id": service, "interface": interface, "url": url, "region_id": "RegionOne"}
                self.ask("POST", "/endpoints", {"endpoint": endpoint})

    def add_project(self, name: str) -> str:
        """Add a project; return its id."""
        return str(self.ask("POST", "/projects", {"project": {"name": name}})[1]["project"]["id"])

    def add_user(self, name: str, password: str, *, project: str, roles: list[str]) -> str:
        """Add a user with roles in a project, made where they are new; return the user's id."""
        user = self.ask("POST", "/users", {"user": {"name": name, "password": password}})[1]["user"]["id"]
        where = self.ask("GET", f"/projects?name={project}")[1]["projects"][0]["id"]
        for role in roles:
            found = self.ask("GET", f"/roles?name={role}")[1]["roles"]
            role_id = found[0]["id"] if found else self.ask("POST", "/roles", {"role": {"name": role}})[1]["role"]["id"]
            self.ask("PUT", f"/projects/{where}/users/{user}/roles/{role_id}")
        return str(user)

    def answers(self) -> bool:
        """Tell whether it answers."""
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except OSError:
            return False

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it take connections and answer none."""
        found = [self.process, *processes.children(self.process.pid)]
        for each in found:
            each.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for each in found:
                each.send_signal(signal.SIGCONT)


def home() -> Path:
    """Return the folder of an installed Keystone, which is installed when there is none."""
    script = processes.CHECKOUT / "scripts/keystone-for-tests"
    done = subprocess.run([str(script)], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Keystone]:
    """Run one; end it afterwards."""
    installed = home()
    state = folder / "keystone"
    shutil.copytree(installed / "state", state)
    server = Keystone(state, home=installed, port=processes.free_port())
    try:
        processes.wait_until(server.answers, seconds=90, what="Keystone to answer")
        server.set_up()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)
