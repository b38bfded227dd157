"""``/messages/{id}/why``: the words that mattered for the intent, and corrected messages that are like this one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.inbox.rendering import missing, page
from api.inbox.seat import SignedIn
from triage.errors import InvalidMessage, Unknown
from triage.pipeline import TriagePipeline
from triage.sentences import sentences
from triage.storage import conversations, neighbours
from triage.types import InboundMessage, IntentScore

router = APIRouter(include_in_schema=False)

MOST_WORDS = 40
"""A longer text is taken apart by its sentences."""
SLIGHT = 0.01
"""A change of the probability that means nothing."""
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A word or a sentence. ``weight``: how much less probable the intent is without it, below zero where it is more so;
    ``strength`` 1 to 3 beside the other parts, 0 where it hardly counts."""

    text: str
    weight: float
    strength: int


@dataclass(frozen=True, kw_only=True)
class Influence:
    """What the model read, part by part, and the intent that it found in it. ``cut``: more was read than is shown."""

    intent: str
    confidence: float
    parts: tuple[Part, ...]
    by_sentence: bool
    cut: bool

    @property
    def strongest(self) -> list[Part]:
        """The parts that counted most, in order of weight."""
        return sorted((part for part in self.parts if part.strength), key=lambda part: -abs(part.weight))[:8]


def influence(pipeline: TriagePipeline, message: InboundMessage) -> Influence | None:
    """Leaves each part out once and asks the model again, all in one pass; None where there is but one part.

    Raises:
        InvalidMessage: nothing a person could read.
    """
    text = pipeline.model_text(message)
    parts = _WORD.findall(text)
    by_sentence = len(parts) > MOST_WORDS
    if by_sentence or len(parts) < 2:
        parts = [sentence for line in text.splitlines() for sentence in sentences(line)]
        by_sentence = True
    cut, parts = len(parts) > MOST_WORDS, parts[:MOST_WORDS]
    if len(parts) < 2:
        return None
    without = [" ".join([*parts[:n], *parts[n + 1 :]]) for n in range(len(parts))]
    whole, *others = pipeline.predict([" ".join(parts), *without])
    intent = whole.primary
    weights = [intent.confidence - _confidence(other.ranking, intent.name) for other in others]
    most = max(abs(weight) for weight in weights)
    return Influence(
        intent=intent.name, confidence=intent.confidence, by_sentence=by_sentence, cut=cut,
        parts=tuple(
            Part(text=part, weight=weight, strength=_strength(weight, most))
            for part, weight in zip(parts, weights, strict=True)
        ),
    )  # fmt: skip


@router.get("/messages/{message_id}/why")
def why(message_id: str, request: Request, seat: SignedIn, part: str = "") -> Response:
    """A page of its own, or with ``part`` the piece that the conversation's page puts into itself."""
    try:
        stored, near = seat.read(
            lambda w: (conversations.get_message(w, message_id), neighbours.nearest(w, message_id))
        )
    except Unknown:
        return missing(seat, "message")
    row = stored.row
    message = InboundMessage(text=row["text"], subject=row["subject"], channel=row["channel"])
    try:
        found = influence(request.app.state.pipeline, message)
    except InvalidMessage:
        found = None
    name = "why_part.html" if part else "why.html"
    return page(name, seat, influence=found, neighbours=near, row=row, triage=stored.triage)


def _confidence(ranking: Sequence[IntentScore], name: str) -> float:
    return next((score.confidence for score in ranking if score.name == name), 0.0)


def _strength(weight: float, most: float) -> int:
    share = abs(weight) / most if most > SLIGHT else 0.0
    return 3 if share >= 0.6 else 2 if share >= 0.3 else 1 if share >= 0.1 and abs(weight) > SLIGHT else 0
