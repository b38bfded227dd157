from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.agreement import agreement, kappa
from eval.calibration import (
    Predictions,
    abstention_threshold,
    calibrate,
    critical_threshold,
    expected_calibration_error,
    fit_temperature,
    intent_sets,
)
from eval.classifier import macro_f1, quadratic_weighted_kappa
from eval.matching import matching_accuracy
from triage.models.heads import softmax


def _sampled(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose labels are drawn from softmax(logits / temperature)."""
    rng = np.random.default_rng(3)
    logits = rng.normal(scale=3, size=(count, 4)).astype(np.float32)
    cumulative = softmax(logits, temperature).cumsum(1)
    return logits, (rng.random((count, 1)) > cumulative).sum(1).clip(max=3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    logits, labels = _sampled(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.06)


def test_calibrated_confidence_has_little_error_and_overconfidence_has_much() -> None:
    logits, labels = _sampled(2.5)
    for temperature, bound in ((2.5, (0.0, 0.02)), (0.8, (0.1, 1.0))):
        probability = softmax(logits, temperature)
        error = expected_calibration_error(probability.max(1), probability.argmax(1) == labels)
        assert bound[0] <= error <= bound[1]


def test_abstention_reaches_the_precision_asked_for_and_no_lower_threshold_does() -> None:
    confidence = np.asarray([0.95, 0.9, 0.8, 0.7, 0.6], dtype=np.float32)
    right = np.asarray([True, True, True, False, True])
    assert abstention_threshold(confidence, right, 0.9) == pytest.approx(0.8)
    assert abstention_threshold(confidence, right, 0.75) == pytest.approx(0.6)
    assert abstention_threshold(confidence, ~right, 0.99) > 1


def test_the_critical_threshold_is_the_lowest_with_enough_precision() -> None:
    probability = np.asarray([0.9, 0.8, 0.7, 0.6, 0.5], dtype=np.float32)
    critical = np.asarray([True, True, False, True, False])
    assert critical_threshold(probability, critical, least_precision=0.75) == pytest.approx(0.6)
    assert critical_threshold(probability, critical, least_precision=1.0) == pytest.approx(0.8)


def test_sets_hold_the_primary_and_at_most_two_others_and_out_of_scope_stands_alone() -> None:
    intent = np.asarray([[3, 0, 0, 0, 0], [0, 0, 0, 0, 3]], dtype=np.float32)
    present = np.full((2, 5), 0.9, dtype=np.float32)
    assert intent_sets(intent, present, 0.5, out_of_scope=4).sum(1).tolist() == [3, 1]
    assert intent_sets(intent, present, 0.95, out_of_scope=4).sum(1).tolist() == [1, 1]


def test_predictions_survive_a_file(tmp_path: Path) -> None:
    logits, labels = _sampled(1.0, 50)
    reply = np.asarray([0, 1] * 25)
    predictions = Predictions(
        logits={"intent": logits, "urgency": logits, "reply": logits[:, :2], "present": logits, "reason": logits},
        labels={"intent": labels, "urgency": labels, "reply": reply, "present": np.eye(4)[labels],
                "reason": np.eye(4)[labels], "reason_known": np.ones(50)},
    )  # fmt: skip
    predictions.save(tmp_path / "fold.npz")
    loaded = Predictions.load(tmp_path / "fold.npz")
    assert calibrate(loaded) == calibrate(predictions)
    assert len(Predictions.join([loaded, loaded]).labels["intent"]) == 100


def test_kappas_are_one_for_equal_and_about_zero_for_unrelated_ratings() -> None:
    rng = np.random.default_rng(0)
    truth, unrelated = rng.integers(0, 4, 5000), rng.integers(0, 4, 5000)
    assert quadratic_weighted_kappa(truth, truth, 4) == pytest.approx(1)
    assert quadratic_weighted_kappa(truth, unrelated, 4) == pytest.approx(0, abs=0.05)
    near = np.clip(truth + rng.integers(-1, 2, 5000), 0, 3)
    assert quadratic_weighted_kappa(truth, near, 4) > quadratic_weighted_kappa(truth, 3 - truth, 4)
    assert kappa(["praise", "complaint"] * 9, ["praise", "complaint"] * 9) == pytest.approx(1)
    assert kappa(["praise", "complaint"] * 2, ["praise", "praise", "complaint", "complaint"]) == pytest.approx(0)


def test_agreement_is_read_off_the_shipped_second_reading() -> None:
    from eval.agreement import SECOND, read_second
    from eval.classifier import DATA
    from eval.messages import read_messages

    for path in sorted(SECOND.glob("*.txt")):
        figures = agreement(read_messages([DATA / f"{path.stem}.jsonl"]), read_second(path))
        assert figures["primary intent, kappa"] > 0.9
        assert figures["urgency, quadratic weighted kappa"] > 0.9


def test_macro_f1_gives_every_label_the_same_weight() -> None:
    assert macro_f1(["a", "a", "a", "b"], ["a", "a", "a", "a"]) == pytest.approx((6 / 7 + 0) / 2)


def test_matching_counts_rows_that_find_themselves() -> None:
    vectors = np.eye(4, dtype=np.float32)
    assert matching_accuracy(vectors, vectors) == (1.0, 1.0)
    assert matching_accuracy(vectors, vectors[[1, 0, 2, 3]]) == (0.5, 0.5)
