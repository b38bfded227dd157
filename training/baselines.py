"""Baselines on the same messages: TF-IDF and frozen all-MiniLM-L6-v2, each with logistic regression.

    python -m training.baselines [--retrieval]

Trains on ``training/data/messages`` and measures on ``eval/data/messages``, as ``eval.classifier`` does. ``--retrieval`` instead
ranks the passages of ``eval/data/help_centres`` by all-MiniLM-L6-v2 alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from eval.classifier import DATA as TEST
from eval.classifier import macro_f1, quadratic_weighted_kappa
from eval.help_centres import read_help_centre
from eval.messages import LabelledMessage, read_messages
from eval.retrieval import DATA as HELP_CENTRES
from eval.retrieval import hits_at, passages_of, show_alone
from training.checkpoint import load_teacher
from training.classifier import DATA, without_test_texts
from triage.types import URGENCIES

Features = Callable[[list[str]], object]


def measure(
    train: Sequence[LabelledMessage], test: Sequence[LabelledMessage], fit: Features, transform: Features
) -> dict[str, float]:
    """Accuracy and macro F1 of the primary intent, quadratic weighted kappa of the urgency."""
    x, z = fit([m.text for m in train]), transform([m.text for m in test])
    intent = LogisticRegression(C=10.0, max_iter=300).fit(x, [m.intents[0] for m in train]).predict(z)
    urgency = (
        LogisticRegression(C=10.0, max_iter=300, class_weight="balanced").fit(x, [m.urgency for m in train]).predict(z)
    )
    truth = [m.intents[0] for m in test]
    levels = [np.asarray([URGENCIES.index(u) for u in names]) for names in ([m.urgency for m in test], urgency)]
    return {
        "intent": float(np.mean([t == f for t, f in zip(truth, intent, strict=True)])),
        "macro_f1": macro_f1(truth, list(intent)),
        "urgency_qwk": quadratic_weighted_kappa(levels[0], levels[1], len(URGENCIES)),
    }


def retrieval() -> None:
    teacher = load_teacher()
    rows = []
    for folder in sorted(HELP_CENTRES.glob("*/")):
        centre = read_help_centre(folder)
        vectors = teacher.encode(teacher.tokens([part.indexed for part in passages_of(centre)]))
        rows += hits_at(centre, lambda text, v=vectors: v @ teacher.encode(teacher.tokens([text]))[0])  # type: ignore[misc]
    show_alone("all-MiniLM-L6-v2 alone", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--retrieval", action="store_true")
    if parser.parse_args().retrieval:
        retrieval()
        return
    torch.set_num_threads(1)
    train = without_test_texts(read_messages(sorted(DATA.glob("*.jsonl"))))
    test = read_messages(sorted(TEST.glob("*.jsonl")))
    tfidf = make_union(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2),
        TfidfVectorizer(analyzer="char_wb", sublinear_tf=True, ngram_range=(2, 4), min_df=3, max_features=60_000),
    )
    teacher = load_teacher()

    def vectors(texts: list[str]) -> object:
        return teacher.encode(teacher.tokens(texts))

    rows = (
        ("TF-IDF of words and characters, logistic regression", tfidf.fit_transform, tfidf.transform),
        ("frozen all-MiniLM-L6-v2, logistic regression", vectors, vectors),
    )
    print(f"{len(train)} training messages, {len(test)} test messages")
    for name, fit, transform in rows:
        figures = measure(train, test, fit, transform)
        print(f"{name:52}", "  ".join(f"{key} {value:.3f}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
