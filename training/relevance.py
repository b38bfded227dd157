"""The score that a passage answers: a logistic model fitted on help centres that the encoder was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray

from eval.help_centres import HelpCentre
from training.finetuning import MultiTaskHeads
from training.text_encoder import TextEncoder
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.models.classifier import HeadClassifier
from triage.models.manifest import Manifest
from triage.protocols import Encoding, Query, Vectors

FEATURES = ("cosine", "gap", "intent", "coverage", "same_language")
"""Columns of an evidence array; two more tell which question a row is of, and whether the article answers it."""


class TorchEncoder:
    """A model in training behind the protocol that serving uses."""

    version = "training"

    def __init__(self, encoder: TextEncoder, heads: MultiTaskHeads) -> None:
        self._encoder, self._heads = encoder, heads
        self.width = encoder.width

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode(self._encoder.tokens(texts))

    @torch.no_grad()
    def read(self, texts: Sequence[str]) -> list[Encoding]:
        encodings = []
        for text in texts:
            states, mask = self._encoder.states(self._encoder.tokens([text]))
            vector = self._encoder.pool(states, mask)
            features = self._heads.features(vector, states, mask)
            encodings.append(Encoding(vector=vector[0].numpy(), features=features[0].numpy()))
        return encodings

    def truncates(self, text: str) -> bool:
        return False


def evidence(
    centres: Sequence[HelpCentre], encoder: TextEncoder, heads: MultiTaskHeads, manifest: Manifest
) -> NDArray[np.float32]:
    """(candidates, features + 2): what speaks for each candidate article of every question, which question, and whether it
    answers."""
    classifier = HeadClassifier(heads.export(), manifest)
    adapter = TorchEncoder(encoder, heads)
    encoder.model.eval()
    rows: list[list[float]] = []
    number = 0
    for centre in centres:
        retriever = HybridRetriever(centre.articles, adapter)
        for question, encoding in zip(centre.questions, adapter.read([q.text for q in centre.questions]), strict=True):
            query = Query(
                text=question.text,
                vector=encoding.vector,
                language=question.language,
                intents=classifier.predict(encoding.features).intent_weights,
            )
            for item in retriever.evidence(query):
                right = item.chunk.article.id in question.articles
                rows.append([*(getattr(item, name) for name in FEATURES), float(number), float(right)])
            number += 1
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), len(FEATURES) + 2)


def join(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Evidence of several groups of centres, the questions numbered through."""
    joined, first = [], 0.0
    for part in parts:
        moved = part.copy()
        moved[:, -2] += first
        first = float(moved[:, -2].max()) + 1 if len(moved) else first
        joined.append(moved)
    return np.concatenate(joined)


def fit_relevance(
    rows: NDArray[np.float32], *, threshold: float = 0.03, false_offers: float = 0.05
) -> RetrievalWeights:
    """Coefficients by maximum likelihood, and the least score that offers no more than ``false_offers``.

    Args:
        rows: as ``evidence`` gives them.
        threshold: the least probability at which an article is listed.
        false_offers: share of the questions that no article answers for which a draft may be built on one all the same.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=100.0, max_iter=1000).fit(rows[:, : len(FEATURES)], rows[:, -1] > 0)
    coefficients = dict(zip(FEATURES, map(float, model.coef_[0]), strict=True))
    scores = model.predict_proba(rows[:, : len(FEATURES)])[:, 1]
    offer = _least_offer(scores, rows[:, -2], rows[:, -1] > 0, false_offers)
    return RetrievalWeights(bias=float(model.intercept_[0]), threshold=threshold, offer=offer, **coefficients)


def _least_offer(
    scores: NDArray[np.float64], question: NDArray[np.float32], right: NDArray[np.bool_], false_offers: float
) -> float:
    """The score that the best candidate of at most that share of unanswerable questions reaches; never below even odds."""
    best = [scores[question == q].max() for q in np.unique(question) if not right[question == q].any()]
    if not best:
        return RetrievalWeights().offer
    return float(np.clip(np.quantile(best, 1 - false_offers), 0.5, 0.99))


def as_manifest(weights: RetrievalWeights) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(weights).items()}
