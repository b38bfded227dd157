"""What the knowledge base is kept up by: newest messages, what they got, and what agents made of the drafts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.storage.conftest import NOW
from triage.storage import conversations, drafts, questions, schema
from triage.storage.database import Database
from triage.storage.workspace import Workspace

SINCE = NOW - timedelta(days=90)


def _filed(workspace: Workspace, name: str, *, cites: list[str] | None, minutes: int = 0, **fields: Any) -> None:
    """A message with what the assistant made of it."""
    at = NOW + timedelta(minutes=minutes)
    result = {
        "order_id": fields.get("order"), "articles": [{"id": "a", "title": "Near", "score": 0.4}], "intents": ["praise"],
    }  # fmt: skip
    workspace.insert(schema.customers, id=f"cus_{name}", name=name, locale="de-DE", created_at=at)
    workspace.insert(
        schema.conversations, id=f"con_{name}", customer_id=f"cus_{name}", channel="email", status="open", opened_at=at,
        last_inbound_at=at, last_inbound_seq=1, next_seq=2,
    )  # fmt: skip
    workspace.insert(
        schema.messages, id=f"msg_{name}", conversation_id=f"con_{name}", seq=1, direction="in", channel="email",
        external_id=name, sender={"email": f"{name}@customers.example"}, text="x" * 500, thread=[], headers={},
        received_at=at, stored_at=at, state="triaged",
    )  # fmt: skip
    workspace.insert(
        schema.triages, id=f"tri_{name}", message_id=f"msg_{name}", model_version="m", index_version="i", language="en",
        intent=fields.get("intent", "return_item"), urgency="normal", abstained=fields.get("abstained", False),
        needs_reply=fields.get("needs_reply", True), confidence=0.9, result=result, vector=b"\0\0", created_at=at,
    )  # fmt: skip
    if cites is not None:
        citations = [{"article_id": cited, "passage": "p"} for cited in cites]
        workspace.insert(
            schema.drafts, id=f"dra_{name}", conversation_id=f"con_{name}", message_id=f"msg_{name}", state="pending",
            revision=1, text="The draft.", language="en", details={"citations": citations}, model_version="m",
            index_version="i", created_at=at, changed_at=at,
        )  # fmt: skip


@pytest.fixture
def shop(database: Database) -> Database:
    def fill(connection: Any) -> None:
        workspace, other = Workspace(connection, "shop"), Workspace(connection, "other")
        workspace.insert(schema.orders, id="TM-1", data={"id": "TM-1", "market": "PL"}, placed_at=None, updated_at=NOW)
        _filed(workspace, "first", cites=["care", "order:TM-1"], order="tm-1")
        _filed(workspace, "second", cites=["order:TM-1"], minutes=1, abstained=True)
        _filed(workspace, "third", cites=None, minutes=2, needs_reply=False)
        _filed(other, "foreign", cites=["care"], minutes=3)

    database.write(fill)
    return database


def test_the_newest_messages_come_with_market_and_locale(shop: Database) -> None:
    found = shop.read(lambda c: questions.newest(Workspace(c, "shop"), limit=2))
    assert [question.message_id for question in found] == ["msg_third", "msg_second"]
    (first,) = shop.read(lambda c: questions.newest(Workspace(c, "shop"), limit=9))[2:]
    assert (first.market, first.locale, first.model_version, first.vector) == ("PL", "de-DE", "m", b"\0\0")


def test_what_messages_got_counts_as_agents_corrected_it(shop: Database) -> None:
    shop.write(
        lambda c: conversations.correct(
            Workspace(c, "shop"), "msg_second", intents=["refund_status"], urgency=None, language="de", actor="agent:a",
            now=NOW,
        )
    )  # fmt: skip
    second, first = shop.read(lambda c: questions.answers(Workspace(c, "shop"), since=SINCE, limit=9))
    assert (first.cited, first.facts, first.nearest) == (frozenset({"care"}), True, ("Near", 0.4))
    assert (second.cited, second.facts) == (frozenset(), True)
    assert (second.intent, second.language, second.abstained) == ("refund_status", "de", False)
    assert len(second.preview) == questions.PREVIEW
    later = NOW + timedelta(minutes=1)
    assert len(shop.read(lambda c: questions.answers(Workspace(c, "shop"), since=later, limit=9))) == 1


def test_decisions_come_with_the_assistants_own_words(shop: Database) -> None:
    def decide(connection: Any) -> None:
        workspace = Workspace(connection, "shop")
        drafts.revise(workspace, "dra_first", text="An edit.", revision=1, actor="agent:a", now=NOW)
        drafts.approve(workspace, "dra_first", text="Sent.", revision=2, actor="agent:a", now=NOW)
        drafts.reject(workspace, "dra_second", reason="other", comment=None, actor="agent:a", now=NOW)

    shop.write(decide)
    (verdict,) = shop.read(lambda c: questions.verdicts(Workspace(c, "shop"), since=SINCE, limit=9))
    assert (verdict.written, verdict.sent, verdict.reason) == ("The draft.", "Sent.", None)
    assert verdict.cited == frozenset({"care"})  # who cites no article says nothing of one
