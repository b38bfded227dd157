"""The search itself, over one index or over several that are ranked as one.

Reciprocal rank fusion (Cormack et al. 2009) gathers the candidates; a logistic model over cosine, lead over the other
articles, lexical coverage and intent match gives the probability that a passage answers. Below a threshold none is offered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from triage.knowledge_base.chunking import Chunk
from triage.knowledge_base.evidence import Findings, RetrievalWeights, gaps
from triage.knowledge_base.lexical import Matches, inverse_frequencies, leading, words
from triage.knowledge_base.passages import Key, PassageIndex, key_of
from triage.protocols import Vectors
from triage.types import Article, Passage

CANDIDATES = 60
RRF = 60.0
"""The constant of reciprocal rank fusion; large enough that no single first rank decides alone."""

LEAST_INTENT = 0.1
"""Intents that count less bring no candidates of their own."""

EMERGENCY_TAG = "emergency"
"""Tag of the articles that a critical message should get first: safety, fraud."""

Positions = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Who asks, where and when: decides which articles may be offered at all."""

    language: str
    channel: str | None
    market: str | None
    today: date

    def covers(self, article: Article) -> bool:
        """Whether ``article`` holds on this channel, in this market and today."""
        if article.channels and self.channel not in article.channels:
            return False
        if article.markets and self.market is not None and self.market not in article.markets:
            return False
        if article.valid_from is not None and self.today < article.valid_from:
            return False
        return article.valid_to is None or self.today <= article.valid_to


class Segment:
    """One index of a corpus, less the articles that a later one replaces.

    Args:
        replaced: keys of articles that no longer count here.
    """

    def __init__(self, index: PassageIndex, replaced: Collection[Key] = ()) -> None:
        self.index = index
        self.replaced = replaced
        spans = [index.spans[key] for key in replaced if key in index.spans]
        self.hidden: NDArray[np.bool_] | None = None
        if spans:
            self.hidden = np.zeros(len(index), dtype=np.bool_)
            for start, end in spans:
                self.hidden[start:end] = True
        self.passages = len(index) - sum(end - start for start, end in spans)
        lengths = index.lexical.lengths
        self.length = lengths.sum(dtype=np.float64) - sum(
            lengths[start:end].sum(dtype=np.float64) for start, end in spans
        )

    def visible(self, positions: Positions) -> Positions:
        return positions if self.hidden is None else positions[~self.hidden[positions]]

    def match(self, vocabulary: Sequence[str]) -> Matches:
        matches = self.index.lexical.match(vocabulary)
        return matches if self.hidden is None else matches.without(self.hidden)

    def nearest(self, vector: Vectors, limit: int) -> Positions:
        """At least the ``limit`` nearest passages that are not hidden, in no order."""
        wanted = limit
        while True:
            found = self.index.dense.search(vector, wanted)[0]
            kept = self.visible(found)
            if len(kept) >= limit or len(found) < wanted:
                return kept
            wanted *= 4

    def with_intent(self, intent: str, vector: Vectors, limit: int) -> Positions:
        """The ``limit`` nearest passages, about, of the articles that answer ``intent``, in no order."""
        positions = self.visible(self.index.by_intent.get(intent, np.zeros(0, dtype=np.int64)))
        if len(positions) > limit:
            similar = self.index.vectors[positions] @ vector
            positions = positions[np.argpartition(similar, len(positions) - limit)[len(positions) - limit :]]
        return positions

    def variants(self, article_id: str) -> list[Article]:
        found = self.index.variants.get(article_id, ())
        return [article for article in found if key_of(article) not in self.replaced]


class Query(NamedTuple):
    """A message as the search needs it: ``vector`` (D,), ``repeats`` the count of each word."""

    vector: Vectors
    repeats: Mapping[str, int]
    intents: Mapping[str, float]


