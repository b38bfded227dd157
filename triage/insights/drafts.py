"""What people did with drafts, and how often they agreed with the model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from triage.insights.frame import Decision, Flag, Frame, Indices, Mask
from triage.insights.grouping import by_bucket, by_value
from triage.insights.intervals import share
from triage.insights.types import DraftCounts, DraftRow, Drafts, Model, ModelCounts, ModelRow

BY = ("intent", "language", "channel", "model")


def drafts(frame: Frame, edges: list[datetime], *, by: Sequence[str] = BY) -> Drafts:
    """Drafts by the contacts that they answer."""
    decision, distance = frame["decision"], frame["distance"].astype(np.float64)

    def count(rows: Indices) -> DraftCounts:
        counts = np.bincount(decision[rows], minlength=len(Decision))
        accepted, edited, rejected = (
            int(counts[name]) for name in (Decision.ACCEPTED, Decision.EDITED, Decision.REJECTED)
        )
        known = rows[~np.isnan(distance[rows])]
        changed = known[decision[known] == Decision.EDITED]
        return DraftCounts(
            drafts=len(rows) - int(counts[Decision.NONE]), accepted=accepted, edited=edited, rejected=rejected,
            superseded=int(counts[Decision.SUPERSEDED]), pending=int(counts[Decision.PENDING]),
            accepted_share=share(accepted, accepted + edited + rejected),
            distance=float(distance[known].mean()) if len(known) else None,
            edited_distance=float(np.median(distance[changed])) if len(changed) else None,
        )  # fmt: skip

    return Drafts(
        counts=count(np.arange(frame.rows)),
        series=by_bucket(frame, edges, lambda rows: count(rows).accepted_share.value),
        by={
            name: by_value(frame, name, lambda value, rows: DraftRow(value=value, counts=count(rows))) for name in by
        },
    )  # fmt: skip


def model(frame: Frame, edges: list[datetime]) -> Model:
    """Coverage and agreement, by the contacts that the model read."""
    parts = _parts(frame)

    def count(rows: Indices) -> ModelCounts:
        return ModelCounts(
            read=_count(parts["coverage"][1], rows),
            **{name: share(_count(true, rows), _count(of, rows)) for name, (true, of) in parts.items()},
        )

    return Model(
        counts=count(np.arange(frame.rows)),
        series=by_bucket(frame, edges, lambda rows: share(*(_count(m, rows) for m in parts["precision"])).value),
        by={
            name: by_value(
                frame, "said" if name == "intent" else name,
                lambda value, rows: ModelRow(value=value, counts=count(rows)),
            )
            for name in BY
        },
    )  # fmt: skip


def _parts(frame: Frame) -> dict[str, tuple[Mask, Mask]]:
    """The shares of ``ModelCounts`` by name: which contacts count as the part, and which as the whole."""
    read, approved = frame.has(Flag.READ), np.isin(frame["decision"], (Decision.ACCEPTED, Decision.EDITED))
    named, wanted = read & ~frame.has(Flag.ABSTAINED), read & frame.has(Flag.NEEDS_REPLY)

    def agreed(within: Mask, labelled: Flag, stood: Flag) -> tuple[Mask, Mask]:
        judged = within & (frame.has(labelled) | approved)
        return judged & (~frame.has(labelled) | frame.has(stood)), judged

    corrected = named & frame.has(Flag.INTENT_LABELLED)
    return {
        "coverage": (named, read),
        "with_draft": (wanted & frame.has(Flag.DRAFTED), wanted),
        "with_article": (wanted & frame.has(Flag.ARTICLE), wanted),
        "precision": agreed(named, Flag.INTENT_LABELLED, Flag.INTENT_STOOD),
        "corrected": (corrected & frame.has(Flag.INTENT_STOOD), corrected),
        "urgency": agreed(read, Flag.URGENCY_LABELLED, Flag.URGENCY_STOOD),
        "language": agreed(read, Flag.LANGUAGE_LABELLED, Flag.LANGUAGE_STOOD),
    }


def _count(mask: Mask, rows: Indices) -> int:
    return int(np.count_nonzero(mask[rows]))
