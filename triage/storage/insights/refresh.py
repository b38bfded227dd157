"""Counts anew what changed: marks become days, and a day is read out of the tables and kept.

A day is read in one snapshot together with its marks, computed outside of any transaction, and kept in the one that takes just
these marks away. Where a mark is gone by then another worker was faster, and nothing is kept; where one came meanwhile it stays.
So whatever dies when, a day without a mark is exactly what the tables say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from triage.errors import Conflict
from triage.insights import frame
from triage.insights.editing import edit_distance
from triage.insights.frame import Columns, Contact, PlacedOrder
from triage.storage import schema
from triage.storage.belongings import parts
from triage.storage.database import Database
from triage.storage.insights import days
from triage.storage.insights.days import Kind
from triage.storage.insights.facts import contacts_of_day
from triage.storage.insights.order_facts import orders_of_day
from triage.storage.stale import ALL, ORDER, contacts_day, days_changed, orders_day
from triage.storage.workspace import Workspace

MOST_MARKS = 2000
EARLIEST = date(1971, 1, 1)
"""Before it nothing is counted: a wrong clock wrote that."""


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    """A day as the tables have it, and the marks that it answers."""

    marks: Sequence[str]
    contacts: Sequence[Contact] = ()
    orders: Sequence[PlacedOrder] = ()
    remains: Sequence[Columns] = ()
    texts: Mapping[str, tuple[str, str]]


def workspaces(database: Database) -> list[str]:
    """Everybody's ids; those without marks cost one look each."""

    def work(connection: Connection) -> list[str]:
        return list(connection.execute(select(schema.workspaces.c.id).order_by(schema.workspaces.c.id)).scalars())

    return database.read(work)


def refresh(database: Database, workspace_id: str, *, now: datetime, most: int = 40) -> int:
    """Counts up to ``most`` marked days of the workspace anew; how many it counted.

    Raises:
        StorageUnavailable: what was counted until then is kept.
    """
    _resolve(database, workspace_id)
    found = database.read(lambda c: _marked_days(Workspace(c, workspace_id), most))
    return sum(_recount(database, workspace_id, kind, day, now) for kind, day in found)


def recount_outdated(database: Database, workspace_id: str) -> None:
    """Marks the days that another version of this program counted."""

    def work(connection: Connection) -> None:
        workspace = Workspace(connection, workspace_id)
        days_changed(workspace, [_subject(kind, day) for kind, day in days.outdated(workspace)])

    if database.read(lambda c: days.outdated(Workspace(c, workspace_id))):
        database.write(work)


def waiting(workspace: Workspace) -> int:
    """How many marks there are."""
    table = schema.figure_marks
    count: int = workspace.value(workspace.select(table, func.count()))
    return count


def _resolve(database: Database, workspace_id: str) -> None:
    """Marks of conversations and orders become marks of days."""
    while marks := database.read(lambda c: _unresolved(Workspace(c, workspace_id))):

        def work(connection: Connection, marks: Mapping[str, str] = marks) -> None:
            workspace = Workspace(connection, workspace_id)
            # First the marks, then what they are about: a change that comes between leaves a mark of its own.
            _take(workspace, list(marks))
            days_changed(workspace, sorted(_days_of(workspace, set(marks.values()))))

        try:
            database.write(work)
        except Conflict:
            return


def _unresolved(workspace: Workspace) -> dict[str, str]:
    table = schema.figure_marks
    day = table.c.subject.like("contacts:%") | table.c.subject.like("orders:%")
    rows = workspace.rows(workspace.select(table, table.c.id, table.c.subject).where(~day).limit(MOST_MARKS))
    return {row["id"]: row["subject"] for row in rows}


def _take(workspace: Workspace, marks: Sequence[str]) -> None:
    """Takes marks away.

    Raises:
        Conflict: another worker took one of them before.
    """
    table, taken = schema.figure_marks, 0
    for part in parts(sorted(marks)):
        taken += workspace.run(workspace.delete(table).where(table.c.id.in_(part)))
    if taken != len(marks):
        raise Conflict("another worker counted this", reason="counted")


def _days_of(workspace: Workspace, subjects: set[str]) -> set[str]:
    if ALL in subjects:
        return set(_every_day(workspace))
    messages, orders = schema.messages, schema.orders
    keys = {subject.removeprefix(ORDER) for subject in subjects if subject.startswith(ORDER)}
    found = set[str]()
    about = set(keys)
    for column, values in ((messages.c.conversation_id, subjects), (messages.c.order_id, keys)):
        for part in parts(sorted(values)):
            columns = (messages.c.received_at, messages.c.order_id)
            for row in workspace.rows(workspace.select(messages, *columns).where(column.in_(part))):
                found.add(contacts_day(row["received_at"].date()))
                about |= {row["order_id"]} if row["order_id"] else set()
    for part in parts(sorted(about)):
        for row in workspace.rows(workspace.select(orders, orders.c.placed_at).where(orders.c.id.in_(part))):
            found |= {orders_day(row["placed_at"].date())} if row["placed_at"] else set()
    return found


