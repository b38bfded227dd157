"""The fitted score that a passage answers."""

from __future__ import annotations

import numpy as np

from eval.calibrators import compare
from training.finetuning import FineTuningConfig, MultiTaskHeads
from training.relevance import FEATURES, TorchEncoder, as_manifest, fit_relevance, join
from training.text_encoder import TextEncoder
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.protocols import Query
from triage.types import Article


def test_what_speaks_for_an_answer_gets_weight() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4000, len(FEATURES) + 2)).astype(np.float32)
    rows[:, -2] = np.arange(4000) // 4
    rows[:, -1] = rows[:, 0] * 2 + rows[:, 1] + rng.logistic(size=4000) > 1
    weights = fit_relevance(rows)
    assert 1.6 < weights.cosine < 2.4
    assert 0.7 < weights.gap < 1.3
    assert abs(weights.intent) < 0.3
    assert RetrievalWeights(**as_manifest(weights)).threshold == weights.threshold


def test_drafts_are_built_on_few_articles_where_none_answers() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(8000, len(FEATURES) + 2)).astype(np.float32)
    rows[:, -2] = np.arange(8000) // 4
    rows[:, -1] = rows[:, 0] * 2 + rng.logistic(size=8000) > 2
    weights = fit_relevance(rows)
    scores = 1 / (1 + np.exp(-(weights.bias + rows[:, :-2] @ [getattr(weights, name) for name in FEATURES])))
    best, answerable = scores.reshape(-1, 4).max(1), rows[:, -1].reshape(-1, 4).any(1)
    assert 0.5 < weights.offer < 0.99
    assert 0.03 < (best[~answerable] >= weights.offer).mean() <= 0.051


def test_questions_of_several_groups_stay_apart() -> None:
    part = np.zeros((3, len(FEATURES) + 2), dtype=np.float32)
    part[:, -2] = [0, 1, 1]
    assert join([part, part])[:, -2].tolist() == [0, 1, 1, 2, 3, 3]


def test_a_model_in_training_searches_as_serving_does(tiny_encoder: TextEncoder) -> None:
    config = FineTuningConfig()
    adapter = TorchEncoder(tiny_encoder, MultiTaskHeads(tiny_encoder.width, config.hidden, config.dropout).eval())
    articles = [
        Article(id=name, language="en", title=name, body=text)
        for name, text in (("parcel", "where is my parcel"), ("shoes", "how do I return these shoes"))
    ]
    retriever = HybridRetriever(articles, adapter)
    encoding = adapter.read(["where is my parcel"])[0]
    np.testing.assert_allclose(encoding.vector, adapter.encode(["where is my parcel"])[0], atol=1e-2)
    found = retriever.evidence(Query(text="where is my parcel", vector=encoding.vector, language="en"))
    assert {item.chunk.article.id for item in found} == {"parcel", "shoes"}
    assert sum(item.gap > 0 for item in found) == 1


def test_a_temperature_mends_an_overconfident_head() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 3000)
    logits = rng.normal(size=(3000, 4)).astype(np.float32)
    logits[np.arange(3000), truth] += 1.5
    found = compare(logits * 4, truth)
    assert found["temperature"][0] < 0.03 < found["none"][0]
    assert found["isotonic"][0] < 0.03
