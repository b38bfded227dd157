"""What the classifier makes of its heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from triage.models.classifier import HeadClassifier
from triage.models.manifest import Calibration, Manifest
from triage.models.taxonomy import INTENTS, REASONS
from triage.types import URGENCIES


class Heads:
    """Says 80 per cent to the first intent."""

    def logits(self, features: Any) -> dict[str, Any]:
        rest = np.full(len(INTENTS) - 1, np.log(0.2 / (len(INTENTS) - 1)))
        return {
            "intent": np.concatenate([[np.log(0.8)], rest]).astype(np.float32),
            "urgency": np.zeros(len(URGENCIES), np.float32), "reply": np.zeros(2, np.float32),
            "reason": np.zeros(len(REASONS), np.float32),
        }  # fmt: skip


@pytest.mark.parametrize(("own", "asked", "abstains"), [("90", None, False), ("90", "98", True), ("98", "90", False)])
def test_how_sure_it_must_be_can_be_asked_for(own: str, asked: str | None, abstains: bool) -> None:
    manifest = Manifest(
        version="t", created="2026-11-23T00:00:00+00:00", intents=INTENTS, urgencies=tuple(URGENCIES), reasons=tuple(REASONS),
        calibration=Calibration(temperatures={}, abstain_below={"90": 0.7, "98": 0.95}), files={}, trained_on=(), retrieval={},
    )  # fmt: skip
    found = HeadClassifier(Heads(), manifest, precision=own).predict(np.zeros(4, np.float32), precision=asked)  # type: ignore[arg-type]
    assert found.primary.confidence == pytest.approx(0.8, abs=0.01)
    assert found.abstained is abstains
