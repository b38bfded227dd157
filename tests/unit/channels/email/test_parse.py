from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.channels.email.conftest import NOW, Parse
from triage.channels.email.mime import MOST_BYTES
from triage.channels.email.parse import parse_mail
from triage.channels.email.settings import EmailSettings
from triage.errors import ConfigurationError, UnreadableDelivery
from triage.types import ArrivalKind

REPLY, CONVERSATION = "out_01kbnq0000000000000000000a", "cnv_01kbnq0000000000000000000b"
SETTINGS = EmailSettings.of({"address": "support@shop.example", "token_secret": "a secret of the tests"})


def test_a_plain_mail(parse: Parse) -> None:
    arrival = parse(
        "From: =?utf-8?Q?Ana_Mar=C3=ADa?= <ana@home.example>\r\nSubject: =?utf-8?Q?=C2=BFD=C3=B3nde?= esta\r\n"
        "Date: Fri, 20 Nov 2026 10:00:00 +0200\r\nMessage-ID: <1@home.example>"
    )
    assert arrival.message.text == "Where is my parcel?"
    assert arrival.message.subject == "¿Dónde esta"
    assert arrival.message.received_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert (arrival.sender.email, arrival.sender.name) == ("ana@home.example", "Ana María")
    assert arrival.kind is ArrivalKind.MESSAGE
    assert arrival.message_ref == "<1@home.example>"


@pytest.mark.parametrize(
    "date", ["Fri, 20 Nov 2099 10:00:00 +0000", "nonsense", "", "Fri, 99 Nov 2026 99:99:99", "x" * 5000]
)
def test_a_date_in_the_future_or_none_is_now(parse: Parse, date: str) -> None:
    assert parse(f"Date: {date}").message.received_at == NOW


def test_the_thread_newest_first_without_what_is_no_id(parse: Parse) -> None:
    arrival = parse("In-Reply-To: your mail <3@x>\r\nReferences: <1@x> junk <2@x> <3@x>")
    assert arrival.replies_to == ("<3@x>", "<2@x>", "<1@x>")


def test_a_thousand_references_are_cut(parse: Parse) -> None:
    references = " ".join(f"<{number}@x>" for number in range(1_000))
    assert parse(f"References: {references}").replies_to[:2] == ("<999@x>", "<998@x>")
    assert len(parse(f"References: {references}").replies_to) == 50


# Promise 3


def test_the_same_mail_over_another_way_is_the_same(parse: Parse) -> None:
    head = "Message-ID: <1@x>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\nSubject: a"
    one = parse(f"Received: from a by b\r\n{head}", "café\r\n".encode())
    two = parse(
        f"Return-Path: <ana@home.example>\r\nReceived: from c\r\n{head}\r\nX-Spam: no\r\n"
        "Content-Transfer-Encoding: quoted-printable",
        "caf=C3=A9\n",
    )
    assert one.external_id == two.external_id
    assert one.external_id.startswith("support@shop.example <1@x> ")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Message-ID: <1@x>\r\nSubject: a", "other words"), ("Message-ID: <1@x>\r\nSubject: b", "words"),
        ("Message-ID: <2@x>\r\nSubject: a", "words"), ("From: b@x.example\r\nMessage-ID: <1@x>\r\nSubject: a", "words"),
        ("Message-ID: <1@x>\r\nSubject: a\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000", "words"),
    ],
)  # fmt: skip
def test_two_different_mails_under_one_message_id_are_two(parse: Parse, head: str, body: str) -> None:
    assert parse("Message-ID: <1@x>\r\nSubject: a", "words").external_id != parse(head, body).external_id


# Promise 14


def test_a_token_of_ours_names_the_conversation(parse: Parse, settings: EmailSettings) -> None:
    ours = settings.tokens.message_id(REPLY, CONVERSATION)
    assert parse(f"In-Reply-To: {ours}").conversation_id == CONVERSATION
    assert parse(f"References: {ours} <later@x>").conversation_id == CONVERSATION
    tagged = settings.tokens.plus_address("support@shop.example", CONVERSATION)
    assert parse(f"To: Shop <{tagged}>").conversation_id == CONVERSATION
    assert parse(f"Delivered-To: {tagged}").conversation_id == CONVERSATION


