from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels.email.headers import (
    MOST_OF_A_FIELD,
    Mailbox,
    decode_words,
    mailbox,
    message_ids,
    parameters,
    read_headers,
)


def test_fields_are_unfolded_and_end_at_the_empty_line() -> None:
    raw = b"From x@y Mon\r\nSUBJECT : one\r\n two\r\nX: 3\r\n\r\nbody: no\r\n"
    headers, body = read_headers(raw, 0, len(raw))
    assert headers.get("subject") == "one two"
    assert headers.get("x") == "3"
    assert raw[body:] == b"body: no\r\n"


def test_a_line_that_is_no_field_begins_the_body() -> None:
    raw = b"A: 1\nhello there\nB: 2\n"
    headers, body = read_headers(raw, 0, len(raw))
    assert (headers.get("a"), "b" in headers, raw[body:]) == ("1", False, b"hello there\nB: 2\n")


def test_a_recipient_list_of_300_kb_is_cut_and_the_next_field_is_read() -> None:
    everybody = b",\r\n ".join(b"somebody%d@lists.example" % number for number in range(12_000))
    raw = b"To: " + everybody + b"\r\nSubject: after\r\n\r\nbody"
    headers, body = read_headers(raw, 0, len(raw))
    assert len(raw) > 300_000
    assert len(headers.get("to")) <= MOST_OF_A_FIELD
    assert headers.get("subject") == "after"
    assert raw[body:] == b"body"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?8J+YgA==?= ok", "😀 ok"),
        ("=?utf-8?B?8J+Y?=\r\n =?utf-8?B?gA==?=", "😀"),
        ("=?iso-8859-2?Q?Za=BF=F3=B3=E6?=", "Zażółć"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?utf-8*de?Q?a_b?=", "a b"),
        ("=?no-such-charset?Q?caf=C3=A9?=", "café"),
        ("=?utf-8?B?not!base64?=", None),
        ("=?utf-8?Q?open", "=?utf-8?Q?open"),
    ],
)
def test_encoded_words_are_read(value: str, text: str | None) -> None:
    assert text is None or decode_words(value) == text


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ('attachment; filename="a b.pdf"', "filename", "a b.pdf"),
        (r'attachment; filename="a \"b\".pdf"', "filename", 'a "b".pdf'),
        ("attachment; filename*=UTF-8''na%C3%AFve.pdf", "filename", "naïve.pdf"),
        ("attachment; filename*0=one; filename*1=two.txt", "filename", "onetwo.txt"),
        ("attachment; filename*1*=%20two; filename*0*=iso-8859-1'fr'd%E9j%E0", "filename", "déjà two"),
        ("text/plain; CHARSET = koi8-r ; x=y", "charset", "koi8-r"),
        ('text/plain; charset="utf-8', "charset", "utf-8"),
    ],
)
def test_parameters_are_read(value: str, name: str, text: str) -> None:
    assert parameters(value)[1][name] == text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Ana <ana@home.example>", Mailbox("ana@home.example", "Ana")),
        ("ana@home.example (Ana B)", Mailbox("ana@home.example", "Ana B")),
        ("ana@home.example", Mailbox("ana@home.example", None)),
        ('"B, Ana" <ana@home.example>', Mailbox("ana@home.example", "B, Ana")),
        ('"boss <ceo@shop.example>" <ana@home.example>', Mailbox("ana@home.example", "boss <ceo@shop.example>")),
        ("(<ceo@shop.example>) <ana@home.example>", Mailbox("ana@home.example", "(<ceo@shop.example>)")),
        ("=?utf-8?Q?Zo=C3=AB?= <zoe@home.example>", Mailbox("zoe@home.example", "Zoë")),
        ("'ana@home.example' <ana@home.example>", Mailbox("ana@home.example", None)),
        ("undisclosed-recipients:;", None),
        ("", None),
    ],
)
def test_the_first_mailbox_is_read_and_a_name_is_no_address(value: str, found: Mailbox | None) -> None:
    assert mailbox(value) == found


def test_a_name_cannot_turn_the_direction_of_what_follows() -> None:
    found = mailbox("a\u202egpj.exe <ana@home.example>")
    assert found is not None
    assert found.name == "a gpj.exe"


def test_only_well_formed_message_ids_count() -> None:
    assert message_ids("Your message of today <a@b> and <c d@e> <f@g@h> <@> <i@j>") == ["<a@b>", "<f@g@h>", "<i@j>"]


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read(raw: bytes) -> None:
    headers, body = read_headers(raw, 0, len(raw))
    assert 0 <= body <= len(raw)
    text = raw.decode("latin-1")
    decode_words(text)
    parameters(text)
    mailbox(text)
    message_ids(text)
    assert headers.get("subject") is not None
