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


class LexicalIndex:
    """Which passage holds which word how often, by word and by passage. Words are told by number, absent ones by -1.

    Args:
        texts: one a passage.

    Attributes:
        lengths: (N,) words of each passage.
        frequency: (V + 1,) in how many passages each word occurs; the last entry, 0, stands for absent words.
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
        self._vocabulary = vocabulary
        self._terms = np.asarray(terms, dtype=np.int32)
        self._starts = np.concatenate([[0], np.cumsum(np.asarray(distinct, dtype=np.int64))])
        by_term = np.argsort(self._terms, kind="stable")
        positions = np.repeat(np.arange(len(distinct), dtype=np.int32), np.asarray(distinct, dtype=np.int64))
        self._positions = positions[by_term]
        self._counts = np.asarray(counts, dtype=np.float32)[by_term]
        self.frequency = np.bincount(self._terms, minlength=len(vocabulary) + 1)
        self._ends = np.cumsum(self.frequency)
        self.lengths = np.asarray(lengths, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.lengths)

    def numbers(self, vocabulary: Iterable[str]) -> NDArray[np.int64]:
        """The number of each word."""
        return np.asarray([self._vocabulary.get(word, -1) for word in vocabulary], dtype=np.int64)

    def frequency_in(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """(V + 1,) as ``frequency``, in the passages at ``positions`` alone."""
        return np.bincount(self._terms[self._rows(positions)], minlength=len(self.frequency))

    def held(self, numbers: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """(K,) how many of the distinct words ``numbers`` each passage at ``positions`` (K,) holds."""
        wanted = np.zeros(len(self.frequency), dtype=np.bool_)
        wanted[numbers[numbers >= 0]] = True
        hits = np.flatnonzero(wanted[self._terms[self._rows(positions)]])
        ends = np.cumsum(self._starts[positions + 1] - self._starts[positions])
        return np.bincount(np.searchsorted(ends, hits, side="right"), minlength=len(positions))

    def scores(
        self, numbers: NDArray[np.int64], weights: NDArray[np.float64], mean_length: float
    ) -> NDArray[np.float64]:
        """(N,) BM25 of every passage for the distinct words ``numbers`` (W,).

        Args:
            weights: (W,) their inverse frequencies times their count.
        """
        ends, sizes = self._ends[numbers].tolist(), self.frequency[numbers]
        spans = [slice(end - size, end) for end, size in zip(ends, sizes.tolist(), strict=True)]
        position = np.concatenate([self._positions[:0], *[self._positions[span] for span in spans]])
        count = np.concatenate([self._counts[:0], *[self._counts[span] for span in spans]])
        damping = np.float32(K1 * (1 - B)) + np.float32(K1 * B / max(mean_length, 1e-9)) * self.lengths[position]
        parts = np.repeat(weights.astype(np.float32), sizes) * count / (damping + count)
        return np.asarray(np.bincount(position, parts, minlength=len(self)), dtype=np.float64)

    def search(self, query: str, limit: int) -> tuple[NDArray[np.int64], Vectors]:
        """Positions (K,) and scores (K,) above zero, best first."""
        tokens = Counter(words(query))
        numbers = self.numbers(tokens)
        weights = inverse_frequencies(self.frequency[numbers], len(self)) * np.asarray(list(tokens.values()))
        scores = self.scores(numbers, weights, float(self.lengths.mean(dtype=np.float64)) if len(self) else 0.0)
        best = leading(scores, limit)
        best = best[np.argsort(-scores[best], kind="stable")][:limit]
        return best, scores[best].astype(np.float32)

    def _rows(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the words of the passages at ``positions`` stand, passage by passage."""
        starts = self._starts[positions]
        sizes = self._starts[positions + 1] - starts
        ends = np.cumsum(sizes)
        return np.repeat(starts - ends + sizes, sizes) + np.arange(ends[-1] if len(ends) else 0)


def inverse_frequencies(frequency: NDArray[np.int64], passages: int) -> NDArray[np.float64]:
    """(V,) Lucene's inverse document frequency of words that ``frequency`` (V,) of ``passages`` hold."""
    return np.log1p((passages - frequency + 0.5) / (frequency + 0.5))


def leading(scores: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """Positions of the ``limit`` largest scores above zero in no order, and of all that tie with the last of them."""
    floor = np.finfo(np.float64).tiny
    blocks = len(scores) // _BLOCK
    if blocks > 4 * limit:
        # As many blocks as are wanted reach this, so at least as many scores do; the rest need no closer look.
        best = scores[: blocks * _BLOCK].reshape(_BLOCK, blocks).max(axis=0)
        floor = max(floor, np.partition(best, blocks - limit)[blocks - limit])
    found = np.flatnonzero(scores >= floor)
    if len(found) > limit:
        least = np.partition(scores[found], len(found) - limit)[len(found) - limit]
        found = found[scores[found] >= least]
    return found
