"""What speaks for an article, and how much each part of it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from triage.knowledge_base.chunking import Chunk

Values = NDArray[np.float64]


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
class Findings:
    """The evidence of K passages, told by their positions in the corpus, in columns (K,)."""

    positions: NDArray[np.int64]
    cosine: Values
    gap: Values
    intent: Values
    coverage: Values
    same_language: Values
    emergency: Values
    fused: Values

    def at(self, rows: NDArray[np.int64]) -> Findings:
        """The passages at ``rows``."""
        return Findings(
            positions=self.positions[rows], cosine=self.cosine[rows], gap=self.gap[rows], intent=self.intent[rows],
            coverage=self.coverage[rows], same_language=self.same_language[rows], emergency=self.emergency[rows],
            fused=self.fused[rows],
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RetrievalWeights:
    """Coefficients of the logistic model of whether a passage answers, fitted by ``training.relevance`` on help centres.

    A model's manifest brings its own; these stand in where it has none. ``emergency`` is policy and set by hand: a
    critical message gets the safety and fraud articles first. ``threshold`` is the probability from which a passage is
    listed, ``offer`` the one from which a draft may be built on it.
    """

    bias: float = -3.4
    cosine: float = 5.0
    gap: float = 0.0
    intent: float = 2.6
    coverage: float = 1.2
    same_language: float = 0.3
    emergency: float = 2.0
    threshold: float = 0.4
    offer: float = 0.6

    @overload
    def logit(self, evidence: Evidence) -> float: ...

    @overload
    def logit(self, evidence: Findings) -> Values: ...

    def logit(self, evidence: Evidence | Findings) -> float | Values:
        return (
            self.bias
            + self.cosine * evidence.cosine
            + self.gap * evidence.gap
            + self.intent * evidence.intent
            + self.coverage * evidence.coverage
            + self.same_language * evidence.same_language
            + self.emergency * evidence.emergency
        )


def gaps(cosines: Values) -> Values:
    """(K,) how far each article's cosine lies above the best of the others; zeros where there is no other."""
    if len(cosines) < 2:
        return np.zeros(len(cosines))
    second, first = np.partition(cosines, len(cosines) - 2)[-2:]
    return np.asarray(cosines - np.where(cosines == first, second, first), dtype=np.float64)
