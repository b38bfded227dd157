"""Messages to draft for: the test messages on every channel, with invented orders and threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from eval.help_centres import Question
from eval.messages import LabelledMessage
from triage.drafting.phrases import FALLBACK, load_phrases
from triage.types import Author, Customer, InboundMessage, Order, Refund, ThreadMessage

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATUSES = ("placed", "paid", "dispatched", "in_transit", "delivered", "returned", "refunded", "cancelled")
CURRENCIES = {"en": "GBP", "pl": "PLN", "id": "IDR", "ar": "AED", "tr": "TRY", "cs": "CZK", "uk": "UAH", "ms": "MYR"}
NAMES = ("Maja Lind", "Omar", "José Ferreira", "Łucja", "Siti")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A message to draft for; ``articles`` are the right ones, ``entities`` the types; None where nobody labelled them.

    ``first`` is False where the same message came before, on another channel.
    """

    message: InboundMessage
    first: bool = True
    language: str
    articles: tuple[str, ...] | None
    entities: frozenset[str] | None = None


def cases(questions: Sequence[Question | LabelledMessage], channels: Sequence[str]) -> Iterator[Case]:
    """Every message on its own channel and on another; what else it carries depends on its place alone."""
    for index, question in enumerate(questions):
        other = channels[index % len(channels)]
        message = InboundMessage(
            text=question.text,
            customer=Customer(name=NAMES[index // 2 % len(NAMES)] if index % 2 else None),
            order=_order(index, question.language) if index % 3 == 0 else None,
            thread=_thread(index, question.language) if index % 4 == 1 else (),
            received_at=NOW,
        )
        for place, channel in enumerate(dict.fromkeys((question.channel or other, other))):
            yield Case(
                message=replace(message, channel=channel),
                first=place == 0,
                language=question.language,
                articles=question.articles if isinstance(question, Question) else None,
                entities=None if isinstance(question, Question) else frozenset(e.type for e in question.entities),
            )


def _order(index: int, language: str) -> Order:
    status = STATUSES[index // 3 % len(STATUSES)]
    sent = status not in ("placed", "paid", "cancelled")
    number = f"{620014885213670 + index}"
    return Order(
        id=f"TM-{20000 + index}", status=status, placed_at=NOW - timedelta(days=9),
        promised_by=NOW + timedelta(days=index % 7 - 3), currency=CURRENCIES.get(language, "EUR"), total="1249.50",
        carrier="DPD" if sent else None, tracking_number=number if sent else None,
        tracking_url=f"https://track.tamaro.example/{number}" if sent else None,
        refund=Refund(amount="1249.50", issued_at=NOW - timedelta(days=1) if index % 2 else None)
        if status == "refunded" else None,
    )  # fmt: skip


def _thread(index: int, language: str) -> tuple[ThreadMessage, ...]:
    """The agent asked for the order number; every second customer has sent it."""
    phrases = load_phrases(language) or load_phrases(FALLBACK)
    assert phrases is not None  # the package always ships the fallback
    asked = phrases.ask.format(items=phrases.items["order_number"])
    thread = (ThreadMessage(author=Author.AGENT, text=f"{phrases.greeting['unnamed']} {asked}"),)
    if index % 8 == 1:
        return thread
    return (*thread, ThreadMessage(author=Author.CUSTOMER, text=f"TM-{20000 + index}"))
