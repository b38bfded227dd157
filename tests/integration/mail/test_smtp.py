"""Our sender against a server, a client against our receiver; both on this machine."""

from __future__ import annotations

import smtplib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from triage.channels.email.channel import EmailChannel
from triage.channels.email.mime import MOST_BYTES
from triage.channels.email.parse import parse_mail
from triage.channels.email.receive import MailReceiver
from triage.channels.email.settings import EmailSettings
from triage.errors import ConfigurationError, SendFailed, StorageUnavailable, UnreadableDelivery
from triage.types import ArrivalKind, Reply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNEL = EmailChannel(now=lambda: NOW)
REPLY = Reply(
    id="out_01kbnq0000000000000000000a", conversation_id="cnv_01kbnq0000000000000000000b", channel="email",
    text="Dear Ana,\n.\nit comes tomorrow.", recipients={"email": "ana@home.example"}, subject="Hello", replies_to=("<1@x>",),
)  # fmt: skip
MAIL = b"From: ana@home.example\r\nMessage-ID: <1@x>\r\nSubject: Hello\r\n\r\n.\r\nWhere is it?\r\n"


def settings(port: int, **smtp: Any) -> dict[str, Any]:
    server = {"host": "127.0.0.1", "port": port, "security": "none", "timeout": 5} | smtp
    return {"address": "support@shop.example", "token_secret": "a secret of the tests", "smtp": server}


