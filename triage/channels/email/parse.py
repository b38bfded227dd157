"""A raw mail (RFC 5322) to an arrival. Bounded in size, depth and time, whatever the bytes are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from triage.channels.email.automatic import kind_of, returned_ids
from triage.channels.email.content import content_of
from triage.channels.email.headers import Headers, mailboxes, message_ids
from triage.channels.email.mime import Part, read_parts
from triage.channels.email.senders import customer_of, through_form
from triage.channels.email.settings import EmailSettings
from triage.errors import UnreadableDelivery
from triage.types import Arrival, ArrivalKind, Customer, InboundMessage

MOST_REFERENCES = 50
_LONGEST_SUBJECT = 1_000
_EXPECTED = ("from", "sender", "to", "subject", "date", "message-id", "received", "return-path", "delivered-to")
_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")


def parse_mail(raw: bytes, *, settings: EmailSettings, now: datetime) -> Arrival:
    """Reads one mail.

    Args:
        now: aware; a Date in the future counts as now.

    Raises:
        UnreadableDelivery: no mail, or beyond the limits of ``mime``; nothing else, for any bytes.
    """
    root = read_parts(raw)
    headers = root.headers
    if not any(name in headers for name in _EXPECTED):
        raise UnreadableDelivery("no field of a mail's header")
    written_by, sender = customer_of(headers, settings)
    own_id = next(iter(message_ids(headers.get("message-id"))), None)
    answered = _answered(headers)
    kind = kind_of(root, written_by, through_form=through_form(written_by, headers, settings))
    tokens = settings.tokens
    if own_id is not None and tokens.made(own_id):
        kind = ArrivalKind.AUTO_REPLY  # an answer of ours, come back
    if kind is not ArrivalKind.MESSAGE:
        answered += returned_ids(root)
    content = content_of(root)
    return Arrival(
        external_id=_external_id(settings.address, own_id, root),
        message=InboundMessage(
            text=content.text, subject=headers.text("subject")[:_LONGEST_SUBJECT] or None, channel="email",
            received_at=_date(headers.get("date"), now), customer=Customer(name=sender.name),
        ),
        sender=sender, kind=kind, conversation_id=tokens.conversation(answered, _delivered_to(headers)),
        replies_to=tuple(answered[:MOST_REFERENCES]), message_ref=own_id, html=content.html, attachments=content.attachments,
    )  # fmt: skip


def _answered(headers: Headers) -> list[str]:
    """What the mail answers, newest first."""
    direct = message_ids(headers.get("in-reply-to"))
    thread = [found for value in headers.all("references") for found in message_ids(value)]
    return list(dict.fromkeys([*direct, *reversed(thread)]))[:MOST_REFERENCES]


def _delivered_to(headers: Headers) -> Iterator[str]:
    for name in _DELIVERED_TO:
        for value in headers.all(name):
            yield from mailboxes(value)


def _date(value: str, now: datetime) -> datetime:
    try:
        moment = parsedate_to_datetime(value[:200])
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return now
    return moment if datetime(1990, 1, 1, tzinfo=UTC) <= moment < now else now


def _external_id(address: str, message_id: str | None, root: Part) -> str:
    """Mailbox, Message-ID and a digest of what the writer made: the way that a mail took, and how servers re-encoded it, make
    no other mail of it, but another mail under a used Message-ID is one of its own."""
    digest = hashlib.sha256()
    for name in ("from", "date", "subject", "message-id"):
        digest.update(f"{name}:{root.headers.text(name)}\n".encode("utf-8", "surrogatepass"))
    for part in _leaves(root):
        content = part.content
        if part.media_type.startswith("text/"):
            content = content.replace(b"\r\n", b"\n").rstrip()
        digest.update(f"{part.media_type}\0{part.name}\0{len(content)}\n".encode("utf-8", "surrogatepass"))
        digest.update(content)
    return f"{address.lower()} {(message_id or '<>')[:250]} {digest.hexdigest()}"


def _leaves(part: Part) -> Iterator[Part]:
    if not part.children:
        yield part
    for child in part.children:
        yield from _leaves(child)
