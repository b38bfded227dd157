"""The search itself, over one index or over several that are ranked as one.

Reciprocal rank fusion (Cormack et al. 2009) gathers the candidates; a logistic model over cosine, lead over the other
articles, lexical coverage and intent match gives the probability that a passage answers. Below a threshold none is offered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from triage.knowledge_base.chunking import Chunk
from triage.knowledge_base.evidence import Evidence, Findings, RetrievalWeights, gaps
from triage.knowledge_base.lexical import inverse_frequencies, words
from triage.knowledge_base.passages import Key, PassageIndex, Traits, key_of
from triage.knowledge_base.reranker import MOST_RERANKED, Reranker
from triage.knowledge_base.scope import Scope, best_languages, same_language
from triage.knowledge_base.segment import Positions, Segment
from triage.protocols import Query, Vectors
from triage.types import Passage

CANDIDATES = 40
RRF = 60.0
"""The constant of reciprocal rank fusion; large enough that no single first rank decides alone."""

LEAST_INTENT = 0.1
"""Intents that count less bring no candidates of their own."""

SHORTLIST = 40
"""Candidates whose evidence is weighed, those that lead by rank fusion."""

MOST_POSTINGS = 4_000
"""Occurrences that one search scores, the rarest words first: what many passages hold tells them apart the least."""

_SHARES = 1 / (RRF + 1 + np.arange(CANDIDATES))
_TAGS_KEPT = 256
"""Language tags for which what may be offered is kept; a caller may name any number."""


class Terms(NamedTuple):
    """The W distinct words of a query: their numbers in each segment, frequency (W,) over all, and repeats (W,)."""

    numbers: list[NDArray[np.int64]]
    frequency: NDArray[np.int64]
    repeats: NDArray[np.int64]


class Corpus:
    """The union of a large index and, if any, the small one of what changed since.

    A passage ranks as if all were in one index: the rankings of both are joined before they are cut, with the word
    frequencies of the union, and ties go by article id, language and place in the article. Only an index beyond
    ``dense.FLAT_UP_TO`` passages may miss a neighbour that an exact search would give.

    Args:
        changes: the index of what changed since ``main`` was made.
        replaced: keys changed or deleted since.
    """

    def __init__(self, main: PassageIndex, changes: PassageIndex | None = None, replaced: Collection[Key] = ()) -> None:
        self._segments = [Segment(main, replaced)]
        self._traits = main.traits
        if changes is not None and changes.articles:
            self._segments.append(Segment(changes))
            self._traits = main.traits.and_of(changes.traits)
        self._bases = [0, len(main)][: len(self._segments)]
        self._order = _order([segment.index for segment in self._segments])
        self._passages = sum(segment.passages for segment in self._segments)
        self._mean_length = sum(segment.length for segment in self._segments) / max(1, self._passages)
        self._language_sets, self._language_set = _language_sets(main, self._traits, {name for name, _ in replaced})
        self._intent_sets = list(self._traits.intent_sets)
        self._serving: dict[str, tuple[NDArray[np.bool_], NDArray[np.float64]]] = {}

    def __len__(self) -> int:
        """Passages, those of replaced articles not counted."""
        return self._passages

    def find(self, query: Query, today: date, weights: RetrievalWeights) -> Findings:
        """The best passage of each candidate article, in no order."""
        terms = self._terms(query.text)
        positions, cosines, fused = self._candidates(query, terms)
        offered, same = self._in_scope(positions, query.language, Scope.of(query, today))
        kept = np.flatnonzero(offered)
        if len(kept) > SHORTLIST:
            kept = kept[np.lexsort((self._order[positions[kept]], -fused[kept]))[:SHORTLIST]]
        positions = positions[kept]
        found = Findings(
            positions=positions,
            cosine=cosines[kept],
            gap=np.zeros(len(kept)),
            intent=self._intent_weights(positions, query.intents),
            coverage=self._coverage(positions, terms),
            same_language=same[kept],
            emergency=(self._traits.emergency[positions] & query.critical).astype(np.float64),
            fused=fused[kept],
        )
        best = found.at(self._best_of_each(positions, weights.logit(found)))
        return replace(best, gap=gaps(best.cosine))

    def rows(self, found: Findings) -> list[Evidence]:
        """One record a passage."""
        names = ("cosine", "gap", "intent", "coverage", "same_language", "emergency", "fused")
        columns = zip(*(getattr(found, name).tolist() for name in names), strict=True)
        return [
            Evidence(chunk=self._chunk(position), **dict(zip(names, values, strict=True)))
            for position, values in zip(found.positions.tolist(), columns, strict=True)
        ]

    def offer(
        self, found: Findings, weights: RetrievalWeights, query: Query, reranker: Reranker | None = None
    ) -> tuple[Passage, ...]:
        """The passages of ``found`` that probably answer, best first."""
        scores = (1 + np.tanh(weights.logit(found) / 2)) / 2
        rows = np.lexsort((self._order[found.positions], -found.fused, -scores))
        if reranker is not None:
            rows = rows[:MOST_RERANKED]
            texts = [self._chunk(position).indexed for position in found.positions[rows].tolist()]
            told = reranker.probabilities(query.text, texts)
            if told is not None:
                # The mean: one that is sure of what the other rules out must not decide alone.
                scores[rows] = (scores[rows] + told) / 2
                rows = rows[np.argsort(-scores[rows], kind="stable")]
        rows = rows[: query.limit]
        return tuple(
            self._passage(position, round(score, 4))
            for position, score in zip(found.positions[rows].tolist(), scores[rows].tolist(), strict=True)
            if score >= weights.threshold
        )

    def _passage(self, position: int, score: float) -> Passage:
        part = self._chunk(position)
        article = part.article
        return Passage(
            article_id=article.id,
            language=article.language,
            title=article.title,
            text=part.text,
            score=score,
            lead=self._opening(position).text,
            intents=article.intents,
            heading=part.heading,
        )

    def _chunk(self, position: int) -> Chunk:
        segment, local = self._place(position)
        return segment.index.chunks[local]

    def _opening(self, position: int) -> Chunk:
        """The first passage of the article of the one at ``position``."""
        segment, local = self._place(position)
        return segment.index.chunks[segment.index.spans[key_of(segment.index.chunks[local].article)][0]]

    def _place(self, position: int) -> tuple[Segment, int]:
        base = self._bases[-1]
        return (self._segments[-1], position - base) if position >= base else (self._segments[0], position)

    def _terms(self, text: str) -> Terms:
        repeats = Counter(words(text))
        numbers = [segment.index.lexical.numbers(repeats) for segment in self._segments]
        found = [segment.frequency(part) for segment, part in zip(self._segments, numbers, strict=True)]
        frequency = found[0] if len(found) == 1 else found[0] + found[1]
        return Terms(numbers, frequency, np.fromiter(repeats.values(), np.int64, len(repeats)))

    def _candidates(self, query: Query, terms: Terms) -> tuple[Positions, NDArray[np.float64], NDArray[np.float64]]:
        """Positions, cosines and reciprocal rank fusion of the passages that lead by vector, by words or by intent."""
        lexical, scores = self._with_words(terms)
        near = [segment.near(query.vector) for segment in self._segments]
        dense = [self._joined([part.nearest(CANDIDATES) for part in near])]
        for intent, weight in query.intents.items():
            if weight >= LEAST_INTENT:
                dense.append(self._joined([part.with_intent(intent, CANDIDATES) for part in near]))
        positions, rows = np.unique(np.concatenate([lexical, *dense]), return_inverse=True)
        cosines = self._cosines(positions, query.vector)
        fused = np.zeros(len(positions))
        start = len(lexical)
        self._add_shares(fused, rows[:start], lexical, scores)
        for part in dense:
            these = rows[start : start + len(part)]
            self._add_shares(fused, these, part, cosines[these])
            start += len(part)
        kept = np.flatnonzero(fused)
        return positions[kept], cosines[kept], fused[kept]

    def _add_shares(
        self, fused: NDArray[np.float64], rows: Positions, positions: Positions, scores: NDArray[np.float64]
    ) -> None:
        """Adds to ``fused``, at ``rows``, what the ranking of ``positions`` by ``scores`` gives."""
        best = np.lexsort((self._order[positions], -scores))[:CANDIDATES]
        fused[rows[best]] += _SHARES[: len(best)]

    def _with_words(self, terms: Terms) -> tuple[Positions, NDArray[np.float64]]:
        rarest = np.argsort(terms.frequency, kind="stable")
        rarest = rarest[terms.frequency[rarest] > 0]
        scored = rarest[: max(1, np.searchsorted(np.cumsum(terms.frequency[rarest]), MOST_POSTINGS, side="right"))]
        weights = inverse_frequencies(terms.frequency[scored], self._passages) * terms.repeats[scored]
        found = [
            segment.with_words(numbers[scored], weights, self._mean_length, CANDIDATES)
            for segment, numbers in zip(self._segments, terms.numbers, strict=True)
        ]
        return self._joined([positions for positions, _ in found]), np.concatenate([scores for _, scores in found])

    def _joined(self, found: Sequence[Positions]) -> Positions:
        if len(found) == 1:
            return found[0]
        return np.concatenate([found[0], found[1] + self._bases[1]])

    def _cosines(self, positions: Positions, vector: Vectors) -> NDArray[np.float64]:
        """Summed row by row: a matrix product may round one row differently beside others, and ties would part."""
        products = np.empty(len(positions))
        for segment, mask, local in self._split(positions):
            products[mask] = np.einsum("ij,j->i", segment.index.vectors[local], vector)
        return products

    def _coverage(self, positions: Positions, terms: Terms) -> NDArray[np.float64]:
        """The share of the rare words, those that at most a tenth of the passages hold and at least one does."""
        rare = np.flatnonzero((terms.frequency > 0) & (terms.frequency <= max(1, self._passages // 10)))
        held = np.empty(len(positions))
        for numbers, (segment, mask, local) in zip(terms.numbers, self._split(positions), strict=True):
            held[mask] = segment.index.lexical.held(numbers[rare], local)
        return held / max(1, len(rare))

    def _intent_weights(self, positions: Positions, intents: Mapping[str, float]) -> NDArray[np.float64]:
        """(K,) how much the best of each article's intents counts."""
        numbers = self._traits.intents[positions].tolist()
        values = {n: max([intents.get(name, 0.0) for name in self._intent_sets[n]], default=0.0) for n in set(numbers)}
        return np.asarray([values[number] for number in numbers], dtype=np.float64)

    def _split(self, positions: Positions) -> list[tuple[Segment, NDArray[np.bool_] | slice, Positions]]:
        """For each segment: which of ``positions`` lie in it, and where."""
        if len(self._segments) == 1:
            return [(self._segments[0], slice(None), positions)]
        second = positions >= self._bases[1]
        return [
            (self._segments[0], ~second, positions[~second]),
            (self._segments[1], second, positions[second] - self._bases[1]),
        ]

    def _in_scope(
        self, positions: Positions, language: str, scope: Scope
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Which passages may be offered, in the language that serves best, and which are in the reader's (1 or 0)."""
        articles, languages = self._traits.article[positions], self._traits.language[positions]
        sets = self._language_set[articles]
        allowed, same = self._serving_for(language)
        offered = allowed[sets, languages]
        chosen: dict[int, frozenset[str]] = {}
        for row in np.flatnonzero(sets < 0).tolist():
            article, number = self._chunk(int(positions[row])).article, int(articles[row])
            if number not in chosen:
                chosen[number] = self._languages(article.id, language, scope)
            offered[row] = article.language in chosen[number] and scope.covers(article)
        return offered, same[languages]

    def _best_of_each(self, positions: Positions, logits: NDArray[np.float64]) -> NDArray[np.int64]:
        """The row of the best passage of each article."""
        order = np.lexsort((self._order[positions], -logits))
        return order[np.unique(self._traits.article[positions[order]], return_index=True)[1]]

    def _serving_for(self, language: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Whether a set of languages (rows, the last for articles asked one by one) offers a language (columns), and
        whether the columns are the reader's language."""
        known = self._serving.get(language)
        if known is not None:
            return known
        tags = self._traits.languages
        allowed = np.zeros((len(self._language_sets) + 1, len(tags)), dtype=np.bool_)
        for row, available in enumerate(self._language_sets):
            allowed[row, [tags[tag] for tag in best_languages(available, language) if tag in tags]] = True
        same = np.asarray([same_language(tag, language) for tag in tags], dtype=np.float64)
        if len(self._serving) < _TAGS_KEPT:
            self._serving[language] = (allowed, same)
        return allowed, same

    def _languages(self, article_id: str, language: str, scope: Scope) -> frozenset[str]:
        variants = [article for segment in self._segments for article in segment.variants(article_id)]
        return best_languages((article.language for article in variants if scope.covers(article)), language)


def _language_sets(
    main: PassageIndex, traits: Traits, changed: Collection[str]
) -> tuple[list[frozenset[str]], NDArray[np.int64]]:
    """The sets of languages in which articles exist, and the number of each article's, by article number.

    It is -1 where the articles have to be asked: they changed, or they do not hold everywhere and at any time.
    """
    numbers = np.full(len(traits.ids), -1, dtype=np.int64)
    numbers[: len(main.language_set)] = main.language_set
    numbers[[traits.ids[name] for name in changed if name in traits.ids]] = -1
    return list(main.language_sets), numbers


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
