from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from triage.channels.policies import ChannelPolicies
from triage.drafting.answer import titled, units
from triage.drafting.composer import Composer
from triage.drafting.lint import fits, lint
from triage.drafting.phrases import load_phrases
from triage.drafting.segments import sms_segments
from triage.testing import prediction
from triage.types import (
    Author,
    Customer,
    Draft,
    InboundMessage,
    Order,
    Passage,
    Prediction,
    Refund,
    Retrieval,
    ThreadMessage,
    Urgency,
    Voice,
)

PHRASES = files("triage.drafting") / "phrases"
LANGUAGES = sorted(p.name.removesuffix(".yaml") for p in PHRASES.iterdir() if p.name.endswith(".yaml"))
PUBLIC = [channel for channel in ChannelPolicies().channels if ChannelPolicies()[channel].public]
PRIVATE = [channel for channel in ChannelPolicies().channels if not ChannelPolicies()[channel].public]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEAD = "If a parcel is late, we open an enquiry. The carrier answers within 3 working days.\n\n- Weekends do not count."
LATE = Passage(
    article_id="late", language="en", title="Late", text=LEAD, lead=LEAD, score=0.9, intents=("delivery_late",)
)
REFUND = Passage(article_id="refund", language="en", title="Refund", text="A refund takes 5 working days.",
                 lead="A refund takes 5 working days.", score=0.7, intents=("refund_request",))  # fmt: skip
ORDER = Order(
    id="TM-10428", status="in_transit", promised_by=datetime(2026, 11, 13, 20, tzinfo=UTC), carrier="DHL",
    tracking_number="00340434292135100412", tracking_url="https://track.tamaro.example/1", currency="EUR",
)  # fmt: skip


def _draft(
    *passages: Passage,
    language: str = "en",
    channel: str = "email",
    order: Order | None = None,
    name: str | None = None,
    predicted: Prediction | None = None,
    known: tuple[str, ...] = (),
    phrases_folder: Path | None = None,
    text: str = "…",
    thread: tuple[ThreadMessage, ...] = (),
) -> Draft:
    message = InboundMessage(text=text, channel=channel, order=order, customer=Customer(name=name), thread=thread)
    return Composer(Voice(signatures={"": "Tamaro"}), phrases_folder=phrases_folder).draft(
        message,
        language=language,
        prediction=predicted or prediction("delivery_late"),
        known=known,
        retrieval=Retrieval(passages=passages, index_version="i"),
        policy=ChannelPolicies()[channel],
        now=NOW,
    )


def test_a_draft_greets_answers_asks_and_signs() -> None:
    draft = _draft(LATE, name="Anna")
    assert draft.text.startswith("Hello Anna,\n\n")
    assert "If a parcel is late, we open an enquiry. The carrier answers within 3 working days." in draft.text
    assert "\n\n- Weekends do not count." in draft.text
    assert "please send me your order number." in draft.text
    assert draft.text.endswith("Kind regards,\nTamaro")
    assert draft.missing == ("order_number",)


def test_every_sentence_of_the_answer_is_cited_and_stands_in_the_text() -> None:
    draft = _draft(LATE)
    assert [c.article_id for c in draft.citations] == ["late"] * 3
    assert all(c.passage in draft.text for c in draft.citations)


def test_nothing_known_already_is_asked_for() -> None:
    assert _draft(LATE, known=("order_number",)).missing == ()
    assert "order number" not in _draft(LATE, order=ORDER).text


def test_order_facts_are_stated_in_the_customers_format_and_cited() -> None:
    text = _draft(LATE, order=ORDER, language="de").text
    assert "TM-10428" in text
    assert "13. November 2026" in text
    assert "00340434292135100412" in text
    assert "https://track.tamaro.example/1" in text
    assert any(c.article_id == "order:TM-10428" for c in _draft(LATE, order=ORDER).citations)


def test_a_passed_date_is_called_passed() -> None:
    assert "was November 13, 2026" in _draft(LATE, order=ORDER).text


def test_a_refund_is_stated_with_its_currency_and_never_without() -> None:
    paid = Order(id="A1", status="refunded", currency="EUR", refund=Refund(amount="49.00"))
    assert "€49.00" in _draft(order=paid, predicted=prediction("refund_status")).text
    no_currency = Order(id="A1", status="refunded", refund=Refund(amount="49.00"))
    assert "49.00" not in _draft(order=no_currency, predicted=prediction("refund_status")).text


def test_two_matters_get_both_answers() -> None:
    text = _draft(LATE, REFUND, predicted=prediction("delivery_late", "refund_request")).text
    assert "About your other question:" in text
    assert text.index("we open an enquiry") < text.index("A refund takes 5 working days.")


