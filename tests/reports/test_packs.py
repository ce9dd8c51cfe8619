"""A pack of a drill's report can be checked without the site, and whatever was changed in it is named."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import zipfile

import pytest

from groups import drills as words, errors, ledger, models
from groups.engine.drills import following
from groups.queries import drill_reports
from groups.reports import verify_report
from groups.services import drills
from tests.support import domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(site: domain.Site) -> list[models.DrillRun]:
    """Three drills of one group, the second attested and noted."""
    group = site.enabled_group(1)
    plan = drills.create_plan(site.owner, name="plan", groups=[group.pk])
    found = []
    for number in range(3):
        [run] = drills.run_now(site.owner, plan_id=plan.pk)
        domain.drain()
        following.follow_up()
        if number == 1:
            drills.attest(site.admin, run_id=run.pk, passed=True, text="I have looked at it.")
            drills.add_note(site.colleague, run_id=run.pk, text="The network was slow that day.")
        found.append(models.DrillRun.objects.get(pk=run.pk))
    return found


def check(packs: dict[str, bytes]) -> list[str]:
    return verify_report.check(packs)[0]


@pytest.mark.timeout(400)
def test_packs_as_they_were_signed_are_well_and_a_change_anywhere_is_named(runs):
    packs = {f"{number}.zip": drill_reports.pack(run) for number, run in enumerate(runs, 1)}

    assert check(packs) == []
    assert verify_report.check(packs)[1] == {ledger.public_key()}
    one = {"1.zip": packs["1.zip"]}
    assert check(one) == []

    chance = random.Random(7)
    for place in chance.sample(range(len(packs["1.zip"])), 8):
        changed = bytearray(packs["1.zip"])
        changed[place] ^= 1 << chance.randrange(8)
        assert check({"1.zip": bytes(changed)}), f"byte {place}"

    assert any("report 2" in problem or "entry 2" in problem for problem in check({**packs, "2.zip": packs["1.zip"]}))
    missing = check({"1.zip": packs["1.zip"], "3.zip": packs["3.zip"]})
    assert [problem for problem in missing if "is missing" in problem] == missing
    assert str(runs[1].pk) in missing[0]


def test_each_changed_file_is_named(runs):
    before, pack = ({name: drill_reports.pack(run)} for name, run in zip("bp", runs[:2], strict=True))
    assert check({**before, **pack}) == []
    with zipfile.ZipFile(io.BytesIO(pack["p"])) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) >= {"report.json", "report.html", "report.pdf", "steps.csv", "ledger.json", "verify_report.py"}

    for name in files:
        changed = {**files, name: files[name] + b" "}
        assert any(name in problem for problem in check({**before, "p": verify_report.pack(changed)})), name
        without = {each: content for each, content in files.items() if each != name}
        assert check({**before, "p": verify_report.pack(without)}), name
    assert check({**before, "p": verify_report.pack({**files, "more.txt": b"x"})}) == ["p: more.txt was added"]


def test_the_verifier_in_a_pack_works_alone(runs, tmp_path):
    pack = tmp_path / "drill.zip"
    pack.write_bytes(drill_reports.pack(runs[0]))
    with zipfile.ZipFile(pack) as archive:
        archive.extract("verify_report.py", tmp_path)
    command = [sys.executable, "-I", "-S", tmp_path / "verify_report.py"]

    good = subprocess.run([*command, pack], capture_output=True, text=True, check=False, timeout=60)
    foreign = subprocess.run(
        [*command, "--key", "00" * 32, pack], capture_output=True, text=True, check=False, timeout=60
    )

    assert (good.returncode, foreign.returncode) == (0, 1)
    assert "All is well" in good.stdout
    assert "not with the one given" in foreign.stdout


def test_a_report_is_attested_once_and_by_another_person(site, runs):
    with pytest.raises(errors.Forbidden):
        drills.attest(site.owner, run_id=runs[0].pk, passed=True, text="Mine is fine.")
    with pytest.raises(errors.WrongState, match="has been attested"):
        drills.attest(site.admin, run_id=runs[1].pk, passed=False, text="I changed my mind.")

    [entry] = runs[1].entries.filter(kind=words.EntryKind.ATTESTATION)
    assert "admin" in entry.body


def test_the_page_needs_nothing_else_and_the_pdf_is_one(runs):
    page = drill_reports.page(runs[2])

    assert "<svg" in page
    assert "http-equiv" not in page
    assert not any(each in page for each in ("<script", "<link", "src="))
    assert "I have looked at it." in drill_reports.page(runs[1])
    assert drill_reports.pdf(runs[2]).startswith(b"%PDF")
    assert drill_reports.steps(runs[2]).startswith("order,name,after,started_at")


def test_what_people_write_cannot_become_markup(site):
    group = site.enabled_group(1)
    plan = drills.create_plan(site.owner, name="<script>alert(1)</script>", groups=[group.pk], scenario="<img src=x>")
    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain()
    following.follow_up()

    page = drill_reports.page(models.DrillRun.objects.get(pk=run.pk))

    assert "<script>alert" not in page
    assert "<img" not in page
