"""How far a workspace is with its first steps (``workspaces.settings["welcome"]``), and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Table, func, literal, or_

from triage.channels.past import PREFIX
from triage.storage import schema
from triage.storage.workspace import Workspace
from triage.storage.workspaces import change_settings, read_settings

KEY = "welcome"
TYPED = "welcome:"
"""Begins the ids of messages that an admin typed to see what happens."""
_LOOKED_AT = 60


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Of the past messages: how many are in, how many the assistant has read, and could not read."""

    taken: int
    read: int
    failed: int

    @property
    def settled(self) -> bool:
        return self.taken == self.read + self.failed


def state(workspace: Workspace) -> Mapping[str, Any]:
    """What is kept of the first steps; empty where nobody began."""
    return read_settings(workspace).values.get(KEY) or {}


def note(workspace: Workspace, **changes: Any) -> None:
    """Adds ``changes`` to what is kept."""
    before = read_settings(workspace, lock=True).values.get(KEY) or {}
    change_settings(workspace, brand=None, changes={KEY: {**before, **changes}})


def finished(workspace: Workspace, step: str) -> None:
    """One step is done."""
    before = read_settings(workspace, lock=True).values.get(KEY) or {}
    done = [*dict.fromkeys([*before.get("done", []), step])]
    change_settings(workspace, brand=None, changes={KEY: {**before, "done": done}})


def untouched(workspace: Workspace) -> bool:
    """Whether nobody has begun to use the workspace: no first step, no setting, no way in, no decision."""
    settings = read_settings(workspace).values
    if settings:
        return False
    used = (schema.inbound, schema.approvals, schema.rejections, schema.labels)
    return not any(_any(workspace, table) for table in used)


def has_messages(workspace: Workspace) -> bool:
    return _any(workspace, schema.messages)


def _any(workspace: Workspace, table: Table) -> bool:
    return workspace.first(workspace.select(table, literal(1)).limit(1)) is not None


def progress(workspace: Workspace) -> Progress:
    """How far the past messages are."""
    table = schema.messages
    mine = table.c.external_id.startswith(PREFIX, autoescape=True)
    row = workspace.first(
        workspace.select(
            table, func.count().label("taken"), func.count().filter(table.c.state == "failed").label("failed"),
            func.count().filter(table.c.state.not_in(("received", "failed"))).label("read"),
        ).where(mine, table.c.direction == "in")
    )  # fmt: skip
    assert row is not None  # counts always give a row
    return Progress(**row)


def first_message(workspace: Workspace, inbound_id: str | None) -> RowMapping | None:
    """The newest message that came by ``inbound_id``, or that an admin typed."""
    table = schema.messages
    mine = table.c.external_id.startswith(TYPED, autoescape=True)
    wanted = or_(mine, table.c.inbound_id == inbound_id) if inbound_id else mine
    return workspace.first(workspace.select(table).where(wanted).order_by(table.c.stored_at.desc()).limit(1))


def drafts_to_show(workspace: Workspace, inbound_id: str | None, *, most: int = 3) -> list[RowMapping]:
    """Drafts that wait, those of the wizard's own messages first, each in another language where possible.

    Each row: the draft's, with ``message_text``, ``message_channel`` and ``own``.
    """
    drafts, messages = schema.drafts, schema.messages
    own = or_(
        messages.c.external_id.startswith(PREFIX, autoescape=True),
        messages.c.external_id.startswith(TYPED, autoescape=True), messages.c.inbound_id == (inbound_id or "none"),
    )  # fmt: skip
    statement = workspace.select(
        drafts, *drafts.c, messages.c.text.label("message_text"), messages.c.channel.label("message_channel"),
        own.label("own"),
    )  # fmt: skip
    statement = workspace.join(statement, messages, messages.c.id == drafts.c.message_id)
    rows = workspace.rows(
        statement.where(drafts.c.state == "pending").order_by(own.desc(), drafts.c.created_at.desc()).limit(_LOOKED_AT)
    )
    rows = sorted(rows, key=lambda row: (not row["own"], *_poorer(row["details"])))
    chosen: list[RowMapping] = []
    for again in (False, True):
        for row in rows:
            new = row["language"] not in {other["language"] for other in chosen}
            if len(chosen) < most and row not in chosen and (new or again):
                chosen.append(row)
    return chosen


def _poorer(details: Mapping[str, Any]) -> tuple[bool, bool]:
    """What shows less of what drafts can be: no article cited, parts in another language than the customer's."""
    articles = [one for one in details.get("citations", ()) if not one["article_id"].startswith("order:")]
    foreign = any(warning["rule"] == "needs_translation" for warning in details.get("policy_warnings", ()))
    return not articles, foreign