def test_amazon_gets_no_links() -> None:
    linked = Passage(article_id="a", language="en", title="", score=0.9, lead="Read https://x.example/y now. Stay safe.",
                     text="Read https://x.example/y now. Stay safe.")  # fmt: skip
    draft = _draft(linked, channel="amazon", order=ORDER)
    assert "://" not in draft.text
    assert "Stay safe." in draft.text
    assert draft.policy_warnings == ()


def test_ebay_gets_no_contact_details() -> None:
    contact = Passage(article_id="a", language="en", title="", score=0.9, lead="Write to press@x.example. We answer soon.",
                      text="Write to press@x.example. We answer soon.")  # fmt: skip
    draft = _draft(contact, channel="ebay")
    assert "press@" not in draft.text
    assert "We answer soon." in draft.text
    assert draft.policy_warnings == ()


def test_walmart_gets_english() -> None:
    draft = _draft(LATE, channel="walmart", language="es")
    assert draft.language == "en"
    assert draft.text.startswith("Hello,")


def test_a_public_review_repeats_nothing_of_the_order() -> None:
    text = _draft(LATE, channel="review", order=ORDER).text
    assert "TM-10428" not in text
    assert "00340434292135100412" not in text


def _asks(language: str) -> tuple[str, str]:
    """How ``language`` asks for an order number: among two, and where everybody reads along."""
    phrases = load_phrases(language)
    assert phrases is not None
    assert phrases.ask_privately is not None
    number = phrases.items["order_number"]
    return phrases.ask.format(items=number), phrases.ask_privately.format(items=number)


@pytest.mark.parametrize("channel", PUBLIC)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_public_reply_asks_for_details_in_private(channel: str, language: str) -> None:
    ask, ask_privately = _asks(language)
    assert ask not in _draft(LATE, channel=channel, language=language).text
    draft = _draft(channel=channel, language=language)
    assert ask not in draft.text
    assert ask_privately in draft.text
    assert draft.missing == ("order_number",)


@pytest.mark.parametrize("channel", PRIVATE)
def test_a_private_reply_asks_for_details_at_once(channel: str) -> None:
    ask, ask_privately = _asks("en")
    text = _draft(channel=channel).text
    assert ask in text
    assert ask_privately not in text


@pytest.mark.parametrize("language", ["pl", "en"])
def test_an_older_phrase_file_of_a_workspace_takes_the_packaged_private_question(tmp_path: Path, language: str) -> None:
    _older_phrases(tmp_path, language, signoff="Ahoy,")
    ask, ask_privately = _asks(language)
    public = _draft(channel="review", language=language, phrases_folder=tmp_path).text
    assert "Ahoy," in public
    assert ask_privately in public
    assert ask not in public
    assert ask in _draft(language=language, phrases_folder=tmp_path).text


def test_a_language_without_a_private_question_asks_for_nothing_in_public(tmp_path: Path) -> None:
    english = _older_phrases(tmp_path, "en", language="eo")
    draft = _draft(LATE, channel="review", language="eo", phrases_folder=tmp_path)
    assert "order number" not in draft.text
    assert english["next"]["waiting"] not in draft.text
    assert english["next"]["default"] in draft.text
    assert draft.missing == ("order_number",)
    assert _asks("en")[0] in _draft(LATE, language="eo", phrases_folder=tmp_path).text


def _older_phrases(folder: Path, source: str, **changes: str) -> dict[str, Any]:
    """Writes a workspace's own file as it was before ``ask_privately``, with ``changes``."""
    rows: dict[str, Any] = yaml.safe_load(
        (files("triage.drafting") / "phrases" / f"{source}.yaml").read_text(encoding="utf-8")
    )
    del rows["ask_privately"]
    rows |= changes
    (folder / f"{rows['language']}.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")
    return rows


@pytest.mark.parametrize("language", ["en", "pl", "ar", "id"])
def test_an_sms_loses_whole_sentences_and_never_half_of_one(language: str) -> None:
    draft = _draft(LATE, channel="sms", language=language, order=ORDER)
    assert sms_segments(draft.text) <= 3
    for citation in draft.citations:
        assert citation.passage in draft.text


def test_a_missing_translation_is_said_and_the_fixed_parts_are_the_customers() -> None:
    draft = _draft(LATE, language="pl")
    assert draft.language == "pl"
    assert draft.text.startswith("Dzień dobry")
    assert "angielski" in draft.text
    assert "needs_translation" in [w.rule for w in draft.policy_warnings]


def test_a_language_without_phrases_falls_back_and_says_so() -> None:
    draft = _draft(LATE, language="sw")
    assert draft.text.startswith("Hello,")
    assert "needs_translation" in [w.rule for w in draft.policy_warnings]


def test_an_emergency_starts_with_safety_and_calls_a_person() -> None:
    draft = _draft(LATE, predicted=prediction("defective_item", urgency=Urgency.CRITICAL))
    assert "Your safety comes first." in draft.text
    assert "needs_person_now" in [w.rule for w in draft.policy_warnings]


