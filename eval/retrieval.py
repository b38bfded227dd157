"""Retrieval on the sample messages: the right article at 1 and 3, in the customer's language and across, and false offers.

    python -m eval.retrieval [--model FOLDER] [--fit]

Which articles answer a message was decided by a reader (``expected.articles`` in ``triage/sample/messages.jsonl``).
``--fit`` chooses the threshold on half of the messages and prints figures for the other half. Without it the figures are
for all of them, which the hand-set weights were chosen on too: they are no held-out result.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from triage.bootstrap import model_folder
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Manifest
from triage.protocols import Vectors
from triage.sample.data import sample_articles, sample_messages
from triage.settings import Settings
from triage.text.reader import Reader
from triage.types import Prediction, Urgency


@dataclass(frozen=True, kw_only=True)
class Case:
    """A message with what retrieval gets of it and the ids of the articles that answer it (empty: none does)."""

    query: str
    vector: Vectors
    language: str
    prediction: Prediction
    right: tuple[str, ...]
    same_language: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """Ids offered, best first, and the score of the first."""

    ids: tuple[str, ...]
    score: float


def load_cases(folder: Path) -> tuple[list[Case], OnnxEncoder]:
    manifest = Manifest.read(folder)
    encoder, reader = OnnxEncoder(folder, version=manifest.version), Reader()
    classifier = HeadClassifier(Heads.load(folder / "heads.npz"), manifest)
    rows = [row for row in sample_messages() if "articles" in row["expected"]]
    texts = [reader.read(row["text"], subject=row.get("subject")).model_text for row in rows]
    languages = {(article.id, article.language) for article in sample_articles()}
    cases = []
    for row, text, encoding in zip(rows, texts, encoder.read(texts), strict=True):
        right, language = tuple(row["expected"]["articles"]), row["expected"]["language"]
        cases.append(
            Case(
                query=text,
                vector=encoding.vector,
                language=language,
                prediction=classifier.predict(encoding.features),
                right=right,
                same_language=any((article, language) in languages for article in right),
            )
        )
    return cases, encoder


def search(retriever: HybridRetriever, case: Case) -> Found:
    prediction = case.prediction
    passages = retriever.search(
        case.query,
        vector=case.vector,
        language=case.language,
        intents=prediction.intent_weights,
        critical=prediction.urgency.level is Urgency.CRITICAL,
        limit=5,
    ).passages
    return Found(ids=tuple(p.article_id for p in passages), score=passages[0].score if passages else 0.0)


def figures(cases: Sequence[Case], found: Sequence[Found]) -> dict[str, float]:
    """Shares: right article first and among the first three (same language, across), and offers where none is right."""

    def share(hits: list[bool]) -> float:
        return sum(hits) / len(hits) if hits else float("nan")

    pairs = list(zip(cases, found, strict=True))
    result = {}
    for name, same in (("same language", True), ("across languages", False)):
        rows = [(c, f) for c, f in pairs if c.right and c.same_language is same]
        result[f"messages, {name}"] = float(len(rows))
        result[f"right at 1, {name}"] = share([bool(set(f.ids[:1]) & set(c.right)) for c, f in rows])
        result[f"right at 3, {name}"] = share([bool(set(f.ids[:3]) & set(c.right)) for c, f in rows])
    none = [f for c, f in pairs if not c.right and c.prediction.needs_reply]
    result["messages that no article answers"] = float(len(none))
    result["false offers among them"] = share([bool(f.ids) for f in none])
    return result


def fit(cases: Sequence[Case], encoder: OnnxEncoder) -> RetrievalWeights:
    """The threshold with most right first answers less false offers; the other weights stand."""
    base = HybridRetriever(sample_articles(), encoder, weights=replace(RetrievalWeights(), threshold=0.0))
    scored = [(case, search(base, case)) for case in cases]
    grid = [step / 100 for step in range(5, 96)]

    def gain(threshold: float) -> float:
        offered = [(c, f) for c, f in scored if f.score >= threshold]
        return sum(1.0 if set(f.ids[:1]) & set(c.right) else -1.0 for c, f in offered)

    return replace(RetrievalWeights(), threshold=max(grid, key=gain))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    cases, encoder = load_cases(options.model or model_folder(Settings()))
    if options.fit:
        weights = fit(cases[::2], encoder)
        print(weights)
        cases = cases[1::2]
    else:
        weights = RetrievalWeights()
    retriever = HybridRetriever(sample_articles(), encoder, weights=weights)
    for name, value in figures(cases, [search(retriever, case) for case in cases]).items():
        print(f"{name:36} {value:.3f}" if value != int(value) or value <= 1 else f"{name:36} {value:.0f}")


if __name__ == "__main__":
    main()
