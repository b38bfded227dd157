"""Approved replies to a receiver that takes, refuses, stalls and vanishes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.webhooks.conftest import NOW, Answers, Receiver
from triage.channels import outgoing, standard_webhooks
from triage.channels.webhook import WebhookChannel
from triage.errors import SendFailed
from triage.types import Reply

Make = Callable[..., Receiver]
SECRET = standard_webhooks.new_secret()
REPLY = Reply(
    id="out_1", conversation_id="cnv_1", channel="chat", text="Dzień dobry 📦", recipients={"handle": "anna"},
    subject="Paczka", conversation_ref="room-12",
)  # fmt: skip


def send(receiver: Receiver, *, channel: WebhookChannel | None = None, **settings: Any) -> str:
    chosen = channel or WebhookChannel(now=lambda: NOW, step=5.0)
    return chosen.send(REPLY, settings={"secret": SECRET, "reply_url": receiver.url, **settings}).provider_id


def failure(receiver: Receiver, **options: Any) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        send(receiver, **options)
    return caught.value


def test_a_reply_arrives_signed_with_its_id(make_receiver: Make) -> None:
    receiver = make_receiver(Answers(201, body=b'{"id": "their-7"}'))
    assert send(receiver) == "their-7"
    (seen,) = receiver.seen
    assert standard_webhooks.verify(seen.headers, seen.body, secrets=[SECRET], now=NOW) == "out_1"
    assert seen.headers["idempotency-key"] == "out_1"
    assert json.loads(seen.body) == {
        "id": "out_1", "conversation_id": "cnv_1", "conversation_ref": "room-12", "channel": "chat",
        "recipients": {"handle": "anna"}, "subject": "Paczka", "text": "Dzień dobry 📦",
    }  # fmt: skip


def test_where_messages_are_signed_plainly_replies_use_the_same_secret(make_receiver: Make) -> None:
    receiver = make_receiver()
    send(receiver, secret="a plain secret of ours", signature={"header": "x-signature"})
    (seen,) = receiver.seen
    key = standard_webhooks.sign([b"a plain secret of ours"], id="out_1", now=NOW, body=seen.body)
    assert seen.headers["webhook-signature"] == key["webhook-signature"]


@pytest.mark.parametrize(
    ("body", "provider_id"),
    [(b'{"id": 7}', "7"), (b"", "out_1"), (b"{broken", "out_1"), (b"[]", "out_1"), (b'{"id": {}}', "out_1"),
     (b'{"id": "' + b"x" * 300 + b'"}', "out_1"), (b"[" * 70_000, "out_1"), (b'{"id": true}', "out_1"), (b"\xff", "out_1")],
)  # fmt: skip
def test_whatever_a_2xx_says_the_reply_is_sent(make_receiver: Make, body: bytes, provider_id: str) -> None:
    assert send(make_receiver(Answers(200, body=body))) == provider_id


def test_a_line_that_breaks_after_a_2xx_is_sent(make_receiver: Make) -> None:
    assert send(make_receiver(Answers(200, {"Content-Length": "1000"}, b"{"))) == "out_1"


@pytest.mark.parametrize(
    ("status", "headers", "retryable", "uncertain", "wait"),
    [
        (429, {"Retry-After": "30"}, True, False, 30.0),
        (503, {"Retry-After": "Mon, 04 May 2026 09:31:00 GMT"}, True, False, 60.0),
        (503, {}, True, False, None),
        (400, {}, False, False, None),
        (401, {}, False, False, None),
        (404, {}, False, False, None),
        (410, {}, False, False, None),
        (422, {"Retry-After": "30"}, False, False, None),
        (500, {}, False, True, None),
        (502, {}, False, True, None),
        (504, {}, False, True, None),
    ],
)
def test_what_an_answer_means(
    make_receiver: Make, status: int, headers: dict[str, str], retryable: bool, uncertain: bool, wait: float | None
) -> None:
    receiver = make_receiver(Answers(status, headers, b"CANARY"))
    error = failure(receiver)
    assert (error.may_retry, error.uncertain, error.retry_after) == (retryable, uncertain, wait)
    assert str(error) == f"the receiver answered {status}"
    assert len(receiver.seen) == 1


@pytest.mark.parametrize("answers", [Answers(None), Answers(hang=True), Answers(500)])
@pytest.mark.parametrize("idempotent", [False, True])
def test_what_may_have_been_taken_is_repeated_only_where_that_is_safe(
    make_receiver: Make, answers: Answers, idempotent: bool
) -> None:
    receiver = make_receiver(answers)
    error = failure(receiver, idempotent=idempotent, channel=WebhookChannel(step=0.2 if answers.hang else 5.0))
    assert (error.may_retry, error.uncertain) == (idempotent, not idempotent)
    assert len(receiver.seen) == 1


def test_idempotent_means_true_and_nothing_like_it(make_receiver: Make) -> None:
    assert failure(make_receiver(Answers(None)), idempotent="yes").uncertain


def test_where_nobody_listens_nothing_was_sent(make_receiver: Make) -> None:
    receiver = make_receiver()
    receiver.close()
    error = failure(receiver)
    assert (error.may_retry, error.uncertain) == (True, False)


def test_a_redirect_is_an_end(make_receiver: Make) -> None:
    elsewhere = make_receiver()
    error = failure(make_receiver(Answers(307, {"Location": elsewhere.url})))
    assert (error.may_retry, error.uncertain) == (False, False)
    assert elsewhere.seen == []


@pytest.mark.parametrize(
    "settings",
    [{"reply_url": None}, {"reply_url": "http://shop.example/x"}, {"secret": None}, {"secret": ""}, {"secret": "broken"},
     {"reply_url": "https://169.254.169.254/latest"}, {"reply_url": "http://localhost.shop.example/"}],
)  # fmt: skip
def test_wrong_settings_send_nothing(make_receiver: Make, settings: dict[str, Any]) -> None:
    receiver = make_receiver()
    error = failure(receiver, **settings)
    assert (error.may_retry, error.uncertain) == (False, False)
    assert receiver.seen == []


def test_an_operator_can_keep_replies_on_the_internet(make_receiver: Make) -> None:
    receiver = make_receiver()
    url = receiver.url.replace("http:", "https:")
    error = failure(receiver, reply_url=url, channel=WebhookChannel(rule=outgoing.public))
    assert isinstance(error, outgoing.AddressRefused)
    assert receiver.seen == []


def test_a_receiver_without_tls_gets_nothing(make_receiver: Make) -> None:
    receiver = make_receiver()
    error = failure(receiver, reply_url=receiver.url.replace("http:", "https:"))
    assert (error.may_retry, error.uncertain) == (True, False)
    assert receiver.seen == []
