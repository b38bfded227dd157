"""Customers and what they are known by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from triage.conversations.identity import Identity
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace
from triage.types import Customer


def find_or_create(workspace: Workspace, identities: Sequence[Identity], profile: Customer, *, now: datetime) -> str:
    """The customer whom the first of ``identities`` names, or a new one; what nobody else has is added to them.

    An identity beyond the first that belongs to another customer is noted as a suggestion; it never joins two people.
    """
    owners = {identity: _owner(workspace, identity) for identity in identities}
    customer = owners[identities[0]] if identities else None
    if customer is None:
        customer = new_id("cus")
        workspace.insert(schema.customers, id=customer, name=profile.name, locale=profile.locale, created_at=now)
    else:
        _complete(workspace, customer, profile)
    for identity, owner in owners.items():
        if owner is None:
            workspace.insert(
                schema.identities, id=new_id("idn"), customer_id=customer, kind=identity.kind, value=identity.value,
                created_at=now,
            )  # fmt: skip
        elif owner != customer:
            workspace.insert_new(schema.weak_identities, customer_id=customer, kind=identity.kind, value=identity.value)
    return customer


def _owner(workspace: Workspace, identity: Identity) -> str | None:
    table = schema.identities
    found: str | None = workspace.value(
        workspace.select(table, table.c.customer_id).where(
            table.c.kind == identity.kind, table.c.value == identity.value
        )
    )
    return found


def _complete(workspace: Workspace, customer: str, profile: Customer) -> None:
    """Fills in what was not known before; what a person corrected is not overwritten."""
    table = schema.customers
    for column, value in (("name", profile.name), ("locale", profile.locale)):
        if value:
            workspace.run(
                workspace.update(table).where(table.c.id == customer, table.c[column].is_(None)).values({column: value})
            )
