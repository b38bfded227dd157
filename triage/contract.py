"""A triage result in the form that the API, the command line and helpdesks share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from triage.types import Band, TriageResult


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Confidences from which a band is called high or medium; an admin sets them."""

    high: float
    medium: float

    def of(self, confidence: float) -> Band:
        return Band.HIGH if confidence >= self.high else Band.MEDIUM if confidence >= self.medium else Band.LOW


def result_json(result: TriageResult, bands: Bands) -> dict[str, Any]:
    """The response for ``result``, as plain JSON values."""
    detection, prediction, draft = result.detection, result.prediction, result.draft
    primary, urgency = prediction.primary, prediction.urgency
    return {
        "language": {
            "code": detection.code,
            "confidence": detection.confidence,
            "band": bands.of(detection.confidence),
            "alternatives": [{"code": a.code, "confidence": a.confidence} for a in detection.alternatives],
        },
        "intent": {"name": primary.name, "confidence": primary.confidence, "band": bands.of(primary.confidence)},
        "intents": list(prediction.intents),
        "intent_ranking": [{"name": s.name, "confidence": s.confidence} for s in prediction.ranking],
        "abstained": prediction.abstained,
        "needs_reply": prediction.needs_reply,
        "urgency": {"level": urgency.level, "confidence": urgency.confidence, "reasons": list(urgency.reasons)},
        "entities": [{"type": e.type, "value": e.value, "start": e.start, "end": e.end} for e in result.entities],
        "sla": {"due_at": _iso(result.sla.due_at), "policy": result.sla.policy},
        "articles": [
            {"id": p.article_id, "language": p.language, "title": p.title, "score": p.score, "passage": p.text}
            for p in result.retrieval.passages
        ],
        "draft": None
        if draft is None
        else {
            "text": draft.text,
            "language": draft.language,
            "citations": [{"article_id": c.article_id, "passage": c.passage} for c in draft.citations],
            "missing": list(draft.missing),
            "policy_warnings": [
                {"rule": w.rule, "detail": w.detail, "start": w.start, "end": w.end} for w in draft.policy_warnings
            ],
            "method": draft.method,
            "confidence": draft.confidence,
        },
        "tags": _tags(result),
        "truncated": result.truncated,
        "model_version": prediction.model_version,
        "index_version": result.retrieval.index_version,
        "duration_ms": result.duration_ms,
    }


def _tags(result: TriageResult) -> list[str]:
    tags = [f"intent__{name}" for name in result.prediction.intents]
    return [*tags, f"urgency__{result.prediction.urgency.level}", f"language__{result.detection.code}"]


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None
