"""The main job: one message in; its language, intents, urgency, entities, answers and a draft out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from triage.errors import InvalidMessage, TriageError
from triage.protocols import (
    CircumstanceRule,
    Classifier,
    Clock,
    DraftGenerator,
    DraftRewriter,
    Encoder,
    Encoding,
    EntityRecogniser,
    LanguageIdentifier,
    Policies,
    Query,
    ReadingNotes,
    Retriever,
    SlaRule,
    TextReader,
    Vectors,
)
from triage.types import (
    UNDETERMINED,
    Author,
    ChannelPolicy,
    Detection,
    Draft,
    Entity,
    InboundMessage,
    Passage,
    Prediction,
    Retrieval,
    TriageResult,
    Urgency,
    Voice,
)

STATED_BY_ANSWERS = frozenset({"order_number", "tracking_number"})
"""What an earlier answer of ours shows to be known; an address in it is the shop's own."""


@dataclass(frozen=True, kw_only=True)
class TriageOptions:
    """What the caller wants beside the triage: a draft, at most ``articles`` passages, and the workspace's own clocks, voice
    and knowledge base; the first one's where none is named. ``rewrite``: whether the language model may reword the draft,
    where there is one. ``precision``: how sure the model must be not to abstain, in per cent; the installation's where None."""

    draft: bool = True
    articles: int = 5
    sla: SlaRule | None = None
    voice: Voice | None = None
    rewrite: bool = True
    precision: str | None = None
    workspace: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A message with what was read of it before the model runs."""

    message: InboundMessage
    notes: ReadingNotes
    detection: Detection
    entities: tuple[Entity, ...]


class TriagePipeline:
    """Runs the steps in order, over protocols only. Stateless and safe to call from several threads."""

    def __init__(
        self,
        *,
        reader: TextReader,
        identifier: LanguageIdentifier,
        encoder: Encoder,
        classifier: Classifier,
        recogniser: EntityRecogniser,
        retriever: Retriever,
        drafter: DraftGenerator,
        policies: Policies,
        sla: SlaRule,
        circumstances: CircumstanceRule,
        clock: Clock,
        default_language: str = "en",
        rewriter: DraftRewriter | None = None,
        retrievers: Callable[[str], Retriever] | None = None,
    ) -> None:
        self._reader, self._identifier, self._recogniser = reader, identifier, recogniser
        self._encoder, self._classifier = encoder, classifier
        self._retriever, self._drafter = retriever, drafter
        self._policies, self._sla, self._circumstances, self._clock = policies, sla, circumstances, clock
        self._default_language, self._rewriter, self._retrievers = default_language, rewriter, retrievers

    def triage(self, message: InboundMessage, options: TriageOptions | None = None) -> TriageResult:
        """The whole job for one message.

        Raises:
            InvalidMessage: nothing a person could read.
        """
        begun = time.perf_counter()
        reading = self._read(message)
        encoding = self._encoder.read([reading.notes.model_text])[0]
        return self._finish(reading, encoding, options or TriageOptions(), begun)

    def triage_many(
        self, messages: Sequence[InboundMessage], options: Sequence[TriageOptions] | None = None
    ) -> list[TriageResult | TriageError]:
        """As ``triage`` for each, in order; a message that fails leaves its error in its place."""
        begun = time.perf_counter()
        wanted = options or [TriageOptions()] * len(messages)
        readings: list[_Reading | TriageError] = []
        for message in messages:
            try:
                readings.append(self._read(message))
            except TriageError as error:
                readings.append(error)
        readable = [reading for reading in readings if isinstance(reading, _Reading)]
        encodings = iter(self._encoder.read([reading.notes.model_text for reading in readable]))
        results: list[TriageResult | TriageError] = []
        for reading, option in zip(readings, wanted, strict=True):
            if isinstance(reading, TriageError):
                results.append(reading)
                continue
            encoding = next(encodings)
            try:
                results.append(self._finish(reading, encoding, option, begun))
            except TriageError as error:
                results.append(error)
            begun = time.perf_counter()
        return results

    def retriever_of(self, workspace: str | None) -> Retriever:
        """The knowledge base that a workspace's answers come from; the first one where none is named."""
        if workspace is None or self._retrievers is None:
            return self._retriever
        return self._retrievers(workspace)

    def entities(self, message: InboundMessage) -> tuple[Entity, ...]:
        """What ``message`` names, before any model has run: enough to look its order up.

        Raises:
            InvalidMessage: nothing a person could read.
        """
        return self._read(message).entities

    def model_text(self, message: InboundMessage) -> str:
        """What the encoder reads of ``message``.

        Raises:
            InvalidMessage: nothing a person could read.
        """
        return self._read(message).notes.model_text

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """What the heads say of texts as the encoder reads them, in one pass: nothing of circumstances or orders."""
        return [self._classifier.predict(encoding.features) for encoding in self._encoder.read(texts)]

    def search(
        self, query: str, *, language: str | None = None, limit: int = 5, workspace: str | None = None
    ) -> Retrieval:
        """Passages for ``query`` as triage would find them; its own language where none is named."""
        reading = self._read(InboundMessage(text=query, channel="chat"))
        encoding = self._encoder.read([reading.notes.model_text])[0]
        prediction = self._classifier.predict(encoding.features)
        return self._retrieve(
            reading,
            encoding.vector,
            prediction,
            language or self._reply_language(reading),
            TriageOptions(articles=limit, workspace=workspace),
        )

    @property
    def encoder_version(self) -> str:
        """Names the encoder: vectors of another one cannot be compared with its own."""
        return self._encoder.version

    def over(self, retriever: Retriever) -> TriagePipeline:
        """This pipeline with ``retriever`` for every workspace and no language model, to try articles out."""
        tried = copy(self)
        tried._retriever, tried._retrievers, tried._rewriter = retriever, None, None
        return tried

    def query(
        self, message: InboundMessage, *, limit: int = 5, known: tuple[Vectors, Prediction] | None = None
    ) -> Query:  # fmt: skip
        """What triage asks the knowledge base for ``message``.

        Args:
            known: the message's vector by this encoder, and what was predicted of it; so nothing is encoded.

        Raises:
            InvalidMessage: nothing a person could read.
        """
        reading = self._read(message)
        if known is None:
            encoding = self._encoder.read([reading.notes.model_text])[0]
            known = encoding.vector, self._classifier.predict(encoding.features)
        language = self._policies[message.channel].language or self._reply_language(reading)
        return _query(reading, *known, language, TriageOptions(articles=limit))

    def reply(
        self, message: InboundMessage, *, prediction: Prediction, passages: Sequence[Passage], language: str,
        voice: Voice | None = None,
    ) -> Draft:  # fmt: skip
        """The reply to ``message`` if these were its prediction and what was found for it."""
        return self._drafter.draft(
            message, language=language, prediction=prediction, known=frozenset(),
            retrieval=Retrieval(passages=tuple(passages), index_version=""), policy=self._policies[message.channel],
            now=self._clock.now(), voice=voice,
        )  # fmt: skip

    def _read(self, message: InboundMessage) -> _Reading:
        notes = self._reader.read(message.text, subject=message.subject)
        if not notes.model_text.strip():
            raise InvalidMessage("the message holds no text that a person could read")
        detection = self._identifier.identify(notes.own, hint=message.language_hint)
        if detection.code == UNDETERMINED and message.subject:
            detection = self._identifier.identify(message.subject, hint=message.language_hint)
        locale = message.customer.locale or (None if detection.code == UNDETERMINED else detection.code)
        found = self._recogniser.recognise(notes.visible, locale=locale)
        entities = tuple(notes.in_original(entity, message.text) for entity in found)
        return _Reading(message=message, notes=notes, detection=detection, entities=entities)

    def _finish(self, reading: _Reading, encoding: Encoding, options: TriageOptions, begun: float) -> TriageResult:
        message = reading.message
        now = self._clock.now()
        predicted = self._classifier.predict(encoding.features, precision=options.precision)
        prediction = self._with_circumstances(predicted, message, now)
        policy = self._policies[message.channel]
        # Articles are wanted in the language of the reply, which the channel may prescribe.
        language = policy.language or self._reply_language(reading)
        retrieval = self._retrieve(reading, encoding.vector, prediction, language, options)
        draft = None
        if options.draft and prediction.needs_reply:
            draft = self._draft(reading, prediction, retrieval, policy, language, options)
        return TriageResult(
            detection=reading.detection,
            prediction=prediction,
            entities=reading.entities,
            sla=(options.sla or self._sla)(
                message.received_at or now,
                policy,
                needs_reply=prediction.needs_reply,
                urgency=prediction.urgency.level,
            ),
            retrieval=retrieval,
            draft=draft,
            truncated=reading.notes.truncated or self._encoder.truncates(reading.notes.model_text),
            duration_ms=round((time.perf_counter() - begun) * 1000, 3),
            embedding=encoding.vector.astype(np.float16).tobytes(),
        )

    def _with_circumstances(self, prediction: Prediction, message: InboundMessage, now: datetime) -> Prediction:
        reasons = self._circumstances(message, now)
        if not reasons or prediction.urgency.level is Urgency.LOW:
            return prediction
        known = tuple(dict.fromkeys((*reasons, *prediction.urgency.reasons)))
        return replace(prediction, urgency=replace(prediction.urgency, reasons=known))

    def _retrieve(
        self, reading: _Reading, vector: Vectors, prediction: Prediction, language: str, options: TriageOptions
    ) -> Retrieval:
        retriever = self.retriever_of(options.workspace)
        if not options.articles:
            return Retrieval(passages=(), index_version=retriever.version)
        return retriever.search(_query(reading, vector, prediction, language, options))

    def _draft(
        self, reading: _Reading, prediction: Prediction, retrieval: Retrieval, policy: ChannelPolicy, language: str,
        options: TriageOptions,
    ) -> Draft:  # fmt: skip
        message = reading.message
        known = {entity.type for entity in reading.entities}
        # Offsets are into the text, so what subject and thread say is no entity of this message, but it is known.
        said = [message.subject or "", *(m.text for m in message.thread if m.author is Author.CUSTOMER)]
        for text in said:
            known |= {entity.type for entity in self._recogniser.recognise(text)}
        for answer in (earlier.answer for earlier in message.asked_before if earlier.answer):
            known |= {entity.type for entity in self._recogniser.recognise(answer)} & STATED_BY_ANSWERS
        draft = self._drafter.draft(
            reading.message,
            language=language,
            prediction=prediction,
            known=known,
            retrieval=retrieval,
            policy=policy,
            now=self._clock.now(),
            voice=options.voice,
        )
        if self._rewriter is None or not options.rewrite:
            return draft
        return self._rewriter.rewrite(
            draft, message=message, entities=reading.entities, passages=retrieval.passages, policy=policy
        )

    def _reply_language(self, reading: _Reading) -> str:
        """The message's language; where it cannot be told, the thread's, the hint, the profile's, the workspace's."""
        if reading.detection.code != UNDETERMINED:
            return reading.detection.code
        for earlier in reversed(reading.message.thread):
            code = self._identifier.identify(earlier.text).code
            if code != UNDETERMINED:
                return code
        locale = reading.message.language_hint or reading.message.customer.locale or self._default_language
        return locale.replace("_", "-").split("-")[0].lower()


def _query(
    reading: _Reading, vector: Vectors, prediction: Prediction, language: str, options: TriageOptions
) -> Query:  # fmt: skip
    order = reading.message.order
    return Query(
        text=reading.notes.model_text,
        vector=vector,
        language=_with_region(language, reading.message),
        intents=prediction.intent_weights,
        critical=prediction.urgency.level is Urgency.CRITICAL,
        channel=reading.message.channel,
        market=order.market if order else None,
        limit=options.articles,
    )


def _with_region(language: str, message: InboundMessage) -> str:
    """``language`` with the region that the customer's profile gives it, so that ``en-US`` gets what is written for it."""
    locale = (message.customer.locale or message.language_hint or "").replace("_", "-")
    return locale if locale.split("-")[0].casefold() == language.casefold() else language
