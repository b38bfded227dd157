"""Which calibration the heads should have, and which rule names a message's further intents; both on unseen rows.

    python -m eval.calibrators FOLD.npz …

The files are the held-out predictions that ``triage train classifier`` keeps (``fold-K-of-N.npz``). Each method is fitted on
four fifths of the rows and measured on the rest, in turn. Temperature: Guo et al. 2017; Dirichlet: Kull et al. 2019, a
logistic regression over log probabilities; isotonic: on the confidence of the first intent. Rules: the softmax's first and what
the sigmoids find beside it; the sigmoids alone; the softmax's first and others of at least a share of its probability.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.calibration import Predictions, calibrate, expected_calibration_error, fit_temperature, intent_sets
from eval.classifier import quadratic_weighted_kappa
from triage.models.heads import sigmoid, softmax
from triage.protocols import Vectors

Method = Callable[[Vectors, NDArray[np.int64], Vectors], tuple[NDArray[np.float32], NDArray[np.int64]]]
"""Fits on logits and labels; gives confidence and class of the first intent for other logits."""


def _first(probabilities: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return probabilities.max(1), probabilities.argmax(1)


def none(logits: Vectors, labels: NDArray[np.int64], other: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return _first(softmax(other))


def temperature(
    logits: Vectors, labels: NDArray[np.int64], other: Vectors
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return _first(softmax(other, fit_temperature(logits, labels)))


def dirichlet(
    logits: Vectors, labels: NDArray[np.int64], other: Vectors
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.1, max_iter=3000).fit(np.log(softmax(logits) + 1e-9), labels)
    probabilities = model.predict_proba(np.log(softmax(other) + 1e-9))
    return probabilities.max(1), model.classes_[probabilities.argmax(1)]


def isotonic(
    logits: Vectors, labels: NDArray[np.int64], other: Vectors
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from sklearn.isotonic import IsotonicRegression

    confidence, found = _first(softmax(logits))
    model = IsotonicRegression(out_of_bounds="clip").fit(confidence, found == labels)
    confidence, found = _first(softmax(other))
    return model.predict(confidence).astype(np.float32), found


METHODS: dict[str, Method] = {"none": none, "temperature": temperature, "dirichlet": dirichlet, "isotonic": isotonic}


def compare(logits: Vectors, labels: NDArray[np.int64], *, parts: int = 5) -> dict[str, tuple[float, float]]:
    """Expected calibration error and accuracy of each method, on rows that it was not fitted on."""
    part = np.random.default_rng(3).integers(0, parts, len(labels))
    result = {}
    for name, method in METHODS.items():
        confidence, found = np.zeros(len(labels), dtype=np.float32), np.zeros(len(labels), dtype=np.int64)
        for index in range(parts):
            held = part == index
            confidence[held], found[held] = method(logits[~held], labels[~held], logits[held])
        right = found == labels
        result[name] = (expected_calibration_error(np.minimum(confidence, 1.0), right), float(right.mean()))
    return result


def _by_sigmoids(predictions: Predictions, threshold: float) -> NDArray[np.bool_]:
    present = sigmoid(predictions.logits["present"])
    return (present >= threshold) | (present == present.max(1, keepdims=True))


def _by_both(predictions: Predictions, threshold: float) -> NDArray[np.bool_]:
    present = sigmoid(predictions.logits["present"])
    return intent_sets(predictions.logits["intent"], present, threshold, present.shape[1] - 1)


def _by_share(predictions: Predictions, threshold: float) -> NDArray[np.bool_]:
    probabilities = softmax(predictions.logits["intent"])
    return probabilities >= threshold * probabilities.max(1, keepdims=True)


RULES = {"softmax and sigmoids": _by_both, "sigmoids alone": _by_sigmoids, "share of the first": _by_share}


def compare_sets(predictions: Predictions, *, parts: int = 5) -> dict[str, float]:
    """Micro F1 of the sets of intents by each rule, its threshold chosen on other rows."""
    truth = predictions.labels["present"] > 0
    part = np.random.default_rng(3).integers(0, parts, len(truth))
    result = {}
    for name, rule in RULES.items():
        sets = {float(t): rule(predictions, float(t)) for t in np.linspace(0.05, 0.95, 46)}
        both = found = 0
        for index in range(parts):
            held = part == index

            def f1(rows: NDArray[np.bool_], where: NDArray[np.bool_]) -> float:
                return float(2 * (rows & truth)[where].sum() / (rows[where].sum() + truth[where].sum()))

            best = max(sets, key=lambda t: f1(sets[t], ~held))
            both += int((sets[best] & truth)[held].sum())
            found += int(sets[best][held].sum())
        result[name] = 2 * both / (found + int(truth.sum()))
    return result


def fold_figures(predictions: Predictions) -> dict[str, float]:
    """What a left-out fold gives, temperatures and the threshold of sets fitted on itself."""
    calibration, truth = calibrate(predictions), predictions.labels["present"] > 0
    sets = _by_both(predictions, calibration.intent_threshold)
    urgency = softmax(predictions.logits["urgency"], calibration.temperatures["urgency"])
    levels = predictions.labels["urgency"].astype(np.int64)
    critical = levels == urgency.shape[1] - 1
    order = np.argsort(-urgency[:, -1], kind="stable")
    hits = np.cumsum(critical[order])
    precise = hits / np.arange(1, len(order) + 1) >= 0.8
    return {
        "intent": float((predictions.logits["intent"].argmax(1) == predictions.labels["intent"]).mean()),
        "sets F1": float(2 * (sets & truth).sum() / (sets.sum() + truth.sum())),
        "urgency kappa": quadratic_weighted_kappa(levels, urgency.argmax(1), urgency.shape[1]),
        "critical recall at precision 0.8": float((hits[precise] / critical.sum()).max(initial=0.0)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    joined = Predictions.join([Predictions.load(path) for path in parser.parse_args().files])
    print("  ".join(f"{name} {value:.3f}" for name, value in fold_figures(joined).items()))
    for head in ("intent", "urgency", "reply"):
        for name, (error, accuracy) in compare(joined.logits[head], joined.labels[head].astype(np.int64)).items():
            print(f"{head:8} {name:12} calibration error {error:.4f}  accuracy {accuracy:.3f}")
    for name, value in compare_sets(joined).items():
        print(f"sets of intents by {name:22} micro F1 {value:.3f}")


if __name__ == "__main__":
    main()
