"""Mail both ways through Postfix and Dovecot."""

from __future__ import annotations

import email
import imaplib
import smtplib
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import pytest

from tests.integration.conftest import Figure
from tests.integration.mail.servers import PASSWORD, MailServer
from triage.channels.email.channel import EmailChannel
from triage.channels.email.imap import Cursor, MailboxUnavailable, Polled, poll
from triage.channels.email.parse import parse_mail
from triage.channels.email.receive import MailReceiver
from triage.channels.email.settings import EmailSettings
from triage.errors import ConfigurationError, StorageUnavailable
from triage.types import Arrival, ArrivalKind, Reply

CHANNEL = EmailChannel()
CONVERSATION = "cnv_01kbnq0000000000000000000b"
_SECONDS = 60


@pytest.fixture
def settings(server: MailServer) -> dict[str, Any]:
    return {
        "address": "support@shop.example", "name": "Zoë's Shop", "token_secret": "a secret of the tests",
        "smtp": {"host": "127.0.0.1", "port": server.smtp, "security": "starttls", "ca_file": str(server.certificate)},
        "imap": {
            "host": "127.0.0.1", "port": server.imaps, "user": "support@shop.example", "password": PASSWORD,
            "ca_file": str(server.certificate),
        },
    }  # fmt: skip


