"""The seams: what the pipeline needs, whoever provides it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from triage.types import (
    Arrival,
    ChannelPolicy,
    Delivery,
    Detection,
    Draft,
    Entity,
    InboundMessage,
    Passage,
    Prediction,
    Reply,
    Retrieval,
    Sent,
    Sla,
    Urgency,
    Voice,
)

Vectors = NDArray[np.float32]


class Encoding(NamedTuple):
    """One pass over one text: ``vector`` (width,), of unit length, for retrieval; ``features`` (F,) for the heads."""

    vector: Vectors
    features: Vectors


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """What a retriever is asked.

    Attributes:
        text: the message, for its words.
        vector: (width,) unit vector of ``text`` by the encoder that made the passages'.
        language: the reader's, a BCP 47 tag such as ``pl`` or ``en-US``.
        intents: how much each intent counts, from 0 to 1.
        critical: prefer the articles written for emergencies.
        channel, market: where the reader is; None keeps articles of every market, and those of no certain channel.
        limit: most passages of the answer.
    """

    text: str
    vector: Vectors
    language: str
    intents: Mapping[str, float] = field(default_factory=dict)
    critical: bool = False
    channel: str | None = None
    market: str | None = None
    limit: int = 5


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into unit vectors, one pass a text."""

    @property
    def version(self) -> str: ...

    @property
    def width(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(N, width) float32 unit vectors, in order; the vector of a text depends on that text alone."""

    def read(self, texts: Sequence[str]) -> list[Encoding]:
        """Vector and features of each text, in order."""

    def truncates(self, text: str) -> bool:
        """Whether only the beginning of ``text`` is read."""


class Classifier(Protocol):
    """Tells intents, urgency and needs-reply from an encoder's features."""

    def predict(self, features: Vectors, *, precision: str | None = None) -> Prediction:
        """What ``features`` of shape (F,), as ``Encoder.read`` gives them, say.

        Args:
            precision: per cent of the messages that are not abstained from whose intent should be right; the classifier's own
                where None.
        """


class LanguageIdentifier(Protocol):
    """Tells the language of a text; deterministic."""

    def identify(self, text: str, *, hint: str | None = None) -> Detection:
        """Never raises; ``und`` where nothing can be told. ``hint`` is an ISO 639-1 code that breaks near-ties."""


class EntityRecogniser(Protocol):
    """Finds entities with exact offsets."""

    def recognise(self, text: str, *, locale: str | None = None) -> tuple[Entity, ...]:
        """Entities in order of ``start``, none overlapping; ``locale`` settles phone and date forms."""


class Retriever(Protocol):
    """Finds passages that answer a message."""

    @property
    def version(self) -> str: ...

    def search(self, query: Query) -> Retrieval:
        """Passages that probably answer, best first, at most ``query.limit``; empty where nothing fits."""


class DraftGenerator(Protocol):
    """Writes a reply for a person to approve."""

    def draft(
        self,
        message: InboundMessage,
        *,
        language: str,
        prediction: Prediction,
        known: Collection[str],
        retrieval: Retrieval,
        policy: ChannelPolicy,
        now: datetime,
        voice: Voice | None = None,
    ) -> Draft:
        """A reply to ``message``.

        Args:
            language: the customer's; the channel's policy may override it.
            known: entity types that the message, its thread or its order already give.
            now: aware; decides whether a promised date has passed.
            voice: how the workspace speaks; the generator's own where None.
        """


class DraftRewriter(Protocol):
    """Puts a finished draft into other words, or leaves it as it is and says why."""

    def rewrite(
        self,
        draft: Draft,
        *,
        message: InboundMessage,
        entities: Collection[Entity],
        passages: Sequence[Passage],
        policy: ChannelPolicy,
    ) -> Draft:
        """Never raises for what lies outside the machine. ``entities`` are hidden from whoever rewrites."""


class Clock(Protocol):
    """Tells the time; replaced in tests."""

    def now(self) -> datetime:
        """Aware UTC."""


class ReadingNotes(Protocol):
    """A message's text, read: what a person sees, what the customer wrote, what the model gets."""

    @property
    def visible(self) -> str:
        """What a person would see, quotes included; entities are found in it."""

    @property
    def own(self) -> str:
        """The customer's own words."""

    @property
    def model_text(self) -> str:
        """What the encoder reads: subject and own words."""

    @property
    def truncated(self) -> bool:
        """Whether text beyond the limits was not read."""

    def in_original(self, entity: Entity, original: str) -> Entity:
        """``entity``, found in ``visible``, with its offsets and value in the text as it came in."""


class TextReader(Protocol):
    """Normalises inbound text."""

    def read(self, text: str, *, subject: str | None = None) -> ReadingNotes:
        """Never raises."""


class Policies(Protocol):
    """Channel policies by name; an unknown channel gets the default."""

    def __getitem__(self, channel: str, /) -> ChannelPolicy: ...


class SlaRule(Protocol):
    """When an answer is due; urgent messages may have a clock of their own."""

    def __call__(
        self, received_at: datetime, policy: ChannelPolicy, *, needs_reply: bool, urgency: Urgency | None = None
    ) -> Sla: ...


class CircumstanceRule(Protocol):
    """Reasons for urgency that stand in the order and the thread, not in the text."""

    def __call__(self, message: InboundMessage, now: datetime) -> tuple[str, ...]: ...


class Channel(Protocol):
    """One way for messages in and replies out. ``settings`` are those of the inbound that an admin made, addresses and all."""

    @property
    def name(self) -> str: ...

    def verify(
        self, delivery: Delivery, *, secrets: Sequence[str], settings: Mapping[str, Any], now: datetime
    ) -> None:  # fmt: skip
        """Checks the raw bytes against each secret (the current one, the one before), in constant time.

        Raises:
            SignatureRefused: missing, wrong or stale, or there is no secret.
        """

    def parse(self, delivery: Delivery, *, settings: Mapping[str, Any]) -> Sequence[Arrival]:
        """The messages in a delivery; none in a provider's test ping.

        Raises:
            UnreadableDelivery: not what the provider documents.
        """

    def send(self, reply: Reply, *, settings: Mapping[str, Any]) -> Sent:
        """Gives a reply to the provider, with ``reply.id`` as idempotency key where it knows one.

        Raises:
            SendFailed: refused, to be tried again, or perhaps taken (``uncertain``).
        """