def test_a_forged_token_names_none(parse: Parse) -> None:
    forged = f"<{REPLY}.{CONVERSATION}.{'a' * 26}@shop.example>"
    assert parse(f"In-Reply-To: {forged}\r\nReferences: {forged}").conversation_id is None
    assert parse(f"To: support+{CONVERSATION}.{'a' * 16}@shop.example").conversation_id is None


# Promise 12


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; owner-email=x", "Precedence: bulk",
        "Precedence: List", "X-Auto-Response-Suppress: DR, OOF", "X-Auto-Response-Suppress: All", "List-Id: <x.example>",
        "Return-Path: <>", "X-Autoreply: yes", "X-Autorespond: x", "From: mailer-daemon@x.example",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
    ],
)  # fmt: skip
def test_what_no_person_wrote_is_an_automatic_reply(parse: Parse, head: str) -> None:
    body = "--b\r\n\r\nread\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nx\r\n--b--\r\n"
    assert parse(head, body).kind is ArrivalKind.AUTO_REPLY


@pytest.mark.parametrize(
    "head", ["Auto-Submitted: no", "Precedence: normal", "X-Auto-Response-Suppress: DR", "Return-Path: <a@b>"]
)
def test_what_a_person_wrote_is_a_message(parse: Parse, head: str) -> None:
    assert parse(head).kind is ArrivalKind.MESSAGE


def report(action: str, original: str) -> str:
    return (
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail came back.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; x\r\n\r\nAction: {action}\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: {original}\r\nSubject: Re: x\r\n\r\nour words\r\n--b--\r\n"
    )


def test_a_bounce_names_the_reply_that_came_back(parse: Parse, settings: EmailSettings) -> None:
    ours = settings.tokens.message_id(REPLY, CONVERSATION)
    head = (
        "From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b"
    )
    bounce = parse(head, report("failed", ours))
    assert bounce.kind is ArrivalKind.BOUNCE
    assert (bounce.conversation_id, bounce.replies_to) == (CONVERSATION, (ours,))
    assert bounce.message.text == "Your mail came back."
    assert parse(head, report("delayed", ours)).kind is ArrivalKind.AUTO_REPLY
    assert parse("From: Mailer-Daemon@x.example\r\nReturn-Path: <>").kind is ArrivalKind.BOUNCE


def test_our_own_answer_that_comes_back_is_no_question(parse: Parse, settings: EmailSettings) -> None:
    ours = settings.tokens.message_id(REPLY, CONVERSATION)
    assert parse(f"From: support@shop.example\r\nMessage-ID: {ours}").kind is ArrivalKind.AUTO_REPLY
    assert parse(f"From: support@shop.example\r\nMessage-ID: {ours[:-30]}xyz@y>").kind is ArrivalKind.MESSAGE


# The customer is whoever the answer goes to


@pytest.mark.parametrize(
    ("head", "email"),
    [
        ("From: ana@home.example\r\nReply-To: team@home.example", "team@home.example"),
        ("From: ana@home.example\r\nReply-To: evil@else.example", "ana@home.example"),
        ("From: no-reply@forms.example\r\nReply-To: Ana <ana@home.example>", "ana@home.example"),
        ("From: noreply@host.example\r\nReply-To: ana@home.example", "ana@home.example"),
        ("From: shop-noreply@host.example\r\nReply-To: ana@home.example", "ana@home.example"),
        ("From: nicht-antworten@host.example\r\nReply-To: ana@home.example", "ana@home.example"),
        ("From: support@shop.example\r\nReply-To: ana@home.example", "ana@home.example"),
        ("From: ana@home.example\r\nReply-To: support@shop.example", "ana@home.example"),
        ("From: abc123@marketplace.amazon.co.uk", "abc123@marketplace.amazon.co.uk"),
        ("Sender: ana@home.example\r\nFrom: nobody at all", "ana@home.example"),
        ("From: nobody at all", None),
    ],
)
def test_who_the_customer_is(parse: Parse, head: str, email: str | None) -> None:
    assert parse(head).sender.email == email


