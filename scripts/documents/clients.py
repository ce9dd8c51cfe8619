"""docs/clients.md: what works with which client, from the tests that run the released clients.

The tests are read, not run: what they call is what works, as they are green or nothing lands.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from cinderclient.v3 import shell

from scripts.documents import markdown

_CHECKOUT = Path(__file__).resolve().parent.parent.parent
_FOLDERS = ("tests/clients", "tests/api/identity")
_VERDICTS = _CHECKOUT / "tests/suites/verdicts.json"
_OPENSTACK_GROUPS = ("openstack.volume.v3", "openstack.identity.v3", "openstack.common")
_IDENTITY_HELPERS = {"command", "ann"}
# What Cinder has and Replsite has not, by how its commands begin: lists are empty, the rest is refused.
_NOT_HERE = (
    *("backup", "cg", "consisgroup", "consistency group", "consistency-group"),
    *("manage", "unmanage", "snapshot-manage", "snapshot-unmanage", "migrate", "upload-to-image", "image", "cluster"),
    *("work-cleanup", "reimage", "revert-to-snapshot", "volume backup", "volume migrate"),
    *("volume revert", "consistency", "block storage cluster", "block storage cleanup"),
    *("block storage volume manageable", "block storage snapshot manageable", "volume host set"),
)
_ABOUT = """\
These clients work with Replsite as they are released; [authentication](authentication.md) has what to set for each.
Every command below is run by the tests against a site with its web and worker processes. "Refused" is a command that
must fail, and says why."""
_OTHERS = """\
* **gophercloud**, and with it Terraform's OpenStack provider: its log-in (by password, with domains by name or by id,
  or by a token) and its choice of `block-storage` or `volumev3` from the catalog are tested by the same requests, in
  its order, not by its own code: there is no Go in the test environment.
* **Ansible**'s collection `openstack.cloud` works through the SDK.
* **curl**: [our own API](api.md) and the v3 API take the same token."""
_SUITES = """\
`make suites` installs suites that others wrote, outside of the checkout, and runs them against a site of its own;
`--keystone` puts a real Keystone before it. What was left out, and why, is in `tests/suites/`. What fails wants what
is not here: backups, an image service, a server to attach to, a move to another backend; or it wants what Replsite does
otherwise: [a volume in `error` where the request is refused](api.md#where-it-differs-from-cinder-and-why)."""


def text() -> str:
    """Return the page."""
    used = _used()
    openstack = f"`openstack` {metadata.version('python-openstackclient')}"
    return markdown.page(
        "# What works with which client",
        markdown.note("the tests in `tests/clients/` and `tests/api/identity/`"),
        _ABOUT,
        *_of_program("cinder", f"`cinder` {metadata.version('python-cinderclient')}", used, _cinder_commands()),
        *_of_program("openstack", openstack, used, _storage_commands()),
        f"## openstacksdk {metadata.version('openstacksdk')}",
        f"Called in the tests: {markdown.code(_sdk_calls())}.",
        "## Others",
        _OTHERS,
        "## Suites of others",
        _SUITES,
        markdown.table(["suite", "log-in", "passed", "failed", "skipped"], _suites()),
    )


def _of_program(program: str, title: str, used: dict[tuple[str, str], str], known: set[str]) -> Iterator[str]:
    rows = [[f"`{command}`", verdict] for (name, command), verdict in sorted(used.items()) if name == program]
    left = sorted(known - {command for name, command in used if name == program})
    absent = [command for command in left if command.startswith(_NOT_HERE)]
    yield f"## {title}"
    yield markdown.table(["command", "result"], rows)
    yield f"For what Replsite does not have; lists are empty, the rest is refused: {markdown.code(absent)}."
    if untried := [command for command in left if command not in absent]:
        yield f"Not tried: {markdown.code(untried)}."


def _used() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for folder in _FOLDERS:
        for path in sorted((_CHECKOUT / folder).glob("test_*.py")):
            for program, command, refused in _calls(ast.parse(path.read_text(encoding="utf-8"))):
                verdicts = {*found.get((program, command), "").split(", "), "refused" if refused else "works"} - {""}
                found[program, command] = ", ".join(sorted(verdicts, reverse=True))
    return found


def _calls(module: ast.Module) -> Iterator[tuple[str, str, bool]]:
    cinder, openstack = _cinder_commands(), _openstack_commands()
    for function in [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]:
        clients = {
            each.arg: "openstack" if each.arg.startswith("openstack") else "cinder"
            for each in function.args.args
            if each.annotation is not None and ast.unparse(each.annotation) == "livesite.Command"
        }
        for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            who = call.func.value if isinstance(call.func, ast.Attribute) else call.func
            name = who.id if isinstance(who, ast.Name) else ""
            program = clients.get(name) or ("openstack" if name in _IDENTITY_HELPERS else "")
            command = _command(_words(call), cinder if program == "cinder" else openstack) if program else ""
            if command:
                yield program, command, method == "refused"


def _words(call: ast.Call) -> list[str]:
    words = []
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            words.append(argument.value)
        elif words:
            break
    return words


def _command(words: list[str], known: set[str]) -> str:
    for count in range(len(words), 0, -1):
        if " ".join(words[:count]) in known:
            return " ".join(words[:count])
    return ""


def _cinder_commands() -> set[str]:
    return {name.removeprefix("do_").replace("_", "-") for name in dir(shell) if name.startswith("do_")}


def _storage_commands() -> set[str]:
    return {entry.name.replace("_", " ") for entry in metadata.entry_points(group=_OPENSTACK_GROUPS[0])}


def _openstack_commands() -> set[str]:
    return {entry.name.replace("_", " ") for group in _OPENSTACK_GROUPS for entry in metadata.entry_points(group=group)}


def _sdk_calls() -> list[str]:
    found = set()
    for path in (_CHECKOUT / _FOLDERS[0]).glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "storage":
                found.add(node.attr)
    return sorted(found)


def _suites() -> Iterator[list[str]]:
    for each in json.loads(_VERDICTS.read_text(encoding="utf-8")):
        yield [each["suite"], each["log_in"], *(str(each[what]) for what in ("passed", "failed", "skipped"))]
