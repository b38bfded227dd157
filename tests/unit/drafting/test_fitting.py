"""What a draft leaves out, and what it then must leave out or ask for too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from triage.channels.policies import ChannelPolicies
from triage.drafting.answer import units
from triage.drafting.composer import Composer
from triage.drafting.phrases import load_phrases
from triage.drafting.segments import sms_segments
from triage.testing import prediction
from triage.types import Author, Draft, InboundMessage, Order, Passage, Refund, Retrieval, ThreadMessage, Voice

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PHOTO = "a photo of the product and the packaging"
NUMBER = "please send me your order number"


def _passage(text: str, *, language: str = "en", article: str = "a") -> Passage:
    return Passage(article_id=article, language=language, title="", text=text, lead=text, score=0.9)


def _draft(
    text: str = "It arrived broken.",
    *passages: Passage,
    intent: str = "damaged_item",
    language: str = "en",
    channel: str = "email",
    order: Order | None = None,
    thread: tuple[ThreadMessage, ...] = (),
) -> Draft:
    return Composer(Voice(signatures={"": "Tamaro"})).draft(
        InboundMessage(text=text, channel=channel, order=order, thread=thread),
        language=language,
        prediction=prediction(intent),
        known=(),
        retrieval=Retrieval(passages=passages, index_version="i"),
        policy=ChannelPolicies()[channel],
        now=NOW,
    )


def _other_language(language: str) -> str:
    phrases = load_phrases(language)
    assert phrases is not None
    return phrases.other_language.partition("{language}")[0]


def test_who_sent_a_photo_is_not_asked_for_one() -> None:
    assert _draft().missing == ("order_number", "photo")
    draft = _draft("Box crushed. Photos attached.")
    assert draft.missing == ("order_number",)
    assert PHOTO not in draft.text
    sent = (ThreadMessage(author=Author.CUSTOMER, text="Here are the pictures."),)
    assert _draft(thread=sent).missing == ("order_number",)


def test_what_the_article_asks_for_is_not_asked_for_again() -> None:
    draft = _draft("It arrived broken.", _passage("Please send us a photo of the item."))
    assert PHOTO not in draft.text
    assert NUMBER in draft.text
    assert draft.missing == ("order_number", "photo")


def test_it_is_asked_for_where_the_articles_sentence_had_to_go() -> None:
    long = "Reply with your order number, " + "the day on which it came and all that you think may matter to us, " * 7
    passage = _passage(f"We take it back. {long.strip(', ')}.")
    draft = _draft("x", passage, intent="return_item", channel="sms")
    assert draft.text.startswith("We take it back.")
    assert "Reply with" not in draft.text
    assert sms_segments(draft.text) <= 3
    assert NUMBER in draft.text


def test_where_everybody_reads_along_no_article_asks_for_personal_details() -> None:
    text = "We open an enquiry. Please send us your order number."
    draft = _draft("x", _passage(text), intent="delivery_late", channel="review")
    assert "Please send us your order number." not in draft.text
    assert "in a direct message" in draft.text
    assert "We open an enquiry." in draft.text


@pytest.mark.parametrize("language", ["it", "ar"])
def test_a_passage_of_which_nothing_may_stand_is_not_announced(language: str) -> None:
    draft = _draft(
        "x", _passage("Write to press@x.example."), intent="business_inquiry", language=language, channel="ebay"
    )
    phrases = load_phrases(language)
    assert phrases is not None
    assert _other_language(language) not in draft.text
    assert phrases.next["handover"] in draft.text
    assert (draft.citations, draft.confidence) == ((), 0.0)
    assert "needs_translation" not in [warning.rule for warning in draft.policy_warnings]


@pytest.mark.parametrize("channel", ["sms", "x"])
def test_a_foreign_answer_never_stands_without_a_word_in_the_customers_language(channel: str) -> None:
    text = "Every drill, saw, trimmer, mower and pressure washer has a three-year warranty. " * 3
    draft = _draft("x", _passage(text.strip()), intent="shipping_options", language="es", channel=channel)
    assert draft.text.startswith(_other_language("es"))
    assert "three-year warranty." in draft.text


def test_what_only_announces_goes_with_what_it_announces() -> None:
    linked = "Please keep calm.\n\nThese help:\n\n- https://a.example/b"
    assert "These help" not in _draft("x", _passage(linked), intent="product_usage", channel="amazon").text
    assert "These help" in _draft("x", _passage(linked), intent="product_usage").text
    long = "Sometimes the courier scans a parcel early or leaves it where few people look for it. Before you write:"
    steps = "\n\n- " + "ask every single neighbour, the porter and everybody who lives with you, " * 5 + "please."
    draft = _draft("x", _passage(long + steps), intent="product_usage", channel="sms")
    assert "Sometimes the courier" in draft.text
    assert "Before you write:" not in draft.text


@pytest.mark.parametrize("amount", ["1249.50", "12345.00"])
def test_an_amount_that_the_order_says_is_no_contact_detail(amount: str) -> None:
    order = Order(id="TM-1", status="refunded", currency="GBP", refund=Refund(amount=amount))
    draft = _draft("x", intent="refund_status", order=order, channel="walmart")
    assert "£1" in draft.text
    assert draft.policy_warnings == ()


def test_a_sentence_that_an_editor_wrapped_stays_one() -> None:
    first = "If the latest date in your confirmation has passed by more than two days,\nwrite to us. Thank you."
    wrapped = f"{first}\n- One item\n  goes on here"
    assert [unit.text for unit in units(wrapped, links=True)] == [
        "If the latest date in your confirmation has passed by more than two days, write to us.",
        "Thank you.",
        "One item goes on here",
    ]


def test_lines_that_are_short_or_finished_stay_apart() -> None:
    address = "Send it to\nTamaro Returns\nHafenstrasse 3\n20457 Hamburg"
    assert [unit.text for unit in units(address, links=True)] == address.splitlines()


def test_light_emphasis_and_images_are_no_text() -> None:
    assert [u.text for u in units("*Never* open _it_. ![a](https://a.example/b.png)", links=True)] == ["Never open it."]
    assert [u.text for u in units("snake_case_name and 2*3*4", links=True)] == ["snake_case_name and 2*3*4"]
