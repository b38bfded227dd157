"""Retrieval on the help centres held out from training: the right article at 1 and 3, and what is offered where none answers.

    python -m eval.retrieval [--model FOLDER] [--sample]

``eval/data/help_centres`` come from other writers and other shops than those that train. ``--sample`` measures on the
sample messages instead (``expected.articles``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.calibration import expected_calibration_error
from eval.help_centres import HelpCentre, Question, read_help_centre
from triage.bootstrap import model_folder
from triage.drafting.composer import LEAST_SCORE
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Manifest
from triage.sample.data import sample_articles, sample_messages
from triage.settings import Settings
from triage.text.reader import Reader
from triage.types import Passage, Urgency

DATA = Path(__file__).parent / "data" / "help_centres"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A question, whether a right article exists in its language, and the passages offered, best first."""

    question: Question
    same_language: bool
    passages: tuple[Passage, ...]

    @property
    def hits(self) -> list[bool]:
        return [passage.article_id in self.question.articles for passage in self.passages]


def sample_help_centre() -> HelpCentre:
    """The demo shop as a help centre."""
    questions = [
        Question(
            text=row["text"], language=row["expected"]["language"], channel=row["channel"],
            intents=tuple(row["expected"]["intents"]), articles=tuple(row["expected"]["articles"]),
        )
        for row in sample_messages() if "articles" in row["expected"]
    ]  # fmt: skip
    return HelpCentre(name="sample", articles=tuple(sample_articles()), questions=tuple(questions))


def answer(centres: Sequence[HelpCentre], folder: Path) -> list[Answer]:
    """What the exported model's retrieval offers for every question, as serving does it."""
    manifest = Manifest.read(folder)
    encoder, reader = OnnxEncoder(folder, version=manifest.version), Reader()
    classifier = HeadClassifier(Heads.load(folder / "heads.npz"), manifest)
    answers = []
    for centre in centres:
        retriever = HybridRetriever(centre.articles, encoder, weights=RetrievalWeights(**manifest.retrieval))
        variants = {(article.id, article.language) for article in centre.articles}
        texts = [reader.read(question.text).model_text for question in centre.questions]
        for question, text, encoding in zip(centre.questions, texts, encoder.read(texts), strict=True):
            prediction = classifier.predict(encoding.features)
            retrieval = retriever.search(
                text, vector=encoding.vector, language=question.language, intents=prediction.intent_weights,
                critical=prediction.urgency.level is Urgency.CRITICAL, limit=5,
            )  # fmt: skip
            same = any((article, question.language) in variants for article in question.articles)
            answers.append(Answer(question=question, same_language=same, passages=retrieval.passages))
    return answers


def figures(answers: Sequence[Answer]) -> dict[str, float]:
    """Shares over questions that an article answers (same language, across), and over those that none does."""

    def share(hits: list[bool]) -> float:
        return sum(hits) / len(hits) if hits else float("nan")

    result = {}
    for name, same in (("same language", True), ("across languages", False)):
        rows = [a for a in answers if a.question.articles and a.same_language is same]
        result[f"questions, {name}"] = float(len(rows))
        result[f"right at 1, {name}"] = share([any(a.hits[:1]) for a in rows])
        result[f"right at 3, {name}"] = share([any(a.hits[:3]) for a in rows])
    none = [a for a in answers if not a.question.articles]
    result["questions that no article answers"] = float(len(none))
    result["something listed for them"] = share([bool(a.passages) for a in none])
    drafted = [a for a in answers if a.passages and a.passages[0].score >= LEAST_SCORE]
    result["first article sure enough for a draft"] = len(drafted) / len(answers)
    result["right among these"] = share([a.hits[0] for a in drafted])
    result["drafted though none answers"] = share(
        [bool(a.passages) and a.passages[0].score >= LEAST_SCORE for a in none]
    )
    first = [a for a in answers if a.passages]
    result["calibration error of the first score"] = expected_calibration_error(
        np.asarray([a.passages[0].score for a in first], dtype=np.float32), np.asarray([a.hits[0] for a in first])
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--sample", action="store_true")
    options = parser.parse_args()
    centres = [sample_help_centre()] if options.sample else [read_help_centre(f) for f in sorted(DATA.glob("*/"))]
    for name, value in figures(answer(centres, options.model or model_folder(Settings()))).items():
        print(f"{name:40} {value:.0f}" if name.startswith("questions") else f"{name:40} {value:.3f}")


if __name__ == "__main__":
    main()
