"""The classifier on held-out batches: intents, sets, urgency, needs-reply, calibration, by language.

    python -m eval.classifier [--model FOLDER] [--errors N] [FILES …]

Runs the exported graph as serving does, text normalisation included. Default files: ``eval/data/messages/*.jsonl``,
which other writers wrote for other shops than the training batches.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.calibration import expected_calibration_error
from eval.messages import LabelledMessage, read_messages
from triage.bootstrap import model_folder
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Manifest
from triage.settings import Settings
from triage.text.reader import Reader
from triage.types import URGENCIES, Prediction

DATA = Path(__file__).parent / "data" / "messages"


def quadratic_weighted_kappa(truth: NDArray[np.int64], found: NDArray[np.int64], levels: int) -> float:
    """Agreement of two ordinal ratings, 1 is perfect, 0 is chance (Cohen 1968)."""
    observed = np.zeros((levels, levels))
    np.add.at(observed, (truth, found), 1)
    expected = np.outer(observed.sum(1), observed.sum(0)) / len(truth)
    weight = (np.arange(levels)[:, None] - np.arange(levels)[None, :]) ** 2
    return float(1 - (weight * observed).sum() / max((weight * expected).sum(), 1e-12))


def macro_f1(truth: Sequence[str], found: Sequence[str]) -> float:
    """Mean F1 over the labels that occur in ``truth``."""
    scores = []
    for label in sorted(set(truth)):
        both = sum(t == f == label for t, f in zip(truth, found, strict=True))
        scores.append(2 * both / (truth.count(label) + found.count(label)))
    return float(np.mean(scores))


def predict(folder: Path, messages: Sequence[LabelledMessage]) -> list[Prediction]:
    """Predictions of the exported model, in order."""
    manifest = Manifest.read(folder)
    encoder, reader = OnnxEncoder(folder, version=manifest.version), Reader()
    classifier = HeadClassifier(Heads.load(folder / "heads.npz"), manifest)
    encodings = encoder.read([reader.read(m.text).model_text for m in messages])
    return [classifier.predict(encoding.features) for encoding in encodings]


def report(messages: Sequence[LabelledMessage], predictions: Sequence[Prediction]) -> dict[str, float]:
    """The figures over ``messages``."""
    truth, found = [m.intents[0] for m in messages], [p.intents[0] for p in predictions]
    right = np.asarray([t == f for t, f in zip(truth, found, strict=True)])
    confidence = np.asarray([p.primary.confidence for p in predictions], dtype=np.float32)
    levels, rated = (
        np.asarray([URGENCIES.index(m.urgency) for m in messages]),  # type: ignore[arg-type]
        np.asarray([URGENCIES.index(p.urgency.level) for p in predictions]),
    )
    both = sum(len(set(m.intents) & set(p.intents)) for m, p in zip(messages, predictions, strict=True))
    sizes = sum(len(m.intents) + len(p.intents) for m, p in zip(messages, predictions, strict=True))
    answered = np.asarray([not p.abstained for p in predictions])
    critical, alarmed = levels == 3, rated == 3
    silent = np.asarray([not p.needs_reply for p in predictions])
    no_reply = np.asarray([not m.needs_reply for m in messages])
    return {
        "messages": len(messages),
        "intent": float(right.mean()),
        "macro_f1": macro_f1(truth, found),
        "top3": float(np.mean([t in [s.name for s in p.ranking[:3]] for t, p in zip(truth, predictions, strict=True)])),
        "sets_f1": 2 * both / sizes,
        "urgency_qwk": quadratic_weighted_kappa(levels, rated, len(URGENCIES)),
        "urgency": float((levels == rated).mean()),
        "critical_recall": float(alarmed[critical].mean()) if critical.any() else float("nan"),
        "critical_precision": float(critical[alarmed].mean()) if alarmed.any() else float("nan"),
        "ece": expected_calibration_error(confidence, right),
        "coverage": float(answered.mean()),
        "precision_answered": float(right[answered].mean()) if answered.any() else float("nan"),
        "no_reply_recall": float(silent[no_reply].mean()) if no_reply.any() else float("nan"),
        "wrongly_silent": float((silent & ~no_reply).sum()),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--errors", type=int, default=0, help="how many confusions to list")
    parser.add_argument("--worst", type=int, default=0, help="how many of the surest wrong answers to list a language")
    options = parser.parse_args(arguments)
    messages = read_messages(options.files or sorted(DATA.glob("*.jsonl")))
    predictions = predict(options.model or model_folder(Settings()), messages)
    print(f"model {predictions[0].model_version}")
    for name, value in report(messages, predictions).items():
        print(f"{name:20} {value:.3f}" if isinstance(value, float) else f"{name:20} {value}")
    print("\nlanguage  messages  intent  sets F1  urgency QWK")
    for language in sorted({m.language for m in messages}):
        rows = [i for i, m in enumerate(messages) if m.language == language]
        part = report([messages[i] for i in rows], [predictions[i] for i in rows])
        print(f"{language:8}  {len(rows):8}  {part['intent']:.3f}   {part['sets_f1']:.3f}   {part['urgency_qwk']:.3f}")
    if options.errors:
        confusions = Counter(
            (m.intents[0], p.intents[0])
            for m, p in zip(messages, predictions, strict=True)
            if m.intents[0] != p.intents[0]
        )
        for (truth, found), count in confusions.most_common(options.errors):
            print(f"{count:3}  {truth} taken for {found}")
    for language in sorted({m.language for m in messages}) if options.worst else ():
        wrong = [
            (p.primary.confidence, m, p)
            for m, p in zip(messages, predictions, strict=True)
            if m.language == language and m.intents[0] != p.intents[0]
        ]
        print(f"\n{language}: {len(wrong)} wrong")
        for confidence, m, p in sorted(wrong, key=lambda item: -item[0])[: options.worst]:
            print(f"  {confidence:.2f}  {m.intents[0]} taken for {p.intents[0]}: {' '.join(m.text.split())[:110]}")


if __name__ == "__main__":
    main()
