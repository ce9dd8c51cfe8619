"""A pack of a drill's report can be checked without the site, and whatever was changed in it is named."""

from __future__ import annotations

import dataclasses
import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping

import pytest
from django.db import transaction

from groups import drills as words, errors, ledger, models
from groups.engine.drills import following
from groups.queries import drill_reports
from groups.reports import verify_report
from groups.services import drills
from tests.support import domain

# The packs are made once, and laying out a PDF takes a second: one process for all tests of this module.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("packs")]

_LOCAL, _CENTRAL, _END = 30, 46, 22
"""How long the fixed parts of an archive are: before each file, each file's line in the directory, the end."""
_LOCAL_FIELDS = (0, 4, 6, 8, 10, 12, 14, 18, 22, 26, 28)
_CENTRAL_FIELDS = (0, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 30, 32, 34, 36, 38, 42)


@dataclasses.dataclass(frozen=True)
class Told:
    """What three drills of one group left, the second one attested and noted."""

    ids: list[str]
    packs: dict[str, bytes]


def drill(site: domain.Site, plan: models.DrillPlan) -> models.DrillRun:
    """Run a plan's only group to its report."""
    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain()
    following.follow_up()
    return models.DrillRun.objects.get(pk=run.pk)


def new_plan(site: domain.Site, **wanted: object) -> models.DrillPlan:
    return drills.create_plan(site.owner, **{"name": "plan", "groups": [site.enabled_group(1).pk], **wanted})


@pytest.fixture(scope="module")
def told(django_db_setup, django_db_blocker, tmp_path_factory) -> Told:
    """The packs outlive the rows they were made from."""
    with django_db_blocker.unblock(), transaction.atomic():
        site = domain.build(tmp_path_factory.mktemp("packs") / "storage")
        plan = new_plan(site)
        runs = [drill(site, plan), drill(site, plan)]
        drills.attest(site.admin, run_id=runs[1].pk, passed=True, text="I have looked at it.")
        drills.add_note(site.colleague, run_id=runs[1].pk, text="The network was slow that day.")
        runs.append(drill(site, plan))
        packs = {f"{number}.zip": drill_reports.pack(run) for number, run in enumerate(runs, 1)}
        transaction.set_rollback(True)
    return Told(ids=[str(run.pk) for run in runs], packs=packs)


def check(packs: Mapping[str, bytes]) -> list[str]:
    return verify_report.check(dict(packs))[0]


