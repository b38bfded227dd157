"""Whose an identity is, read so that a merge or an erasure at the same moment cannot leave something behind.

On PostgreSQL who attaches something to a customer holds a key-share lock on the customer until the end of its transaction;
who merges or erases holds the exclusive one. SQLite writes one transaction at a time and needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping, select

from triage.conversations.identity import Identity
from triage.errors import Unknown
from triage.storage import schema
from triage.storage.workspace import Workspace


def owner_of(workspace: Workspace, identity: Identity) -> str | None:
    """The customer who is known by ``identity``."""
    table = schema.identities
    found: str | None = workspace.value(
        workspace.select(table, table.c.customer_id).where(
            table.c.kind == identity.kind, table.c.value == identity.value
        )
    )
    return found


def held_owner_of(workspace: Workspace, identity: Identity) -> str | None:
    """``owner_of``, who then stays as they are until the transaction ends."""
    owner = owner_of(workspace, identity)
    return None if owner is None else hold(workspace, owner)


def hold(workspace: Workspace, customer_id: str) -> str | None:
    """Whoever ``customer_id`` is today, neither merged nor erased before the transaction ends; None where they are erased."""
    table = schema.customers
    while True:
        row = workspace.first(
            workspace.select(table, table.c.merged_into)
            .where(table.c.id == customer_id)
            .with_for_update(read=True, key_share=True)
        )
        if row is None or row["merged_into"] is None:
            return None if row is None else customer_id
        customer_id = row["merged_into"]


def living(workspace: Workspace, customer_id: str) -> str:
    """Whoever ``customer_id`` is today: itself, or the customer that it was merged into.

    Raises:
        Unknown: no such customer here.
    """
    table = schema.customers
    while True:
        row = workspace.first(workspace.select(table, table.c.merged_into).where(table.c.id == customer_id))
        if row is None:
            raise Unknown("customer", customer_id)
        if row["merged_into"] is None:
            return customer_id
        customer_id = row["merged_into"]


def person(workspace: Workspace, customer_id: str) -> list[str]:
    """The customer and all who were merged into it, themselves or by others between; ``customer_id`` first."""
    table = schema.customers
    found = [customer_id]
    latest = found
    while latest:
        rows = workspace.tuples(workspace.select(table, table.c.id).where(table.c.merged_into.in_(latest)))
        latest = [row[0] for row in rows]
        found = found + latest
    return found


def lock_people(workspace: Workspace) -> None:
    """One merge, unmerge or erasure at a time in a workspace: each looks at chains of customers, which another could change."""
    table = schema.workspaces
    workspace.value(select(table.c.id).where(table.c.id == workspace.id).with_for_update(key_share=True))


def lock_customers(workspace: Workspace, customer_ids: Iterable[str]) -> dict[str, RowMapping]:
    """The customers by id, locked against anything being attached to them.

    Raises:
        Unknown: one of them is not here.
    """
    table, wanted = schema.customers, sorted(set(customer_ids))
    rows = workspace.rows(workspace.select(table).where(table.c.id.in_(wanted)).order_by(table.c.id).with_for_update())
    found = {row["id"]: row for row in rows}
    for customer_id in wanted:
        if customer_id not in found:
            raise Unknown("customer", customer_id)
    return found
