from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from eval import draft_checks, drafts
from eval.draft_cases import Case, cases
from eval.draft_checks import Verdict, examine
from eval.draft_pieces import take_apart
from eval.help_centres import Question
from eval.messages import LabelledMessage
from triage.channels.policies import ChannelPolicies
from triage.types import (
    Article,
    Citation,
    Customer,
    Detection,
    Draft,
    InboundMessage,
    Order,
    PolicyWarning,
    Prediction,
    Refund,
    Retrieval,
    Sla,
    TriageResult,
)

from triage.testing import prediction  # isort: skip

ARTICLE = Article(
    id="late",
    language="en",
    title="Late",
    body="## If a parcel is late\nWe open an enquiry. The carrier answers\nwithin **3** days, see [the page](https://a.example).\n\n"
    "- Weekends do not count.\n- Please check:\n",
)
ORDER = Order(
    id="TM-1", status="refunded", currency="EUR", carrier="DHL", tracking_number="620014885213",
    refund=Refund(amount="49.00", issued_at=datetime(2026, 11, 20, tzinfo=UTC)),
)  # fmt: skip
POLICIES = ChannelPolicies()


class Says:
    """Takes every text for one language, and remembers the last."""

    def __init__(self, code: str) -> None:
        self.code, self.last = code, ""

    def identify(self, text: str, *, hint: str | None = None) -> Detection:
        self.last = text
        return Detection(code=self.code, confidence=1.0)


def _draft(text: str, *, cited: Sequence[str] = (), missing: Sequence[str] = (), rules: Sequence[str] = ()) -> Draft:
    return Draft(
        text=text, language="en", method="extractive", confidence=0.9, missing=tuple(missing),
        citations=tuple(Citation(article_id="late", passage=passage) for passage in cited),
        policy_warnings=tuple(PolicyWarning(rule=rule, detail="") for rule in rules),
    )  # fmt: skip


def _verdict(draft: Draft, *, channel: str = "email", said: str = "x", order: Order | None = None) -> Verdict:
    message = InboundMessage(text=said, channel=channel, order=order, customer=Customer(name="Anna"))
    return examine(
        draft, message, policy=POLICIES[channel], articles=[ARTICLE], language="en", identifier=Says("en"),
        signature="Tamaro",
    )  # fmt: skip


def test_a_draft_of_phrases_facts_and_whole_sentences_is_cited() -> None:
    text = (
        "Hello Anna,\n\nThank you for your message.\n\nYour order TM-1 has been refunded. "
        "We refunded €49.00 to you on November 20, 2026.\n\nWe open an enquiry. The carrier answers within 3 days, "
        "see the page (https://a.example).\n\n- Weekends do not count.\n\nKind regards,\nTamaro"
    )
    draft = _draft(text, cited=["Weekends do not count."])
    assert _verdict(draft, order=ORDER) == Verdict()
    sources = [p.source for p in take_apart(draft, InboundMessage(text="", order=ORDER), [ARTICLE], signature="Tamaro")]
    assert {"phrase", "order", "late"} <= set(sources)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Thank you for your message. You get 10 % off.", "You get 10 % off."),
        ("The carrier answers", "The carrier answers"),
        ("Your order TM-2 has been refunded.", "Your order TM-2 has been refunded."),
        ("We refunded €490.00 to you on November 20, 2026.", "We refunded €490.00 to you on November 20, 2026."),
    ],
)
def test_what_stands_nowhere_is_named(text: str, wrong: str) -> None:
    assert _verdict(_draft(text, cited=[]), order=ORDER).uncited == (wrong,)


def test_a_sentence_of_an_article_that_is_not_cited_is_uncited() -> None:
    assert _verdict(_draft("We open an enquiry.")).uncited == ("We open an enquiry.",)
    assert _verdict(_draft("We open an enquiry.", cited=["Gone."])).uncited == ("not in the text: Gone.",)


def test_of_a_draft_to_translate_only_the_fixed_parts_are_read() -> None:
    identifier = Says("pl")
    draft = _draft("Hello,\n\nWe open an enquiry.", cited=["We open an enquiry."], rules=["needs_translation"])
    found = examine(
        draft,
        InboundMessage(text="x"),
        policy=POLICIES["email"],
        articles=[ARTICLE],
        language="en",
        identifier=identifier,
    )
    assert (found.language, found.translation, identifier.last) == ("pl", True, "Hello,")


@pytest.mark.parametrize(
    ("channel", "text", "breach"),
    [
        ("amazon", "Hello, see https://a.example", "a link"),
        ("ebay", "Hello, write to a@b.example", "contact a@b.example"),
        ("review", "Hello, TM-1", "order details in public"),
        ("x", "€" * 141, "length 282 of 280"),
        ("sms", "ł" * 202, "4 of 3 segments"),
        ("sms", "Hello, **you**", "markup"),
    ],
)
def test_breaches_are_found_without_the_linters_help(channel: str, text: str, breach: str) -> None:
    assert breach in _verdict(_draft(text), channel=channel, order=ORDER).breaches


