"""Delivers notices by e-mail and webhook: tried again with growing pauses, given up after a day."""

from __future__ import annotations

import datetime
import email.message
import json
import smtplib
import ssl
import urllib.error
import urllib.parse
import urllib.request

import structlog
from django.conf import settings
from django.db import models as db
from django.db.models import F

from groups import clock, drills, models, sealing

_AT_ONCE = 20
_TIMEOUT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 10.0, 3600.0
_GIVE_UP = datetime.timedelta(days=1)
_CLAIMED = datetime.timedelta(seconds=60)

log = structlog.get_logger(__name__)


class CannotDeliver(Exception):
    """A notice did not arrive; the text holds no secret."""


class NobodyThere(CannotDeliver):
    """Whoever was to take it does not answer, and will not take the next one either."""


def send_due() -> int:
    """Try to deliver what is due; return how much arrived."""
    due = models.DrillNotice.objects.filter(due_at__lte=clock.now()).select_related("plan").order_by("due_at")
    # Who does not answer is waited for once, and not again for each notice: other ticks' work waits behind this.
    silent: dict[str, str] = {}
    return sum(_send(row, silent) for row in due[:_AT_ONCE])


def _send(row: models.DrillNotice, silent: dict[str, str]) -> bool:
    now = clock.now()
    # Claimed by moving its time: two ticks at once send it once.
    mine = models.DrillNotice.objects.filter(pk=row.pk, due_at=row.due_at)
    if mine.update(due_at=now + _CLAIMED, attempts=F("attempts") + 1) != 1:
        return False
    try:
        _deliver(row, silent)
    except CannotDeliver as error:
        _put_off(row, now, str(error))
        return False
    models.DrillNotice.objects.filter(pk=row.pk).update(due_at=None, sent_at=clock.now(), error="")
    return True


def _deliver(row: models.DrillNotice, silent: dict[str, str]) -> None:
    by_mail = row.channel == drills.Channel.EMAIL
    addresses = row.plan.emails if by_mail else row.plan.webhooks
    if row.place >= len(addresses):
        raise CannotDeliver("The plan has no such address any more.")
    address = addresses[row.place] if by_mail else str(sealing.unseal(addresses[row.place])["url"])
    taker = "" if by_mail else urllib.parse.urlsplit(address).netloc
    if taker in silent:
        raise CannotDeliver(silent[taker])
    try:
        (_mail if by_mail else _post)(row, address)
    except NobodyThere as error:
        silent[taker] = str(error)
        raise


def _put_off(row: models.DrillNotice, now: datetime.datetime, why: str) -> None:
    pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(row.attempts, 10))
    again = None if now - row.created_at > _GIVE_UP else now + datetime.timedelta(seconds=pause)
    models.DrillNotice.objects.filter(pk=row.pk).update(due_at=again, error=why[:255])
    log.warning("notice_not_delivered", notice_id=str(row.pk), channel=row.channel, why=why, given_up=again is None)


def _mail(row: models.DrillNotice, address: str) -> None:
    server = urllib.parse.urlsplit(settings.REPLSITE.smtp_url.get_secret_value())
    if not server.hostname:
        raise CannotDeliver("No mail server is set: REPLSITE_SMTP_URL.")
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.REPLSITE.mail_from, address, row.subject
    message["Message-ID"] = f"<{row.pk}@replsite>"
    message.set_content(f"{row.text}\n\n{link(row)}".strip() + "\n")
    try:
        with smtplib.SMTP(server.hostname, server.port or 25, timeout=_TIMEOUT_SECONDS) as connection:
            if "tls=yes" in server.query:
                connection.starttls(context=ssl.create_default_context())
            if server.username:
                connection.login(urllib.parse.unquote(server.username), urllib.parse.unquote(server.password or ""))
            connection.send_message(message)
    except smtplib.SMTPResponseException as error:
        raise CannotDeliver(f"The mail server answered {error.smtp_code}.") from error
    except smtplib.SMTPRecipientsRefused as error:
        raise CannotDeliver("The mail server takes no mail for that address.") from error
    except (OSError, smtplib.SMTPException) as error:
        raise NobodyThere(f"The mail server could not be reached ({type(error).__name__}).") from error


def _post(row: models.DrillNotice, url: str) -> None:
    said = "\n".join(part for part in (f"*{row.subject}*", row.text, link(row)) if part)
    body = {"text": said, "kind": row.kind, "drill": str(row.run_id) if row.run_id else None, "plan": row.plan.name}
    request = urllib.request.Request(  # noqa: S310 - checked when the plan was written
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise CannotDeliver(f"The webhook answered {error.code}.") from error
    except (OSError, ValueError) as error:
        raise NobodyThere(f"The webhook could not be reached ({type(error).__name__}).") from error


def link(row: models.DrillNotice) -> str:
    """Return the address of what a notice is about in the console; empty where the site's own is not known."""
    base = settings.REPLSITE.public_url
    return f"{base}/admin/groups/drillrun/{row.run_id}/change/" if base and row.run_id else ""


def undelivered() -> db.QuerySet[models.DrillNotice]:
    """Return the notices that were given up."""
    return models.DrillNotice.objects.filter(due_at__isnull=True, sent_at__isnull=True)
