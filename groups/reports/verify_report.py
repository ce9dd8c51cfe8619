#!/usr/bin/env python3
"""Checks packs of drill reports offline: names what was changed, and what is missing.

    python verify_report.py [--key PUBLIC_KEY] PACK.zip...

Needs nothing but Python 3.9 or later, and no server. A pack holds one drill's report; give all packs
of a group to learn whether a report is missing between them. Every pack names the public key it is
signed with: compare it with the one the site's operator gave you, or give that one with --key.
Ends with 0 when all is as it was signed, with 1 when something is not.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import zipfile
from typing import Any

MANIFEST, SIGNATURE, LEDGER, REPORT = "manifest.json", "manifest.sig", "ledger.json", "report.json"
FIRST = "0" * 64
_PRIME = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_CURVE = -121665 * pow(121666, _PRIME - 2, _PRIME) % _PRIME
_ROOT = pow(2, (_PRIME - 1) // 4, _PRIME)


def main(arguments: list[str]) -> int:
    """Check the packs named and say what was found."""
    parser = argparse.ArgumentParser(description="Check packs of drill reports offline.")
    parser.add_argument("packs", nargs="+", metavar="PACK", help="a pack, a .zip file")
    parser.add_argument("--key", help="the public key all packs must be signed with, 64 hex digits")
    asked = parser.parse_args(arguments)
    contents = {}
    problems = []
    for path in asked.packs:
        try:
            with open(path, "rb") as file:
                contents[path] = file.read()
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
    found, keys = check(contents, key=asked.key)
    for problem in [*problems, *found]:
        sys.stdout.write(f"WRONG  {problem}\n")
    for key in sorted(keys):
        sys.stdout.write(f"Signed with the key {key}.\n")
    if not problems and not found:
        said = f"All is well: {len(contents)} report(s) are as they were signed, and none is missing between them."
        sys.stdout.write(f"{said}\n")
        return 0
    return 1


def check(packs: dict[str, bytes], *, key: str | None = None) -> tuple[list[str], set[str]]:
    """Return every problem of some packs, by name, and the keys they are signed with."""
    problems: list[str] = []
    keys: set[str] = set()
    chains: dict[str, dict[int, dict[str, Any]]] = {}
    reports: set[tuple[str, int]] = set()
    for name, content in packs.items():
        try:
            _check_pack(name, content, key, problems, keys, chains, reports)
        # Whoever changed it chose what fails here: whatever it is, this is no pack, and the next one is checked.
        except Exception as error:
            problems.append(f"{name}: is no whole pack ({type(error).__name__}: {error})")
    for group, chain in chains.items():
        problems += _check_chain(group, chain, reports)
    return problems, keys


def pack(files: dict[str, bytes]) -> bytes:
    """Return the one archive that these files make; another byte anywhere is another archive."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return found.getvalue()


def _check_pack(
    name: str,
    content: bytes,
    wanted_key: str | None,
    problems: list[str],
    keys: set[str],
    chains: dict[str, dict[int, dict[str, Any]]],
    reports: set[tuple[str, int]],
) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {each.filename: _read(archive, each, name, problems) for each in archive.infolist()}
    manifest = json.loads(files[MANIFEST])
    key = manifest["key"]
    keys.add(key)
    if wanted_key and key != wanted_key:
        problems.append(f"{name}: is signed with the key {key}, not with the one given")
    if not signed(key, files[MANIFEST], files[SIGNATURE].decode()):
        problems.append(f"{name}: {MANIFEST} or {SIGNATURE} was changed: the signature does not fit")
    for each, wanted in manifest["files"].items():
        if each not in files:
            problems.append(f"{name}: {each} is missing")
        elif hashlib.sha256(files[each]).hexdigest() != wanted:
            problems.append(f"{name}: {each} was changed")
    added = sorted(set(files) - set(manifest["files"]) - {MANIFEST, SIGNATURE})
    problems += [f"{name}: {each} was added" for each in added]
    if pack(files) != content:
        problems.append(f"{name}: the archive itself was changed")
    _check_ledger(name, files, key, problems, chains, reports)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, problems: list[str]) -> bytes:
    if entry.compress_type != zipfile.ZIP_STORED:
        # A few bytes could unpack to more than there is room for; a pack is never compressed.
        problems.append(f"{name}: {entry.filename} was changed: it is compressed, as nothing in a pack is")
        return b""
    try:
        return archive.read(entry)
    except zipfile.BadZipFile:
        problems.append(f"{name}: {entry.filename} was changed: its checksum does not fit")
        return b""