def files_of(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def flipped(pack: bytes, place: int) -> bytes:
    """Return a pack with one bit of one byte turned over."""
    changed = bytearray(pack)
    changed[place] ^= 1 << place % 8
    return bytes(changed)


def contents(pack: bytes) -> Iterator[tuple[str, range]]:
    """Yield where the bytes of each file stand in a pack."""
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        for entry in archive.infolist():
            start = entry.header_offset + _LOCAL + len(entry.filename)
            yield entry.filename, range(start, start + entry.file_size)


def directory(pack: bytes) -> int:
    """Return where the archive's directory begins."""
    return int(struct.unpack("<I", pack[-6:-2])[0])


def structure(pack: bytes) -> list[int]:
    """Return the place of every byte of a pack that is in no file."""
    inside = {place for _, places in contents(pack) for place in places}
    return [place for place in range(len(pack)) if place not in inside]


def test_packs_as_they_were_signed_are_well(told):
    assert check(told.packs) == []
    assert verify_report.check(told.packs)[1] == {ledger.public_key()}
    assert check({"1.zip": told.packs["1.zip"]}) == []


def test_a_byte_changed_in_any_file_names_the_pack_and_the_file(told):
    for name, places in contents(told.packs["1.zip"]):
        for place in (places[0], places[len(places) // 2], places[-1]):
            found = check({"1.zip": flipped(told.packs["1.zip"], place)})

            assert any(problem.startswith("1.zip") and name in problem for problem in found), (name, place, found)


def test_a_byte_changed_in_each_field_of_the_archive_itself_is_found(told):
    pack = told.packs["1.zip"]
    begin = directory(pack)
    for place in [*_LOCAL_FIELDS, _LOCAL, *(begin + field for field in (*_CENTRAL_FIELDS, _CENTRAL))]:
        assert check({"1.zip": flipped(pack, place)}), place
    for place in range(len(pack) - _END, len(pack)):
        assert check({"1.zip": flipped(pack, place)}), place


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_a_byte_changed_anywhere_is_found(told):
    """Every byte of the archive's own and of the small files, and every 61st one of the large ones."""
    pack = told.packs["1.zip"]
    places = structure(pack)
    for _, within in contents(pack):
        places += within[:: 1 if len(within) < 3000 else 61]

    missed = [place for place in places if not check({"1.zip": flipped(pack, place)})]

    assert missed == []


def test_a_report_that_was_removed_or_put_in_the_place_of_another_is_named(told):
    assert any("report 2" in problem for problem in check({**told.packs, "2.zip": told.packs["1.zip"]}))

    missing = check({"1.zip": told.packs["1.zip"], "3.zip": told.packs["3.zip"]})

    assert [problem for problem in missing if "is missing" in problem] == missing
    assert told.ids[1] in missing[0]


def test_a_pack_that_was_cut_short_or_made_longer_is_named(told):
    pack = told.packs["1.zip"]
    for changed in (b"", pack[:100], pack[:-1], pack + b"\0", b"\0" + pack):
        assert all(problem.startswith("1.zip") for problem in check({"1.zip": changed}))
        assert check({"1.zip": changed}), len(changed)


def test_a_pack_that_was_compressed_is_named_and_not_unpacked(told):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files_of(told.packs["1.zip"]).items():
            archive.writestr(name, bytes(64 << 20) if name == "report.pdf" else content)

    found = check({"1.zip": made.getvalue()})

    assert "1.zip: report.pdf was changed: it is compressed, as nothing in a pack is" in found


def test_whatever_breaks_in_one_pack_the_others_are_checked(told):
    # A flag that says that a file is encrypted, which is no error of an archive's form.
    encrypted = bytearray(told.packs["1.zip"])
    encrypted[6] |= 1
    encrypted[directory(told.packs["1.zip"]) + 8] |= 1
    spoiled = flipped(told.packs["2.zip"], directory(told.packs["2.zip"]) - 1)

    found = check({"1.zip": bytes(encrypted), "2.zip": spoiled})

    assert {problem.partition(":")[0] for problem in found} >= {"1.zip", "2.zip"}


def test_each_changed_file_is_named(told):
    before, pack = {"b": told.packs["1.zip"]}, {"p": told.packs["2.zip"]}
    assert check({**before, **pack}) == []
    files = files_of(pack["p"])
    assert set(files) >= {"report.json", "report.html", "report.pdf", "steps.csv", "ledger.json", "verify_report.py"}

    for name in files:
        changed = {**files, name: files[name] + b" "}
        assert any(name in problem for problem in check({**before, "p": verify_report.pack(changed)})), name
        without = {each: content for each, content in files.items() if each != name}
        assert check({**before, "p": verify_report.pack(without)}), name
    assert check({**before, "p": verify_report.pack({**files, "more.txt": b"x"})}) == ["p: more.txt was added"]


def test_the_verifier_in_a_pack_works_alone(told, tmp_path):
    pack, spoiled = tmp_path / "drill.zip", tmp_path / "spoiled.zip"
    pack.write_bytes(told.packs["1.zip"])
    place = next(places[-1] for name, places in contents(told.packs["1.zip"]) if name == "report.pdf")
    spoiled.write_bytes(flipped(told.packs["1.zip"], place))
    with zipfile.ZipFile(pack) as archive:
        archive.extract("verify_report.py", tmp_path)

    def verify(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", tmp_path / "verify_report.py", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    good, bad, foreign = verify(pack), verify(spoiled), verify("--key", "00" * 32, pack)

    assert (good.returncode, bad.returncode, foreign.returncode) == (0, 1, 1)
    assert "All is well" in good.stdout
    assert "report.pdf was changed" in bad.stdout
    assert "not with the one given" in foreign.stdout


def test_the_page_needs_nothing_else_and_the_pdf_is_one(told):
    files = files_of(told.packs["3.zip"])
    page = files["report.html"].decode()

    assert "<svg" in page
    assert "http-equiv" not in page
    assert not any(each in page for each in ("<script", "<link", "src="))
    assert "I have looked at it." in files_of(told.packs["2.zip"])["report.html"].decode()
    assert files["report.pdf"].startswith(b"%PDF")
    assert files["steps.csv"].startswith(b"order,name,after,started_at")


def test_a_report_is_attested_once_and_by_another_person(site):
    run = drill(site, new_plan(site))
    with pytest.raises(errors.Forbidden):
        drills.attest(site.owner, run_id=run.pk, passed=True, text="Mine is fine.")
    drills.attest(site.admin, run_id=run.pk, passed=True, text="I have looked at it.")
    with pytest.raises(errors.WrongState, match="has been attested"):
        drills.attest(site.admin, run_id=run.pk, passed=False, text="I changed my mind.")

    [entry] = run.entries.filter(kind=words.EntryKind.ATTESTATION)
    assert "admin" in entry.body


def test_what_people_write_cannot_become_markup(site):
    run = drill(site, new_plan(site, name="<script>alert(1)</script>", scenario="<img src=x>"))

    page = drill_reports.page(run)

    assert "<script>alert" not in page
    assert "<img" not in page