class Corpus:
    """The union of a large index and, if any, the small one of what changed since.

    A passage ranks as if all were in one index: the rankings of both are joined before they are cut, with the word
    frequencies of the union, and ties go by article id, language and place in the article. Only the graph index, used
    beyond ``dense.FLAT_UP_TO`` passages, may miss a neighbour that an exact search would give.

    Args:
        changes: the index of what changed since ``main`` was made.
        replaced: keys changed or deleted since.
    """

    def __init__(self, main: PassageIndex, changes: PassageIndex | None = None, replaced: Collection[Key] = ()) -> None:
        self._segments = [Segment(main, replaced)]
        if changes is not None and changes.articles:
            self._segments.append(Segment(changes))
        self._bases = [0, len(main)][: len(self._segments)]
        self._order = _order([segment.index for segment in self._segments])
        self._changed = {article_id for article_id, _ in replaced}
        self._passages = sum(segment.passages for segment in self._segments)
        self._mean_length = sum(segment.length for segment in self._segments) / max(1, self._passages)

    def __len__(self) -> int:
        """Passages, those of replaced articles not counted."""
        return self._passages

    def find(
        self,
        text: str,
        *,
        vector: Vectors,
        scope: Scope,
        intents: Mapping[str, float],
        critical: bool,
        weights: RetrievalWeights,
    ) -> Findings:
        """The best passage of each candidate article, in no order."""
        query = Query(vector=vector, repeats=Counter(words(text)), intents=intents)
        matches = [segment.match(list(query.repeats)) for segment in self._segments]
        frequency = np.sum([found.frequency for found in matches], axis=0)
        positions, fused = _fuse(self._rankings(query, matches, frequency))
        chunks = self._chunks(positions)
        found = Findings(
            chunks=tuple(chunks),
            cosine=self._cosines(positions, vector),
            gap=np.zeros(len(chunks)),
            intent=_intent_weights(chunks, intents),
            coverage=self._coverage(positions, matches, frequency),
            same_language=np.asarray([part.article.language == scope.language for part in chunks], dtype=np.float64),
            emergency=np.asarray(
                [critical and EMERGENCY_TAG in part.article.tags for part in chunks], dtype=np.float64
            ),
            fused=fused,
        )
        best = self._best_of_each(found, positions, scope, weights)
        return replace(best, gap=gaps(best.cosine))

    def lead(self, article: Article) -> str:
        """The opening of ``article``."""
        for segment in reversed(self._segments):
            if segment.index.articles.get(key_of(article)) is article:
                return segment.index.chunks[segment.index.spans[key_of(article)][0]].text
        raise KeyError(key_of(article))

    def offer(self, found: Findings, weights: RetrievalWeights, limit: int) -> tuple[Passage, ...]:
        """The passages of ``found`` that probably answer, best first."""
        scores = (1 + np.tanh(weights.logit(found) / 2)) / 2
        rows = [row for row in np.argsort(-scores, kind="stable").tolist() if scores[row] >= weights.threshold]
        rows.sort(key=lambda row: (-scores[row], -found.fused[row], found.chunks[row].article.id))
        return tuple(
            Passage(
                article_id=part.article.id,
                language=part.article.language,
                title=part.article.title,
                text=part.text,
                score=round(float(scores[row]), 4),
                lead=self.lead(part.article),
                intents=part.article.intents,
            )
            for row, part in ((row, found.chunks[row]) for row in rows[:limit])
        )

    def _rankings(self, query: Query, matches: Sequence[Matches], frequency: NDArray[np.int64]) -> list[Positions]:
        near = [segment.nearest(query.vector, CANDIDATES) for segment in self._segments]
        rankings = [self._nearest_first(near, query.vector)]
        counts = np.asarray(list(query.repeats.values()), dtype=np.float64)
        weights = inverse_frequencies(frequency, self._passages) * counts
        scores, positions = [], []
        for segment, base, found in zip(self._segments, self._bases, matches, strict=True):
            every = segment.index.lexical.scores(found, weights, self._mean_length)
            best = leading(every, CANDIDATES)
            scores.append(every[best])
            positions.append(best + base)
        rankings.append(self._first(np.concatenate(positions), np.concatenate(scores)))
        for intent, weight in query.intents.items():
            if weight >= LEAST_INTENT:
                near = [segment.with_intent(intent, query.vector, CANDIDATES) for segment in self._segments]
                rankings.append(self._nearest_first(near, query.vector))
        return rankings

    def _nearest_first(self, near: Sequence[Positions], vector: Vectors) -> Positions:
        positions = np.concatenate([found + base for found, base in zip(near, self._bases, strict=True)])
        return self._first(positions, self._cosines(positions, vector))

    def _first(self, positions: Positions, scores: NDArray[np.float64]) -> Positions:
        return positions[np.lexsort((self._order[positions], -scores))[:CANDIDATES]]

    def _cosines(self, positions: Positions, vector: Vectors) -> NDArray[np.float64]:
        """Summed row by row: a matrix product may round one row differently beside others, and ties would part."""
        products = np.empty(len(positions))
        for segment, mask, local in self._split(positions):
            products[mask] = (segment.index.vectors[local] * vector).sum(axis=1)
        return products

    def _coverage(
        self, positions: Positions, matches: Sequence[Matches], frequency: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """The share of the rare words, those that at most a tenth of the passages hold and at least one does."""
        rare = (frequency > 0) & (frequency <= max(1, self._passages // 10))
        held = np.zeros(len(positions))
        for row, (segment, mask, local) in enumerate(self._split(positions)):
            found = matches[row].position[matches[row].each(rare)]
            held[mask] = np.bincount(found, minlength=len(segment.index))[local]
        return held / max(1, int(rare.sum()))

    def _split(self, positions: Positions) -> list[tuple[Segment, NDArray[np.bool_] | slice, Positions]]:
        """For each segment: which of ``positions`` lie in it, and where."""
        if len(self._segments) == 1:
            return [(self._segments[0], slice(None), positions)]
        second = positions >= self._bases[1]
        return [
            (self._segments[0], ~second, positions[~second]),
            (self._segments[1], second, positions[second] - self._bases[1]),
        ]

    def _chunks(self, positions: Positions) -> list[Chunk]:
        first, *rest = [segment.index.chunks for segment in self._segments]
        if not rest:
            return [first[position] for position in positions.tolist()]
        base = self._bases[1]
        return [first[p] if p < base else rest[0][p - base] for p in positions.tolist()]

    def _best_of_each(self, found: Findings, positions: Positions, scope: Scope, weights: RetrievalWeights) -> Findings:
        offered: dict[str, frozenset[str]] = {}
        chosen: dict[str, int] = {}
        for row in np.lexsort((self._order[positions], -weights.logit(found))).tolist():
            article = found.chunks[row].article
            if article.id in chosen:
                continue
            if article.id not in offered:
                offered[article.id] = self._languages(article.id, scope)
            if article.language in offered[article.id] and scope.covers(article):
                chosen[article.id] = row
        rows = np.asarray(list(chosen.values()), dtype=np.int64)
        return Findings(
            chunks=tuple(found.chunks[row] for row in rows.tolist()),
            cosine=found.cosine[rows], gap=found.gap[rows], intent=found.intent[rows], coverage=found.coverage[rows],
            same_language=found.same_language[rows], emergency=found.emergency[rows], fused=found.fused[rows],
        )  # fmt: skip

    def _languages(self, article_id: str, scope: Scope) -> frozenset[str]:
        """The customer's language where the article is to be had in it, else English, else any."""
        main = self._segments[0].index
        available = None if article_id in self._changed else main.unlimited.get(article_id)
        if available is None:
            variants = [article for segment in self._segments for article in segment.variants(article_id)]
            available = frozenset(article.language for article in variants if scope.covers(article))
        for language in (scope.language, "en"):
            if language in available:
                return frozenset((language,))
        return available


def _intent_weights(chunks: Sequence[Chunk], intents: Mapping[str, float]) -> NDArray[np.float64]:
    """(K,) how much the best of each article's intents counts."""
    weights: dict[tuple[str, ...], float] = {}
    for part in chunks:
        names = part.article.intents
        if names not in weights:
            weights[names] = max([intents.get(name, 0.0) for name in names], default=0.0)
    return np.asarray([weights[part.article.intents] for part in chunks], dtype=np.float64)


def _fuse(rankings: Sequence[Positions]) -> tuple[Positions, NDArray[np.float64]]:
    """The passages of all rankings, and their reciprocal rank fusion."""
    shares = [1 / (RRF + 1 + np.arange(len(ranking))) for ranking in rankings]
    positions, inverse = np.unique(np.concatenate(rankings), return_inverse=True)
    fused = np.bincount(inverse, np.concatenate(shares), minlength=len(positions))
    return positions, np.asarray(fused, dtype=np.float64)


def _order(indexes: Sequence[PassageIndex]) -> NDArray[np.int64]:
    """(N,) the rank of every passage by article id, language and place in the article, over all ``indexes``."""
    main, *rest = indexes
    if not rest:
        return np.arange(len(main), dtype=np.int64)
    (late,) = rest
    step = len(late) + 1
    keys = list(main.spans)
    starts = [start for start, _ in main.spans.values()] + [len(main)]
    before = np.asarray([starts[bisect_left(keys, key_of(part.article))] for part in late.chunks], dtype=np.int64)
    return np.concatenate(
        [np.arange(len(main), dtype=np.int64) * step + len(late), before * step + np.arange(len(late))]
    )
