"""From one text's features to a prediction: calibrated intents, urgency with reasons, needs-reply, abstention."""

from __future__ import annotations

import numpy as np

from triage.models.heads import Heads, sigmoid, softmax
from triage.models.manifest import Manifest
from triage.models.taxonomy import REASONS
from triage.protocols import Vectors
from triage.types import IntentScore, Prediction, Urgency, UrgencyScore

MOST_INTENTS = 3
MOST_REASONS = 3


class HeadClassifier:
    """Reads the heads and applies the manifest's calibration.

    Args:
        precision: of the primary intent, in per cent, below which the classifier abstains; one of the manifest's keys.
    """

    def __init__(self, heads: Heads, manifest: Manifest, *, precision: str = "90") -> None:
        self._heads, self._manifest = heads, manifest
        self._precision = precision

    def predict(self, features: Vectors, *, precision: str | None = None) -> Prediction:
        """As the protocol says; a precision that the manifest does not know abstains from nothing."""
        abstain_below = self._manifest.calibration.abstain_below.get(precision or self._precision, 0.0)
        logits = self._heads.logits(features)
        ranking = self._ranking(logits["intent"])
        urgency = self._urgency(logits)
        return Prediction(
            ranking=ranking,
            intents=self._intents(ranking, logits),
            abstained=ranking[0].confidence < abstain_below,
            needs_reply=self._needs_reply(logits),
            urgency=urgency,
            model_version=self._manifest.version,
        )

    def _ranking(self, logits: Vectors) -> tuple[IntentScore, ...]:
        probabilities = softmax(logits, self._temperature("intent"))
        order = np.argsort(-probabilities, kind="stable")
        return tuple(
            IntentScore(name=self._manifest.intents[i], confidence=round(float(probabilities[i]), 4)) for i in order
        )

    def _intents(self, ranking: tuple[IntentScore, ...], logits: dict[str, Vectors]) -> tuple[str, ...]:
        """The primary, and further ones that the multi-label head finds present beside it."""
        primary = ranking[0].name
        if "present" not in logits or primary == "out_of_scope":
            return (primary,)
        present = sigmoid(logits["present"])
        by_name = dict(zip(self._manifest.intents, present, strict=True))
        threshold = self._manifest.calibration.intent_threshold
        further = sorted(
            (name for name in by_name if name not in (primary, "out_of_scope") and by_name[name] >= threshold),
            key=lambda name: -by_name[name],
        )
        return (primary, *further[: MOST_INTENTS - 1])

    def _urgency(self, logits: dict[str, Vectors]) -> UrgencyScore:
        probabilities = softmax(logits["urgency"], self._temperature("urgency"))
        level = int(probabilities.argmax())
        # A missed emergency costs more than a false alarm, so the top level has a threshold of its own.
        top = len(probabilities) - 1
        if probabilities[top] >= self._manifest.calibration.critical_threshold:
            level = top
        urgency = Urgency(self._manifest.urgencies[level])
        return UrgencyScore(
            level=urgency,
            confidence=round(float(probabilities[level]), 4),
            reasons=self._reasons(logits) if urgency in (Urgency.HIGH, Urgency.CRITICAL) else (),
        )

    def _reasons(self, logits: dict[str, Vectors]) -> tuple[str, ...]:
        if "reason" not in logits:
            return ()
        probabilities = sigmoid(logits["reason"])
        order = np.argsort(-probabilities, kind="stable")
        threshold = self._manifest.calibration.reason_threshold
        chosen = [i for i in order if probabilities[i] >= threshold][:MOST_REASONS] or [order[0]]
        return tuple(REASONS.get(self._manifest.reasons[i], self._manifest.reasons[i]) for i in chosen)

    def _needs_reply(self, logits: dict[str, Vectors]) -> bool:
        if "reply" not in logits:
            return True
        probability = float(softmax(logits["reply"], self._temperature("reply"))[1])
        return probability >= self._manifest.calibration.reply_threshold

    def _temperature(self, head: str) -> float:
        return self._manifest.calibration.temperatures.get(head, 1.0)
