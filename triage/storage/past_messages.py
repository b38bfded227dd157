"""Past messages of another system, taken in as arrivals, once each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from triage.channels.past import Left, Taken
from triage.errors import StorageUnavailable
from triage.storage import intake
from triage.storage.database import Database
from triage.storage.workspace import Workspace

AT_ONCE = 50
"""Messages in one transaction."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How many are new, and were here before; ``left`` are the records that gave no message. ``undated``: of those taken,
    how many gave no time that can be read."""

    new: int
    known: int
    undated: int
    left: tuple[Left, ...]


def take_in(database: Database, workspace_id: str, found: Sequence[Taken | Left], *, now: datetime) -> Outcome:
    """Keeps the messages, the oldest first, so that conversations grow as they did.

    Raises:
        StorageUnavailable: some may be kept; the same records once more take in the rest.
    """
    taken = [one for one in found if isinstance(one, Taken)]
    taken.sort(key=lambda one: (one.arrival.message.received_at or now, one.number))
    left = [one for one in found if isinstance(one, Left)]
    counts: Counter[str] = Counter()
    for start in range(0, len(taken), AT_ONCE):
        for one, outcome in _some(database, workspace_id, taken[start : start + AT_ONCE], now):
            counts[outcome] += 1
            if outcome == "not_kept":
                left.append(Left(number=one.number, reason=outcome))
    return Outcome(
        new=counts["new"], known=counts["known"], undated=sum(not one.dated for one in taken),
        left=tuple(sorted(left, key=lambda one: one.number)),
    )  # fmt: skip


def _some(database: Database, workspace_id: str, some: Sequence[Taken], now: datetime) -> list[tuple[Taken, str]]:
    def work(workspace: Workspace) -> list[tuple[Taken, str]]:
        kept = [(one, intake.keep(workspace, one.arrival, now=now)) for one in some]
        return [(one, "known" if received.duplicate else "new") for one, received in kept]

    try:
        return intake.retried(lambda: database.write(lambda connection: work(Workspace(connection, workspace_id))))
    except StorageUnavailable:
        raise
    except Exception:  # one record that cannot be kept must not keep the others out
        return [(one, _one(database, workspace_id, one, now)) for one in some]


def _one(database: Database, workspace_id: str, one: Taken, now: datetime) -> str:
    try:
        received = intake.receive(database, workspace_id, one.arrival, now=now)
    except StorageUnavailable:
        raise
    except Exception:
        return "not_kept"
    return "known" if received.duplicate else "new"
