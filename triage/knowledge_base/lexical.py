"""Lexical search: BM25 over folded words, for names, model numbers and rare terms that vectors blur."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triage.protocols import Vectors

_WORD = re.compile(r"\w+", re.UNICODE)
_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ى": "ي", "ة": "ه", "ـ": None}
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+")


def words(text: str) -> list[str]:
    """Lower-case words without diacritics; scripts without spaces give character pairs."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
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
    return word if word.isdigit() or len(word) <= 6 else word[:6]


class LexicalIndex:
    """BM25 (Lucene form) over ``texts``."""

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        self._size = len(texts)
        self._bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
        corpus = [words(text) for text in texts]
        self._known = {word for document in corpus for word in document}
        if self._known:
            self._bm25.index(corpus, show_progress=False)

    def search(self, query: str, limit: int) -> tuple[NDArray[np.int64], Vectors]:
        """Positions (K,) and scores (K,) above zero, best first."""
        tokens = [word for word in words(query) if word in self._known]
        if not tokens or not self._size:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        scores = np.asarray(self._bm25.get_scores(tokens), dtype=np.float32)
        wanted = min(limit, self._size)
        best = np.argpartition(-scores, wanted - 1)[:wanted]
        best = best[np.argsort(-scores[best], kind="stable")]
        best = best[scores[best] > 0]
        return best.astype(np.int64), scores[best]
