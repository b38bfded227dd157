"""The clock of a message: when its answer is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.types import ChannelPolicy, Sla


def sla(received_at: datetime, policy: ChannelPolicy, *, needs_reply: bool) -> Sla:
    """The due time by the channel's policy; every hour counts, weekends included.

    Args:
        received_at: aware; the due time is in the same zone.
        needs_reply: a message that nobody must answer has no due time.
    """
    due = received_at + timedelta(hours=policy.sla_hours) if needs_reply else None
    return Sla(due_at=due, policy=policy.name)
