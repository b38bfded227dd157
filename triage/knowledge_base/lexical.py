"""Lexical search: BM25 over folded words, for names, model numbers and rare terms that vectors blur.

The frequencies come with the query, not with the index, so that several indexes can be ranked as one: a passage in the
small index of late changes scores as it would in the large one.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.protocols import Vectors

K1, B = 1.2, 0.75
"""How fast repeating a word stops counting, and how much long passages are discounted."""

_BLOCK = 64

_WORD = re.compile(r"\w+", re.UNICODE)
_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ى": "ي", "ة": "ه", "ـ": None}
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+")


def words(text: str) -> list[str]:
    """Lower-case words without diacritics; scripts without spaces give character pairs."""
    folded = text.casefold()
    if folded.isascii():  # nothing to fold and no unspaced script, in a tenth of the time
        return [_stem(word) for word in _WORD.findall(folded)]
    decomposed = unicodedata.normalize("NFKD", folded)
    folded = "".join(character for character in decomposed if not unicodedata.combining(character))
    found: list[str] = []
    for word in _WORD.findall(folded.translate(_UNDECOMPOSED)):
        if _UNSPACED.search(word):
            found += [word[i : i + 2] for i in range(max(1, len(word) - 1))]
        else:
            found.append(_stem(word))
    return found


def _stem(word: str) -> str:
    """The first six letters: inflected forms of one word meet, in every language of the same script alike."""
    return word if len(word) <= 6 or word.isdigit() else word[:6]


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Where the V words of a query occur in one index: M pairs of word and passage, word by word.

    ``position`` (M,) indexes the passages, ``count`` (M,) says how often the word occurs there; ``frequency`` (V,) says
    in how many passages each word occurs, that is how many pairs are its.
    """

    position: NDArray[np.int32]
    count: NDArray[np.float32]
    frequency: NDArray[np.int64]

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """(M,) for each pair its word's entry of ``values`` (V,)."""
        return np.repeat(values, self.frequency)

    def without(self, hidden: NDArray[np.bool_]) -> Matches:
        """The matches in passages that ``hidden`` (N,) does not mark."""
        kept = ~hidden[self.position]
        word = self.each(np.arange(len(self.frequency)))
        frequency = np.bincount(word[kept], minlength=len(self.frequency))
        return Matches(position=self.position[kept], count=self.count[kept], frequency=frequency)


class LexicalIndex:
    """Which passage holds which word how often.

    Args:
        texts: one a passage.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._fill(map(words, texts))

    @classmethod
    def of_words(cls, documents: Iterable[Sequence[str]]) -> LexicalIndex:
        """As the constructor, from what ``words`` gave for each text."""
        index = cls.__new__(cls)
        index._fill(documents)
        return index

    def _fill(self, documents: Iterable[Sequence[str]]) -> None:
        vocabulary: dict[str, int] = {}
        terms, counts, distinct, lengths = array("i"), array("i"), array("i"), array("i")
        for document in documents:
            occurrences = Counter(document)
            terms.extend([vocabulary.setdefault(word, len(vocabulary)) for word in occurrences])
            counts.extend(occurrences.values())
            distinct.append(len(occurrences))
            lengths.append(len(document))
        term = np.asarray(terms, dtype=np.int32)
        by_term = np.argsort(term, kind="stable")
        positions = np.repeat(np.arange(len(distinct), dtype=np.int32), np.asarray(distinct, dtype=np.int64))
        self._positions = positions[by_term]
        self._counts = np.asarray(counts, dtype=np.float32)[by_term]
        ends = np.cumsum(np.bincount(term, minlength=len(vocabulary)))
        self._spans = dict(zip(vocabulary, zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False), strict=True))
        self.lengths = np.asarray(lengths, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.lengths)

    def match(self, vocabulary: Sequence[str]) -> Matches:
        """Where the distinct words of ``vocabulary`` occur."""
        spans = [self._spans.get(word, (0, 0)) for word in vocabulary]
        return Matches(
            position=np.concatenate([self._positions[:0], *[self._positions[start:end] for start, end in spans]]),
            count=np.concatenate([self._counts[:0], *[self._counts[start:end] for start, end in spans]]),
            frequency=np.asarray([end - start for start, end in spans], dtype=np.int64),
        )

    def scores(self, matches: Matches, weights: NDArray[np.float64], mean_length: float) -> NDArray[np.float64]:
        """(N,) BM25 of every passage; ``weights`` (V,) are the words' inverse frequencies times their count."""
        damping = np.float32(K1 * (1 - B)) + np.float32(K1 * B / max(mean_length, 1e-9)) * self.lengths
        parts = matches.each(weights.astype(np.float32)) * matches.count / (damping[matches.position] + matches.count)
        return np.asarray(np.bincount(matches.position, parts, minlength=len(self)), dtype=np.float64)

    def search(self, query: str, limit: int) -> tuple[NDArray[np.int64], Vectors]:
        """Positions (K,) and scores (K,) above zero, best first."""
        tokens = Counter(words(query))
        matches = self.match(list(tokens))
        if not len(matches.position):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        weights = inverse_frequencies(matches.frequency, len(self)) * np.asarray(list(tokens.values()))
        scores = self.scores(matches, weights, float(self.lengths.mean(dtype=np.float64)))
        best = leading(scores, limit)
        best = best[np.argsort(-scores[best], kind="stable")][:limit]
        return best, scores[best].astype(np.float32)


def inverse_frequencies(frequency: NDArray[np.int64], passages: int) -> NDArray[np.float64]:
    """(V,) Lucene's inverse document frequency of words that ``frequency`` (V,) of ``passages`` hold."""
    return np.log1p((passages - frequency + 0.5) / (frequency + 0.5))


def leading(scores: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """Positions of the ``limit`` largest scores above zero in no order, and of all that tie with the last of them."""
    floor = np.finfo(np.float64).tiny
    blocks = len(scores) // _BLOCK
    if blocks > 4 * limit:
        # As many blocks as are wanted reach this, so at least as many scores do; the rest need no closer look.
        best = scores[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        floor = max(floor, np.partition(best, blocks - limit)[blocks - limit])
    found = np.flatnonzero(scores >= floor)
    if len(found) > limit:
        least = np.partition(scores[found], len(found) - limit)[len(found) - limit]
        found = found[scores[found] >= least]
    return found
