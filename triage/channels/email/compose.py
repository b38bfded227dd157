"""An approved reply as the bytes of a mail. Every header is put together here, and no line break gets into one."""

from __future__ import annotations

import quopri
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from triage.channels.email.headers import message_ids, one_line
from triage.channels.email.settings import ADDRESS, EmailSettings
from triage.errors import SendFailed
from triage.types import Reply

MOST_REFERENCES = 20
_LONGEST_SUBJECT = 300

_ANSWER_MARK = re.compile(
    r"(?:(?:re|aw|sv|vs|odp|antw|antwort|ynt|rif|res|ref|r|tr|bls|balas|hl|vá|απ|отв|ha|回复|答复|回覆|返信|رد)"
    r"\s{0,3}(?:\[\d{1,3}\]|\(\d{1,3}\))?\s{0,3}[:：]\s{0,9})+",
    re.IGNORECASE,
)
"""What mail programs put before the subject of an answer, in their languages."""


def compose(reply: Reply, *, settings: EmailSettings, now: datetime) -> tuple[bytes, str]:
    """The mail, lines ending in CRLF, and its Message-ID, which is the same for the same reply.

    Auto-Submitted is left out: a person approved it (RFC 3834, 5).

    Raises:
        SendFailed: no address to send to, or no secret for the Message-ID; trying again would not help.
    """
    try:
        message_id = settings.tokens.message_id(reply.id, reply.conversation_id)
    except ValueError as error:
        raise SendFailed(f"mailbox setting token_secret: {error}") from None
    thread = [found for value in reply.replies_to for found in message_ids(value)]
    fields = [
        ("From", _mailbox(settings.name, settings.address)),
        ("To", recipient_of(reply)),
        ("Subject", _encoded(answer_subject(reply.subject), "Subject: ")),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
    ]
    if thread:
        fields += [("In-Reply-To", thread[-1]), ("References", "\r\n ".join(_bounded(thread)))]
    if settings.plus_addresses and (tagged := settings.tokens.plus_address(settings.address, reply.conversation_id)):
        fields.append(("Reply-To", _mailbox(settings.name, tagged)))
    fields += [
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "quoted-printable"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    # Quoted-printable keeps the approved text as it is, however long its lines and whatever it ends with.
    text = reply.text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    body = quopri.encodestring(text).replace(b"\n", b"\r\n")
    return head.encode("utf-8") + b"\r\n" + body + (b"" if body.endswith(b"\r\n") else b"\r\n"), message_id


def recipient_of(reply: Reply) -> str:
    """The approved address.

    Raises:
        SendFailed: none, or not exactly one mailbox.
    """
    address = reply.recipients.get("email", "")
    if not ADDRESS.fullmatch(address) or not address.isprintable():
        raise SendFailed("the approved recipient is no e-mail address")
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}" if not domain.isascii() else address
    except UnicodeError:
        raise SendFailed("the approved recipient is no e-mail address") from None


def answer_subject(subject: str | None) -> str:
    """``Re: `` and the subject, once, whatever marks it bears already."""
    bare = one_line(subject or "")
    if marks := _ANSWER_MARK.match(bare):
        bare = bare[marks.end() :]
    return f"Re: {bare[:_LONGEST_SUBJECT]}".strip()


def _bounded(thread: list[str]) -> list[str]:
    """The first mail and the newest ones (as RFC 5537, 3.4.4, for long threads)."""
    unique = list(dict.fromkeys(thread))
    return unique if len(unique) <= MOST_REFERENCES else [unique[0], *unique[-(MOST_REFERENCES - 1) :]]


def _mailbox(name: str, address: str) -> str:
    name = one_line(name)
    if not name:
        return address
    if name.isascii():
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{name} <{address}>"
    return f"{_encoded(name, 'From: ')}\r\n <{address}>"


def _encoded(text: str, before: str) -> str:
    if text.isascii() and len(before) + len(text) <= 900:
        return text
    value = Header(text.encode("utf-8", "replace").decode("utf-8"), "utf-8", header_name=before.rstrip(": "))
    return value.encode(linesep="\r\n")
