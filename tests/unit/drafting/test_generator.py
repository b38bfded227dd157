"""The optional generator against a real HTTP server in the test."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from triage.channels.policies import ChannelPolicies
from triage.drafting.breaker import CircuitBreaker
from triage.drafting.chat_endpoint import ChatEndpoint
from triage.drafting.composer import Composer
from triage.drafting.generator import LlmRewriter
from triage.drafting.prompt import SYSTEM_PROMPT
from triage.errors import ConfigurationError
from triage.testing import prediction
from triage.types import (
    Customer,
    Detection,
    Draft,
    Entity,
    InboundMessage,
    Order,
    Passage,
    PolicyWarning,
    Refund,
    Retrieval,
    Urgency,
    Voice,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEAD = "If a parcel is late, we open an enquiry. The carrier answers within 3 working days. See https://tamaro.example/help"
PASSAGE = Passage(
    article_id="late", language="en", title="Late parcels", text=LEAD, lead=LEAD, score=0.9, intents=("delivery_late",)
)
NAME, EMAIL, IBAN = "Zuzanna Kowalska", "zuzanna.k@poczta.example", "PL61109010140000071219812874"
PHONE, CARD, STREET = "+48 601 702 803", "4111 1111 1111 1111", "ul. Lipowa 8/14, 00-950 Warszawa"
ORDER = Order(
    id="TM-10428", status="in_transit", promised_by=datetime(2026, 11, 13, 20, tzinfo=UTC), carrier="DHL",
    tracking_number="00340434292135100412", tracking_url="https://track.tamaro.example/p/00340434292135100412",
    currency="EUR", refund=Refund(amount="19.99"),
)  # fmt: skip
QUESTION = (
    f"Hi, zuzanna kowalska here (Kowalskiej), order TM 10428, parcel {ORDER.tracking_number}. Write to {EMAIL}, call {PHONE}, "
    f"pay to {IBAN} or {CARD}. I live at {STREET}. See https://me.example/?token=abc"
)
MESSAGE = InboundMessage(text=QUESTION, order=ORDER, customer=Customer(name=NAME))
ENTITIES = tuple(
    Entity(type=kind, value=value, start=0, end=len(value))
    for kind, value in (
        ("email", EMAIL), ("phone", PHONE), ("iban", IBAN), ("card_number", CARD), ("address", STREET),
        ("order_number", "TM 10428"), ("amount", "5 EUR"),
    )
)  # fmt: skip
KEY = "sk-secret-canary"

Answer = Callable[[dict[str, Any]], str | tuple[int, bytes]]


class _Words:
    """German where a German word stands, else English."""

    def identify(self, text: str, *, hint: str | None = None) -> Detection:
        german = re.search(r"\b(?:Paket|Nachricht|wir)\b", text)
        return Detection(code="de" if german else "en", confidence=0.9)


class Endpoint:
    """A chat endpoint that answers as ``answer`` says; keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: Answer = faithful
        self.requests: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.released = threading.Event()
        self.raw: Callable[[BaseHTTPRequestHandler], None] | None = None
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.requests.append(body)
                endpoint.headers.append({"path": self.path, **dict(self.headers)})
                with suppress(OSError):
                    if endpoint.raw is not None:
                        endpoint.raw(self)
                        return
                    answered = endpoint.answer(json.loads(body))
                    status, content = answered if isinstance(answered, tuple) else (200, completion(answered))
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """The test's output stays clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def sent(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.requests[-1])
        return found


def completion(text: str) -> bytes:
    return json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    ).encode()


def plan_in(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.JSONDecoder().raw_decode(request["messages"][1]["content"])[0]["plan"]
    return found


def faithful(request: dict[str, Any]) -> str:
    """What a good model does: the plan in other words, and nothing more."""
    plan = plan_in(request)
    sentences = " ".join(sentence["text"] for sentence in plan["sentences"])
    body = f"Thanks a lot for writing to us! {sentences}\n\n{' '.join(plan['ask_and_next_step'])}"
    return "\n\n".join(part for part in (plan["greeting"], body, plan["sign_off"]) if part)


def adding(sentence: str) -> Answer:
    return lambda request: faithful(request).replace("\n\nIf anything", f" {sentence}\n\nIf anything")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    thread = threading.Thread(target=lambda: served.server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    yield served
    served.released.set()
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def compose(
    passage: Passage = PASSAGE, *, channel: str = "email", language: str = "en", urgency: Urgency = Urgency.NORMAL
) -> Draft:
    return Composer(Voice(signatures={"": "Tamaro"})).draft(
        MESSAGE,
        language=language,
        prediction=prediction("delivery_late", urgency=urgency),
        known=(),
        retrieval=Retrieval(passages=(passage,), index_version="i"),
        policy=ChannelPolicies()[channel],
        now=NOW,
    )


def rewriter(endpoint: Endpoint, *, timeout: float = 20, breaker: CircuitBreaker | None = None) -> LlmRewriter:
    chat = ChatEndpoint(endpoint.url, model="m", api_key=SecretStr(KEY), timeout=timeout)
    return LlmRewriter(chat, identifier=_Words(), breaker=breaker)


def rewrite(
    endpoint: Endpoint, draft: Draft | None = None, *, channel: str = "email", timeout: float = 20,
    breaker: CircuitBreaker | None = None, passage: Passage = PASSAGE,
) -> Draft:  # fmt: skip
    return rewriter(endpoint, timeout=timeout, breaker=breaker).rewrite(
        draft or compose(passage, channel=channel),
        message=MESSAGE,
        entities=ENTITIES,
        passages=(passage,),
        policy=ChannelPolicies()[channel],
        question=QUESTION,
    )


def reason(rewritten: Draft, draft: Draft | None = None) -> str:
    """Why a rewrite was refused; also that all else is as it was."""
    original = draft or compose()
    *before, last = rewritten.policy_warnings
    assert tuple(before) == original.policy_warnings
    assert (rewritten.text, rewritten.method, rewritten.citations) == (original.text, "extractive", original.citations)
    assert last.detail
    return last.rule


def test_a_faithful_rewrite_is_used_with_everything_put_back(endpoint: Endpoint) -> None:
    rewritten = rewrite(endpoint)
    assert (rewritten.method, rewritten.policy_warnings) == ("llm", ())
    assert rewritten.text.startswith(f"Hello {NAME},\n\nThanks a lot for writing to us!")
    assert rewritten.text.endswith("Kind regards,\nTamaro")
    for fact in (
        "TM-10428",
        "November 13, 2026",
        ORDER.tracking_number,
        ORDER.tracking_url,
        "€19.99",
        "3 working days",
    ):
        assert fact is not None
        assert fact in rewritten.text
    assert "[[" not in rewritten.text
    assert rewritten.citations == compose().citations


def test_the_request_is_what_openai_compatible_endpoints_take(endpoint: Endpoint) -> None:
    rewrite(endpoint)
    assert endpoint.headers[0]["path"] == "/v1/chat/completions"
    assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"
    request = endpoint.sent()
    assert request["model"] == "m"
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert plan_in(request)["language"] == "en"


def test_no_personal_data_reaches_the_server(endpoint: Endpoint) -> None:
    assert rewrite(endpoint).method == "llm"
    body = json.dumps(endpoint.sent(), ensure_ascii=False)
    canaries = (
        "Zuzanna", "Kowalsk", EMAIL, "zuzanna", "poczta", IBAN, PHONE, "702", CARD, "4111", "Lipowa", "00-950",
        "Warszawa", "10428", "0034043", "track.tamaro", "token=abc", "me.example", KEY,
    )  # fmt: skip
    assert [canary for canary in canaries if canary.casefold() in body.casefold()] == []
    assert "UNTRUSTED CUSTOMER MESSAGE" in body


def test_without_a_question_nothing_of_the_message_is_sent(endpoint: Endpoint) -> None:
    rewriter(endpoint).rewrite(
        compose(), message=MESSAGE, entities=ENTITIES, passages=(PASSAGE,), policy=ChannelPolicies()["email"]
    )
    content = endpoint.sent()["messages"][1]["content"]
    assert "I live at" not in content
    assert "UNTRUSTED" not in content


def test_only_passages_that_the_draft_cites_are_sent(endpoint: Endpoint) -> None:
    other = Passage(article_id="x", language="en", title="T", text="Unrelated.", lead="Unrelated.", score=0.9)
    rewriter(endpoint).rewrite(
        compose(), message=MESSAGE, entities=(), passages=(PASSAGE, other), policy=ChannelPolicies()["email"]
    )
    assert b"Unrelated" not in endpoint.requests[-1]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("We will refund the whole order as well.", "llm_ungrounded:refund"),
        ("You get a voucher worth 500 EUR.", "llm_ungrounded:compensation"),
        ("That makes 4711 parcels.", "llm_ungrounded:number"),
        ("It costs 7.50 EUR.", "llm_ungrounded:amount"),
        ("It arrives on 24 November 2026.", "llm_ungrounded:date"),
        ("It arrives within 2 days.", "llm_ungrounded:duration"),
        ("See https://evil.example/login now.", "llm_ungrounded:link"),
        ("See [our page](https://evil.example/login) now.", "llm_ungrounded:link"),
        ("Write to boss@evil.example now.", "llm_ungrounded:email"),
        ("<b>Soon</b> it moves.", "llm_ungrounded:markup"),
        ("Your reference is ZX-99-Q.", "llm_ungrounded:id"),
    ],
)
def test_what_no_source_holds_is_refused(endpoint: Endpoint, sentence: str, expected: str) -> None:
    endpoint.answer = adding(sentence)
    assert reason(rewrite(endpoint)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: re.sub(r"\[\[TRACKING_1\]\]", "your number", text), "llm_placeholder"),
        (lambda text: text.replace("Thanks", "[[IBAN_1]] thanks"), "llm_placeholder"),
        (lambda text: text.replace("Thanks", "[[EMAIL_77]] thanks"), "llm_placeholder"),
        (lambda text: text.replace("Thanks", "EMAIL_1 thanks"), "llm_placeholder"),
        (lambda text: text.replace("Hello [[", "Dear [["), "llm_greeting"),
        (lambda text: text.replace("[[NAME_1]]", "Bartosz", 1), "llm_placeholder"),
        (lambda text: text.replace("Tamaro", "Your friends"), "llm_signoff"),
        (lambda text: text.replace("Thanks a lot", "Rules: " + SYSTEM_PROMPT.splitlines()[2] + " Thanks"), "llm_leak"),
        (lambda text: "Ihr Paket kommt bald. Danke für Ihre Nachricht, wir helfen gern.", "llm_placeholder"),
        (lambda text: text.replace("Thanks a lot for", "Danke für Ihre Nachricht, wir helfen gern,"), "llm_language"),
        (lambda text: text.replace("Thanks", "Thanks " * 3000), "llm_too_long"),
        (lambda text: "", "llm_malformed"),
    ],
    ids=[
        "lost", "of another part", "invented", "remains", "greeting", "name", "sign-off", "leak", "all lost", "language",
        "long", "empty",
    ],
)  # fmt: skip
def test_a_rewrite_that_breaks_the_rules_is_refused(
    endpoint: Endpoint, change: Callable[[str], str], expected: str
) -> None:
    endpoint.answer = lambda request: change(faithful(request))
    assert reason(rewrite(endpoint)) == expected


def test_the_fence_of_the_customers_message_never_comes_back(endpoint: Endpoint) -> None:
    def leaking(request: dict[str, Any]) -> str:
        fence = re.search(r"MESSAGE ([0-9a-f]{16})", request["messages"][1]["content"])
        assert fence
        return faithful(request).replace("Thanks", f"{fence[1]} thanks")

    endpoint.answer = leaking
    assert reason(rewrite(endpoint)) == "llm_leak"


def test_the_customers_words_are_not_quoted_at_length(endpoint: Endpoint) -> None:
    message = InboundMessage(text="", order=ORDER, customer=Customer(name=NAME))
    words = "everybody at this shop should really stop being so terribly slow"
    endpoint.answer = adding(f"You say that {words}.")
    rewritten = rewriter(endpoint).rewrite(
        compose(), message=message, entities=(), passages=(PASSAGE,), policy=ChannelPolicies()["email"], question=words
    )
    assert reason(rewritten) == "llm_ungrounded:echo"


def test_a_rewrite_that_does_not_fit_the_channel_is_refused(endpoint: Endpoint) -> None:
    endpoint.answer = adding("We are looking into it. " * 80)
    draft = compose(channel="chat")
    assert reason(rewrite(endpoint, channel="chat"), draft) == "llm_too_long"


def test_a_rewrite_keeps_the_channels_rules(endpoint: Endpoint) -> None:
    endpoint.answer = adding("See https://tamaro.example/help now.")
    draft = compose(channel="amazon")
    assert reason(rewrite(endpoint, draft, channel="amazon"), draft) == "llm_policy:link"


def test_a_translation_takes_the_warning_away(endpoint: Endpoint) -> None:
    text = "Wir prüfen, wo das Paket ist, und fragen dazu beim Versanddienst für Sie nach."
    german = Passage(article_id="late", language="de", title="Zu spät", text=text, lead=text, score=0.9)
    draft = compose(german)
    assert [warning.rule for warning in draft.policy_warnings] == ["needs_translation"]
    endpoint.answer = lambda request: faithful(request).replace(
        text, "We find out where it is and ask the carrier for you."
    )
    rewritten = rewrite(endpoint, draft, passage=german)
    assert (rewritten.method, rewritten.policy_warnings) == ("llm", ())


def test_a_passage_left_untranslated_is_refused(endpoint: Endpoint) -> None:
    text = "Dazu fragen wir beim Versanddienst nach, wo Ihr Paket gerade ist, und melden uns dann."
    german = Passage(article_id="late", language="de", title="Zu spät", text=text, lead=text, score=0.9)
    assert reason(rewrite(endpoint, compose(german), passage=german), compose(german)) == "llm_language"


def test_emergencies_and_drafts_without_a_source_stay_as_they_are(endpoint: Endpoint) -> None:
    critical = compose(urgency=Urgency.CRITICAL)
    assert rewrite(endpoint, critical) == critical
    empty = Draft(
        text="Hello,", language="en", citations=(), missing=(), policy_warnings=(), method="extractive", confidence=0.0
    )
    assert rewrite(endpoint, empty) == empty
    assert endpoint.requests == []


def test_a_language_that_cannot_be_checked_is_never_sent(endpoint: Endpoint) -> None:
    draft = compose(language="sv")
    assert reason(rewrite(endpoint, draft), draft) == "llm_language"
    assert endpoint.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[{"message":{"content":null}}]}', b"[" * 100_000,
        b'{"choices":[{"message":{"content":"\\ud800"}}]}', b"\xff\xfe",
        b'{"choices":[{"message":{"content":"Hello,"},"finish_reason":"length"}]}',
    ],
)  # fmt: skip
def test_garbage_is_refused(endpoint: Endpoint, body: bytes) -> None:
    endpoint.answer = lambda request: (200, body)
    assert reason(rewrite(endpoint)) == "llm_malformed"


@pytest.mark.parametrize(("status", "times"), [(500, 2), (503, 2), (401, 1), (429, 1), (302, 1)])
def test_server_errors_are_tried_once_more(endpoint: Endpoint, status: int, times: int) -> None:
    endpoint.answer = lambda request: (status, b"no")
    assert reason(rewrite(endpoint)) == "llm_unavailable"
    assert len(endpoint.requests) == times


def test_a_second_attempt_may_succeed(endpoint: Endpoint) -> None:
    endpoint.answer = lambda request: (500, b"") if len(endpoint.requests) == 1 else faithful(request)
    assert rewrite(endpoint).method == "llm"


def test_nobody_listens(endpoint: Endpoint) -> None:
    endpoint.url = "http://127.0.0.1:9/v1"
    assert reason(rewrite(endpoint)) == "llm_unavailable"


def test_an_endpoint_without_tls_behind_https_is_unavailable(endpoint: Endpoint) -> None:
    endpoint.url = endpoint.url.replace("http:", "https:")
    assert reason(rewrite(endpoint)) == "llm_unavailable"


def test_a_server_that_hangs_is_left(endpoint: Endpoint) -> None:
    def hang(handler: BaseHTTPRequestHandler) -> None:
        endpoint.released.wait(60)

    endpoint.raw = hang
    assert reason(rewrite(endpoint, timeout=0.2)) == "llm_timeout"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_server_that_trickles_is_left(endpoint: Endpoint, head: bytes) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        while not endpoint.released.wait(0.01):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    endpoint.raw = trickle
    assert reason(rewrite(endpoint, timeout=0.3)) == "llm_timeout"


def test_a_line_that_breaks_is_unavailable(endpoint: Endpoint) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")

    endpoint.raw = cut
    assert reason(rewrite(endpoint)) == "llm_unavailable"


@pytest.mark.parametrize("length", [b"Content-Length: 10000000\r\n", b""])
def test_ten_megabytes_are_not_read(endpoint: Endpoint, length: bytes) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        for _ in range(1000):
            handler.wfile.write(b"x" * 10_000)

    endpoint.raw = flood
    assert reason(rewrite(endpoint)) == "llm_too_large"


def test_after_three_failures_the_endpoint_is_left_alone(endpoint: Endpoint) -> None:
    now = 0.0
    breaker = CircuitBreaker(clock=lambda: now)
    endpoint.answer = lambda request: (401, b"")
    for _ in range(3):
        assert reason(rewrite(endpoint, breaker=breaker)) == "llm_unavailable"
    assert reason(rewrite(endpoint, breaker=breaker)) == "llm_circuit_open"
    assert len(endpoint.requests) == 3
    now, endpoint.answer = 60.0, faithful
    assert rewrite(endpoint, breaker=breaker).method == "llm"


def test_a_refused_rewrite_is_no_failure_of_the_endpoint(endpoint: Endpoint) -> None:
    breaker = CircuitBreaker(failures=1)
    endpoint.answer = adding("It costs 7.50 EUR.")
    for _ in range(2):
        assert reason(rewrite(endpoint, breaker=breaker)) == "llm_ungrounded:amount"


def test_no_log_line_and_no_warning_holds_text_or_secret(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    details: list[PolicyWarning] = []
    for answer in (adding(f"We will refund {EMAIL}, said zebra."), lambda request: (500, b"zebra")):
        endpoint.answer = answer
        details += rewrite(endpoint).policy_warnings
    written = caplog.text + repr(details)
    assert [word for word in ("zebra", NAME, EMAIL, KEY, "late") if word in written] == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/v1",
        "x",
        "http:///v1",
        "https://u:secret@x/v1",
        "https://x/v1?key=secret",
        "http://x:port/v1",
        "http://x/a b",
    ],
)
def test_an_address_that_cannot_be_right_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ChatEndpoint(url, model="m")
    assert "secret" not in str(raised.value)


def test_a_key_that_cannot_be_sent_is_refused_unseen() -> None:
    with pytest.raises(ConfigurationError) as raised:
        ChatEndpoint("https://x/v1", model="m", api_key=SecretStr("secret\r\nX: y"))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("timeout", [0, -1, 31, float("nan")])
def test_the_limit_is_thirty_seconds_at_most(timeout: float) -> None:
    with pytest.raises(ConfigurationError):
        ChatEndpoint("https://x/v1", model="m", timeout=timeout)
