"""People are told of drills, over real sockets: once each, again when nobody took it, and nothing waits for it."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone
from pydantic import SecretStr

from groups import models
from groups.engine.drills import delivering, following
from groups.services import drills
from tests.support import domain
from tests.support.receivers import MailServer, Webhook

pytestmark = pytest.mark.django_db

ADA, BOB = "ada@example.org", "bob@example.org"


@pytest.fixture
def mail(settings) -> Iterator[MailServer]:
    with MailServer() as server:
        configure(settings, smtp_url=f"smtp://127.0.0.1:{server.port}", public_url="https://replsite.example")
        yield server


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server


@pytest.fixture
def group(site: domain.Site) -> models.Group:
    return site.enabled_group(1)


def configure(settings, *, smtp_url: str, **values: object) -> None:
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"smtp_url": SecretStr(smtp_url), **values})


def plan_of(site: domain.Site, group: models.Group, webhook: Webhook | None = None, **wanted: object):
    told = {"emails": [ADA, BOB], "webhooks": [webhook.address()] if webhook else []}
    return drills.create_plan(site.owner, name="nightly", groups=[group.pk], **told, **wanted)


def drilled(site: domain.Site, plan: models.DrillPlan) -> models.DrillRun:
    [run] = drills.run_now(site.owner, plan_id=plan.pk)
    domain.drain()
    following.follow_up()
    run.refresh_from_db()
    return run


def due_now() -> None:
    """Let the pauses be over."""
    models.DrillNotice.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def subjects(mail: MailServer) -> list[str]:
    return sorted({each.message["Subject"] for each in mail.mails})


def test_start_and_end_reach_every_address_once(site, group, mail, webhook):
    run = drilled(site, plan_of(site, group, webhook))
    following.follow_up()

    assert sorted(each.to[0] for each in mail.mails) == [ADA, ADA, BOB, BOB]
    assert subjects(mail) == [f"Drill passed: {group.name}", f"Drill started: {group.name}"]
    [passed] = {each.text for each in mail.mails if "passed" in each.message["Subject"]}
    assert "Recovered in" in passed
    assert f"https://replsite.example/admin/groups/drillrun/{run.pk}/change/" in passed
    assert [post["kind"] for post in webhook.posts] == ["started", "ended"]
    assert set(webhook.posts[1]) == {"text", "kind", "drill", "plan"}
    assert webhook.posts[1]["drill"] == str(run.pk)
    assert f"*Drill passed: {group.name}*" in webhook.posts[1]["text"]
    assert not models.DrillNotice.objects.filter(sent_at__isnull=True).exists()


def test_a_failure_and_a_missed_objective_are_told(site, group, mail, webhook):
    run = drilled(site, plan_of(site, group, webhook, rto_seconds=0.000001))

    assert run.verdict == "failed"
    assert [post["kind"] for post in webhook.posts] == ["started", "failed", "breached"]
    assert "recovery time achieved" in webhook.posts[2]["text"]
    assert f"Objective not met: {group.name}" in subjects(mail)


def test_a_late_proof_is_told_once_however_often_it_is_seen(site, group, mail, webhook):
    plan_of(site, group, webhook, proof_days=7)

    for _ in range(3):
        following.follow_up()

    assert [post["kind"] for post in webhook.posts] == ["overdue"]
    assert "never proven" in webhook.posts[0]["text"]
    assert subjects(mail) == ["Proof of recoverability is overdue: nightly"]


def test_a_test_message_reaches_every_address_as_often_as_it_is_asked_for(site, group, mail, webhook):
    plan = plan_of(site, group, webhook)

    for _ in range(2):
        assert drills.send_test(site.owner, plan_id=plan.pk) == 3
        delivering.send_due()

    assert [post["kind"] for post in webhook.posts] == ["test", "test"]
    assert len(mail.mails) == 4


def test_what_is_refused_is_tried_again_with_growing_pauses_until_it_arrives(site, group, mail, webhook):
    webhook.failures, mail.failures = [503, 500], [451, 421]
    plan = plan_of(site, group, webhook)
    drills.send_test(site.owner, plan_id=plan.pk)

    pauses = []
    for _ in range(2):
        began = timezone.now()
        delivering.send_due()
        row = models.DrillNotice.objects.get(channel="webhook")
        pauses.append((row.due_at - began).total_seconds())
        due_now()
    assert row.error == "The webhook answered 500."
    delivering.send_due()

    assert pauses[1] > pauses[0] >= 10
    assert len(webhook.posts) == 1
    assert sorted(each.to[0] for each in mail.mails) == [ADA, BOB]
    assert not models.DrillNotice.objects.filter(sent_at__isnull=True).exists()


def test_a_drill_ends_as_it_would_where_nobody_takes_its_notices(site, group, settings):
    configure(settings, smtp_url="smtp://127.0.0.1:9")

    run = drilled(site, plan_of(site, group))

    assert run.verdict == "passed"
    assert run.entries.count() == 1
    assert {row.error for row in run.notices.all()} == {
        "The mail server could not be reached (ConnectionRefusedError)."
    }


def test_who_does_not_answer_is_waited_for_once_and_holds_up_nobody_else(site, group, mail, webhook, monkeypatch):
    monkeypatch.setattr(delivering, "_TIMEOUT_SECONDS", 0.2)
    mail.hangs.set()

    drilled(site, plan_of(site, group, webhook))

    assert mail.asked == 1
    assert [post["kind"] for post in webhook.posts] == ["started", "ended"]
    assert set(models.DrillNotice.objects.filter(channel="email").values_list("attempts", flat=True)) == {1}


def test_after_a_day_it_is_given_up(site, group, settings):
    configure(settings, smtp_url="smtp://127.0.0.1:9")
    drills.send_test(site.owner, plan_id=plan_of(site, group).pk)
    models.DrillNotice.objects.update(created_at=timezone.now() - datetime.timedelta(hours=25))

    delivering.send_due()

    assert delivering.undelivered().count() == 2
    assert not models.DrillNotice.objects.filter(due_at__isnull=False).exists()


def test_a_webhook_s_address_is_in_no_error_and_no_row(site, group, settings):
    plan = drills.create_plan(
        site.owner, name="nightly", groups=[group.pk], webhooks=["http://127.0.0.1:9/services/secret-path"]
    )
    drills.send_test(site.owner, plan_id=plan.pk)

    delivering.send_due()

    row = models.DrillNotice.objects.get()
    assert row.error == "The webhook could not be reached (URLError)."
    assert "secret-path" not in str([*models.DrillNotice.objects.values(), *models.DrillPlan.objects.values()])


def test_mail_goes_encrypted_and_logged_in_where_the_address_says_so(site, group, settings, tmp_path, monkeypatch):
    certificate = certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plan = plan_of(site, group)
    with MailServer(tls=context) as server:
        configure(settings, smtp_url=f"smtp://replsite:pass%2Fword@127.0.0.1:{server.port}/?tls=yes")
        drills.send_test(site.owner, plan_id=plan.pk)
        delivering.send_due()
        # Nobody vouches for the server: it gets neither the password nor the mail.
        assert server.mails == []

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        due_now()
        delivering.send_due()

    assert [(each.encrypted, each.user) for each in server.mails] == [(True, "replsite")] * 2


def certified(folder: Path) -> Path:
    """Write a key and a certificate for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(encoding)
    )
    return path
