from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.channels.email.conftest import NOW
from triage.channels.email.channel import EmailChannel
from triage.errors import SendFailed, SignatureRefused, UnreadableDelivery
from triage.protocols import Channel
from triage.types import Delivery, Reply

SETTINGS = {"address": "support@shop.example", "token_secret": "a secret of the tests"}
MAIL = b"From: ana@home.example\r\nSubject: Hello\r\n\r\nWhere is it?\r\n"
CHANNEL: Channel = EmailChannel(now=lambda: NOW)


def delivery(body: bytes = MAIL, *, url: str = "https://x.example/hook", **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(body=body, headers=named, url=url, received_at=NOW)


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    "shown",
    [
        delivery(authorization=basic("user:pass wörd")), delivery(authorization="Bearer user:pass wörd"),
        delivery(url="https://x.example/hook?a=b&token=user%3Apass%20w%C3%B6rd"),
        delivery(url="https://x.example/hook?key=user:pass+w%C3%B6rd"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("secrets", [["user:pass wörd"], ["new", "user:pass wörd"], ["", "user:pass wörd", "new"]])
def test_the_current_and_the_former_secret_are_accepted(shown: Delivery, secrets: list[str]) -> None:
    CHANNEL.verify(shown, secrets=secrets, settings={}, now=NOW)


def test_a_secret_without_a_name_is_the_password_alone() -> None:
    CHANNEL.verify(delivery(authorization=basic("anybody:secret")), secrets=["secret"], settings={}, now=NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["user:pass"], ["pass"], ["", "pass"]])
@pytest.mark.parametrize(
    "shown",
    [
        delivery(), delivery(authorization=""), delivery(authorization="Basic"), delivery(authorization="Basic ???"),
        delivery(authorization=basic("user:wrong")), delivery(authorization=basic(":")), delivery(authorization=basic("")),
        delivery(authorization="Bearer "), delivery(authorization="Digest pass"), delivery(url="https://x.example/hook?token="),
        delivery(url="https://x.example/hook?token=wrong&token=wrong&token=pass"), delivery(url="https://[/?token=pass"),
        delivery(url="https://x.example/" + "?" + "&".join(["token=x"] * 50)), delivery(authorization="Bearer p\u00e4ss"),
    ],
)  # fmt: skip
def test_missing_wrong_or_unset_secrets_are_refused(shown: Delivery, secrets: list[str]) -> None:
    with pytest.raises(SignatureRefused):
        CHANNEL.verify(shown, secrets=secrets, settings={}, now=NOW)


@given(st.text(max_size=60), st.text(max_size=60), st.lists(st.text(max_size=10), max_size=3))
def test_whatever_is_shown_only_the_secret_opens(authorization: str, url: str, secrets: list[str]) -> None:
    try:
        CHANNEL.verify(delivery(authorization=authorization, url=url), secrets=secrets, settings={}, now=NOW)
    except SignatureRefused:
        return
    assert any(secret and secret in authorization + url for secret in secrets)


def test_raw_mail_and_mail_in_a_document_or_a_form_are_read() -> None:
    form = (
        b'--f\r\nContent-Disposition: form-data; name="to"\r\n\r\nx\r\n'
        b'--f\r\nContent-Disposition: form-data; name="email"\r\n\r\n'
        + MAIL.rstrip() + b"\r\n--f--\r\n"
    )  # fmt: skip
    for given_ in (
        delivery(content_type="message/rfc822"), delivery(),
        delivery(json.dumps({"RawEmail": MAIL.decode()}).encode(), content_type="application/json; charset=utf-8"),
        delivery(form, content_type="multipart/form-data; boundary=f"),
    ):  # fmt: skip
        (arrival,) = CHANNEL.parse(given_, settings=SETTINGS)
        assert (arrival.message.text, arrival.sender.email) == ("Where is it?", "ana@home.example")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "message/rfc822"), (b"{}", "application/json"), (b"[]", "application/json"), (b"\xff", "application/json"),
        (b'{"RawEmail": 1}', "application/json"), (b"[" * 100_000, "application/json"), (b"x", "multipart/form-data; boundary=f"),
        (b'{"RawEmail": "\\ud800"}', "application/json"),
    ],
)  # fmt: skip
def test_a_delivery_without_mail_is_unreadable(body: bytes, kind: str) -> None:
    with pytest.raises(UnreadableDelivery):
        CHANNEL.parse(delivery(body, content_type=kind), settings=SETTINGS)


def test_settings_without_a_server_send_nothing() -> None:
    reply = Reply(id="out_1", conversation_id="cnv_1", channel="email", text="x", recipients={"email": "a@b.example"})
    for settings in (SETTINGS, {}):
        with pytest.raises(SendFailed) as caught:
            CHANNEL.send(reply, settings=settings)
        assert not caught.value.may_retry
