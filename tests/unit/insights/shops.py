"""Made-up shops: contacts written by hand, and years of them drawn by chance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from triage.insights.frame import Contact, Flag, Frame, pack_contacts, together, unpack

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
WEEK = np.array([1.3, 1.1, 1.0, 1.0, 0.9, 0.5, 0.4])


def contact(hours: float = 0.0, **more: Any) -> Contact:
    """A contact so many hours after Monday, the fourth of May."""
    usual = {"channel": "email", "language": "en", "region": "DE", "intent": "delivery_late", "said": "delivery_late",
             "urgency": "normal", "model": "m1", "flags": Flag.OPENS | Flag.BEGINS | Flag.READ | Flag.NEEDS_REPLY,
             "customer": 1, "message_id": f"msg_{hours}"}  # fmt: skip
    return Contact(received_at=MONDAY + timedelta(hours=hours), **{**usual, **more})


def frame_of(*days: Sequence[Contact]) -> Frame:
    """The contacts as they are when read back, a pack for each of ``days``."""
    return together([unpack(pack_contacts(contacts)) for contacts in days])


def drawn(
    seed: int, *, days: int = 90, a_day: float = 100.0, dispersion: float = 1.0, trend: float = 0.05, wave: int = 0,
    same_customer: bool = False,
) -> tuple[Frame, date]:  # fmt: skip
    """A shop of 12 products, 10 intents and 4 regions with a week and a trend, and the last day of ``days`` + 1.

    Contacts come in clusters about one thing, so that counts have ``dispersion`` times the variance of pure chance. ``wave``:
    so many more on the last day, about product p3 and intent i4 in region r1; from one customer or each from another.
    """
    chance = np.random.default_rng(seed)
    shares = [chance.dirichlet(np.ones(size)) for size in (12, 10, 4)]
    first = MONDAY - timedelta(weeks=20)
    parts = []
    for day in range(days + 1):
        mean = a_day * WEEK[day % 7] * np.exp(trend * day / 28)
        clusters = chance.poisson(mean * 2 / (dispersion + 1))
        sizes = chance.geometric(2 / (dispersion + 1), clusters)
        about = np.stack([chance.choice(len(share), clusters, p=share) for share in shares])
        parts.append(np.vstack([np.repeat(about, sizes, axis=1), np.full(sizes.sum(), day)]))
    parts.append(np.repeat([[3], [4], [1], [days]], wave, axis=1))
    product, intent, region, day_of = np.hstack(parts)
    rows = len(day_of)
    at = int(first.timestamp()) + day_of * 86400 + chance.integers(0, 86400, rows)
    customer = np.arange(1, rows + 1)
    if same_customer and wave:
        customer[-wave:] = rows
    ordered = np.flatnonzero(chance.random(rows) < 0.7)
    columns = {
        "at": at.astype(np.uint32), "intent": intent.astype(np.uint16), "region": region.astype(np.uint16),
        "customer": customer.astype(np.uint32), "line_row": ordered, "line_product": product[ordered].astype(np.uint16),
        "line_supplier": (product[ordered] % 5).astype(np.uint16),
    }  # fmt: skip
    words = {
        "intent": [f"i{n}" for n in range(10)], "region": [f"r{n}" for n in range(4)],
        "line_product": [f"p{n}" for n in range(12)], "line_supplier": [f"s{n}" for n in range(5)],
    }  # fmt: skip
    return Frame(rows=rows, columns=columns, words=words), (first + timedelta(days=days)).date()
