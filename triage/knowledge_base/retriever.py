"""Hybrid retrieval: dense and lexical rankings fused, with a prior for the intents that the classifier found.

Reciprocal rank fusion (Cormack et al. 2009) gathers the candidates; a logistic model over cosine, lead over the other
articles, lexical coverage and intent match gives the probability that a passage answers. Below a threshold none is offered.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from triage.knowledge_base.chunking import Chunk, chunk
from triage.knowledge_base.dense import DenseIndex
from triage.knowledge_base.lexical import LexicalIndex, words
from triage.knowledge_base.vectors import VectorStore
from triage.protocols import Encoder, Vectors
from triage.types import Article, Passage, Retrieval

CANDIDATES = 60
RRF = 60.0
"""The constant of reciprocal rank fusion; large enough that no single first rank decides alone."""

LEAST_INTENT = 0.1
"""Intents that count less bring no candidates of their own."""

EMERGENCY_TAG = "emergency"
"""Tag of the articles that a critical message should get first: safety, fraud."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What speaks for one article's best passage.

    ``cosine`` is between message and passage; ``gap`` is that cosine less the best of any other article, negative but for
    the nearest; ``intent`` is how much the best of the article's intents counts; ``coverage`` is the share of the message's
    rare words that the passage holds. ``fused`` is the rank fusion, which breaks ties.
    """

    chunk: Chunk
    cosine: float
    gap: float
    intent: float
    coverage: float
    same_language: float
    emergency: float
    fused: float


@dataclass(frozen=True, kw_only=True)
class RetrievalWeights:
    """Coefficients of the logistic model of whether a passage answers, fitted by ``training.relevance`` on help centres.

    A model's manifest brings its own; these stand in where it has none. ``emergency`` is policy and set by hand: a
    critical message gets the safety and fraud articles first.
    """

    bias: float = -3.4
    cosine: float = 5.0
    gap: float = 0.0
    intent: float = 2.6
    coverage: float = 1.2
    same_language: float = 0.3
    emergency: float = 2.0
    threshold: float = 0.4

    def logit(self, evidence: Evidence) -> float:
        return (
            self.bias
            + self.cosine * evidence.cosine
            + self.gap * evidence.gap
            + self.intent * evidence.intent
            + self.coverage * evidence.coverage
            + self.same_language * evidence.same_language
            + self.emergency * evidence.emergency
        )


class HybridRetriever:
    """Searches the passages of a fixed set of articles; build a new one to change the set.

    Args:
        articles: every language variant; ids may repeat across languages.
        encoder: the same encoder that makes the query vectors.
    """

    def __init__(
        self,
        articles: Iterable[Article],
        encoder: Encoder,
        *,
        weights: RetrievalWeights | None = None,
        store: VectorStore | None = None,
    ) -> None:
        self._articles = {(article.id, article.language): article for article in articles}
        self._weights = weights or RetrievalWeights()
        self._chunks: list[Chunk] = [part for article in self._articles.values() for part in chunk(article)]
        self._leads: dict[tuple[str, str], str] = {}
        for part in self._chunks:
            self._leads.setdefault((part.article.id, part.article.language), part.text)
        texts = [part.indexed for part in self._chunks]
        self._vectors = (store or VectorStore(None)).embed(encoder, texts)
        self._dense = DenseIndex(self._vectors)
        self._lexical = LexicalIndex(texts)
        self._words = [frozenset(words(text)) for text in texts]
        self._frequency: dict[str, int] = {}
        for found in self._words:
            for word in found:
                self._frequency[word] = self._frequency.get(word, 0) + 1
        self._languages: dict[str, frozenset[str]] = {}
        for article_id, language in self._articles:
            self._languages[article_id] = self._languages.get(article_id, frozenset()) | {language}
        self._by_intent: dict[str, list[int]] = {}
        for position, part in enumerate(self._chunks):
            for intent in part.article.intents:
                self._by_intent.setdefault(intent, []).append(position)
        self._version = _version(self._articles.values(), encoder.version)

    @property
    def version(self) -> str:
        return self._version

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def articles(self) -> tuple[Article, ...]:
        """Every article in the index."""
        return tuple(self._articles.values())

    def search(
        self,
        query: str,
        *,
        vector: Vectors,
        language: str,
        intents: Mapping[str, float] | None = None,
        critical: bool = False,
        channel: str | None = None,
        market: str | None = None,
        limit: int = 5,
    ) -> Retrieval:
        found = self.evidence(
            query, vector=vector, language=language, intents=intents, critical=critical, channel=channel, market=market
        )
        scored = [(1 / (1 + math.exp(-self._weights.logit(item))), item) for item in found]
        scored.sort(key=lambda pair: (-pair[0], -pair[1].fused, pair[1].chunk.article.id))
        passages = tuple(
            Passage(
                article_id=item.chunk.article.id,
                language=item.chunk.article.language,
                title=item.chunk.article.title,
                text=item.chunk.text,
                score=round(score, 4),
                lead=self._leads[(item.chunk.article.id, item.chunk.article.language)],
                intents=item.chunk.article.intents,
            )
            for score, item in scored[:limit]
            if score >= self._weights.threshold
        )
        return Retrieval(passages=passages, index_version=self._version)

    def evidence(
        self,
        query: str,
        *,
        vector: Vectors,
        language: str,
        intents: Mapping[str, float] | None = None,
        critical: bool = False,
        channel: str | None = None,
        market: str | None = None,
    ) -> list[Evidence]:
        """The best passage of each candidate article, in no order."""
        wanted = intents or {}
        fused = self._candidates(query, vector, [name for name, weight in wanted.items() if weight >= LEAST_INTENT])
        rare = self._rare_words(query)
        best: dict[str, Evidence] = {}
        for position, rank_score in fused.items():
            part = self._chunks[position]
            article = part.article
            if not self._eligible(article, language, channel, market):
                continue
            item = Evidence(
                chunk=part,
                cosine=float(self._vectors[position] @ vector),
                gap=0.0,
                intent=max((wanted.get(intent, 0.0) for intent in article.intents), default=0.0),
                coverage=len(rare & self._words[position]) / len(rare) if rare else 0.0,
                same_language=float(article.language == language),
                emergency=float(critical and EMERGENCY_TAG in article.tags),
                fused=rank_score,
            )
            if article.id not in best or self._weights.logit(item) > self._weights.logit(best[article.id]):
                best[article.id] = item
        nearest = sorted((item.cosine for item in best.values()), reverse=True)
        if len(nearest) < 2:
            return list(best.values())
        return [
            replace(item, gap=item.cosine - (nearest[1] if item.cosine == nearest[0] else nearest[0]))
            for item in best.values()
        ]

    def _candidates(self, query: str, vector: Vectors, intents: Sequence[str]) -> dict[int, float]:
        rankings = [self._dense.search(vector, CANDIDATES)[0], self._lexical.search(query, CANDIDATES)[0]]
        for intent in intents:
            positions = np.asarray(self._by_intent.get(intent, ()), dtype=np.int64)
            if len(positions):
                order = np.argsort(-(self._vectors[positions] @ vector), kind="stable")
                rankings.append(positions[order][:CANDIDATES])
        fused: dict[int, float] = {}
        for ranking in rankings:
            for rank, position in enumerate(ranking):
                fused[int(position)] = fused.get(int(position), 0.0) + 1 / (RRF + rank + 1)
        return fused

    def _eligible(self, article: Article, language: str, channel: str | None, market: str | None) -> bool:
        """In the customer's language where the article exists in it, else in English, else in any; within its scope."""
        if article.channels and channel not in article.channels:
            return False
        if article.markets and market is not None and market not in article.markets:
            return False
        available = self._languages[article.id]
        if language in available:
            return article.language == language
        return article.language == "en" if "en" in available else True

    def _rare_words(self, query: str) -> frozenset[str]:
        """Words of the query that at most a tenth of the passages hold, and at least one does."""
        most = max(1, len(self._chunks) // 10)
        return frozenset(word for word in words(query) if 0 < self._frequency.get(word, 0) <= most)


def _version(articles: Iterable[Article], encoder_version: str) -> str:
    digest = hashlib.sha256(encoder_version.encode())
    for article in sorted(articles, key=lambda a: (a.id, a.language)):
        digest.update(repr(article).encode())
    return digest.hexdigest()[:12]
