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
"""Columns of an evidence array; a last column tells whether the article answers."""


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
    """(candidates, features + 1) for every question: what speaks for each candidate article, and whether it answers."""
    classifier = HeadClassifier(heads.export(), manifest)
    adapter = TorchEncoder(encoder, heads)
    encoder.model.eval()
    rows = []
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
                rows.append([*(getattr(item, name) for name in FEATURES), float(right)])
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), len(FEATURES) + 1)


def fit_relevance(rows: NDArray[np.float32], *, threshold: float = 0.03) -> RetrievalWeights:
    """Coefficients by maximum likelihood; ``threshold`` is the least probability at which an article is listed."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=100.0, max_iter=1000).fit(rows[:, :-1], rows[:, -1] > 0)
    coefficients = dict(zip(FEATURES, map(float, model.coef_[0]), strict=True))
    return RetrievalWeights(bias=float(model.intercept_[0]), threshold=threshold, **coefficients)


def as_manifest(weights: RetrievalWeights) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(weights).items()}