def _check_ledger(
    name: str,
    files: dict[str, bytes],
    key: str,
    problems: list[str],
    chains: dict[str, dict[int, dict[str, Any]]],
    reports: set[tuple[str, int]],
) -> None:
    ledger = json.loads(files[LEDGER])
    group = ledger["group"]
    chain = chains.setdefault(group, {})
    for header in ledger["chain"]:
        known = chain.setdefault(header["number"], header)
        if known["digest"] != header["digest"]:
            problems.append(f"{name}: names another entry {header['number']} of group {group} than another pack does")
        if not signed(key, header["digest"].encode(), header["signature"]):
            problems.append(f"{name}: entry {header['number']} of group {group} bears no signature of the site's")
    for entry in ledger["entries"]:
        text = f"{entry['number']}\n{entry['kind']}\n{entry['previous']}\n{entry['body']}"
        if hashlib.sha256(text.encode()).hexdigest() != entry["digest"]:
            problems.append(f"{name}: the {entry['kind']}, entry {entry['number']} of group {group}, was changed")
        if entry["kind"] == "report":
            reports.add((group, entry["number"]))
            if files.get(REPORT, b"").decode() != entry["body"]:
                problems.append(f"{name}: {REPORT} is not the report that stands in {LEDGER}")


def _check_chain(group: str, chain: dict[int, dict[str, Any]], reports: set[tuple[str, int]]) -> list[str]:
    problems = []
    previous = FIRST
    for number in range(1, max(chain, default=0) + 1):
        header = chain.get(number)
        if header is None:
            problems.append(f"entry {number} of group {group} is missing")
            previous = ""
            continue
        if previous and header["previous"] != previous:
            problems.append(f"entry {number} of group {group} does not follow the one before it")
        if header["kind"] == "report" and (group, number) not in reports:
            problems.append(f"report {number} of group {group} (drill {header['run']}) is missing")
        previous = header["digest"]
    return problems


# Ed25519 as RFC 8032 has it, to check with; slow, and enough for that.


def signed(key: str, message: bytes, signature: str) -> bool:
    """Tell whether a signature is the key's, of this message."""
    try:
        public, raw = bytes.fromhex(key), bytes.fromhex(signature)
        # By their text too: blanks among hex digits mean nothing to Python.
        if len(public) != 32 or len(raw) != 64 or len(key) != 64 or len(signature) != 128:
            return False
        point, commitment = _decoded(public), _decoded(raw[:32])
    except ValueError:
        return False
    factor = int.from_bytes(raw[32:], "little")
    if point is None or commitment is None or factor >= _ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(raw[:32] + public + message).digest(), "little") % _ORDER
    return _same(_times(_BASE, factor), _sum(commitment, _times(point, challenge)))


def _decoded(data: bytes) -> tuple[int, int, int, int] | None:
    y = int.from_bytes(data, "little")
    odd, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _PRIME:
        return None
    square = (y * y - 1) * pow(_CURVE * y * y + 1, _PRIME - 2, _PRIME) % _PRIME
    x = pow(square, (_PRIME + 3) // 8, _PRIME)
    if (x * x - square) % _PRIME:
        x = x * _ROOT % _PRIME
    if (x * x - square) % _PRIME or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = _PRIME - x
    return x, y, 1, x * y % _PRIME


def _sum(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    a = (first[1] - first[0]) * (second[1] - second[0]) % _PRIME
    b = (first[1] + first[0]) * (second[1] + second[0]) % _PRIME
    c = 2 * first[3] * second[3] * _CURVE % _PRIME
    d = 2 * first[2] * second[2] % _PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _PRIME, g * h % _PRIME, f * g % _PRIME, e * h % _PRIME


def _times(point: tuple[int, int, int, int], factor: int) -> tuple[int, int, int, int]:
    found = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            found = _sum(found, point)
        point, factor = _sum(point, point), factor >> 1
    return found


def _same(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> bool:
    return not (
        (first[0] * second[2] - second[0] * first[2]) % _PRIME or (first[1] * second[2] - second[1] * first[2]) % _PRIME
    )


_BASE_Y = 4 * pow(5, _PRIME - 2, _PRIME) % _PRIME
_BASE = _decoded(_BASE_Y.to_bytes(32, "little")) or (0, 1, 1, 0)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
