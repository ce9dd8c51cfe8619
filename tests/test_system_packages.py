"""The script that installs what Debian must bring, on a machine played by a folder of programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT

SCRIPT = CHECKOUT / "scripts" / "system-packages"
LIBRARIES = ("libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
QEMU = ("qemu-img", "qemu-storage-daemon")


class Machine:
    """A folder of programs; each call of apt-get is written down."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.installed = folder / "installed"
        self.policy = folder / "usr" / "sbin" / "policy-rc.d"
        self.policy.parent.mkdir(parents=True)
        libraries = folder / "usr" / "lib" / "x86_64-linux-gnu"
        libraries.mkdir(parents=True)
        for name in LIBRARIES:
            (libraries / name).touch()
        (folder / "usr" / "share" / "fonts" / "truetype" / "dejavu").mkdir(parents=True)
        for name in ("sh", "mktemp", "rm", "cat", "chmod"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        self.put("apt-get", f'echo "$@" >> {self.installed}')

    def put(self, name: str, body: str = "exit 0") -> None:
        """Add a program."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    def run(self, *words: str, user: int) -> subprocess.CompletedProcess[str]:
        """Run the script as a user of this machine."""
        self.put("id", f"echo {user}")
        return subprocess.run(
            ["/bin/sh", SCRIPT, *words],
            env={"PATH": str(self.programs), "SYSTEM_ROOT": str(self.root)},
            timeout=30,
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_complete_machine_is_left_alone_in_silence(machine: Machine) -> None:
    for name in QEMU:
        machine.put(name)

    said = machine.run(user=0)

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert not machine.installed.exists()


def test_root_gets_exactly_what_is_missing(machine: Machine) -> None:
    machine.put("qemu-img")

    said = machine.run(user=0)

    assert said.returncode == 0, said.stderr
    assert machine.installed.read_text() == "update\ninstall --yes --no-install-recommends qemu-system-common\n"


def test_what_draws_reports_is_installed(machine: Machine) -> None:
    for name in QEMU:
        machine.put(name)
    shutil.rmtree(machine.root / "usr" / "lib")
    shutil.rmtree(machine.root / "usr" / "share")

    machine.run(user=0)

    assert machine.installed.read_text().endswith(" libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core\n")


def test_another_user_is_told_what_to_install(machine: Machine) -> None:
    said = machine.run(user=1000)

    assert said.returncode == 1
    assert "install --yes --no-install-recommends qemu-system-common qemu-utils\n" in said.stderr
    assert not machine.installed.exists()


def test_a_failed_installation_shows_why_and_stops(machine: Machine) -> None:
    machine.put("apt-get", "echo no network; exit 100")

    said = machine.run(user=0)

    assert said.returncode == 1
    assert "no network" in said.stderr


def test_a_machine_without_python_gets_it_with_environments(machine: Machine) -> None:
    machine.run("--for-python", user=0)

    assert machine.installed.read_text().endswith(" python3 python3-venv\n")


def test_a_machine_without_apt_is_told_the_names(machine: Machine) -> None:
    (machine.programs / "apt-get").unlink()

    said = machine.run("--for-tests", user=0)

    assert said.returncode == 1
    assert said.stderr == "Install what Debian calls: redis-server postgresql rabbitmq-server faketime chromium npm\n"


def test_no_server_that_comes_with_a_package_is_started(machine: Machine) -> None:
    machine.put("apt-get", f'echo "$1: $({machine.policy} || echo $?)" >> {machine.installed}')

    said = machine.run("--for-tests", user=0)

    assert said.returncode == 0, said.stderr
    assert machine.installed.read_text() == "update: 101\ninstall: 101\n"
    assert not machine.policy.exists()


def test_a_policy_that_is_there_is_left_alone(machine: Machine) -> None:
    machine.policy.write_text("theirs")

    machine.run("--for-tests", user=0)

    assert machine.policy.read_text() == "theirs"
