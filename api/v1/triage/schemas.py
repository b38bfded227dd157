"""Bodies of ``POST /v1/triage`` and ``/v1/triage/batch``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from triage.pipeline import TriageOptions
from triage.types import (
    Author,
    Band,
    Customer,
    InboundMessage,
    Order,
    OrderItem,
    Refund,
    ThreadMessage,
)

MOST_MESSAGES = 256


def _aware(moment: datetime) -> datetime:
    """Times without a zone are UTC, as everything here is."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _no_number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("must be an ISO 8601 time")
    return value


def _amount(value: Any) -> Any:
    return str(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


Moment = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_aware)]
Amount = Annotated[str, BeforeValidator(_amount), Field(pattern=r"^-?\d{1,12}(\.\d{1,4})?$")]
LanguageCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", max_length=35)]
Short = Annotated[str, Field(max_length=500)]


class Strict(BaseModel):
    """Unknown fields are refused, so that a typo never goes unnoticed."""

    model_config = ConfigDict(extra="forbid")


class CustomerBody(Strict):
    name: Short | None = None
    locale: LanguageCode | None = None


class OrderItemBody(Strict):
    title: Short
    sku: Short | None = None
    quantity: int = Field(default=1, ge=0, le=1_000_000)
    price: Amount | None = None
    supplier: Short | None = None


class RefundBody(Strict):
    amount: Amount
    issued_at: Moment | None = None


class OrderBody(Strict):
    id: Short
    channel: Short | None = None
    status: Short | None = None
    placed_at: Moment | None = None
    promised_by: Moment | None = None
    carrier: Short | None = None
    tracking_number: Short | None = None
    tracking_url: Annotated[str, Field(max_length=2000, pattern=r"^https?://\S+$")] | None = None
    items: list[OrderItemBody] = Field(default_factory=list, max_length=500)
    total: Amount | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    market: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    customer: dict[str, Any] | None = None
    refund: RefundBody | None = None

    def domain(self) -> Order:
        return Order(
            **self.model_dump(exclude={"items", "refund", "customer"}),
            items=tuple(OrderItem(**item.model_dump()) for item in self.items),
            refund=Refund(**self.refund.model_dump()) if self.refund else None,
        )


class ThreadBody(Strict):
    author: Literal["customer", "agent"]
    text: Annotated[str, Field(max_length=1_000_000)]
    at: Moment | None = None


class OptionsBody(Strict):
    draft: bool = True
    articles: int = Field(default=5, ge=0, le=50)


class MessageBody(Strict):
    """One inbound message. Only ``text`` is required."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": "Dzień dobry, gdzie jest moja paczka? Zamówienie 302-4471908-6625313 miało być w piątek.",
                    "channel": "amazon",
                    "customer": {"name": "Anna", "locale": "pl-PL"},
                }
            ]
        },
    )

    text: Annotated[str, Field(max_length=1_048_576)]
    subject: Annotated[str, Field(max_length=2000)] | None = None
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")] = "email"
    received_at: Moment | None = None
    language_hint: LanguageCode | None = None
    customer: CustomerBody | None = None
    order: OrderBody | None = None
    thread: list[ThreadBody] = Field(default_factory=list, max_length=200)
    options: OptionsBody = Field(default_factory=OptionsBody)

    def domain(self) -> InboundMessage:
        return InboundMessage(
            text=self.text,
            subject=self.subject,
            channel=self.channel,
            received_at=self.received_at,
            language_hint=self.language_hint.replace("_", "-").split("-")[0].lower() if self.language_hint else None,
            customer=Customer(**self.customer.model_dump()) if self.customer else Customer(),
            order=self.order.domain() if self.order else None,
            thread=tuple(ThreadMessage(author=Author(t.author), text=t.text, at=t.at) for t in self.thread),
        )

    def wanted(self, rules: TriageOptions) -> TriageOptions:
        """The caller's wishes beside the workspace's ``rules``."""
        return replace(rules, draft=self.options.draft, articles=self.options.articles)


class BatchBody(Strict):
    """Up to 256 messages; each is checked by itself, so a bad one costs the others nothing."""

    messages: list[Any] = Field(min_length=1, max_length=MOST_MESSAGES)


class Scored(BaseModel):
    code: str
    confidence: float


class LanguageOut(BaseModel):
    code: str
    confidence: float
    band: Band
    alternatives: list[Scored]


class RankedIntent(BaseModel):
    name: str
    confidence: float


class IntentOut(RankedIntent):
    band: Band


class UrgencyOut(BaseModel):
    level: str
    confidence: float
    reasons: list[str]


class EntityOut(BaseModel):
    type: str
    value: str
    start: int
    end: int


class SlaOut(BaseModel):
    due_at: datetime | None
    policy: str


class ArticleOut(BaseModel):
    id: str
    language: str
    title: str
    score: float
    passage: str


class CitationOut(BaseModel):
    article_id: str
    passage: str


class PolicyWarningOut(BaseModel):
    rule: str
    detail: str
    start: int | None = None
    end: int | None = None


class DraftOut(BaseModel):
    text: str
    language: str
    citations: list[CitationOut]
    missing: list[str]
    policy_warnings: list[PolicyWarningOut]
    method: str
    confidence: float


class TriageOut(BaseModel):
    """What the assistant says about one message. ``confidence`` is a calibrated probability."""

    language: LanguageOut
    intent: IntentOut
    intents: list[str]
    intent_ranking: list[RankedIntent]
    abstained: bool
    needs_reply: bool
    urgency: UrgencyOut
    entities: list[EntityOut]
    sla: SlaOut
    articles: list[ArticleOut]
    draft: DraftOut | None
    tags: list[str]
    truncated: bool
    model_version: str
    index_version: str
    duration_ms: float


class ProblemOut(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str


class BatchOut(BaseModel):
    results: list[TriageOut | ProblemOut]
