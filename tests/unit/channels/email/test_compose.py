from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.channels.email.conftest import NOW
from triage.channels.email.compose import answer_subject, compose
from triage.channels.email.parse import parse_mail
from triage.channels.email.settings import EmailSettings
from triage.errors import SendFailed
from triage.types import Reply

SETTINGS = EmailSettings.of(
    {"address": "support@shop.example", "name": 'Zoë "the" Shop', "token_secret": "a secret of the tests"}
)
HEADERS = {
    "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "mime-version", "content-type",
    "content-transfer-encoding",
}  # fmt: skip


def reply(**changes: object) -> Reply:
    values = {
        "id": "out_01kbnq0000000000000000000a", "conversation_id": "cnv_01kbnq0000000000000000000b", "channel": "email",
        "text": "Dear Ana,\n\nit comes tomorrow.", "recipients": {"email": "ana@home.example"}, "subject": "Where is it?",
        "replies_to": ("<1@x>", "<2@x>"),
    }  # fmt: skip
    return Reply(**(values | changes))  # type: ignore[arg-type]


def read(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_reply_is_threaded_and_reads_back_as_it_was_approved() -> None:
    raw, message_id = compose(reply(text="Zażółć\n.\n..\nFrom here  \n" + "x" * 2_000), settings=SETTINGS, now=NOW)
    mail = read(raw)
    assert mail["From"].addresses[0].addr_spec == "support@shop.example"
    assert mail["From"].addresses[0].display_name == 'Zoë "the" Shop'
    assert mail["To"] == "ana@home.example"
    assert mail["Subject"] == "Re: Where is it?"
    assert (mail["In-Reply-To"], mail["References"].split()) == ("<2@x>", ["<1@x>", "<2@x>"])
    assert mail["Message-ID"] == message_id == compose(reply(), settings=SETTINGS, now=NOW)[1]
    assert mail.get_content().replace("\r\n", "\n").removesuffix("\n") == "Zażółć\n.\n..\nFrom here  \n" + "x" * 2_000
    assert "Auto-Submitted" not in mail
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert raw.isascii()


def test_the_answer_to_a_reply_names_its_conversation() -> None:
    _, message_id = compose(reply(), settings=SETTINGS, now=NOW)
    answer = f"From: ana@home.example\r\nIn-Reply-To: {message_id}\r\n\r\nThanks".encode()
    assert parse_mail(answer, settings=SETTINGS, now=NOW).conversation_id == reply().conversation_id


def test_a_long_thread_keeps_its_first_and_newest_ids() -> None:
    thread = tuple(f"<{number}@x>" for number in range(500))
    references = read(compose(reply(replies_to=thread), settings=SETTINGS, now=NOW)[0])["References"].split()
    assert (len(references), references[0], references[-1]) == (20, "<0@x>", "<499@x>")


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Hello", "Re: Hello"), ("Re: Hello", "Re: Hello"), ("RE: AW: Sv:Hello", "Re: Hello"), ("Re[2]: Hello", "Re: Hello"),
        ("回复：你好", "Re: 你好"), ("Odp: Re: Co?", "Re: Co?"), ("Refund", "Re: Refund"), ("Reset: how?", "Re: Reset: how?"),
        (None, "Re:"), ("", "Re:"), ("a\r\nBcc: b@c", "Re: a Bcc: b@c"),
    ],
)  # fmt: skip
def test_the_subject_is_answered_once(subject: str | None, answer: str) -> None:
    assert answer_subject(subject) == answer


@pytest.mark.parametrize(
    "address",
    [
        "", "nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>", "a b@c", "a@b\n", "a@b\x00", "a@", "@b", "a@b>\r\nDATA",
        "a@b\u2028c", "a@" + "ü" * 200,
    ],
)  # fmt: skip
def test_what_is_not_exactly_one_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(SendFailed) as caught:
        compose(reply(recipients={"email": address}), settings=SETTINGS, now=NOW)
    assert not caught.value.may_retry
    assert not caught.value.uncertain


@given(
    st.text(max_size=400), st.text(max_size=200), st.lists(st.text(max_size=60), max_size=5), st.text(max_size=60)
)  # fmt: skip
def test_no_text_gets_into_the_header(subject: str, name: str, thread: list[str], text: str) -> None:
    settings = SETTINGS.model_copy(update={"name": name})
    raw, _ = compose(
        reply(subject=subject, replies_to=(*(f"<{word}@x>" for word in thread), *thread), text=text),
        settings=settings,
        now=NOW,
    )
    head, _, body = raw.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert set(names) <= HEADERS
    assert len(names) == len(set(names))
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in (head + body).replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert read(raw).get_content().count("\n") >= text.count("\n")


def test_without_a_secret_nothing_is_sent() -> None:
    with pytest.raises(SendFailed, match="token_secret"):
        compose(reply(), settings=EmailSettings.of({"address": "a@b.example"}), now=NOW)


def test_a_tagged_reply_address_where_it_is_turned_on() -> None:
    settings = SETTINGS.model_copy(update={"plus_addresses": True})
    address = read(compose(reply(), settings=settings, now=NOW)[0])["Reply-To"].addresses[0].addr_spec
    answer = f"From: ana@home.example\r\nTo: {address}\r\n\r\nThanks".encode()
    assert parse_mail(answer, settings=settings, now=NOW).conversation_id == reply().conversation_id