class Store:
    """What a receiver hands over; ``failing`` is raised instead."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes]] = []
        self.aside: list[tuple[str, bytes, str]] = []
        self.failing: Exception | None = None

    def keep(self, inbound_id: str, raw: bytes) -> None:
        if self.failing is not None:
            raise self.failing
        self.kept.append((inbound_id, raw))

    def quarantine(self, inbound_id: str, raw: bytes, reason: str) -> None:
        self.aside.append((inbound_id, raw, reason))


def inbound_of(address: str) -> str | None:
    return {"support@shop.example": "inb_1", "help@shop.example": "inb_2"}.get(address.lower())


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def receiver(store: Store) -> Iterator[MailReceiver]:
    with MailReceiver(store, inbound_of=inbound_of) as running:
        yield running


@pytest.fixture
def client(receiver: MailReceiver) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", receiver.port, timeout=10) as connected:
        yield connected


# The receiver


def test_250_means_that_the_mail_is_kept(client: smtplib.SMTP, store: Store) -> None:
    client.sendmail("ana@home.example", ["support@shop.example"], MAIL)
    ((inbound, raw),) = store.kept
    assert inbound == "inb_1"
    assert raw.endswith(MAIL)
    assert raw.startswith(b"Return-Path: <ana@home.example>\r\nDelivered-To: support@shop.example\r\n")


def test_a_bounce_is_known_by_its_envelope(client: smtplib.SMTP, store: Store) -> None:
    client.sendmail("", ["support@shop.example"], MAIL)
    arrival = parse_mail(store.kept[0][1], settings=EmailSettings.of(settings(1)), now=NOW)
    assert arrival.kind is ArrivalKind.AUTO_REPLY


def test_mail_that_cannot_be_kept_now_has_to_be_brought_again(client: smtplib.SMTP, store: Store) -> None:
    store.failing = StorageUnavailable("down")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        client.sendmail("ana@home.example", ["support@shop.example"], MAIL)
    assert caught.value.smtp_code == 451
    store.failing = None
    client.sendmail("ana@home.example", ["support@shop.example"], MAIL)
    assert len(store.kept) == 1


def test_mail_that_cannot_be_read_is_kept_in_quarantine(client: smtplib.SMTP, store: Store) -> None:
    store.failing = UnreadableDelivery("no mail")
    client.sendmail("ana@home.example", ["support@shop.example"], MAIL)
    assert [(inbound, reason) for inbound, _, reason in store.aside] == [("inb_1", "no mail")]


def test_an_unknown_recipient_is_refused(client: smtplib.SMTP, store: Store) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        client.sendmail("ana@home.example", ["else@shop.example"], MAIL)
    assert caught.value.recipients["else@shop.example"][0] == 550
    assert store.kept == []


def test_mail_beyond_40_mib_is_refused(client: smtplib.SMTP, store: Store) -> None:
    assert client.ehlo()[0] == 250
    assert int(client.esmtp_features["size"]) == MOST_BYTES
    code, _ = client.docmd("MAIL", f"FROM:<ana@home.example> SIZE={MOST_BYTES + 1}")
    assert code == 552


def test_more_than_40_mib_without_a_word_of_it_are_refused(client: smtplib.SMTP, store: Store) -> None:
    client.helo()
    client.mail("ana@home.example")
    client.rcpt("support@shop.example")
    code, _ = client.data(MAIL + b"a line of a very long mail, in which nothing stands.....\r\n" * (MOST_BYTES // 57))
    assert code == 552
    assert store.kept == []


def test_a_long_line_is_kept(client: smtplib.SMTP, store: Store) -> None:
    client.sendmail("ana@home.example", ["support@shop.example"], MAIL + b"<p>" + b"x" * 20_000 + b"\r\n")
    assert b"x" * 20_000 in store.kept[0][1]


def test_lmtp_answers_for_each_recipient(store: Store) -> None:
    with (
        MailReceiver(store, inbound_of=inbound_of, lmtp=True) as running,
        smtplib.LMTP("127.0.0.1", running.port, timeout=10) as client,
    ):
        assert client.ehlo()[0] == 250
        client.mail("ana@home.example")
        assert client.rcpt("support@shop.example")[0] == 250
        assert client.rcpt("help@shop.example")[0] == 250
        assert client.rcpt("else@shop.example")[0] == 550
        assert client.data(MAIL)[0] == 250
        assert client.getreply()[0] == 250
    assert [inbound for inbound, _ in store.kept] == ["inb_1", "inb_2"]


def test_a_port_that_is_taken_is_a_wrong_setting(receiver: MailReceiver, store: Store) -> None:
    with pytest.raises(ConfigurationError, match=str(receiver.port)):
        MailReceiver(store, inbound_of=inbound_of, port=receiver.port).start()


def test_a_missing_library_names_the_command(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setitem(sys.modules, "aiosmtpd.lmtp", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'triage-assistant\[mail\]'"):
        MailReceiver(store, inbound_of=inbound_of)


def test_no_word_of_a_mail_gets_into_the_logs(
    client: smtplib.SMTP, store: Store, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    with caplog.at_level("DEBUG"):
        client.sendmail("ana@home.example", ["support@shop.example"], MAIL + b"canary")
        store.failing = KeyError("canary")
        client.sendmail("ana@home.example", ["support@shop.example"], MAIL + b"canary")
    assert "canary" not in caplog.text
    assert "Where is it" not in caplog.text
    assert "ana@home" not in caplog.text


# The sender


def test_a_reply_arrives_as_it_was_approved(receiver: MailReceiver, store: Store) -> None:
    own = settings(receiver.port)
    to_us = Reply(**{**REPLY.__dict__, "recipients": {"email": "support@shop.example"}})
    sent = CHANNEL.send(to_us, settings=own)
    again = CHANNEL.send(to_us, settings=own)
    assert sent.message_ref == again.message_ref
    first, second = (parse_mail(raw, settings=EmailSettings.of(own), now=NOW) for _, raw in store.kept)
    assert first.message.text == REPLY.text
    assert first.message_ref == sent.message_ref
    assert first.external_id == second.external_id, "a second attempt collapses into the first"
    assert first.kind is ArrivalKind.AUTO_REPLY, "our own answer is no question"


Answer = Callable[[socket.socket], None]


@pytest.fixture
def scripted() -> Iterator[Callable[[dict[str, str | None]], int]]:
    """Starts a server that answers each command as told: a line, or None to hang up. The port is given back."""
    listening: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(answers: dict[str, str | None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)
        thread = threading.Thread(target=_serve, args=(server, answers), daemon=True)
        threads.append(thread)
        thread.start()
        return int(server.getsockname()[1])

    yield start
    for server in listening:
        server.close()
    for thread in threads:
        thread.join(10)


def _serve(server: socket.socket, answers: dict[str, str | None]) -> None:
    try:
        connection, _ = server.accept()
    except OSError:
        return
    with connection, connection.makefile("rwb") as lines:
        in_data = False
        if not _answer(lines, answers.get("GREETING", "220 hello")):
            return
        while line := lines.readline():
            if in_data and line != b".\r\n":
                continue
            command = "DOT" if in_data else line[:4].decode("latin-1").upper()
            in_data = False
            usual = {"DATA": "354 go on", "QUIT": "221 bye"}.get(command, "250 fine")
            answer = answers.get(command, usual)
            in_data = command == "DATA" and answer is not None and answer.startswith("354")
            if not _answer(lines, answer) or command == "QUIT":
                return


def _answer(lines: Any, answer: str | None) -> bool:
    if answer is None:
        return False
    lines.write(answer.encode() + b"\r\n")
    lines.flush()
    return True


@pytest.mark.parametrize(
    ("answers", "may_retry", "uncertain"),
    [
        ({"GREETING": "421 busy"}, True, False),
        ({"GREETING": "554 no"}, False, False),
        ({"GREETING": None}, True, False),
        ({"MAIL": "451 later"}, True, False),
        ({"MAIL": "550 no"}, False, False),
        ({"RCPT": "450 grey"}, True, False),
        ({"RCPT": "550 unknown"}, False, False),
        ({"RCPT": None}, True, False),
        ({"DATA": "451 later"}, True, False),
        ({"DATA": "554 no"}, False, False),
        ({"DATA": None}, True, False),
        ({"DOT": "452 full"}, True, False),
        ({"DOT": "554 spam"}, False, False),
        ({"DOT": None}, False, True),
        ({"DOT": "nonsense"}, False, True),
        ({"DOT": "354 what"}, False, True),
    ],
)
def test_a_refusal_is_told_from_a_lost_line(
    scripted: Callable[[dict[str, str | None]], int], answers: dict[str, str | None], may_retry: bool, uncertain: bool
) -> None:
    with pytest.raises(SendFailed) as caught:
        CHANNEL.send(REPLY, settings=settings(scripted(answers)))
    assert (caught.value.may_retry, caught.value.uncertain) == (may_retry, uncertain)


def test_what_the_server_took_is_sent_even_if_it_hangs_up(scripted: Callable[[dict[str, str | None]], int]) -> None:
    sent = CHANNEL.send(REPLY, settings=settings(scripted({"DOT": "250 queued as 7", "QUIT": None})))
    assert sent.provider_id == "queued as 7"


def test_nothing_is_sent_in_clear_where_tls_is_asked_for(receiver: MailReceiver, store: Store) -> None:
    with pytest.raises(SendFailed) as caught:
        CHANNEL.send(REPLY, settings=settings(receiver.port, security="starttls"))
    assert not caught.value.may_retry
    with pytest.raises(SendFailed):
        CHANNEL.send(REPLY, settings=settings(receiver.port, security="tls", timeout=1))
    assert store.kept == []


def test_a_server_out_of_reach_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SendFailed) as caught:
        CHANNEL.send(REPLY, settings=settings(port))
    assert caught.value.may_retry
