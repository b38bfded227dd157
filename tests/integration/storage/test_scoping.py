"""The watch itself: it must see what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import and_, delete, exists, select, text, tuple_, update

from tests.integration.storage.scoping import unscoped, watched
from triage.storage import customers, schema
from triage.storage.database import Database, sqlite_url
from triage.storage.workspace import Workspace

messages, threads = schema.messages, schema.conversations


@pytest.fixture
def every_statement_names_its_workspace() -> None:
    """Not here: one of these tests does what is forbidden."""


def test_statements_that_name_their_workspace_pass() -> None:
    inner = select(messages.c.workspace_id, messages.c.id).where(messages.c.workspace_id == "shop")
    joined = select(messages).join(
        threads, and_(threads.c.workspace_id == messages.c.workspace_id, threads.c.id == messages.c.conversation_id)
    )
    correlated = exists().where(threads.c.workspace_id == messages.c.workspace_id, threads.c.id == "x")
    for statement in (
        inner,
        joined.where(messages.c.workspace_id == "shop"),
        select(messages).where(messages.c.workspace_id == "shop", correlated),
        update(messages).where(tuple_(messages.c.workspace_id, messages.c.id).in_(inner)).values(state="failed"),
        delete(messages).where(messages.c.id == "x", messages.c.workspace_id == "shop"),
        select(schema.workspaces),
        text("SELECT 1"),
    ):
        assert unscoped(statement) == set(), statement


def test_statements_that_name_none_are_seen() -> None:
    joined = select(messages).join(threads, threads.c.id == messages.c.conversation_id)
    for statement, name in (
        (select(messages), "messages"),
        (select(messages).where(messages.c.id == "x"), "messages"),
        (select(messages).where((messages.c.workspace_id == "shop") | (messages.c.id == "x")), "messages"),
        (select(messages).where(messages.c.workspace_id != "shop"), "messages"),
        (joined.where(messages.c.workspace_id == "shop"), "conversations"),
        (select(messages.alias("other")), "messages"),
        (update(messages).values(state="failed"), "messages"),
        (delete(messages).where(messages.c.id == "x"), "messages"),
        (select(messages).where(messages.c.workspace_id == "shop", messages.c.conversation_id.in_(select(threads.c.id))),
         "conversations"),
        (text("DELETE FROM audit"), "audit"),
    ):  # fmt: skip
        assert unscoped(statement) == {name}, statement


def test_the_storage_is_stopped_at_such_a_statement(empty_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workspace, "select", lambda self, table, *columns: select(*(columns or (table,))))
    database = Database(sqlite_url(empty_sqlite))
    with pytest.raises(AssertionError, match="of every workspace"), watched():
        database.read(lambda c: customers.profile(Workspace(c, "shop"), "cus_x"))
    database.close()
