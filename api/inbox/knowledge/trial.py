"""What articles would answer: recent messages of customers, a question that somebody types, and a reply built on one.

An article that is still being typed is tried like a saved one; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from api.inbox.knowledge.library import Library
from triage.errors import InvalidMessage
from triage.knowledge_base.chunking import Chunk, chunk
from triage.pipeline import TriagePipeline
from triage.protocols import Query, Retriever, Vectors
from triage.storage import questions
from triage.storage.questions import Question
from triage.types import (
    OUT_OF_SCOPE,
    Article,
    Customer,
    Draft,
    InboundMessage,
    IntentScore,
    Order,
    Passage,
    Prediction,
    Urgency,
    UrgencyScore,
)

MESSAGES = 200
"""How many of the newest messages are looked at."""
FIRST = 3
"""Among how many articles one has to be to count."""
LISTED = 40
PASSAGES = 5
MOST_QUESTION = 20_000
NO_INTENT = "product_question"
"""What a reply is shown for where an article names no intent: a question that needs no order to be answered."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A message that the article is offered for.

    Attributes:
        rank: 1 where no article comes before it; ``winner``: the one that comes first, None where it is this one.
        strong: it is likely enough to answer that a draft may be built on it.
    """

    question: Question
    rank: int
    score: float
    winner: Passage | None
    strong: bool


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What an article would answer of the ``looked_at`` newest messages.

    Attributes:
        hits: those for which it is among the first three, the surest first; ``more``: how many are not listed.
        first, strong: how often it comes first, and how often a draft may be built on it.
        elsewhere: messages that get the article in another language.
    """

    looked_at: int
    hits: tuple[Hit, ...]
    more: int
    first: int
    strong: int
    elsewhere: int


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a question finds; ``built_on``: the articles that the draft cites."""

    question: str
    channel: str
    passages: tuple[Passage, ...] = ()
    built_on: frozenset[str] = frozenset()
    draft: Draft | None = None
    needs_reply: bool = True
    unreadable: bool = False


def answers(library: Library, article: Article) -> Answers:
    """What ``article`` would answer as it stands here, whether it is saved or not."""
    found = library.seat.read(lambda workspace: questions.newest(workspace, limit=MESSAGES))
    retriever: Retriever = library.base.supposing(article)
    least = library.base.weights.offer
    hits: list[Hit] = []
    elsewhere = 0
    for question in found:
        query = query_of(library.pipeline, question, limit=FIRST)
        passages = retriever.search(query).passages if query else ()
        rank = next((n for n, passage in enumerate(passages, 1) if passage.article_id == article.id), 0)
        if not rank:
            continue
        own = passages[rank - 1]
        if own.language != article.language:
            elsewhere += 1
            continue
        winner = passages[0] if rank > 1 else None
        hits.append(Hit(question=question, rank=rank, score=own.score, winner=winner, strong=own.score >= least))
    hits.sort(key=lambda hit: (hit.rank, -hit.score))
    return Answers(
        looked_at=len(found), hits=tuple(hits[:LISTED]), more=max(0, len(hits) - LISTED), elsewhere=elsewhere,
        first=sum(hit.rank == 1 for hit in hits), strong=sum(hit.strong and hit.rank == 1 for hit in hits),
    )  # fmt: skip


def tried(library: Library, question: str, channel: str, article: Article | None = None) -> Tried:
    """What ``question`` finds and the draft that it gets, with ``article`` among the articles."""
    text = question.strip()[:MOST_QUESTION]
    retriever: Retriever = library.base.supposing(article) if article else library.base
    channel = channel if channel in library.channels else library.channels[0]
    try:
        result = library.pipeline.over(retriever).triage(
            InboundMessage(text=text, channel=channel), replace(library.options, articles=PASSAGES)
        )
    except InvalidMessage:
        return Tried(question=text, channel=channel, unreadable=True)
    cited = (citation.article_id for citation in result.draft.citations) if result.draft else ()
    return Tried(
        question=text, channel=channel, passages=result.retrieval.passages, built_on=frozenset(cited), draft=result.draft,
        needs_reply=result.prediction.needs_reply,
    )  # fmt: skip


def reply(library: Library, article: Article, channel: str) -> tuple[list[Chunk], Draft | None]:
    """The passages of ``article`` and how its opening reads in a reply on ``channel``; None where it has no text."""
    chunks = chunk(article)
    if not chunks:
        return [], None
    opening = chunks[0].text
    passage = Passage(
        article_id=article.id, language=article.language, title=article.title, text=opening, lead=opening, score=1.0,
        intents=article.intents,
    )  # fmt: skip
    intent = next((name for name in article.intents if name != OUT_OF_SCOPE), NO_INTENT)
    sure = Prediction(
        ranking=(IntentScore(name=intent, confidence=1.0),), intents=(intent,), abstained=False, needs_reply=True,
        urgency=UrgencyScore(level=Urgency.NORMAL, confidence=1.0), model_version="",
    )  # fmt: skip
    message = InboundMessage(
        text=article.title, channel=channel if channel in library.channels else library.channels[0]
    )
    language = article.language.split("-")[0]
    return chunks, library.pipeline.reply(
        message, prediction=sure, passages=[passage], language=language, voice=library.options.voice
    )


def query_of(pipeline: TriagePipeline, question: Question, *, limit: int) -> Query | None:
    """What triage asks for ``question``; None where nobody can read it. What was read of it then is not read again."""
    message = InboundMessage(
        text=question.text, subject=question.subject, channel=question.channel, language_hint=question.language_hint,
        received_at=question.received_at, customer=Customer(locale=question.locale),
        order=Order(id="", market=question.market) if question.market else None,
    )  # fmt: skip
    try:
        return pipeline.query(message, limit=limit, known=_known(pipeline, question))
    except InvalidMessage:
        return None


def _known(pipeline: TriagePipeline, question: Question) -> tuple[Vectors, Prediction] | None:
    if not question.vector or question.model_version != pipeline.encoder_version:
        return None
    vector = np.frombuffer(question.vector, dtype=np.float16).astype(np.float32)
    return vector / max(float(np.linalg.norm(vector)), 1e-9), _prediction(question.result, question.model_version)


def _prediction(result: Mapping[str, Any], version: str) -> Prediction:
    urgency = result["urgency"]
    return Prediction(
        ranking=tuple(IntentScore(name=row["name"], confidence=row["confidence"]) for row in result["intent_ranking"]),
        intents=tuple(result["intents"]), abstained=result["abstained"], needs_reply=result["needs_reply"],
        urgency=UrgencyScore(level=Urgency(urgency["level"]), confidence=urgency["confidence"]), model_version=version,
    )  # fmt: skip