def test_a_contact_form_that_calls_itself_automatic_passes_on_a_person(parse: Parse) -> None:
    form = "Reply-To: ana@home.example\r\nAuto-Submitted: auto-generated\r\nPrecedence: bulk"
    for sender in ("x@forms.example", "x@mail.forms.example", "support@shop.example"):
        assert parse(f"From: {sender}\r\n{form}").kind is ArrivalKind.MESSAGE
    assert parse(f"From: x@otherforms.example\r\n{form}").kind is ArrivalKind.AUTO_REPLY
    assert parse("From: x@forms.example\r\nAuto-Submitted: auto-replied").kind is ArrivalKind.AUTO_REPLY


# Bounds


def nested(depth: int) -> bytes:
    marks = "".join(f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(depth))
    return f"From: ana@home.example\r\n{marks}\r\nwords".encode()


def test_twenty_levels_are_read_and_2000_are_refused() -> None:
    assert parse_mail(nested(20), settings=SETTINGS, now=NOW).message.text == "words"
    for depth in (21, 2_000):
        with pytest.raises(UnreadableDelivery, match="levels"):
            parse_mail(nested(depth), settings=SETTINGS, now=NOW)


def test_200_parts_are_read_and_more_are_refused() -> None:
    head = b"From: ana@home.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    assert parse_mail(head + b"--b\r\n\r\nx\r\n" * 199, settings=SETTINGS, now=NOW).message.text.count("x") == 199
    with pytest.raises(UnreadableDelivery, match="parts"):
        parse_mail(head + b"--b\r\n\r\nx\r\n" * 200, settings=SETTINGS, now=NOW)


def test_a_mail_beyond_40_mib_is_refused_and_one_of_40_is_read() -> None:
    head = b"From: ana@home.example\r\n\r\n"
    body = b"a line of a very long mail\r\n" * (MOST_BYTES // 28)
    whole = (head + body)[:MOST_BYTES]
    assert parse_mail(whole, settings=SETTINGS, now=NOW).message.text.startswith("a line")
    with pytest.raises(UnreadableDelivery, match="bytes"):
        parse_mail(whole + b"x" * 100, settings=SETTINGS, now=NOW)


def test_what_is_no_mail_is_unreadable() -> None:
    for raw in (b"", b"\r\n\r\n", b"hello", b"\x00\xff" * 100, b"X: y\r\n\r\nhello"):
        with pytest.raises(UnreadableDelivery, match="no field"):
            parse_mail(raw, settings=SETTINGS, now=NOW)


_PIECES = st.sampled_from(
    [
        b"From: ", b"To: ", b"Subject: ", b"Content-Type: ", b"multipart/mixed", b"multipart/alternative", b"text/html",
        b"; boundary=b", b"\r\n--b\r\n", b"\n--b--\n", b"\r\n", b"\r\n\r\n", b"text/plain; charset=", b"utf-16", b"=?utf-7?Q?",
        b"?=", b"<a@b.c>", b"Content-Transfer-Encoding: base64", b"quoted-printable", b"message/rfc822", b"multipart/report",
        b"message/delivery-status", b"; filename*0*=", b"''%", b"<p hidden>", b"&#", b"</p>", b"<!--", b"Date: ", b"-0000",
        b"format=flowed", b"Content-Disposition: attachment", b"99999999999999999999", b"References: ", b" ", b"\x00", b"\xff",
    ]
)  # fmt: skip


@given(st.lists(_PIECES | st.binary(max_size=20), max_size=60).map(b"".join))
def test_any_bytes_are_read_or_unreadable(raw: bytes) -> None:
    try:
        arrival = parse_mail(b"From: ana@home.example\r\n" + raw, settings=SETTINGS, now=NOW)
    except UnreadableDelivery:
        return
    assert len(arrival.message.text) <= 65_536
    assert arrival.message.received_at is not None
    assert arrival.message.received_at <= NOW
    assert parse_mail(b"From: ana@home.example\r\n" + raw, settings=SETTINGS, now=NOW) == arrival


def test_wrong_settings_name_the_field_and_no_value() -> None:
    with pytest.raises(ConfigurationError, match="token_secret") as caught:
        EmailSettings.of({"address": "support@shop.example", "token_secret": "tooshort"})
    assert "tooshort" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="address"):
        EmailSettings.of({"address": "a@b\r\nBcc: c@d"})
