from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from triage.channels.policies import ChannelPolicies
from triage.drafting.composer import Composer
from triage.drafting.lint import lint
from triage.drafting.phrases import load_phrases
from triage.testing import prediction
from triage.types import EarlierMatter, InboundMessage, Passage, Retrieval, Voice

PHRASES = files("triage.drafting") / "phrases"
LANGUAGES = sorted(p.name.removesuffix(".yaml") for p in PHRASES.iterdir() if p.name.endswith(".yaml"))
ASKED, ANSWERED = datetime(2026, 11, 2, 9, tzinfo=UTC), datetime(2026, 11, 3, 15, tzinfo=UTC)
ANSWER = "Your parcel with the blue lamp waits at 12 Elm Street."
LEAD = "If a parcel is late, we open an enquiry."
LATE = Passage(article_id="late", language="en", title="Late", text=LEAD, lead=LEAD, score=0.9)


def earlier(*, answered: bool, channel: str = "email", asked: datetime = ASKED) -> EarlierMatter:
    return EarlierMatter(
        message_id="m", conversation_id="c", channel=channel, asked_at=asked,
        answer=ANSWER if answered else None, answered_at=ANSWERED if answered else None,
    )  # fmt: skip


def draft(
    *before: EarlierMatter, language: str = "en", channel: str = "chat", intent: str = "delivery_late", **more: Any
) -> str:
    return (
        Composer(Voice(signatures={"": "Tamaro"}))
        .draft(
            InboundMessage(text="…", channel=channel, asked_before=before),
            language=language,
            prediction=prediction(intent, **more),
            known=("order_number",),
            retrieval=Retrieval(passages=(LATE,), index_version="i"),
            policy=ChannelPolicies()[channel],
            now=ANSWERED,
        )
        .text
    )


@pytest.mark.parametrize(
    ("language", "answered", "sentence"),
    [
        ("en", True, "I can see your earlier message and our reply of November 3, 2026, so you"),
        ("en", False, "I can also see your earlier message of November 2, 2026, and I am sorry"),
        ("de", True, "unsere Antwort vom 3. November 2026 liegen mir vor"),
        ("de", False, "Ihre frühere Nachricht vom 2. November 2026 liegt mir vor; es tut mir leid"),
        ("ar", True, "وردنا عليها بتاريخ 3 نوفمبر 2026"),
        ("ar", False, "رسالتكم السابقة بتاريخ 2 نوفمبر 2026، ويؤسفني"),
        ("pl", True, "naszą odpowiedź z dnia 3 listopada 2026"),
        ("pl", False, "wcześniejszą wiadomość z dnia 2 listopada 2026"),
    ],
)
def test_the_draft_knows_of_it_in_the_replys_language(language: str, answered: bool, sentence: str) -> None:
    text = draft(earlier(answered=answered), language=language)
    phrases = load_phrases(language)
    assert phrases is not None
    assert text.count(sentence) == 1
    assert phrases.acknowledge["delivery_problem"] in text
    assert text.index(phrases.acknowledge["delivery_problem"]) < text.index(sentence) < text.index(LEAD)
    assert ANSWER not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("answered", [True, False])
def test_every_language_says_it_and_breaks_no_rule(language: str, answered: bool) -> None:
    told, plain = draft(earlier(answered=answered), language=language), draft(language=language)
    assert "2026" in told
    assert "2026" not in plain
    for channel in ("amazon", "ebay", "sms", "email"):
        text = draft(earlier(answered=answered), language=language, channel=channel)
        assert lint(text, ChannelPolicies()[channel]) == ()


def test_nothing_is_said_of_it_where_nothing_was_asked_or_only_praise_came() -> None:
    assert "earlier" not in draft()
    assert "earlier" not in draft(earlier(answered=False), intent="praise")


def test_the_latest_counts() -> None:
    waiting = earlier(answered=False, asked=datetime(2026, 11, 5, tzinfo=UTC))
    for before in ((waiting, earlier(answered=True)), (earlier(answered=True), waiting)):
        assert "November 5" in draft(*before)
        assert "November 3" not in draft(*before)


@pytest.mark.parametrize("language", ["en", "ru", "uk", "ms", "tr", "ar", "de"])
def test_sorry_is_said_once(language: str) -> None:
    phrases = load_phrases(language)
    assert phrases is not None
    text = draft(earlier(answered=False), language=language, intent="damaged_item")
    assert phrases.acknowledge["default"] in text
    assert phrases.acknowledge["product_problem"] not in text
    assert phrases.acknowledge["product_problem"] in draft(
        earlier(answered=True), language=language, intent="damaged_item"
    )


@pytest.mark.parametrize("channel", [c for c in ChannelPolicies().channels if ChannelPolicies()[c].public])
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_in_public_nothing_is_told_of_private_messages_and_no_answer_is_repeated(channel: str, language: str) -> None:
    private = draft(earlier(answered=True), earlier(answered=False), channel=channel, language=language)
    assert private == draft(channel=channel, language=language)
    seen = draft(earlier(answered=True, channel=channel), channel=channel, language=language)
    assert ANSWER not in seen
    if channel == "review":
        assert "2026" in seen


def test_a_message_that_is_too_long_loses_this_before_the_acknowledgement() -> None:
    text = draft(earlier(answered=False), language="ru", channel="sms")
    phrases = load_phrases("ru")
    assert phrases is not None
    assert LEAD in text
    assert "2026" not in text or phrases.acknowledge["delivery_problem"] in text