def _every_day(workspace: Workspace) -> Iterator[str]:
    for column, name in ((schema.messages.c.received_at, contacts_day), (schema.orders.c.placed_at, orders_day)):
        columns = (func.min(column).label("first"), func.max(column).label("last"))
        found = workspace.first(workspace.select(column.table, *columns))
        if found is not None and found["first"] is not None:
            first, last = found["first"].date(), found["last"].date()
            yield from (name(day) for day in days.spread(max(EARLIEST, first), last))


def _marked_days(workspace: Workspace, most: int) -> list[tuple[Kind, date]]:
    """The newest days first: people look at them most."""
    table = schema.figure_marks
    rows = workspace.tuples(workspace.select(table, table.c.subject).distinct())
    kinds: tuple[Kind, ...] = ("contacts", "orders")
    found = set[tuple[date, Kind]]()
    for row in rows:
        found |= {
            (date.fromisoformat(row[0].partition(":")[2]), kind) for kind in kinds if row[0].startswith(f"{kind}:")
        }
    return [(kind, day) for day, kind in sorted(found, reverse=True)[:most]]


def _recount(database: Database, workspace_id: str, kind: Kind, day: date, now: datetime) -> int:
    snapshot = database.read(lambda c: _snapshot(Workspace(c, workspace_id), kind, day))
    distances = {key: edit_distance(*texts) for key, texts in snapshot.texts.items()}
    content, size = _packed(kind, snapshot)

    def work(connection: Connection) -> int:
        workspace = Workspace(connection, workspace_id)
        _take(workspace, snapshot.marks)
        days.keep(workspace, kind, day, content=content, size=size, now=now)
        if distances:
            _keep_distances(workspace, distances)
            days_changed(workspace, [_subject(kind, day)])  # counted again, with them
        return 1

    try:
        return database.write(work)
    except Conflict:
        return 0


def _subject(kind: Kind, day: date) -> str:
    return contacts_day(day) if kind == "contacts" else orders_day(day)


def _snapshot(workspace: Workspace, kind: Kind, day: date) -> _Snapshot:
    table = schema.figure_marks
    marks = workspace.tuples(workspace.select(table, table.c.id).where(table.c.subject == _subject(kind, day)))
    found = _Snapshot(marks=[row[0] for row in marks], remains=days.remains(workspace, kind, day), texts={})
    if kind == "orders":
        return replace(found, orders=orders_of_day(workspace, day))
    contacts = contacts_of_day(workspace, day)
    unmeasured = [
        contact.message_id for contact in contacts if contact.decision in _APPROVED and contact.distance is None
    ]
    return replace(found, contacts=contacts, texts=_texts(workspace, unmeasured))


_APPROVED = (frame.Decision.ACCEPTED, frame.Decision.EDITED)


def _texts(workspace: Workspace, message_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """What the assistant wrote and what was approved, by draft."""
    drafts, approvals, revisions = schema.drafts, schema.approvals, schema.draft_revisions
    found: dict[str, tuple[str, str]] = {}
    for part in parts(message_ids):
        statement: Any = workspace.select(
            drafts,
            drafts.c.id,
            approvals.c.text.label("approved"),
            func.coalesce(revisions.c.text, drafts.c.text).label("own"),
        )
        statement = workspace.join(statement, approvals, approvals.c.draft_id == drafts.c.id)
        statement = workspace.join(
            statement, revisions, revisions.c.draft_id == drafts.c.id, revisions.c.revision == 1, outer=True
        )
        for row in workspace.rows(statement.where(drafts.c.message_id.in_(part))):
            found[row["id"]] = (row["own"], row["approved"])
    return found


def _keep_distances(workspace: Workspace, distances: Mapping[str, float]) -> None:
    table = schema.approvals
    for key, value in distances.items():
        workspace.run(workspace.update(table).where(table.c.draft_id == key).values(distance=value))


def _packed(kind: Kind, snapshot: _Snapshot) -> tuple[bytes, int]:
    packed = frame.pack_contacts(snapshot.contacts) if kind == "contacts" else frame.pack_orders(snapshot.orders)
    size = len(snapshot.contacts) + len(snapshot.orders)
    if not snapshot.remains:
        return packed, size
    whole = frame.together([frame.unpack(packed), *snapshot.remains])
    return frame.pack(Columns(columns=whole.columns, words=whole.words)), whole.rows
