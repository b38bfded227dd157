"""Which calibration the intent head should have: none, a temperature, Dirichlet, isotonic; by error on unseen rows.

    python -m eval.calibrators FOLD.npz …

The files are the held-out predictions that ``triage train classifier`` keeps (``fold-K-of-N.npz``). Each method is fitted on
four fifths of the rows and measured on the rest, in turn. Temperature: Guo et al. 2017; Dirichlet: Kull et al. 2019, a
logistic regression over log probabilities; isotonic: on the confidence of the first intent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.calibration import Predictions, expected_calibration_error, fit_temperature
from triage.models.heads import softmax
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    joined = Predictions.join([Predictions.load(path) for path in parser.parse_args().files])
    for head in ("intent", "urgency", "reply"):
        for name, (error, accuracy) in compare(joined.logits[head], joined.labels[head].astype(np.int64)).items():
            print(f"{head:8} {name:12} calibration error {error:.4f}  accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