class Desk:
    """Store and cursors of one mailbox: messages by external id, as the database has them."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = EmailSettings.of(settings)
        self.messages: dict[str, Arrival] = {}
        self.aside: list[str] = []
        self.cursor: Cursor | None = None
        self.read = 0
        self.fails_after: int | None = None

    def keep(self, inbound_id: str, raw: bytes) -> None:
        if self.fails_after is not None and len(self.messages) >= self.fails_after:
            raise StorageUnavailable("down")
        arrival = parse_mail(raw, settings=self.settings, now=datetime.now(UTC))
        self.read += 1
        self.messages.setdefault(arrival.external_id, arrival)

    def quarantine(self, inbound_id: str, raw: bytes, reason: str) -> None:
        self.aside.append(reason)

    def load(self, inbound_id: str, folder: str) -> Cursor | None:
        return self.cursor

    def save(self, inbound_id: str, folder: str, cursor: Cursor) -> None:
        self.cursor = cursor

    def poll(self) -> Polled:
        assert self.settings.imap is not None
        return poll("inb_1", self.settings.imap, store=self, cursors=self)

    def until(self, done: Callable[[Arrival], bool]) -> Arrival:
        """Polls until a message is there for which ``done`` holds."""
        found: Arrival = _eventually(
            lambda: self.poll() and next((one for one in self.messages.values() if done(one)), None)
        )
        return found


def _eventually(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not arrive")


@pytest.fixture
def desk(settings: dict[str, Any]) -> Desk:
    return Desk(settings)


def write(
    server: MailServer, raw: bytes, *, to: str = "support@shop.example", sender: str = "ana@home.example"
) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp, timeout=30) as client:
        client.sendmail(sender, [to], raw)


def mail(subject: str, body: str = "Where is my parcel?", *fields: str) -> bytes:
    head = [f"From: Ana <ana@home.example>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@home.example>", *fields]
    return ("\r\n".join(head) + f"\r\n\r\n{body}\r\n").encode()


def mailbox_of_ana(server: MailServer) -> list[Message]:
    context = ssl.create_default_context(cafile=server.certificate)
    with imaplib.IMAP4_SSL("127.0.0.1", server.imaps, ssl_context=context, timeout=30) as session:
        session.authenticate("PLAIN", lambda _: f"\0ana@home.example\0{PASSWORD}".encode())
        session.select(readonly=True)
        _, (found,) = session.search(None, "ALL")
        fetched = [session.fetch(number.decode(), "(BODY.PEEK[])")[1] for number in found.split()]
    return [email.message_from_bytes(parts[0][1]) for parts in fetched if isinstance(parts[0], tuple)]


def answer_of(arrival: Arrival, reply_id: str, **changes: Any) -> Reply:
    values = {
        "id": reply_id, "conversation_id": CONVERSATION, "channel": "email", "text": "Liebe Ana,\n.\nes kommt morgen. Größe: ☂",
        "recipients": {"email": arrival.sender.email}, "subject": arrival.message.subject,
        "replies_to": (arrival.message_ref,),
    }  # fmt: skip
    return Reply(**(values | changes))


def test_question_answer_and_answer_to_the_answer(server: MailServer, settings: dict[str, Any], desk: Desk) -> None:
    write(server, mail("first", "Wo bleibt mein Paket? Größe: ☂", "Content-Type: text/plain; charset=utf-8"))
    question = desk.until(lambda one: one.message.subject == "first")
    assert question.message.text == "Wo bleibt mein Paket? Größe: ☂"
    assert (question.kind, question.conversation_id) == (ArrivalKind.MESSAGE, None)

    sent = CHANNEL.send(answer_of(question, "out_01kbnq0000000000000000000a"), settings=settings)
    received = _eventually(lambda: next((one for one in mailbox_of_ana(server) if one["Subject"] == "Re: first"), None))
    assert received["Message-ID"] == sent.message_ref
    assert received["In-Reply-To"] == "<first@home.example>"
    text = received.get_payload(decode=True)
    assert text.decode().replace("\r\n", "\n").rstrip("\n") == "Liebe Ana,\n.\nes kommt morgen. Größe: ☂"

    write(server, mail("second", "Danke!", f"In-Reply-To: {received['Message-ID']}"))
    thanks = desk.until(lambda one: one.message.subject == "second")
    assert thanks.conversation_id == CONVERSATION


def test_a_reply_that_cannot_be_delivered_comes_back_as_a_bounce(
    server: MailServer, settings: dict[str, Any], desk: Desk
) -> None:
    write(server, mail("moved"))
    question = desk.until(lambda one: one.message.subject == "moved")
    reply = answer_of(question, "out_01kbnq0000000000000000000b", recipients={"email": "moved@home.example"})
    sent = CHANNEL.send(reply, settings=settings)
    bounce = desk.until(lambda one: one.kind is ArrivalKind.BOUNCE)
    assert bounce.conversation_id == CONVERSATION
    assert sent.message_ref in bounce.replies_to
    assert bounce.attachments[0].media_type == "message/delivery-status"


def test_an_outage_is_caught_up_and_a_failing_database_loses_nothing(
    server: MailServer, desk: Desk, figure: Figure
) -> None:
    desk.poll()
    number = 40
    for one in range(number):
        write(server, mail(f"outage-{one}"))
    desk.fails_after = len(desk.messages) + 15

    def down() -> bool:
        try:
            desk.poll()
        except StorageUnavailable:
            return True
        return False

    _eventually(down)
    desk.fails_after = None

    def missed() -> int:
        desk.poll()
        subjects = {one.message.subject for one in desk.messages.values()}
        return number - sum(f"outage-{one}" in subjects for one in range(number))

    _eventually(lambda: missed() == 0)
    assert desk.read == len(desk.messages), "none was read twice"
    figure(f" 5  {number} mails while nobody polled and the database failed (Dovecot): 0 missed, 0 read twice")


def test_a_folder_read_again_makes_no_second_messages(server: MailServer, desk: Desk) -> None:
    write(server, mail("again"))
    desk.until(lambda one: one.message.subject == "again")
    before = set(desk.messages)
    assert desk.cursor is not None
    desk.cursor = Cursor(uid_validity=desk.cursor.uid_validity + 1, last_uid=desk.cursor.last_uid)
    assert desk.poll().kept >= len(before)
    assert set(desk.messages) == before


def test_a_mail_beyond_the_limits_is_put_aside_and_the_next_is_read(server: MailServer, desk: Desk) -> None:
    line = "a line of a very long mail, in which nothing of any importance stands\r\n"
    write(server, mail("huge", line * (41 * 1024 * 1024 // len(line))))
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(50))
    write(server, b"From: ana@home.example\r\nSubject: deep\r\nMIME-Version: 1.0\r\n" + deep.encode() + b"\r\nwords")
    write(server, mail("after"))
    desk.until(lambda one: one.message.subject == "after")
    _eventually(lambda: desk.poll() and len(desk.aside) >= 2)
    assert any("only its header was read" in reason for reason in desk.aside)
    assert any("levels" in reason for reason in desk.aside)


def test_postfix_delivers_to_our_lmtp_and_tries_again(server: MailServer, desk: Desk) -> None:
    desk.fails_after = 0
    known = {"support@lmtp.example": "inb_1"}
    with MailReceiver(desk, inbound_of=known.get, port=server.our_lmtp, lmtp=True):
        write(server, mail("over lmtp"), to="support@lmtp.example")
        _eventually(lambda: "status=deferred" in server.log.read_text(errors="replace"))
        desk.fails_after = None
        _eventually(lambda: desk.messages)
    (arrival,) = desk.messages.values()
    assert arrival.message.subject == "over lmtp"


def test_a_wrong_password_or_certificate_is_told(server: MailServer, settings: dict[str, Any]) -> None:
    imap = settings["imap"]
    with pytest.raises(ConfigurationError, match="log-in"):
        Desk(settings | {"imap": imap | {"password": "wrong"}}).poll()
    with pytest.raises(ConfigurationError, match="folder"):
        Desk(settings | {"imap": imap | {"folder": "Anfragen für uns"}}).poll()
    with pytest.raises(MailboxUnavailable):
        Desk(settings | {"imap": imap | {"ca_file": None}}).poll()
