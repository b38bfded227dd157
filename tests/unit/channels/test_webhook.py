"""The generic webhook: verification, mapping, and what it refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels import standard_webhooks
from triage.channels.payload import load_json, value_at
from triage.channels.webhook import PartlyUnreadable, WebhookChannel
from triage.errors import ConfigurationError, SignatureRefused, UnreadableDelivery
from triage.protocols import Channel
from triage.types import Arrival, Author, Delivery

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SECRET = standard_webhooks.new_secret()
PLAIN = {"signature": {"header": "X-Shop-Signature", "prefix": "sha256="}}
SETTINGS = {"channel": "chat"}
CHANNEL = WebhookChannel()


def delivery(body: Any, headers: dict[str, str] | None = None) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(body=raw, headers={"webhook-id": "msg_1"} if headers is None else headers, received_at=NOW)


def parse(body: Any, settings: dict[str, Any] | None = None) -> list[Arrival]:
    return list(CHANNEL.parse(delivery(body), settings={**SETTINGS, **(settings or {})}))


def test_it_is_a_channel() -> None:
    channel: Channel = CHANNEL
    assert channel.name == "webhook"


def test_our_own_body_is_read_without_settings() -> None:
    (found,) = parse(
        {
            "text": "Gdzie jest paczka?", "subject": "Paczka", "channel": "amazon", "external_id": "m-1",
            "received_at": "2026-05-04T08:00:00+02:00", "language_hint": "pl_PL", "conversation_ref": "c-1",
            "sender": {"name": "Anna", "email": "anna@example.com", "phone": 48600100200, "handle": "anna", "buyer_id": 7},
            "customer": {"name": "Anna K.", "locale": "pl-PL"}, "order": {"id": "TM-10428"},
            "thread": [{"author": "agent", "text": "Dzień dobry", "at": "2026-05-03T08:00:00"}],
            "attachments": [{"name": "a.png"}], "options": {"draft": True},
        }
    )  # fmt: skip
    assert (found.external_id, found.conversation_ref, found.order_id) == ("m-1", "c-1", "TM-10428")
    assert (found.sender.name, found.sender.phone, found.sender.buyer_id) == ("Anna", "48600100200", "7")
    message = found.message
    assert (message.text, message.subject, message.channel, message.language_hint) == (
        "Gdzie jest paczka?", "Paczka", "amazon", "pl",
    )  # fmt: skip
    assert message.received_at == datetime(2026, 5, 4, 6, tzinfo=UTC)
    assert (message.customer.name, message.customer.locale) == ("Anna K.", "pl-PL")
    assert message.thread[0].author is Author.AGENT
    assert message.thread[0].at == datetime(2026, 5, 3, 8, tzinfo=UTC)


def test_only_the_text_is_needed_and_a_signed_id_stands_in() -> None:
    (found,) = parse({"text": "Hello"})
    assert found.external_id == "delivery:msg_1:0"
    assert found.message.channel == "chat"
    with pytest.raises(UnreadableDelivery, match="external_id is missing"):
        parse({"text": "Hello"}, PLAIN)  # that header is not signed here


MAPPED = {
    "mapping": {
        "text": "/data/message/body", "external_id": "data.message.id", "sender.email": "data.people.0.mail",
        "received_at": "data.at", "attachments": "/data/files", "sender.handle": "/data/a~1b~0c",
    },
}  # fmt: skip


@pytest.mark.parametrize("at", ["2026-05-04T06:00:00Z", 1777874400, 1777874400000, 1777874400.0])
def test_a_mapping_reads_a_foreign_body(at: object) -> None:
    (found,) = parse(
        {
            "kind": "whatever",
            "data": {"message": {"body": "Hi", "id": 12345678901234567890}, "people": [{"mail": "a@b.example"}],
                     "at": at, "files": [1, 2], "a/b~c": "nick"},
        }, MAPPED,
    )  # fmt: skip
    assert (found.message.text, found.external_id, found.sender.email) == ("Hi", "12345678901234567890", "a@b.example")
    assert found.message.received_at == datetime(2026, 5, 4, 6, tzinfo=UTC)
    assert found.sender.handle == "nick"


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        ([{"text": "a"}, {"text": "b"}], {}),
        ({"messages": [{"text": "a"}, {"text": "b"}]}, {}),
        ({"data": {"list": [{"text": "a"}, {"text": "b"}]}}, {"items": "data.list"}),
        ({"messages": [{"t": "a"}, {"t": "b"}]}, {"mapping": {"text": "t"}}),
    ],
)
def test_a_batch_is_several_messages(body: object, settings: dict[str, Any]) -> None:
    found = parse(body, settings)
    assert [one.message.text for one in found] == ["a", "b"]
    assert len({one.external_id for one in found}) == 2


@pytest.mark.parametrize("body", [{"type": "ping"}, {"type": "ping", "hook": 7}, {"messages": []}, []])
@pytest.mark.parametrize("settings", [{}, MAPPED])
def test_a_ping_brings_nothing(body: object, settings: dict[str, Any]) -> None:
    assert parse(body, settings) == []


WRONG = [
    ({}, "text is missing"),
    ({"text": None}, "text is missing"),
    ({"text": 5}, "text must be a string"),
    ({"text": ["CANARY"]}, "text must be a string"),
    ({"text": "x", "colour": "CANARY"}, "colour is unknown"),
    ({"text": "x", "CANARY says hello": 1}, "a field is unknown"),
    ({"text": "x", "sender": "CANARY"}, "sender must be an object"),
    ({"text": "x", "sender": {"mail": "CANARY"}}, "sender.mail is unknown"),
    ({"text": "x", "sender": {"email": 5}}, "sender.email must be a string"),
    ({"text": "x", "sender": {"email": "CANARY" * 100}}, "sender.email is longer than 320 characters"),
    ({"text": "x", "external_id": True}, "external_id must be a string"),
    ({"text": "x", "external_id": {"CANARY": 1}}, "external_id must be a string"),
    ({"text": "x", "external_id": "CANARY" * 100}, "external_id is longer than 500 characters"),
    ({"text": "x", "received_at": "CANARY"}, "received_at must be an ISO 8601 time"),
    ({"text": "x", "received_at": 5}, "received_at must be an ISO 8601 time"),
    ({"text": "x", "received_at": "0001-01-01T00:00:00+14:00"}, "received_at must be an ISO 8601 time"),
    ({"text": "x", "channel": "CANARY"}, "channel is malformed"),
    ({"text": "x", "language_hint": "CANARY please"}, "language_hint is malformed"),
    ({"text": "x", "order": "CANARY"}, "order_id stands in something that is no object"),
    ({"text": "x", "attachments": "CANARY"}, "attachments must be a list"),
    ({"text": "x", "thread": [{"author": "CANARY", "text": "y"}]}, "thread.0.author must be customer or agent"),
    ("CANARY", "the body must be an object"),
    (b"{CANARY", "the body is not valid JSON"),
    (b"", "the body is not valid JSON"),
    (b'{"text": NaN}', "the body is not valid JSON"),
    (b'{"text": "CANARY\xff"}', "the body is not UTF-8 at byte 16"),
    (b"[" * 100_000, "the body is nested deeper than 32"),
    (b"9" * 10_000, "the body is not valid JSON"),
    ([{"text": "x"}] * 257, "more than 256 messages in one delivery"),
]


@pytest.mark.parametrize(("body", "reason"), WRONG)
def test_what_cannot_be_read_is_named_without_its_value(body: object, reason: str) -> None:
    with pytest.raises(UnreadableDelivery) as caught:
        parse(body)
    assert str(caught.value) == reason
    assert "CANARY" not in str(caught.value)


def test_one_bad_message_of_a_batch_does_not_block_the_others() -> None:
    with pytest.raises(PartlyUnreadable, match=r"messages\.1\.text is missing") as caught:
        parse([{"text": "a"}, {"subject": "b"}, {"text": "c"}])
    assert [one.message.text for one in caught.value.arrivals] == ["a", "c"]


def test_what_no_database_can_hold_is_replaced() -> None:
    (found,) = parse(b'{"text": "a\\ud800b\\u0000c", "external_id": "\\udfff"}')
    assert (found.message.text, found.external_id) == ("a\ufffdb\ufffdc", "\ufffd")


@pytest.mark.parametrize(
    "settings",
    [
        {"mapping": []}, {"mapping": {}}, {"mapping": {"text": 5}}, {"mapping": {"text": ""}},
        {"mapping": {"text": "a", "colour": "b"}}, {"items": 5}, {"signature": "x"}, {"signature": {}},
        {"signature": {"header": "x y"}}, {"signature": {"header": "x", "prefix": 5}},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_when_set_and_lose_nothing_when_not(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        CHANNEL.check(settings, None)
    with pytest.raises(UnreadableDelivery):
        parse({"text": "x"}, settings)


@pytest.mark.parametrize(
    ("settings", "secret"),
    [
        ({"reply_url": "http://shop.example/replies"}, None), ({"reply_url": "ftp://shop.example"}, None),
        ({"reply_url": "https://a:b@shop.example"}, None), ({"reply_url": 5}, None), ({"colour": 1}, None),
        ({"idempotent": "yes"}, None), ({}, "whsec_c2hvcnQ="), ({}, "no prefix"), (PLAIN, "short"),
    ],
)  # fmt: skip
def test_settings_that_would_fail_later_are_refused_at_once(settings: dict[str, Any], secret: str | None) -> None:
    with pytest.raises(ConfigurationError):
        CHANNEL.check(settings, secret)


def test_settings_as_documented_are_taken() -> None:
    CHANNEL.check({}, SECRET)
    CHANNEL.check({**PLAIN, **MAPPED, "reply_url": "https://shop.example/replies", "idempotent": True}, "x" * 16)
    CHANNEL.check({"reply_url": "http://127.0.0.1:8080/replies"}, SECRET)


def plain_headers(secret: str, body: bytes) -> dict[str, str]:
    return {"x-shop-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


BODY = b'{"text": "Hello", "external_id": "1"}'


def test_standard_webhooks_unless_a_header_is_named() -> None:
    headers = standard_webhooks.sign([standard_webhooks.key_of(SECRET)], id="m", now=NOW, body=BODY)
    CHANNEL.verify(delivery(BODY, headers), secrets=[SECRET], now=NOW, settings={})
    with pytest.raises(SignatureRefused):
        CHANNEL.verify(delivery(BODY, headers), secrets=[SECRET], now=NOW, settings=PLAIN)
    with pytest.raises(SignatureRefused):
        CHANNEL.verify(delivery(BODY, headers), secrets=[SECRET], now=NOW + timedelta(days=7), settings={})


def test_a_plain_signature_is_taken_in_either_case_and_by_either_secret() -> None:
    headers = plain_headers("old secret", BODY)
    CHANNEL.verify(delivery(BODY, headers), secrets=["new secret", "old secret"], now=NOW, settings=PLAIN)
    shouted = {"x-shop-signature": "sha256=" + headers["x-shop-signature"].removeprefix("sha256=").upper()}
    CHANNEL.verify(delivery(BODY, shouted), secrets=["old secret"], now=NOW, settings=PLAIN)
    with pytest.raises(SignatureRefused):
        CHANNEL.verify(delivery(BODY, headers), secrets=["old secret"], now=NOW, settings={})


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({}, ["secret"]),
        ({"x-shop-signature": ""}, ["secret"]),
        ({"x-shop-signature": "sha256="}, ["secret"]),
        ({"x-shop-signature": "sha256=łłł"}, ["secret"]),
        ({"x-shop-signature": "sha256=\ud800"}, ["secret"]),
        (plain_headers("secret", BODY + b" "), ["secret"]),
        (plain_headers("other", BODY), ["secret"]),
        (plain_headers("", BODY), [""]),
        (plain_headers("", BODY), []),
        ({"x-shop-signature": plain_headers("secret", BODY)["x-shop-signature"][7:]}, ["secret"]),
    ],
)
def test_a_plain_signature_that_does_not_fit_is_refused(headers: dict[str, str], secrets: list[str]) -> None:
    with pytest.raises(SignatureRefused):
        CHANNEL.verify(delivery(BODY, headers), secrets=secrets, now=NOW, settings=PLAIN)


ANY_TEXT = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["text", "sender", "email", "external_id", "messages", "type", "order", "id", "thread", "received_at"]),
        inner,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_unreadable(body: bytes) -> None:
    for settings in (
        SETTINGS,
        {**SETTINGS, **MAPPED},
        {**SETTINGS, "mapping": {"text": "text", "received_at": "order"}},
    ):
        try:
            found = CHANNEL.parse(delivery(body), settings=settings)
        except UnreadableDelivery as error:
            found = getattr(error, "arrivals", ())
        for one in found:
            one.message.text.encode()
            one.external_id.encode()


@given(st.dictionaries(ANY_TEXT, ANY_TEXT), st.binary(), st.lists(ANY_TEXT))
def test_any_header_is_refused(headers: dict[str, str], body: bytes, secrets: list[str]) -> None:
    for settings in ({}, PLAIN):
        with pytest.raises(SignatureRefused):
            CHANNEL.verify(delivery(body, headers), secrets=secrets, now=NOW, settings=settings)


@given(st.dictionaries(st.sampled_from(["signature", "mapping", "items", "reply_url", "idempotent"]), JSON))
def test_any_settings_are_right_or_wrong(settings: dict[str, Any]) -> None:
    try:
        CHANNEL.check(settings, None)
    except ConfigurationError:
        return
    try:
        parse({"text": "x"}, settings)
    except UnreadableDelivery:
        return


@given(JSON, st.text("/.~01ab"))
def test_any_path_leads_somewhere_or_nowhere(document: object, path: str) -> None:
    try:
        value_at(document, path)
    except LookupError:
        return


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", {"a": {"b": [1, {"c": 2}]}}),
        ("a.b.1.c", 2),
        ("/a/b/0", 1),
        ("a.b.9", None),
        ("a.x.y", None),
        ("a.b.-1", None),
    ],
)
def test_a_path_leads_to_its_value(path: str, found: object) -> None:
    assert value_at(load_json(b'{"a": {"b": [1, {"c": 2}]}}'), path) == found
