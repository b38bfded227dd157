from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels.policies import ChannelPolicies
from triage.drafting.breaker import CircuitBreaker, CircuitOpen
from triage.drafting.masking import Mask, UnknownPlaceholder, has_remains, mask_for, placeholders
from triage.drafting.plan import plan_of
from triage.types import Citation, Customer, Draft, Entity, InboundMessage, Order

PIECES = st.lists(
    st.sampled_from(
        ["[[EMAIL_1]]", "[[", "]]", "EMAIL_1", "a@b.co", "TM-10428", "TM 10428", "Ann", "Anna", "annual", "é", "e\u0301",
         "+48 601 702 803", "4111 1111 1111 1111", "https://x.example/?q=1", " ", "\n", "2026-11-13", "ﬁ", "١٢٣٤٥٦٧٨", "["]
    ),
    max_size=30,
).map("".join)  # fmt: skip


def _mask() -> Mask:
    return Mask([("ORDER", "TM-10428"), ("ADDRESS", "ul. Lipowa 8/14")], names=["Anna Żółć"])


@given(st.one_of(st.text(), PIECES), st.booleans())
def test_what_is_hidden_comes_back_exactly(text: str, names: bool) -> None:
    mask = _mask()
    hidden = mask.hide(text, names=names)
    assert mask.reveal(hidden) == text
    assert mask.hide(text, names=names) == hidden


@given(PIECES)
def test_nothing_known_stays_visible(text: str) -> None:
    hidden = _mask().hide(text, names=True)
    for secret in ("a@b.co", "TM-10428", "TM 10428", "Anna", "601 702", "4111 1111", "x.example"):
        assert secret not in hidden


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        ("Order tm10428!", "10428"), ("TM 104-28", "104"), ("UL. LIPOWA 8 / 14", "LIPOWA"), ("anna zolc", "zolc"),
        ("dla Anny Żółć", "Anny"), ("mail Q@ŻÓŁĆ.example", "example"), ("DE89 3704 0044 0532 0130 00", "3704"),
        ("tel. 0171/2345678", "2345678"), ("+٤٨ ٦٠١ ٧٠٢ ٨٠٣", "٦٠١"), ("nr 123456789012", "123456"),
    ],
)  # fmt: skip
def test_other_spellings_are_hidden_too(written: str, secret: str) -> None:
    assert secret not in _mask().hide(written, names=True)


@pytest.mark.parametrize(
    "text", ["within 14 working days", "on 13.11.2026", "2026-11-13", "19,99 EUR", "Annual report"]
)
def test_ordinary_figures_stay(text: str) -> None:
    assert _mask().hide(text) == text


def test_placeholders_are_stable_and_tell_the_kind() -> None:
    mask = _mask()
    assert mask.hide("a@b.co, c@d.co, a@b.co") == "[[EMAIL_1]], [[EMAIL_2]], [[EMAIL_1]]"
    assert mask.hide("c@d.co") == "[[EMAIL_2]]"
    assert placeholders("[[EMAIL_1]] [[x]]") == {"[[EMAIL_1]]"}


def test_invented_placeholders_and_remains_are_told() -> None:
    with pytest.raises(UnknownPlaceholder):
        _mask().reveal("[[EMAIL_1]]")
    assert has_remains("[[EMAIL 1]]")
    assert has_remains("see EMAIL_1")
    assert not has_remains("[[EMAIL_1]] and [1]")


def test_entities_that_say_nothing_about_a_person_stay() -> None:
    order = Order(id="7", customer=Customer(name="Bob Builder"))
    entities = [
        Entity(type=kind, value=value, start=0, end=1)
        for kind, value in (("amount", "5 EUR"), ("date", "3 May"), ("postal_code", "00-950"), ("card_number", "4111"))
    ]
    mask = mask_for(InboundMessage(text="", order=order), entities)
    hidden = mask.hide("Bob, order 7: 5 EUR on 3 May, 00-950, card 4111", names=True)
    assert hidden == "[[NAME_1]], order [[ORDER_1]]: 5 EUR on 3 May, [[ADDRESS_1]], card [[CARD_1]]"


def test_the_breaker_opens_pauses_and_asks_once() -> None:
    now = 100.0
    breaker = CircuitBreaker(failures=3, pause=60, clock=lambda: now)

    def attempt(*, fails: bool) -> None:
        with breaker.attempt():
            if fails:
                raise OSError

    def fail() -> None:
        with pytest.raises(OSError):  # noqa: PT011 - any failure counts
            attempt(fails=True)

    fail()
    fail()
    attempt(fails=False)  # a success starts the count anew
    fail()
    fail()
    fail()
    with pytest.raises(CircuitOpen):
        attempt(fails=False)
    now = 159.9
    with pytest.raises(CircuitOpen):
        attempt(fails=False)
    now = 160.0
    fail()  # half open: one failure opens it again
    with pytest.raises(CircuitOpen):
        attempt(fails=False)
    now = 220.0
    with breaker.attempt(), pytest.raises(CircuitOpen):
        attempt(fails=False)  # while one attempt decides, nobody else tries
    attempt(fails=False)


def test_of_many_threads_one_decides() -> None:
    now = 0.0
    breaker = CircuitBreaker(failures=1, clock=lambda: now)
    with pytest.raises(OSError), breaker.attempt():  # noqa: PT011
        raise OSError
    now = 60.0
    start, outcomes = threading.Barrier(8), []
    decided = threading.Event()

    def work() -> None:
        start.wait()
        try:
            with breaker.attempt():
                decided.wait(10)
                outcomes.append("tried")
        except CircuitOpen:
            outcomes.append("open")
            if outcomes.count("open") == 7:
                decided.set()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["open"] * 7 + ["tried"]


def _draft(text: str, *cited: str) -> Draft:
    return Draft(
        text=text, language="en", citations=tuple(Citation(article_id="a", passage=passage) for passage in cited),
        missing=("order_number",), policy_warnings=(), method="extractive", confidence=0.5,
    )  # fmt: skip


def test_a_draft_is_taken_apart() -> None:
    text = (
        "Hello,\n\nThank you.\n\nWe answer. It helps.\n\n- One\n- Two\n\nWhat is your order number?\n\nRegards,\nTamaro"
    )
    plan = plan_of(_draft(text, "We answer.", "It helps.", "One", "Two"), ChannelPolicies()["email"])
    assert (plan.greeting, plan.sign_off) == ("Hello,", "Regards,\nTamaro")
    assert plan.acknowledgement == ("Thank you.",)
    assert plan.closing == ("What is your order number?",)
    assert [sentence.passage for sentence in plan.sentences] == ["We answer.", "It helps.", "One", "Two"]
    assert plan.missing == ("order_number",)


def test_a_channel_without_greeting_has_none() -> None:
    plan = plan_of(_draft("Thank you.\n\nWe answer. Then more.", "We answer."), ChannelPolicies()["sms"])
    assert (plan.greeting, plan.sign_off) == ("", "")
    assert (plan.acknowledgement, plan.closing) == (("Thank you.",), ("Then more.",))
