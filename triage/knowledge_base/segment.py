"""One index of a corpus, less the articles that a later one replaces."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from triage.knowledge_base.lexical import leading
from triage.knowledge_base.passages import Key, PassageIndex, key_of
from triage.protocols import Vectors
from triage.types import Article

Positions = NDArray[np.int64]

NEAR = 256
"""Neighbours that an index too large for an exact search gives; in them it looks for the passages of an intent."""

ROUNDING = 1e-5
"""How far two ways to sum one cosine may lie apart."""

_HIDDEN = -2.0
"""Below every cosine."""

_NONE = np.zeros(0, dtype=np.int64)


class Segment:
    """Searches one index.

    Args:
        replaced: keys of articles that no longer count here.
    """

    def __init__(self, index: PassageIndex, replaced: Collection[Key] = ()) -> None:
        self.index = index
        self._replaced = replaced
        lexical = index.lexical
        spans = [range(*index.spans[key]) for key in replaced if key in index.spans]
        gone = np.asarray([position for span in spans for position in span], dtype=np.int64)
        self._hidden: NDArray[np.bool_] | None = None
        self._frequency = lexical.frequency
        if len(gone):
            self._hidden = np.zeros(len(index), dtype=np.bool_)
            self._hidden[gone] = True
            self._frequency = lexical.frequency - lexical.frequency_in(gone)
        self.passages = len(index) - len(gone)
        self.length = lexical.lengths.sum(dtype=np.float64) - lexical.lengths[gone].sum(dtype=np.float64)

    def frequency(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """In how many passages that are not hidden each word occurs."""
        return self._frequency[numbers]

    def with_words(
        self, numbers: NDArray[np.int64], weights: NDArray[np.float64], mean_length: float, limit: int
    ) -> tuple[Positions, NDArray[np.float64]]:
        """The ``limit`` leading passages by BM25, about, and their scores, in no order."""
        scores = self.index.lexical.scores(numbers, weights, mean_length)
        if self._hidden is not None:
            scores[self._hidden] = 0
        best = leading(scores, limit)
        return best, scores[best]

    def near(self, vector: Vectors) -> Near:
        """What lies near ``vector``."""
        if self.index.dense.exact:
            cosines = self.index.vectors @ vector
            if self._hidden is not None:
                cosines[self._hidden] = _HIDDEN
            return Near(self.index, None, cosines)
        positions, cosines = self._neighbours(vector)
        return Near(self.index, positions, cosines)

    def _neighbours(self, vector: Vectors) -> tuple[Positions, Vectors]:
        wanted = NEAR
        while True:
            found, cosines = self.index.dense.search(vector, wanted)
            if self._hidden is None:
                return found, cosines
            kept = ~self._hidden[found]
            if int(kept.sum()) >= NEAR or len(found) < wanted:
                return found[kept], cosines[kept]
            wanted *= 4

    def variants(self, article_id: str) -> list[Article]:
        """The articles of one id that count here."""
        found = self.index.variants.get(article_id, ())
        return [article for article in found if key_of(article) not in self._replaced]


class Near:
    """Passages and their cosines (K,) with a query: all of an index where ``positions`` is None, else its nearest."""

    def __init__(self, index: PassageIndex, positions: Positions | None, cosines: Vectors) -> None:
        self._index, self._positions, self._cosines = index, positions, cosines

    def nearest(self, limit: int) -> Positions:
        """The ``limit`` nearest, and what lies so near the last of them that only an exact sum can tell; in no order."""
        rows = _highest(self._cosines, limit)
        return rows if self._positions is None else self._positions[rows]

    def with_intent(self, intent: str, limit: int) -> Positions:
        """As ``nearest``, of the passages of articles that answer ``intent``."""
        every = self._index.by_intent.get(intent, _NONE)
        if self._positions is None:
            return every[_highest(self._cosines[every], limit)]
        held = self._index.traits.intents[self._positions]
        sets = [number for names, number in self._index.traits.intent_sets.items() if intent in names]
        mask = np.zeros(len(self._index.traits.intent_sets), dtype=np.bool_)
        mask[sets] = True
        return self._positions[np.flatnonzero(mask[held])[:limit]]


def _highest(cosines: Vectors, limit: int) -> Positions:
    if len(cosines) <= limit:
        return np.flatnonzero(cosines > _HIDDEN)
    least = np.partition(cosines, len(cosines) - limit)[len(cosines) - limit]
    return np.flatnonzero(cosines >= max(least - ROUNDING, _HIDDEN / 2))