def test_without_an_article_nothing_is_invented() -> None:
    draft = _draft(predicted=prediction("business_inquiry"))
    assert draft.citations == ()
    assert draft.confidence == 0
    assert "I will look into this personally" in draft.text


def test_a_passage_that_probably_does_not_answer_stays_out_of_the_text() -> None:
    draft = _draft(Passage(article_id="a", language="en", title="", text=LEAD, lead=LEAD, score=0.4))
    assert draft.citations == ()
    assert "enquiry" not in draft.text


def test_an_unsure_model_puts_no_answer_into_the_draft_but_in_an_emergency() -> None:
    unsure = prediction("wrong_item", "praise", abstained=True, confidence=0.5)
    likely = replace(LATE, score=0.7)
    assert _draft(likely, predicted=unsure).citations == ()
    assert (
        "I will look into this personally"
        in _draft(likely, predicted=unsure, text="It looks nothing like the picture.").text
    )
    urgent = prediction("defective_item", abstained=True, urgency=Urgency.CRITICAL)
    assert _draft(LATE, predicted=urgent).citations


def test_an_unsure_model_asks_for_what_every_likely_reading_needs_and_for_nothing_else() -> None:
    agreed = prediction("delivery_late", "track_order", abstained=True, confidence=0.6)
    assert _draft(predicted=agreed).missing == ("order_number",)
    divided = prediction("delivery_late", "product_question", abstained=True, confidence=0.6)
    assert _draft(predicted=divided).missing == ()


UNSURE = prediction("damaged_item", "product_question", abstained=True, confidence=0.5)


def test_an_unsure_model_offers_a_passage_that_very_likely_helps_and_says_that_it_may() -> None:
    text = _draft(LATE, predicted=UNSURE).text
    assert "This may already help you:\n\nIf a parcel is late" in text
    assert text.index("This may already") < text.index("I will look into this personally")


def test_an_unsure_model_offers_nothing_in_a_strange_language_or_in_a_running_conversation() -> None:
    assert _draft(LATE, predicted=UNSURE, language="pl").citations == ()
    earlier = (ThreadMessage(author=Author.CUSTOMER, text="It arrived broken."),)
    assert _draft(LATE, predicted=UNSURE, thread=earlier).citations == ()


def test_an_unsure_model_still_states_what_the_order_says() -> None:
    unsure = prediction("track_order", "delivery_late", abstained=True, confidence=0.6)
    draft = _draft(order=ORDER, predicted=unsure, text="It should have been here last week.")
    assert "Your order TM-10428 is on its way to you." in draft.text
    assert "I will look into this personally" in draft.text


def test_a_message_that_says_next_to_nothing_is_asked_what_is_wanted() -> None:
    asked = "Please tell me in a few words what you need"
    assert asked in _draft(predicted=prediction("out_of_scope"), text="Hello?").text
    assert asked in _draft(predicted=UNSURE, text="TM-1").text
    assert asked not in _draft(predicted=UNSURE, text="The lid of my new kettle is cracked.").text
    long = "We are a football club and would like to know whether you sponsor young teams in our town this year."
    assert asked not in _draft(predicted=prediction("out_of_scope"), text=long).text


def test_an_emergency_asks_for_no_order_number_and_promises_a_person() -> None:
    draft = _draft(LATE, predicted=prediction("payment_problem", urgency=Urgency.CRITICAL))
    assert draft.missing == ()
    assert "order number" not in draft.text
    assert "I will look into this personally" in draft.text


def test_who_is_asked_for_something_is_told_what_comes_after_it() -> None:
    text = _draft(predicted=prediction("delivery_late")).text
    assert "please send me your order number. As soon as I have your reply" in text
    assert "I will look into this personally" not in text


def test_praise_needs_no_promise() -> None:
    text = _draft(predicted=prediction("praise")).text
    assert "kind words" in text
    assert "I will look into" not in text
    assert "If anything is unclear" not in text


def test_regret_is_said_once() -> None:
    words = "We are sorry that your item arrived damaged. Please keep the parcel."
    broken = replace(LATE, lead=words, text=words, article_id="damaged")
    text = _draft(broken, predicted=prediction("damaged_item"), known=("order_number", "photo")).text
    assert text.lower().count("sorry") == 1


def test_an_article_that_thanks_does_not_thank_again() -> None:
    words = "Thank you for telling us. A person will read the whole history."
    article = replace(LATE, lead=words, text=words)
    text = _draft(article, predicted=prediction("complaint"), known=("order_number",)).text
    assert text.count("Thank you") == 1
    assert "A person will read" in text


