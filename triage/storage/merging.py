"""Two customers who turned out to be one person, and the way back.

All that the merged customer has moves to the survivor, and the merge lists what; taking it back gives exactly this back, and
what came after stays with the survivor. Merges can follow each other and be taken back in any order: what a taken-back merge
gives is struck from the lists of the merges that had carried it on since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Table, and_

from triage.errors import Conflict, Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.events import record
from triage.storage.owners import lock_customers, lock_people
from triage.storage.stale import conversations_changed
from triage.storage.workspace import Workspace

_MOVING = {"identities": schema.identities, "conversations": schema.conversations, "orders": schema.orders}
_FILLED = ("name", "locale", "segment")
_TOGETHER = 500


def merge(workspace: Workspace, survivor: str, merged: str, *, actor: str, now: datetime) -> str:
    """Everything of ``merged`` becomes ``survivor``'s; the merge's id, which ``unmerge`` takes.

    Raises:
        Unknown: one of them is not here.
        Conflict: ``same_customer``, or ``already_merged``: one of them was merged into another before.
    """
    if survivor == merged:
        raise Conflict("a customer cannot be merged with itself", reason="same_customer")
    lock_people(workspace)
    people = lock_customers(workspace, (survivor, merged))
    for customer_id, row in people.items():
        if row["merged_into"] is not None:
            raise Conflict(f"{customer_id!r} was merged into {row['merged_into']!r} before", reason="already_merged")
    moved: dict[str, Any] = {
        name: _move(workspace, table, merged, survivor) for name, table in _MOVING.items()
    }  # fmt: skip
    moved["claims"] = _move_claims(workspace, merged, survivor)
    conversations_changed(workspace, moved["conversations"])
    moved["filled"] = [name for name in _FILLED if people[merged][name] and not people[survivor][name]]
    table = schema.customers
    if moved["filled"]:
        values = {name: people[merged][name] for name in moved["filled"]}
        workspace.run(workspace.update(table).where(table.c.id == survivor).values(values))
    workspace.run(workspace.update(table).where(table.c.id == merged).values(merged_into=survivor))
    key = new_id("mrg")
    workspace.insert(
        schema.merges, id=key, survivor_id=survivor, merged_id=merged, moved=moved, actor=actor, created_at=now
    )
    record(workspace, "customer.merged", survivor, actor=actor, now=now, details={"merge_id": key, "merged_id": merged})
    return key


def unmerge(workspace: Workspace, merge_id: str, *, actor: str, now: datetime) -> str:
    """Takes a merge back; the id of the customer who is their own again.

    Raises:
        Unknown: no such merge here.
        Conflict: ``already_undone``.
    """
    lock_people(workspace)
    row = get_merge(workspace, merge_id)
    if row["undone_at"] is not None:
        raise Conflict("the merge was taken back before", reason="already_undone")
    merged, moved = row["merged_id"], row["moved"]
    later = _carried_on(workspace, row["survivor_id"])
    holder = later[-1]["survivor_id"] if later else row["survivor_id"]
    people = lock_customers(workspace, (merged, row["survivor_id"], *(link["survivor_id"] for link in later)))
    for name, table in _MOVING.items():
        _give_back(workspace, table, moved[name], holder, merged)
    conversations_changed(workspace, moved["conversations"])
    kept = _return_claims(workspace, moved["claims"], later, holder, merged)
    _unfill(workspace, row, later, people)
    for link in later:
        _strike(workspace, link, moved, kept)
    customers, merges = schema.customers, schema.merges
    workspace.run(workspace.update(customers).where(customers.c.id == merged).values(merged_into=None))
    # What was claimed is somebody's data; ids are enough to tell later what happened.
    over = {name: moved[name] for name in _MOVING}
    workspace.run(workspace.update(merges).where(merges.c.id == merge_id).values(undone_at=now, moved=over))
    record(
        workspace,
        "customer.unmerged",
        holder,
        actor=actor,
        now=now,
        details={"merge_id": merge_id, "merged_id": merged},
    )
    return str(merged)


def get_merge(workspace: Workspace, merge_id: str) -> RowMapping:
    """One merge, taken back or not.

    Raises:
        Unknown: none here.
    """
    row = workspace.first(workspace.select(schema.merges).where(schema.merges.c.id == merge_id))
    if row is None:
        raise Unknown("merge", merge_id)
    return row


def _move(workspace: Workspace, table: Table, source: str, target: str) -> list[str]:
    statement = workspace.update(table).where(table.c.customer_id == source).values(customer_id=target)
    return sorted(row[0] for row in workspace.tuples(statement.returning(table.c.id)))


def _give_back(workspace: Workspace, table: Table, ids: Sequence[str], holder: str, target: str) -> None:
    """Only what ``holder`` still has: an order may have found its buyer since."""
    for start in range(0, len(ids), _TOGETHER):
        listed = table.c.id.in_(ids[start : start + _TOGETHER])
        workspace.run(workspace.update(table).where(listed, table.c.customer_id == holder).values(customer_id=target))


def _move_claims(workspace: Workspace, source: str, target: str) -> list[dict[str, Any]]:
    """What ``source`` wrote of themselves. ``added``: the target had not written the same."""
    table = schema.weak_identities
    rows = workspace.rows(workspace.select(table, table.c.kind, table.c.value).where(table.c.customer_id == source))
    claims = [
        {**row, "added": workspace.insert_new(table, customer_id=target, kind=row["kind"], value=row["value"])}
        for row in rows
    ]
    workspace.run(workspace.delete(table).where(table.c.customer_id == source))
    return claims


def _return_claims(
    workspace: Workspace, claims: Sequence[dict[str, Any]], later: Sequence[RowMapping], holder: str, target: str
) -> set[tuple[str, str]]:
    """Gives the claims back; those that somebody on the way had made too are returned: they stay there."""
    table, kept = schema.weak_identities, set()
    for claim in claims:
        key = claim["kind"], claim["value"]
        workspace.insert_new(table, customer_id=target, kind=key[0], value=key[1])
        if not claim["added"]:
            kept.add(key)
            continue
        added = [_claim(link, key) for link in later]
        if all(carried is not None and carried["added"] for carried in added):
            own = and_(table.c.customer_id == holder, table.c.kind == key[0], table.c.value == key[1])
            workspace.run(workspace.delete(table).where(own))
    return kept


def _claim(link: RowMapping, key: tuple[str, str]) -> dict[str, Any] | None:
    return next((claim for claim in link["moved"]["claims"] if (claim["kind"], claim["value"]) == key), None)


def _unfill(workspace: Workspace, row: RowMapping, later: Sequence[RowMapping], people: dict[str, RowMapping]) -> None:
    """What the survivors got from the merged customer's profile goes, unless it was changed since."""
    table = schema.customers
    for name in row["moved"]["filled"]:
        value = people[row["merged_id"]][name]
        for link in (row, *later):
            if name not in link["moved"]["filled"]:
                break
            same = and_(table.c.id == link["survivor_id"], table.c[name] == value)
            workspace.run(workspace.update(table).where(same).values({name: None}))


def _carried_on(workspace: Workspace, customer_id: str) -> list[RowMapping]:
    """The merges that led from ``customer_id`` to the customer who lives."""
    table = schema.merges
    found: list[RowMapping] = []
    while True:
        link = workspace.first(
            workspace.select(table).where(table.c.merged_id == customer_id, table.c.undone_at.is_(None))
        )
        if link is None:
            return found
        found.append(link)
        customer_id = link["survivor_id"]


def _strike(workspace: Workspace, link: RowMapping, moved: dict[str, Any], kept: set[tuple[str, str]]) -> None:
    """What was given back is no longer among what ``link`` moved."""
    table, left = schema.merges, dict(link["moved"])
    for name in _MOVING:
        gone = set(moved[name])
        left[name] = [item for item in left[name] if item not in gone]
    gone_claims = {(claim["kind"], claim["value"]) for claim in moved["claims"]} - kept
    left["claims"] = [claim for claim in left["claims"] if (claim["kind"], claim["value"]) not in gone_claims]
    workspace.run(workspace.update(table).where(table.c.id == link["id"]).values(moved=left))
