"""Calibration: temperatures and thresholds fitted on held-out predictions, and how to measure them.

Temperature scaling: Guo et al. 2017. Expected calibration error with ten equal-width bins, as in the same paper.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage.models.heads import sigmoid, softmax
from triage.models.manifest import Calibration
from triage.protocols import Vectors

PRECISIONS = (90, 95, 98)


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Logits of each head (N, K) and the labels beside them."""

    logits: dict[str, Vectors]
    labels: dict[str, NDArray[np.generic]]

    @classmethod
    def join(cls, parts: list[Predictions]) -> Predictions:
        return cls(
            logits={name: np.concatenate([p.logits[name] for p in parts]) for name in parts[0].logits},
            labels={name: np.concatenate([p.labels[name] for p in parts]) for name in parts[0].labels},
        )

    def save(self, path: Path) -> None:
        """Writes an ``.npz`` file, whole or not at all."""
        temporary = path.with_suffix(".new")
        logits = {f"logits.{name}": value for name, value in self.logits.items()}
        labels = {f"labels.{name}": value for name, value in self.labels.items()}
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **logits, **labels)
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return cls(
            logits={n.removeprefix("logits."): a for n, a in arrays.items() if n.startswith("logits.")},
            labels={n.removeprefix("labels."): a for n, a in arrays.items() if n.startswith("labels.")},
        )


def calibrate(predictions: Predictions) -> Calibration:
    """Temperatures by likelihood; abstention by precision; set and critical thresholds by F1."""
    temperatures = {
        head: fit_temperature(predictions.logits[head], predictions.labels[head])
        for head in ("intent", "urgency", "reply")
    }
    intent = softmax(predictions.logits["intent"], temperatures["intent"])
    right = intent.argmax(1) == predictions.labels["intent"]
    urgency = softmax(predictions.logits["urgency"], temperatures["urgency"])
    critical = predictions.labels["urgency"] == urgency.shape[1] - 1
    reply = softmax(predictions.logits["reply"], temperatures["reply"])[:, 1]
    known = predictions.labels["reason_known"] > 0
    return Calibration(
        temperatures=temperatures,
        abstain_below={str(p): abstention_threshold(intent.max(1), right, p / 100) for p in PRECISIONS},
        intent_threshold=best_set_threshold(predictions),
        # A message wrongly held for spam is never answered, so silence must be much surer than an answer.
        reply_threshold=float(
            np.clip(1 - abstention_threshold(1 - reply, predictions.labels["reply"] == 0, 0.9), 0.02, 0.5)
        ),
        reason_threshold=best_f1_threshold(
            sigmoid(predictions.logits["reason"])[known].ravel(), predictions.labels["reason"][known].ravel() > 0
        ),
        critical_threshold=critical_threshold(urgency[:, -1], critical, least_precision=0.7),
    )


def fit_temperature(logits: Vectors, labels: NDArray[np.generic]) -> float:
    """The divisor of the logits that gives the labels most likelihood, by a fine grid."""
    grid = np.exp(np.linspace(np.log(0.3), np.log(5), 120))
    rows = np.arange(len(labels))
    losses = [-np.log(softmax(logits, t)[rows, labels.astype(int)] + 1e-12).mean() for t in grid]
    return round(float(grid[int(np.argmin(losses))]), 4)


def abstention_threshold(confidence: Vectors, right: NDArray[np.bool_], precision: float) -> float:
    """The least confidence such that those at or above it are right at least ``precision`` of the time.

    1.01 (always abstain) where no threshold reaches it.
    """
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(share >= precision)
    return round(float(confidence[order[reached[-1]]]), 4) if len(reached) else 1.01


def best_f1_threshold(scores: Vectors, truth: NDArray[np.bool_]) -> float:
    """The threshold with the best F1, from 0.05 to 0.95."""
    grid = np.linspace(0.05, 0.95, 91)
    f1 = [_f1((scores >= t) & truth, scores >= t, truth) for t in grid]
    return round(float(grid[int(np.argmax(f1))]), 3)


def _f1(both: NDArray[np.bool_], found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * both.sum() / max(1, found.sum() + truth.sum()))


def intent_sets(intent: Vectors, present: Vectors, threshold: float, out_of_scope: int) -> NDArray[np.bool_]:
    """(N, K) sets as the classifier gives them: the primary, and up to two others whose sigmoid passes."""
    primary = intent.argmax(1)
    chosen = np.zeros(intent.shape, dtype=bool)
    further = present.copy()
    further[np.arange(len(primary)), primary] = -1
    further[:, out_of_scope] = -1
    for _ in range(2):
        best = further.argmax(1)
        rows = np.flatnonzero((further[np.arange(len(best)), best] >= threshold) & (primary != out_of_scope))
        chosen[rows, best[rows]] = True
        further[np.arange(len(best)), best] = -1
    chosen[np.arange(len(primary)), primary] = True
    return chosen


def best_set_threshold(predictions: Predictions) -> float:
    """The sigmoid threshold of further intents with the best micro F1 of the sets."""
    truth = predictions.labels["present"] > 0
    present = sigmoid(predictions.logits["present"])
    grid = np.linspace(0.1, 0.9, 81)
    scores = []
    for threshold in grid:
        found = intent_sets(predictions.logits["intent"], present, float(threshold), truth.shape[1] - 1)
        scores.append(_f1(found & truth, found, truth))
    return round(float(grid[int(np.argmax(scores))]), 3)


def critical_threshold(probability: Vectors, critical: NDArray[np.bool_], *, least_precision: float) -> float:
    """The lowest threshold whose alarms are right at least ``least_precision`` of the time: most recall at that price."""
    order = np.argsort(-probability, kind="stable")
    share = np.cumsum(critical[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(share >= least_precision)
    return round(float(np.clip(probability[order[reached[-1]]], 0.15, 0.9)), 4) if len(reached) else 0.5


def expected_calibration_error(confidence: Vectors, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Mean distance between confidence and accuracy over equal-width bins, weighted by their size."""
    edge = np.minimum((confidence * bins).astype(int), bins - 1)
    total = 0.0
    for index in range(bins):
        inside = edge == index
        if inside.any():
            total += inside.mean() * abs(float(right[inside].mean()) - float(confidence[inside].mean()))
    return total
