"""What makes a message urgent that its text alone does not say: the order's dates and the thread."""

from __future__ import annotations

from datetime import UTC, datetime

from triage.types import Author, InboundMessage

_UNDER_WAY = frozenset({"placed", "paid", "dispatched", "in_transit"})
_ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def circumstances(message: InboundMessage, now: datetime) -> tuple[str, ...]:
    """Short human reasons, such as ``promised date passed`` or ``third contact without an answer``."""
    reasons = []
    order = message.order
    if order and order.promised_by and order.status in _UNDER_WAY and _utc(order.promised_by) < now:
        reasons.append("promised date passed")
    contacts = 1
    for earlier in reversed(message.thread):
        if earlier.author is not Author.CUSTOMER:
            break
        contacts += 1
    if contacts > 1:
        reasons.append(f"{_ORDINALS.get(contacts, f'{contacts}th')} contact without an answer")
    return tuple(reasons)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