def test_an_order_that_is_known_shortens_the_article_to_its_opening() -> None:
    article = replace(LATE, lead="We open an enquiry.", text="The tracking page stays empty at first.")
    assert "stays empty" not in _draft(article, order=ORDER).text
    assert "stays empty" in _draft(article).text


@pytest.mark.parametrize("language", ["pl", "tr", "ar"])
def test_a_short_message_asks_for_the_order_before_it_cites_an_article(language: str) -> None:
    article = replace(LATE, language=language, lead="A" * 150 + ".", text="A" * 150 + ".")
    draft = _draft(article, channel="sms", language=language, predicted=prediction("track_order"))
    assert _asks(language)[0] in draft.text
    assert draft.citations == ()


@pytest.mark.parametrize("channel", PUBLIC)
def test_a_public_reply_repeats_no_request_for_a_telephone_number(channel: str) -> None:
    words = "Please stop using it. Write to us with your telephone number."
    danger = replace(LATE, lead=words, text=words)
    text = _draft(danger, channel=channel, predicted=prediction("defective_item", urgency=Urgency.CRITICAL)).text
    assert "Please stop using it." in text
    assert "telephone" not in text


@pytest.mark.parametrize("name", ["Grumpy_Gus", "Guest", "You win\n\nWe pay back 100"])
def test_a_handle_is_not_greeted(name: str) -> None:
    assert _draft(LATE, name=name).text.startswith("Hello,\n\nThank you")


def test_amazon_gets_no_marketing_out_of_an_article() -> None:
    words = "The lamp is in stock. Use this discount code for your next order."
    article = replace(LATE, lead=words, text=words)
    draft = _draft(article, channel="amazon", predicted=prediction("stock_availability"))
    assert "in stock" in draft.text
    assert "discount" not in draft.text
    assert draft.policy_warnings == ()


def test_braces_in_a_name_are_harmless() -> None:
    assert _draft(LATE, name="{order} {}").text.startswith("Hello {order} {},")


def test_units_drop_markup_and_keep_numbers_of_steps() -> None:
    found = units("**Bold** text. More.\n\n1. First [link](https://a.example/b)\n2. Second", links=True)
    assert [u.shown for u in found] == ["Bold text.", "More.", "1. First link (https://a.example/b)", "2. Second"]
    assert [u.shown for u in units("See [here](https://a.example/b).", links=False)] == ["See here."]


@given(st.text(max_size=400), st.text(max_size=40))
def test_any_passage_and_name_give_a_draft_within_the_channels_length(body: str, name: str) -> None:
    passage = Passage(article_id="a", language="en", title="", text=body, lead=body, score=0.5)
    for channel in ("sms", "amazon", "whatsapp"):
        draft = _draft(passage, channel=channel, name=name)
        assert fits(draft.text, ChannelPolicies()[channel])


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ł" * 70, 1),
        ("ł" * 71, 2),
        ("😀" * 36, 2),
        ("", 1),
    ],
)
def test_sms_segments_are_counted_as_carriers_do(text: str, segments: int) -> None:
    assert sms_segments(text) == segments


def test_the_linter_marks_the_span_and_the_rule() -> None:
    text = "Write to shop@x.example or see https://x.example/a, order 302-4471908-6625313."
    found = lint(text, ChannelPolicies()["amazon"], allowed=("302-4471908-6625313",))
    assert [(w.rule, text[w.start : w.end]) for w in found] == [
        ("contact_details", "shop@x.example"),
        ("link", "https://x.example/a"),
    ]
    assert lint(text, ChannelPolicies()["email"]) == ()
    assert [w.rule for w in lint("x" * 2001, ChannelPolicies()["ebay"])] == ["too_long"]


def test_a_list_keeps_the_heading_that_says_what_it_lists() -> None:
    steps = "1. Hold the button for ten seconds.\n2. Wait until the light blinks."
    passage = Passage(
        article_id="reset", language="en", title="Reset", lead="A reset clears the settings.", text=steps, score=0.9,
        heading="If the **light** stays red",
    )  # fmt: skip
    draft = _draft(passage, predicted=prediction("product_usage"))
    assert "settings.\n\nIf the light stays red:\n\n1. Hold the button for ten seconds.\n2. Wait" in draft.text
    assert [c.passage for c in draft.citations if "red" in c.passage] == ["If the light stays red"]


@pytest.mark.parametrize(
    ("heading", "text", "shown"),
    [
        ("What to do?", "- Open it.\n- Close it.", "What to do?"),
        ("What to do", "Open it, then close it.", None),
        (None, "- Open it.\n- Close it.", None),
        ("See https://example.com", "- Open it.\n- Close it.", None),
    ],
)
def test_a_heading_stands_above_lists_alone(heading: str | None, text: str, shown: str | None) -> None:
    found = titled(units(text, links=True), heading)
    assert [unit.shown for unit in found if unit.title] == ([shown] if shown else [])
    assert found[-1].text in text
