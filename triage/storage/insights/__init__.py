"""Figures of what is stored: days of contacts as columns, kept up to date by the worker, and the reads over them.

``facts`` and ``order_facts`` read a day out of the tables, ``days`` keeps it, ``refresh`` recounts what changed (see
``triage.storage.stale``), ``reads`` answers, ``anomaly_looks`` looks for anomalies once an hour.
"""

from __future__ import annotations

from triage.storage.insights.reads import (
    anomalies,
    backlog,
    choices,
    drafts,
    first_day,
    model,
    overview,
    repeats,
    response,
    suppliers,
    today,
    volume,
)

__all__ = [
    "anomalies", "backlog", "choices", "drafts", "first_day", "model", "overview", "repeats", "response", "suppliers", "today",
    "volume",
]  # fmt: skip
