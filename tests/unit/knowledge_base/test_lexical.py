from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.knowledge_base.lexical import K1, B, LexicalIndex, leading, words

_TEXTS = st.lists(st.lists(st.sampled_from(("kettle", "late", "parcel", "zwrot", "30")), max_size=8).map(" ".join))


@given(_TEXTS, st.lists(st.sampled_from(("kettle", "late", "lamp", "30")), max_size=5).map(" ".join))
def test_scores_are_bm25_in_lucenes_form(texts: list[str], query: str) -> None:
    documents = [Counter(words(text)) for text in texts]
    mean = sum(sum(document.values()) for document in documents) / max(1, len(documents))
    expected = {}
    for position, document in enumerate(documents):
        score = 0.0
        for word in words(query):
            holding = sum(word in other for other in documents)
            weight = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            if document[word]:
                score += weight * document[word] / (document[word] + K1 * (1 - B + B * sum(document.values()) / mean))
        if score > 0:
            expected[position] = score
    positions, scores = LexicalIndex(texts).search(query, len(texts) + 1)
    assert dict(zip(positions.tolist(), scores.tolist(), strict=True)) == pytest.approx(expected, rel=1e-5)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


@pytest.mark.parametrize("size", [0, 1, 60, 1000, 30_000])
def test_the_leading_scores_are_the_largest_and_all_that_tie_with_the_last(size: int) -> None:
    chance = np.random.default_rng(size)
    for scores in (chance.random(size), chance.integers(0, 9, size).astype(float), np.zeros(size)):
        found = leading(scores, 60)
        expected = np.sort(scores[scores > 0])[::-1][:60]
        least = expected[-1] if len(expected) else math.inf
        assert sorted(found.tolist()) == np.flatnonzero((scores > 0) & (scores >= least)).tolist()
