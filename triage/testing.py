"""Stand-ins for tests, shipped so that whoever builds on the protocols can use them too. Deterministic, no weights."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from triage.protocols import Encoding, Vectors
from triage.types import Detection, IntentScore, Prediction, Urgency, UrgencyScore


class HashingEncoder:
    """Character trigrams hashed into a unit vector: texts that share words are near each other."""

    def __init__(self, width: int = 256, *, version: str = "hashing") -> None:
        self._width, self._version = width, version
        self.calls: list[int] = []

    @property
    def version(self) -> str:
        return self._version

    @property
    def width(self) -> int:
        return self._width

    def truncates(self, text: str) -> bool:
        return False

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(len(texts))
        vectors = np.zeros((len(texts), self._width), dtype=np.float32)
        for row, text in enumerate(texts):
            padded = f"  {text.casefold()} "
            for start in range(len(padded) - 2):
                vectors[row, zlib.crc32(padded[start : start + 3].encode("utf-8", "replace")) % self._width] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)

    def read(self, texts: Sequence[str]) -> list[Encoding]:
        return [Encoding(vector=vector, features=vector) for vector in self.encode(texts)]


class FixedClassifier:
    """Predicts the same for every message."""

    def __init__(
        self,
        *intents: str,
        urgency: Urgency = Urgency.NORMAL,
        confidence: float = 0.9,
        abstained: bool = False,
        needs_reply: bool = True,
    ) -> None:
        self.prediction = prediction(
            *intents, urgency=urgency, confidence=confidence, abstained=abstained, needs_reply=needs_reply
        )

    def predict(self, features: Vectors, *, precision: str | None = None) -> Prediction:
        return self.prediction


def prediction(
    *intents: str,
    urgency: Urgency = Urgency.NORMAL,
    confidence: float = 0.9,
    abstained: bool = False,
    needs_reply: bool = True,
) -> Prediction:
    """A prediction that names ``intents``, the first with ``confidence``."""
    names = intents or ("track_order",)
    rest = (1 - confidence) / max(1, len(names) - 1)
    ranking = tuple(IntentScore(name=n, confidence=confidence if i == 0 else rest) for i, n in enumerate(names))
    return Prediction(
        ranking=ranking,
        intents=names,
        abstained=abstained,
        needs_reply=needs_reply,
        urgency=UrgencyScore(level=urgency, confidence=0.8),
        model_version="fixed",
    )


class FixedIdentifier:
    """Every text is in one language."""

    def __init__(self, code: str = "en") -> None:
        self._code = code

    def identify(self, text: str, *, hint: str | None = None) -> Detection:
        return Detection(code=self._code, confidence=0.0 if self._code == "und" else 0.99)


class FixedClock:
    """A clock that stands still."""

    def __init__(self, moment: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment
