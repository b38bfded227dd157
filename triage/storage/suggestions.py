"""Who may be the same person as a customer, and why. Only ever a suggestion: a person merges."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import RowMapping, tuple_

from triage.storage import schema
from triage.storage.orders import order_key
from triage.storage.owners import living
from triage.storage.workspace import Workspace

MOST = 20
_MOST_NUMBERS = 200


@dataclass(frozen=True, order=True)
class Reason:
    """``kind`` is that of an identity, ``order`` or ``name``; ``value`` is what both have."""

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A customer who may be the same person; a name counts only beside another reason."""

    customer_id: str
    name: str | None
    reasons: tuple[Reason, ...]


def suggestions(workspace: Workspace, customer_id: str) -> tuple[Suggestion, ...]:
    """Customers who share something with this one that is too weak to join them, those with most reasons first.

    Raises:
        Unknown: no such customer here.
    """
    customer_id = living(workspace, customer_id)
    found: defaultdict[str, set[Reason]] = defaultdict(set)
    for other, reason in (
        *_by_claims(workspace, customer_id), *_by_buyers(workspace, customer_id), *_by_orders(workspace, customer_id)
    ):  # fmt: skip
        if other != customer_id:
            found[other].add(reason)
    people = schema.customers
    rows = workspace.rows(
        workspace.select(people, people.c.id, people.c.name).where(
            people.c.id.in_([*found, customer_id]), people.c.merged_into.is_(None)
        )
    )
    names = {row["id"]: row["name"] for row in rows}
    own = _folded(names.get(customer_id))
    for other, reasons in found.items():
        if own and _folded(names.get(other)) == own:
            reasons.add(Reason("name", names[other]))
    listed = [
        Suggestion(customer_id=other, name=names[other], reasons=tuple(sorted(reasons)))
        for other, reasons in found.items()
        if other in names
    ]
    return tuple(sorted(listed, key=lambda s: (-len(s.reasons), s.customer_id))[:MOST])


def _by_claims(workspace: Workspace, customer_id: str) -> Iterable[tuple[str, Reason]]:
    """One wrote of themselves what the other is known by, or both wrote the same."""
    claims, table = schema.weak_identities, schema.identities
    same = (table.c.kind == claims.c.kind, table.c.value == claims.c.value)
    owners = workspace.join(
        workspace.select(claims, table.c.customer_id, claims.c.kind, claims.c.value), table, *same
    ).where(claims.c.customer_id == customer_id)
    claimants = workspace.join(
        workspace.select(claims, claims.c.customer_id, claims.c.kind, claims.c.value), table, *same
    ).where(table.c.customer_id == customer_id)
    found = _reasons([*workspace.rows(owners), *workspace.rows(claimants)])
    own = workspace.tuples(
        workspace.select(claims, claims.c.kind, claims.c.value).where(claims.c.customer_id == customer_id)
    )
    if own:
        both = workspace.select(claims).where(
            tuple_(claims.c.kind, claims.c.value).in_([tuple(row) for row in own[:_MOST_NUMBERS]])
        )
        found += _reasons(workspace.rows(both))
    return found


def _by_buyers(workspace: Workspace, customer_id: str) -> Iterable[tuple[str, Reason]]:
    """The shop names the owner of another identity as the buyer of this customer's order, or the other way round."""
    buyers, table, orders = schema.order_buyers, schema.identities, schema.orders
    columns = (table.c.customer_id, table.c.kind, table.c.value, orders.c.customer_id.label("buyer"))
    statement = workspace.join(
        workspace.select(buyers, *columns), table, table.c.kind == buyers.c.kind, table.c.value == buyers.c.value
    )
    statement = workspace.join(statement, orders, orders.c.id == buyers.c.order_id)
    others = workspace.rows(statement.where(orders.c.customer_id == customer_id))
    mine = workspace.rows(statement.where(table.c.customer_id == customer_id, orders.c.customer_id.is_not(None)))
    return [
        *_reasons(others), *((row["buyer"], Reason(row["kind"], row["value"])) for row in mine)
    ]  # fmt: skip


def _by_orders(workspace: Workspace, customer_id: str) -> Iterable[tuple[str, Reason]]:
    """Both wrote about one order, or one wrote about the other's."""
    messages, threads, orders = schema.messages, schema.conversations, schema.orders
    wrote = workspace.join(
        workspace.select(messages, messages.c.order_id, threads.c.customer_id).distinct(),
        threads, threads.c.id == messages.c.conversation_id,
    )  # fmt: skip
    named = workspace.tuples(
        wrote.where(threads.c.customer_id == customer_id, messages.c.order_id.is_not(None)).limit(_MOST_NUMBERS)
    )
    owned = workspace.tuples(
        workspace.select(orders, orders.c.id).where(orders.c.customer_id == customer_id).limit(_MOST_NUMBERS)
    )
    spelled = {row[0] for row in named} | {row[0] for row in owned}
    keys = {order_key(number) for number in spelled}
    if not keys:
        return []
    others = [
        (row["customer_id"], row["order_id"])
        for row in workspace.rows(wrote.where(messages.c.order_id.in_(sorted(spelled | keys))))
    ]
    rows = workspace.rows(
        workspace.select(orders, orders.c.customer_id, orders.c.id).where(
            orders.c.id.in_(sorted(keys)), orders.c.customer_id.is_not(None)
        )
    )
    others += [(row["customer_id"], row["id"]) for row in rows]
    return [(other, Reason("order", order_key(number))) for other, number in others]


def _reasons(rows: Iterable[RowMapping]) -> list[tuple[str, Reason]]:
    return [(row["customer_id"], Reason(row["kind"], row["value"])) for row in rows]


def _folded(name: str | None) -> str:
    return " ".join(unicodedata.normalize("NFKC", name or "").casefold().split())
