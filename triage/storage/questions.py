"""What customers asked and what became of the answers, newest first: by this the knowledge base is kept up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func

from triage.storage import schema
from triage.storage.orders import order_key
from triage.storage.workspace import Workspace

PREVIEW = 300
"""Characters of a message that a list shows."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A triaged message of a customer, with what the assistant said of it.

    Attributes:
        locale: the customer's, where it is known; ``market``: that of the order that it is about.
        result: as the contract shows it; ``vector``: 16-bit floats of the encoder of ``model_version``, None where none was kept.
    """

    message_id: str
    conversation_id: str
    channel: str
    subject: str | None
    text: str
    language_hint: str | None
    received_at: datetime
    locale: str | None
    market: str | None
    result: Mapping[str, Any]
    vector: bytes | None
    model_version: str


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a triaged message got. An agent's correction of intent or language counts, not what the model took it for.

    Attributes:
        nearest: the title and score of the best article that was found for it.
        cited: the articles that its draft cites; ``facts``: whether facts of an order stand in it.
    """

    message_id: str
    conversation_id: str
    preview: str
    received_at: datetime
    intent: str
    language: str
    abstained: bool
    nearest: tuple[str, float] | None
    cited: frozenset[str]
    facts: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an agent made of a draft.

    Attributes:
        written: the assistant's own words; ``sent``: the approved ones, None where it was rejected for ``reason``.
    """

    conversation_id: str
    language: str
    cited: frozenset[str]
    written: str
    sent: str | None
    reason: str | None


def newest(workspace: Workspace, *, limit: int) -> list[Question]:
    """The messages that were triaged last."""
    table, triages, threads, people = schema.messages, schema.triages, schema.conversations, schema.customers
    statement = workspace.select(
        triages, triages.c.message_id, triages.c.result, triages.c.vector, triages.c.model_version,
        table.c.conversation_id, table.c.channel, table.c.subject, table.c.text, table.c.language_hint,
        table.c.received_at, table.c.order_id, people.c.locale,
    )  # fmt: skip
    statement = workspace.join(statement, table, table.c.id == triages.c.message_id)
    statement = workspace.join(statement, threads, threads.c.id == table.c.conversation_id)
    statement = workspace.join(statement, people, people.c.id == threads.c.customer_id)
    rows = workspace.rows(statement.order_by(triages.c.created_at.desc(), triages.c.id.desc()).limit(limit))
    numbers = {row["message_id"]: row["result"].get("order_id") or row["order_id"] for row in rows}
    markets = _markets(workspace, [number for number in numbers.values() if number])
    return [
        Question(
            message_id=row["message_id"], conversation_id=row["conversation_id"], channel=row["channel"],
            subject=row["subject"], text=row["text"], language_hint=row["language_hint"], received_at=row["received_at"],
            locale=row["locale"], market=markets.get(order_key(numbers[row["message_id"]] or "")), result=row["result"],
            vector=row["vector"], model_version=row["model_version"],
        )
        for row in rows
    ]  # fmt: skip


def answers(workspace: Workspace, *, since: datetime, limit: int) -> list[Answered]:
    """What the newest messages that want a reply got."""
    table, triages, drafts = schema.messages, schema.triages, schema.drafts
    statement = workspace.select(
        triages, triages.c.message_id, triages.c.result, triages.c.intent, triages.c.language, triages.c.abstained,
        table.c.conversation_id, table.c.received_at, func.substr(table.c.text, 1, PREVIEW).label("preview"),
        drafts.c.details,
    )  # fmt: skip
    statement = workspace.join(statement, table, table.c.id == triages.c.message_id)
    statement = workspace.join(statement, drafts, drafts.c.message_id == triages.c.message_id, outer=True)
    rows = workspace.rows(
        statement.where(triages.c.needs_reply, triages.c.created_at >= since)
        .order_by(triages.c.created_at.desc(), triages.c.id.desc())
        .limit(limit)
    )
    corrected = _corrections(workspace, since)
    return [_answered(row, corrected.get(row["message_id"], {})) for row in rows]


def verdicts(workspace: Workspace, *, since: datetime, limit: int) -> list[Verdict]:
    """What agents decided last on drafts that cite an article."""
    drafts, approvals, rejections = schema.drafts, schema.approvals, schema.rejections
    first = schema.draft_revisions
    statement = workspace.select(
        drafts, drafts.c.conversation_id, drafts.c.language, drafts.c.details, drafts.c.text,
        first.c.text.label("first"), approvals.c.text.label("sent"), rejections.c.reason,
    )  # fmt: skip
    statement = workspace.join(statement, approvals, approvals.c.draft_id == drafts.c.id, outer=True)
    statement = workspace.join(statement, rejections, rejections.c.draft_id == drafts.c.id, outer=True)
    statement = workspace.join(statement, first, first.c.draft_id == drafts.c.id, first.c.revision == 1, outer=True)
    decided = approvals.c.draft_id.is_not(None) | rejections.c.draft_id.is_not(None)
    rows = workspace.rows(
        statement.where(decided, drafts.c.created_at >= since).order_by(drafts.c.created_at.desc()).limit(limit)
    )
    found = [
        Verdict(
            conversation_id=row["conversation_id"], language=row["language"], cited=_articles(row["details"]),
            written=row["first"] or row["text"], sent=row["sent"], reason=row["reason"],
        )
        for row in rows
    ]  # fmt: skip
    return [verdict for verdict in found if verdict.cited]


def _answered(row: RowMapping, corrected: Mapping[str, Any]) -> Answered:
    found = row["result"].get("articles") or []
    cited = [citation["article_id"] for citation in (row["details"] or {}).get("citations", [])]
    return Answered(
        message_id=row["message_id"], conversation_id=row["conversation_id"], preview=row["preview"] or "",
        received_at=row["received_at"], intent=corrected.get("intent", row["intent"]),
        language=corrected.get("language", row["language"]), abstained=row["abstained"] and "intent" not in corrected,
        nearest=(found[0]["title"], found[0]["score"]) if found else None, cited=_articles(row["details"]),
        facts=any(name.startswith("order:") for name in cited),
    )  # fmt: skip


def _articles(details: Mapping[str, Any] | None) -> frozenset[str]:
    cited = (citation["article_id"] for citation in (details or {}).get("citations", []))
    return frozenset(name for name in cited if not name.startswith("order:"))


def _corrections(workspace: Workspace, since: datetime) -> dict[str, dict[str, Any]]:
    table = schema.labels
    found: dict[str, dict[str, Any]] = {}
    for row in workspace.rows(
        workspace.select(table).where(table.c.created_at >= since).order_by(table.c.created_at, table.c.id)
    ):
        said = found.setdefault(row["message_id"], {})
        if row["intents"]:
            said["intent"] = row["intents"][0]
        if row["language"]:
            said["language"] = row["language"]
    return found


def _markets(workspace: Workspace, numbers: Sequence[str]) -> dict[str, str]:
    table = schema.orders
    rows = workspace.rows(
        workspace.select(table, table.c.id, table.c.data).where(table.c.id.in_({order_key(n) for n in numbers}))
    )
    return {row["id"]: row["data"]["market"] for row in rows if row["data"].get("market")}
