from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from triage.channels.email.parse import parse_mail
from triage.channels.email.settings import EmailSettings
from triage.types import Arrival

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Parse = Callable[..., Arrival]


@pytest.fixture
def settings() -> EmailSettings:
    return EmailSettings.of(
        {
            "address": "support@shop.example", "name": "Shop", "aliases": ["help@shop.example"],
            "relays": ["forms.example"], "token_secret": "a secret of the tests",
        }
    )  # fmt: skip


@pytest.fixture
def parse(settings: EmailSettings) -> Parse:
    """Parses ``head`` (lines of the header) and ``body`` as one mail."""

    def run(head: str | bytes, body: str | bytes = "Where is my parcel?\r\n") -> Arrival:
        head, body = (part.encode() if isinstance(part, str) else part for part in (head, body))
        head = b"\r\n".join(line.strip() for line in head.strip().splitlines())
        if not head.lower().startswith(b"from") and b"\r\nfrom:" not in head.lower():
            head = b"From: Ana <ana@home.example>\r\n" + head
        return parse_mail(head.rstrip() + b"\r\n\r\n" + body, settings=settings, now=NOW)

    return run
