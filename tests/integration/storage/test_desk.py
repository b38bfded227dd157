"""Assignment, closing, presence, saved views and the changes that pages are told of, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select

from tests.integration.storage.conftest import NOW
from triage.errors import InvalidMessage, Unknown
from triage.storage import changes, conversations, desk, erasure, handling, intake, neighbours, presence, schema, views
from triage.storage.columns import first_id, new_id
from triage.storage.database import Database, sqlite_url
from triage.storage.filters import FEW, Filter
from triage.storage.workspace import Workspace
from triage.types import Arrival, InboundMessage, Sender


def within(database: Database, work: Callable[[Workspace], Any], workspace: str = "shop") -> Any:
    return database.write(lambda c: work(Workspace(c, workspace)))


def write(
    database: Database, key: str, text: str = "Hello", *, by: str | None = None, workspace: str = "shop"
) -> intake.Received:
    message = InboundMessage(text=text, channel="email", subject=None)
    arrival = Arrival(external_id=key, message=message, sender=Sender(email=f"{by or key}@mail.example"))
    return intake.receive(database, workspace, arrival, now=datetime.now(UTC))


def agent(database: Database, login: str, *, workspace: str = "shop", disabled: bool = False) -> None:
    columns = {column.name for column in schema.agents.c}
    values = {"id": f"agt_{login}", "login": login, "name": login, "role": "agent", "created_at": NOW, "changed_at": NOW,
              "disabled_at": NOW if disabled else None}  # fmt: skip
    given = {key: value for key, value in values.items() if key in columns}
    within(database, lambda w: w.insert(schema.agents, **given), workspace)


def test_only_agents_of_the_workspace_who_are_enabled_are_given_work(database: Database) -> None:
    agent(database, "anna")
    agent(database, "gone", disabled=True)
    agent(database, "elsewhere", workspace="other")
    found = write(database, "m1").conversation_id

    def give(login: str | None) -> bool:
        return bool(within(database, lambda w: handling.assign(w, found, login, actor="x", now=NOW)))

    assert [give("anna"), give("anna"), give(None), give(None)] == [True, False, True, False]
    for login in ("gone", "elsewhere", "nobody"):
        with pytest.raises(InvalidMessage):
            give(login)
    assert within(database, handling.colleagues) == ("anna",)


def test_nothing_of_another_workspace_is_handled(database: Database) -> None:
    found = write(database, "m1").conversation_id
    for work in (
        lambda w: handling.assign(w, found, None, actor="x", now=NOW),
        lambda w: handling.close(w, found, actor="x", now=NOW),
        lambda w: handling.reopen(w, found, actor="x", now=NOW),
    ):
        with pytest.raises(Unknown):
            within(database, work, "other")
    assert not within(database, lambda w: presence.arrive(w, found, "eve", now=NOW), "other")


def test_who_is_there_is_forgotten_after_a_minute_and_with_the_customer(database: Database) -> None:
    received = write(database, "m1")
    found = received.conversation_id
    for login, age in (("anna", 10), ("bea", 59), ("late", 61)):
        moment = NOW - timedelta(seconds=age)
        within(database, lambda w, login=login, moment=moment: presence.arrive(w, found, login, now=moment))
    within(database, lambda w: presence.arrive(w, found, "anna", now=NOW))
    assert within(database, lambda w: presence.viewers(w, now=NOW)) == {found: ("anna", "bea")}
    assert within(database, lambda w: presence.viewers(w, now=NOW, among=["cnv_other"])) == {}
    within(database, lambda w: presence.leave(w, found, "bea"))
    assert within(database, lambda w: presence.viewers(w, now=NOW)) == {found: ("anna",)}
    within(database, lambda w: erasure.erase(w, received.customer_id, actor="x", now=NOW))
    assert database.read(lambda c: Workspace(c, "shop").rows(Workspace(c, "shop").select(schema.presence))) == []


def test_two_agents_arrive_at_once(database: Database) -> None:
    found = write(database, "m1").conversation_id
    begin, failed = Barrier(6), []

    def arrive(number: int) -> None:
        begin.wait()
        try:
            within(database, lambda w: presence.arrive(w, found, f"agent{number % 2}", now=NOW))
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=arrive, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert within(database, lambda w: presence.viewers(w, now=NOW)) == {found: ("agent0", "agent1")}


def test_views_belong_to_their_workspace_and_are_not_too_many(database: Database) -> None:
    def save(name: str, workspace: str = "shop", **more: Any) -> str:
        given = {
            "filters": {"status": "open"},
            "login": "anna",
            "shared": False,
            "actor": "agent:anna",
            "now": NOW,
        } | more
        return str(within(database, lambda w: views.save(w, name=name, **given), workspace))

    first = save("A")
    assert save("A") != first
    save("B", "other", shared=True)
    assert [view.name for view in within(database, lambda w: views.listed(w, "anna"))] == ["A"]
    for number in range(views.MOST - 1):
        save(f"V{number}")
    with pytest.raises(InvalidMessage):
        save("one more")
    save("one for all", shared=True)
    with pytest.raises(Unknown):
        within(database, lambda w: views.remove(w, first, login="anna", lead=True, actor="x", now=NOW))


def test_ids_tell_when_they_were_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    made = new_id("evt")
    assert first_id("evt", before) <= made < first_id("evt", datetime.now(UTC) + timedelta(seconds=1))


def test_changes_are_found_by_their_keys(database: Database) -> None:
    begun = datetime.now(UTC) - timedelta(milliseconds=2)
    first, second = write(database, "m1"), write(database, "m2")
    write(database, "theirs", workspace="other")
    found = within(database, lambda w: changes.since(w, begun))
    assert set(found.values()) == {first.conversation_id, second.conversation_id}
    seen = set(found)
    now = datetime.now(UTC)
    within(database, lambda w: handling.close(w, first.conversation_id, actor="x", now=now))
    within(database, lambda w: conversations.correct(
        w, second.message_id, intents=["praise"], urgency=None, language=None, actor="x", now=now
    ))  # fmt: skip
    later = within(database, lambda w: changes.since(w, begun))
    new = {conversation for key, conversation in later.items() if key not in seen}
    assert new == {first.conversation_id, second.conversation_id}
    within(database, lambda w: erasure.erase(w, first.customer_id, actor="x", now=now))
    assert changes.EVERYTHING in within(database, lambda w: changes.since(w, begun)).values()
    assert within(database, lambda w: changes.since(w, datetime.now(UTC) + timedelta(seconds=5))) == {}


def test_what_is_too_much_to_read_is_everything(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime.now(UTC) - timedelta(milliseconds=2)
    monkeypatch.setattr(changes, "MOST", 2)
    for number in range(3):
        write(database, f"m{number}")
    first, again = (
        set(within(database, lambda w, t=t: changes.since(w, t)).items()) for t in (begun, begun - timedelta(seconds=2))
    )
    assert changes.EVERYTHING in dict(first).values()
    assert {key for key, value in first if value == ""} != {key for key, value in again if value == ""}


def test_a_search_finds_few_and_many_alike(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {write(database, f"m{number}", f"Parcel {number}% late").conversation_id for number in range(8)}
    write(database, "other", "Nothing of the kind")

    def found(words: str) -> set[str]:
        page = within(database, lambda w: conversations.find(w, Filter(q=words), limit=50))
        return {row["id"] for row in page.rows}

    assert len(ids) < FEW
    few = [found(words) for words in ("parcel", "3% LATE", "%", "_", "m3")]
    monkeypatch.setattr("triage.storage.filters.FEW", 2)
    assert [found(words) for words in ("parcel", "3% LATE", "%", "_", "m3")] == few
    assert few[0] == ids
    assert len(few[1]) == 1
    assert few[2] == ids
    assert few[3] == set()


def test_counts_agree_with_what_is_listed(database: Database) -> None:
    agent(database, "anna")
    ids = [write(database, f"m{number}").conversation_id for number in range(5)]
    within(database, lambda w: handling.assign(w, ids[0], "anna", actor="x", now=NOW))
    within(database, lambda w: handling.close(w, ids[1], actor="x", now=NOW))
    wanted = [
        Filter(), Filter(status="open"), Filter(status="closed"), Filter(assignee="anna"), Filter(unassigned=True, status="open"),
        Filter(unsure=True), Filter(asked_before=NOW), Filter(due_before=NOW),
    ]  # fmt: skip
    counted = within(database, lambda w: desk.counts(w, wanted))
    listed = [len(within(database, lambda w, f=f: desk.queue(w, f, limit=50, cursor=None)).rows) for f in wanted]
    assert counted == [*listed[:5], None, *listed[6:]]
    assert within(database, lambda w: desk.counts(w, [])) == []
    assert within(database, lambda w: desk.counts(w, wanted[1:2])) == [4]


def test_the_nearest_corrected_messages_come_first(database: Database) -> None:
    import numpy as np

    def triaged(key: str, vector: list[float], model: str = "m") -> str:
        received = write(database, key, f"text of {key}")
        within(database, lambda w: w.insert(
            schema.triages, id=new_id("tri"), message_id=received.message_id, model_version=model, index_version="i",
            language="en", intent="praise", urgency="low", abstained=False, needs_reply=True, confidence=0.9, result={},
            vector=np.array(vector, dtype=np.float16).tobytes(), created_at=NOW,
        ))  # fmt: skip
        return received.message_id

    own = triaged("own", [1, 0, 0])
    near, far, old = triaged("near", [0.9, 0.436, 0]), triaged("far", [0, 1, 0]), triaged("old", [1, 0, 0], "older")
    exact = triaged("exact", [1, 0, 0])
    for message in (own, near, far, old, exact):
        for intent in ("complaint", "praise"):
            within(database, lambda w, m=message, i=intent: conversations.correct(
                w, m, intents=[i], urgency=None, language=None, actor="x", now=NOW
            ))  # fmt: skip
    found = within(database, lambda w: neighbours.nearest(w, own))
    assert [(n.preview, n.intents) for n in found] == [("text of exact", ("praise",)), ("text of near", ("praise",))]
    assert within(database, lambda w: neighbours.nearest(w, own), "other") == ()
    assert within(database, lambda w: neighbours.nearest(w, "none")) == ()


def test_the_queue_reads_by_indexes(empty_sqlite: Path) -> None:
    """No plan of the queue's own lists sorts or reads a whole table. PostgreSQL plans by statistics: eval/inbox_speed.py."""
    database = Database(sqlite_url(empty_sqlite))
    table = schema.conversations
    for status in ("open", "waiting"):
        for part in conversations._parts(True):
            statement = select(table).where(table.c.workspace_id == "shop", part, table.c.status == status)
            order = (table.c.due_at, table.c.id) if "IS NOT NULL" in str(part) else (table.c.last_inbound_at.desc(),)
            text = str(
                statement.order_by(*order).limit(51).compile(database.engine, compile_kwargs={"literal_binds": True})
            )
            plan = [
                row[3]
                for row in within(database, lambda w, t=text: w._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {t}"))
            ]
            assert "USING INDEX ix_conversations_workspace_id_status" in plan[0]
            assert not any(step == "USE TEMP B-TREE FOR ORDER BY" for step in plan), plan
    database.close()