def test_a_long_text_is_counted_as_carriers_do() -> None:
    assert [draft_checks.segments(text) for text in ("a" * 160, "a" * 161, "€" * 80, "€" * 81, "ł" * 70, "😀" * 36)] == [
        1, 2, 1, 2, 1, 2,
    ]  # fmt: skip


ASK = "So that I can help you without delay, please send me "


def test_what_is_known_and_what_is_asked_two_times_is_found() -> None:
    number = _draft(f"{ASK}your order number.", missing=["order_number"])
    assert _verdict(number).known == ()
    assert _verdict(number, said="It is TM-20428.").known == ("order_number",)
    assert _verdict(number, order=ORDER).known == ("order_number",)
    photo = _draft(f"{ASK}a photo of the product and the packaging.", missing=["photo"])
    assert _verdict(photo, said="Photos attached.").known == ("photo",)
    assert _verdict(photo).twice == ()
    twice = _draft(f"{number.text} {number.text}", missing=["order_number"])
    assert _verdict(twice).twice == ("order_number",)


def test_an_announcement_without_what_it_announces_is_found() -> None:
    assert _verdict(_draft("- Please check:\n\nHello,", cited=["Please check:"])).dangling == ("Please check:",)


QUESTIONS = [
    Question(
        text=f"message {i}", language="en", channel="email", intents=("track_order",), articles=("late",) * (i % 2)
    )
    for i in range(24)
]


def test_every_channel_is_met_and_some_messages_carry_an_order_or_a_thread() -> None:
    found = list(cases(QUESTIONS, POLICIES.channels))
    assert {case.message.channel for case in found} >= set(POLICIES.channels)
    assert sum(case.first for case in found) == len(QUESTIONS)
    assert {case.message.order is None for case in found} == {True, False}
    assert {len(case.message.thread) for case in found} == {0, 1, 2}
    assert found == list(cases(QUESTIONS, POLICIES.channels))


def test_a_labelled_message_brings_its_entities_and_no_articles() -> None:
    labelled = LabelledMessage(
        text="x", language="en", channel="sms", intents=("praise",), urgency="low", needs_reply=True, reasons=(),
        entities=(), batch="t",
    )  # fmt: skip
    case = next(cases([labelled], ["sms"]))
    assert (case.articles, case.entities) == (None, frozenset())


def _outcome(
    draft: Draft | None, verdict: Verdict | None, articles: tuple[str, ...] | None, **changes: str
) -> drafts.Outcome:
    read: Prediction = prediction("track_order")
    result = TriageResult(
        detection=Detection(code="en", confidence=1), prediction=read, entities=(), sla=Sla(due_at=None, policy=""),
        retrieval=Retrieval(passages=(), index_version=""), draft=draft, truncated=False, duration_ms=1,
    )  # fmt: skip
    message = InboundMessage(text="x", channel=changes.get("channel", "email"))
    case = Case(message=message, language=changes.get("language", "en"), articles=articles)
    return drafts.Outcome(case=case, result=result, expected="en", verdict=verdict)


def test_shares_count_drafts_and_answers_count_questions(capsys: pytest.CaptureFixture[str]) -> None:
    good = _draft("We open an enquiry.", cited=["We open an enquiry."])
    found = [
        _outcome(good, Verdict(), ("late",)),
        _outcome(good, Verdict(uncited=("x",), language="de", breaches=("a link",)), ("other",), language="de"),
        _outcome(good, Verdict(translation=True), (), channel="sms"),
        _outcome(None, None, ()),
    ]
    shares = drafts.shares(found)
    assert shares["drafts"] == 3
    assert shares["cited"] == pytest.approx(2 / 3)
    assert (shares["language"], shares["fixed parts"]) == (0.5, 1.0)
    answers = drafts.answers([*found, replace(found[0], case=replace(found[0].case, first=False))])
    assert (answers["questions"], answers["draft with an article"]) == (4, 0.75)
    assert answers["right article among these"] == pytest.approx(1 / 3)
    assert answers["draft with an article though none answers"] == 0.5
    assert [line.split()[0] for line in drafts.table(found)][1:] == ["all", "de", "en", "email", "sms"]
    assert np.isnan(drafts.shares([])["cited"])
    assert [o.case.language for o in drafts.spread(found, 2)] == ["en", "de"]
    assert [drafts.failed(o) for o in found] == [False, True, False, False]
    drafts.show(found[1])
    assert "!!!" in capsys.readouterr().out
