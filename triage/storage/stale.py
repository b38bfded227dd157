"""Marks of what changed since the figures were counted, each written in the transaction that made the change.

A mark is a new row, so that no two writers wait for each other; the worker counts the days of what is marked anew and takes
the marks away in the transaction in which it keeps the counts. So the figures are behind for a moment, and never wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace

ALL = "all"
"""The subject of a mark after which everything is counted."""
ORDER = "order:"
_TOGETHER = 500


def conversations_changed(workspace: Workspace, conversation_ids: Iterable[str]) -> None:
    """Something of these conversations changed that figures tell of: a contact, what was said of it, a decision, a reply."""
    _mark(workspace, conversation_ids)


def order_changed(workspace: Workspace, key: str, *placed_at: datetime | None) -> None:
    """An order is new, other, or was written about; ``placed_at``: when it was placed by what was known before and now."""
    _mark(workspace, [f"{ORDER}{key}", *(orders_day(moment.astimezone(UTC).date()) for moment in placed_at if moment)])


def days_changed(workspace: Workspace, subjects: Iterable[str]) -> None:
    """Whole days, as ``contacts_day`` and ``orders_day`` name them."""
    _mark(workspace, subjects)


def contacts_day(day: date) -> str:
    """The subject that stands for the contacts of a day (UTC)."""
    return f"contacts:{day.isoformat()}"


def orders_day(day: date) -> str:
    """The subject that stands for the orders placed on a day (UTC)."""
    return f"orders:{day.isoformat()}"


def _mark(workspace: Workspace, subjects: Iterable[str]) -> None:
    rows = [{"id": new_id("mrk"), "subject": subject} for subject in dict.fromkeys(subjects)]
    for start in range(0, len(rows), _TOGETHER):
        workspace.insert_many(schema.figure_marks, rows[start : start + _TOGETHER])
