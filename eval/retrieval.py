"""Retrieval on the help centres held out from training: the right article at 1 and 3, and what is offered where none answers.

    python -m eval.retrieval [--model FOLDER] [--sample] [--compare]

``eval/data/help_centres`` come from other writers and other shops than those that train. ``--sample`` measures on the
sample messages instead (``expected.articles``); ``--compare`` adds BM25 alone and the encoder's cosine alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.calibration import expected_calibration_error
from eval.help_centres import HelpCentre, Question, read_help_centre
from triage.bootstrap import model_folder
from triage.knowledge_base.chunking import Chunk, chunk
from triage.knowledge_base.lexical import LexicalIndex
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Manifest
from triage.protocols import Query
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
            query = Query(
                text=text, vector=encoding.vector, language=question.language, intents=prediction.intent_weights,
                critical=prediction.urgency.level is Urgency.CRITICAL,
            )  # fmt: skip
            retrieval = retriever.search(query)
            same = any((article, question.language) in variants for article in question.articles)
            answers.append(Answer(question=question, same_language=same, passages=retrieval.passages))
    return answers


def figures(answers: Sequence[Answer], *, offer: float) -> dict[str, float]:
    """Shares over questions that an article answers (same language, across), and over those that none does.

    Args:
        offer: the score from which a draft is built on an article.
    """

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
    drafted = [a for a in answers if a.passages and a.passages[0].score >= offer]
    result["first article sure enough for a draft"] = len(drafted) / len(answers)
    result["right among these"] = share([a.hits[0] for a in drafted])
    result["drafted though none answers"] = share([bool(a.passages) and a.passages[0].score >= offer for a in none])
    first = [a for a in answers if a.passages]
    result["calibration error of the first score"] = expected_calibration_error(
        np.asarray([a.passages[0].score for a in first], dtype=np.float32), np.asarray([a.hits[0] for a in first])
    )
    return result


def hits_at(centre: HelpCentre, rank: Callable[[str], NDArray[np.float32]]) -> list[tuple[bool, bool, bool]]:
    """Of each question that an article answers: same language, right at 1, right at 3.

    Args:
        rank: a score for every passage of ``passages_of(centre)``, for a question's text.
    """
    owners = [part.article.id for part in passages_of(centre)]
    variants = {(article.id, article.language) for article in centre.articles}
    rows = []
    for question in centre.questions:
        if question.articles:
            order = np.argsort(-rank(question.text), kind="stable")
            found = list(dict.fromkeys(owners[i] for i in order))[:3]
            hits = [name in question.articles for name in found]
            rows.append((any((name, question.language) in variants for name in question.articles), hits[0], any(hits)))
    return rows


def passages_of(centre: HelpCentre) -> list[Chunk]:
    return [part for article in centre.articles for part in chunk(article)]


def show_alone(name: str, rows: Sequence[tuple[bool, bool, bool]]) -> None:
    """Prints the shares of ``hits_at`` for one way to rank."""
    for label, same in (("same language", True), ("across languages", False)):
        part = [(first, three) for where, first, three in rows if where is same]
        at1, at3 = np.mean(part, axis=0)
        print(f"{name:28} {label:17} ({len(part)})  right at 1 {at1:.3f}  right at 3 {at3:.3f}")


def compare(centres: Sequence[HelpCentre], folder: Path) -> None:
    """Prints what BM25 and the encoder's cosine find by themselves."""
    encoder, reader = OnnxEncoder(folder, version="evaluated"), Reader()
    lexical, dense = [], []
    for centre in centres:
        texts = [part.indexed for part in passages_of(centre)]
        index, vectors = LexicalIndex(texts), encoder.encode(texts)

        def by_words(text: str, index: LexicalIndex = index, size: int = len(texts)) -> NDArray[np.float32]:
            scores = np.zeros(size, dtype=np.float32)
            positions, found = index.search(reader.read(text).model_text, size)
            scores[positions] = found
            return scores

        def by_vector(text: str, vectors: NDArray[np.float32] = vectors) -> NDArray[np.float32]:
            return vectors @ encoder.encode([reader.read(text).model_text])[0]

        lexical += hits_at(centre, by_words)
        dense += hits_at(centre, by_vector)
    show_alone("BM25 alone", lexical)
    show_alone("cosine alone", dense)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    centres = [sample_help_centre()] if options.sample else [read_help_centre(f) for f in sorted(DATA.glob("*/"))]
    folder = options.model or model_folder(Settings())
    if options.compare:
        compare(centres, folder)
    offer = RetrievalWeights(**Manifest.read(folder).retrieval).offer
    for name, value in figures(answer(centres, folder), offer=offer).items():
        print(f"{name:40} {value:.0f}" if name.startswith("questions") else f"{name:40} {value:.3f}")


if __name__ == "__main__":
    main()
