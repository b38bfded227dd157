"""The shop's clock and what it calls its products."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo

from triage.conversations.working_time import Calendar
from triage.errors import ConfigurationError
from triage.insights.frame import Frame
from triage.storage import schema
from triage.storage.belongings import listed
from triage.storage.workspace import Workspace
from triage.storage.workspaces import read_settings


def calendar_of(workspace: Workspace) -> Calendar | None:
    """The working hours; None where the shop named none, or none that can be used."""
    try:
        return read_settings(workspace).sla().calendar
    except ConfigurationError:
        return None


def zone_of(workspace: Workspace) -> tzinfo:
    """The time zone of the calendar; UTC without one."""
    calendar = calendar_of(workspace)
    return UTC if calendar is None else calendar.zone


def titles_of(workspace: Workspace, frame: Frame, products: Iterable[str]) -> dict[str, str]:
    """What an order calls each product; those of which no order is left are missing."""
    known = dict(zip(frame.words.get("titled", ()), frame.words.get("titled_by", ()), strict=True))
    wanted = {product: known[product] for product in products if product in known}
    found: dict[str, str] = {}
    for row in listed(workspace, schema.orders, schema.orders.c.id, sorted(set(wanted.values()))):
        for item in row["data"].get("items") or ():
            if wanted.get(item.get("sku") or "") == row["id"] and item.get("title"):
                found[item["sku"]] = item["title"]
    return found
