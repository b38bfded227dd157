"""The frozen records that flow through the assistant, in the order in which they flow.

InboundMessage -> Detection -> Prediction -> Retrieval -> Draft, gathered in a TriageResult.
Every record that a model or an index made carries its version. Text offsets are code points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Author(StrEnum):
    """Who wrote an earlier message of a thread."""

    CUSTOMER = "customer"
    AGENT = "agent"


class Urgency(StrEnum):
    """Four ordered levels; see the taxonomy's guidelines."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


URGENCIES = (Urgency.LOW, Urgency.NORMAL, Urgency.HIGH, Urgency.CRITICAL)


class Band(StrEnum):
    """A confidence in words, by thresholds an admin sets."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


UNDETERMINED = "und"
"""ISO 639-2 code for text whose language cannot be told."""

OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, kw_only=True)
class Customer:
    """What is known of the writer. ``locale`` is a BCP 47 tag such as ``pl-PL``."""

    name: str | None = None
    locale: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrderItem:
    """One line of an order; ``price`` is a decimal string in the order's currency."""

    title: str
    sku: str | None = None
    quantity: int = 1
    price: str | None = None
    supplier: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money already sent back; ``amount`` is a decimal string in the order's currency."""

    amount: str
    issued_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """Order facts that a draft may state. Amounts are decimal strings in ``currency`` (ISO 4217)."""

    id: str
    channel: str | None = None
    status: str | None = None
    placed_at: datetime | None = None
    promised_by: datetime | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    items: tuple[OrderItem, ...] = ()
    total: str | None = None
    currency: str | None = None
    market: str | None = None
    customer: Customer | None = None
    refund: Refund | None = None


