"""The wiring: what is optional, and what a first start puts into the database."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from triage.bootstrap import WORKSPACE, load_rewriter, open_database
from triage.drafting.generator import LlmRewriter
from triage.errors import ConfigurationError
from triage.sample.data import sample_arrivals
from triage.settings import Settings
from triage.storage import schema
from triage.storage.workspace import Workspace
from triage.testing import FixedIdentifier


def test_no_language_model_unless_one_is_configured() -> None:
    assert load_rewriter(Settings(), FixedIdentifier()) is None


def test_an_endpoint_needs_a_model() -> None:
    with pytest.raises(ConfigurationError, match="TRIAGE_LLM_MODEL"):
        load_rewriter(Settings(llm_base_url="https://llm.example/v1"), FixedIdentifier())


@pytest.mark.parametrize("url", ["llm.example", "ftp://llm.example/v1", "https://user:secret@llm.example/v1"])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_rewriter(Settings(llm_base_url=url, llm_model="m"), FixedIdentifier())
    assert "secret" not in str(caught.value)


def test_a_configured_endpoint_makes_a_rewriter() -> None:
    settings = Settings(llm_base_url="http://127.0.0.1:9/v1", llm_model="m")
    assert isinstance(load_rewriter(settings, FixedIdentifier()), LlmRewriter)


def test_the_demo_begins_with_the_sample_messages_and_a_second_start_adds_none(tmp_path: Path) -> None:
    tables = (schema.messages, schema.jobs, schema.conversations, schema.orders)
    for _ in range(2):
        database = open_database(Settings(data=tmp_path))
        messages, jobs, conversations, orders = database.read(
            lambda c: [Workspace(c, WORKSPACE).rows(Workspace(c, WORKSPACE).select(table)) for table in tables]
        )
        database.close()
        assert len(messages) == len(jobs) == len(sample_arrivals(datetime.now(UTC)))
        assert {row["state"] for row in messages} == {"received"}
        assert sum(bool(row["thread"]) for row in messages) > 10
        assert Counter(row["customer_id"] for row in conversations).most_common(1)[0][1] > 2
        assert sum(row["customer_id"] is not None for row in orders) > 15


def test_an_empty_start_has_no_messages(tmp_path: Path) -> None:
    database = open_database(Settings(data=tmp_path, demo=False))
    table = schema.messages
    assert database.read(lambda c: Workspace(c, WORKSPACE).rows(Workspace(c, WORKSPACE).select(table))) == []
    database.close()


def test_sample_messages_keep_their_order_and_one_name_is_one_person() -> None:
    now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    arrivals = sample_arrivals(now)
    times = [a.message.received_at for a in arrivals if a.message.received_at]
    assert len(times) == len(arrivals)
    assert max(times) < now
    assert max(times) - min(times) < timedelta(hours=27)
    addresses: dict[str | None, set[str | None]] = {}
    for arrival in arrivals:
        addresses.setdefault(arrival.sender.name, set()).add(arrival.sender.email)
    assert all(len(found) == 1 for found in addresses.values())
    assert len({email for found in addresses.values() for email in found}) == len(addresses)