@dataclass(frozen=True, kw_only=True)
class ThreadMessage:
    """An earlier message of the conversation, oldest first."""

    author: Author
    text: str
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class EarlierMatter:
    """What the same customer asked before of the same matter, on any channel, and what was answered; None where nothing was."""

    message_id: str
    conversation_id: str
    channel: str
    asked_at: datetime
    answer: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """One customer message as it came in. ``received_at`` is aware UTC, None means now."""

    text: str
    subject: str | None = None
    channel: str = "email"
    received_at: datetime | None = None
    language_hint: str | None = None
    customer: Customer = field(default_factory=Customer)
    order: Order | None = None
    thread: tuple[ThreadMessage, ...] = ()
    asked_before: tuple[EarlierMatter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LanguageScore:
    """One candidate language (ISO 639-1 code) and its probability."""

    code: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Detection:
    """The language of a text; ``code`` is ``und`` (confidence 0) where nothing can be told."""

    code: str
    confidence: float
    alternatives: tuple[LanguageScore, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entity:
    """An exact substring of the message: ``value == text[start:end]``."""

    type: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class IntentScore:
    """One intent of the taxonomy and its calibrated probability."""

    name: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class UrgencyScore:
    """Urgency with its calibrated probability and short human reasons."""

    level: Urgency
    confidence: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the heads read off one encoder pass.

    Attributes:
        ranking: every intent, most probable first.
        intents: the intents that the message carries, primary first, one to three.
        abstained: the model is not sure enough for the precision that the workspace chose.
    """

    ranking: tuple[IntentScore, ...]
    intents: tuple[str, ...]
    abstained: bool
    needs_reply: bool
    urgency: UrgencyScore
    model_version: str

    @property
    def intent_weights(self) -> dict[str, float]:
        """How much each intent should count in retrieval: its probability; a further intent found present, a half;
        the primary counts in full unless the model abstained."""
        weights = {score.name: score.confidence for score in self.ranking}
        for name in self.intents[1:]:
            weights[name] = max(weights.get(name, 0.0), 0.5)
        if not self.abstained:
            weights[self.intents[0]] = 1.0
        return weights

    @property
    def primary(self) -> IntentScore:
        """The intent a good agent acts on first."""
        return next(score for score in self.ranking if score.name == self.intents[0])


@dataclass(frozen=True, kw_only=True)
class Article:
    """A knowledge-base article in one language. ``body`` is Markdown.

    ``kind`` is ``article`` or ``macro`` (a saved reply); ``valid_from`` and ``valid_to`` are its first and last day.
    """

    id: str
    language: str
    title: str
    body: str
    intents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    owner: str | None = None
    last_reviewed: str | None = None
    kind: str = "article"
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A retrieved part of an article.

    Attributes:
        text: the part that fits best.
        lead: the article's opening, its direct answer; equal to ``text`` where the opening fits best.
        heading: of the section that ``text`` is of; None before the first.
        intents: what the article answers.
        score: how well it answers the message, from 0 to 1; not calibrated.
    """

    article_id: str
    language: str
    title: str
    text: str
    score: float
    lead: str
    intents: tuple[str, ...] = ()
    heading: str | None = None


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Passages, best first, and the index that gave them."""

    passages: tuple[Passage, ...]
    index_version: str


@dataclass(frozen=True, kw_only=True)
class Citation:
    """Where a sentence of the draft comes from: ``passage`` is the cited text; an order fact cites ``order:<id>``."""

    article_id: str
    passage: str


@dataclass(frozen=True, kw_only=True)
class PolicyWarning:
    """A breach of a channel's rule, or something the agent must know. ``start``/``end`` index the draft's text."""

    rule: str
    detail: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A reply that a person approves, edits or rejects. ``missing`` names entity types the answer depends on."""

    text: str
    language: str
    citations: tuple[Citation, ...]
    missing: tuple[str, ...]
    policy_warnings: tuple[PolicyWarning, ...]
    method: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Sla:
    """When an answer is due (aware UTC) and the policy that says so. ``due_at`` is None where no reply is needed."""

    due_at: datetime | None
    policy: str


@dataclass(frozen=True, kw_only=True)
class TriageResult:
    """Everything the assistant says about one message. ``embedding``: its unit vector, as bytes of 16-bit floats."""

    detection: Detection
    prediction: Prediction
    entities: tuple[Entity, ...]
    sla: Sla
    retrieval: Retrieval
    draft: Draft | None
    truncated: bool
    duration_ms: float
    embedding: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, kw_only=True)
class ChannelPolicy:
    """What a channel allows in a reply, and its clock.

    Attributes:
        limit: the longest reply, None without a limit.
        unit: what the limit counts: characters, bytes (of UTF-8) or weighted characters (X: some count twice).
        segments: most SMS segments of a reply.
        links, contact_details, marketing: whether a reply may hold them.
        greeting, signoff: whether people greet and sign on this channel.
        plain: no headings or list markup, they would show as characters.
        public: everybody reads the reply, so it repeats no order facts.
        language: the only reply language that the channel accepts.
        sla_hours: hours from receipt in which an answer is due; weekends count.
        name: what results call the clock's policy.
    """

    channel: str
    name: str
    limit: int | None = None
    unit: str = "characters"
    segments: int | None = None
    links: bool = True
    contact_details: bool = True
    marketing: bool = True
    greeting: bool = True
    signoff: bool = True
    plain: bool = False
    public: bool = False
    language: str | None = None
    sla_hours: float = 24.0
    source: str = ""


class ArrivalKind(StrEnum):
    """What came in: only a message of a person is triaged, the others are kept and shown."""

    MESSAGE = "message"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"


@dataclass(frozen=True, kw_only=True)
class Sender:
    """How the writer is known on the channel that the message came by; what a provider does not give is None.

    ``handle`` and ``buyer_id`` mean something on their channel alone; ``phone`` with country code where the provider has it.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    handle: str | None = None
    buyer_id: str | None = None
    helpdesk_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that came with a message; kept and offered for download, never opened."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Raw bytes as a provider delivered them. ``headers`` have lower-case names; ``url`` is the public one that was called."""

    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    url: str = ""
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One message, read out of a delivery.

    Attributes:
        external_id: the provider's id; the same id on the same channel is the same message.
        conversation_ref: the provider's id of the conversation (a ticket, a chat).
        conversation_id: ours, where a token that only we can make proves it.
        replies_to: Message-IDs that an e-mail answers, newest first; they join only the same customer's messages.
        message_ref: an e-mail's own Message-ID.
        order_id: the order that the provider says the message is about.
    """

    external_id: str
    message: InboundMessage
    sender: Sender = field(default_factory=Sender)
    kind: ArrivalKind = ArrivalKind.MESSAGE
    conversation_ref: str | None = None
    conversation_id: str | None = None
    replies_to: tuple[str, ...] = ()
    message_ref: str | None = None
    order_id: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An approved answer on its way out: exactly these bytes to exactly these recipients.

    Attributes:
        id: the same at every attempt: the idempotency key, and the left part of an e-mail's Message-ID.
        recipients: addresses by the channel's own names, e.g. ``{"email": "a@b.example"}``.
        replies_to: Message-IDs of the thread, oldest first.
    """

    id: str
    conversation_id: str
    channel: str
    text: str
    recipients: dict[str, str]
    subject: str | None = None
    conversation_ref: str | None = None
    replies_to: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How a workspace speaks to its customers.

    Attributes:
        signatures: what a reply is signed with, by language; under ``""`` for all others.
        informal: whether customers are addressed as friends are (du, tu, ty) where the language makes a difference.
    """

    signatures: Mapping[str, str]
    informal: bool = False

    def sign(self, language: str) -> str:
        return self.signatures.get(language, self.signatures.get("", ""))


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the provider said of a reply that it took."""

    provider_id: str
    message_ref: str | None = None
