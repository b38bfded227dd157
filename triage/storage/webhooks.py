"""Webhooks: who wants which events, with which secret; and the log of what was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import RowMapping

from triage.channels.standard_webhooks import new_secret
from triage.errors import Conflict, Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace

TEST = "webhook.test"
"""The type of the event that an admin sends to see whether a receiver understands us."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A receiver of events; no ``types`` means all. ``secrets``: the current one, and the one before while it is replaced."""

    id: str
    url: str
    types: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class LoggedDelivery:
    """What became of one event at one webhook; ``next_attempt_at`` is None where none follows."""

    id: str
    event_id: str
    type: str
    state: str
    attempts: int
    status: int | None
    failure: str | None
    changed_at: datetime
    next_attempt_at: datetime | None


def create(workspace: Workspace, *, url: str, types: Sequence[str], now: datetime) -> Webhook:
    """A new webhook with a new secret, which is shown once."""
    key = new_id("whk")
    workspace.insert(
        schema.webhooks, id=key, url=url, secret=new_secret(), types=sorted(set(types)), created_at=now
    )  # fmt: skip
    return find(workspace, key)


def find(workspace: Workspace, webhook_id: str) -> Webhook:
    """The webhook, disabled or not.

    Raises:
        Unknown: no such webhook.
    """
    table = schema.webhooks
    row = workspace.first(workspace.select(table).where(table.c.id == webhook_id))
    if row is None:
        raise Unknown("webhook", webhook_id)
    return _webhook(row)


def every(workspace: Workspace) -> list[Webhook]:
    """All of the workspace, oldest first; disabled ones too, so that one which its receiver ended (410) is seen."""
    return [_webhook(row) for row in workspace.rows(workspace.select(schema.webhooks).order_by(schema.webhooks.c.id))]


def disable(workspace: Workspace, webhook_id: str, *, now: datetime) -> None:
    """Nothing is sent there any more, what waits included; the log stays.

    Raises:
        Unknown: no such webhook.
    """
    table, waiting = schema.webhooks, schema.deliveries
    if find(workspace, webhook_id).disabled_at is not None:
        return
    workspace.run(workspace.update(table).where(table.c.id == webhook_id).values(disabled_at=now))
    workspace.run(
        workspace.update(waiting)
        .where(waiting.c.webhook_id == webhook_id, waiting.c.state == "queued")
        .values(state="failed", failure="the webhook is disabled", changed_at=now)
    )


def rotate(workspace: Workspace, webhook_id: str, *, keep_previous: bool = True) -> Webhook:
    """A new secret. While the one before is kept, every event is signed with both; the next rotation drops it.

    Raises:
        Unknown: no such webhook.
    """
    table = schema.webhooks
    previous = find(workspace, webhook_id).secrets[0] if keep_previous else None
    changed = workspace.update(table).where(table.c.id == webhook_id)
    workspace.run(changed.values(secret=new_secret(), previous_secret=previous))
    return find(workspace, webhook_id)


def delivery_log(
    workspace: Workspace, webhook_id: str, *, limit: int = 50, before: str | None = None
) -> list[LoggedDelivery]:
    """Deliveries, the newest event first; ``before``: the last id of the page before.

    Raises:
        Unknown: no such webhook.
    """
    find(workspace, webhook_id)
    table, events = schema.deliveries, schema.events
    wanted = workspace.join(
        workspace.select(table, *table.c, events.c.type), events, events.c.id == table.c.event_id
    ).where(table.c.webhook_id == webhook_id)
    if before is not None:
        wanted = wanted.where(table.c.id < before)
    return [_logged(row) for row in workspace.rows(wanted.order_by(table.c.id.desc()).limit(limit))]


def send_test(workspace: Workspace, webhook_id: str, *, now: datetime) -> str:
    """Queues an event of the type ``webhook.test`` for this webhook alone, whatever types it wants; the delivery's id.

    Raises:
        Unknown: no such webhook.
        Conflict: it is disabled.
    """
    if find(workspace, webhook_id).disabled_at is not None:
        raise Conflict("the webhook is disabled", reason="webhook_disabled")
    event, delivery = new_id("evt"), new_id("dlv")
    workspace.insert(schema.events, id=event, type=TEST, data={"webhook_id": webhook_id}, created_at=now)
    workspace.insert(
        schema.deliveries, id=delivery, webhook_id=webhook_id, event_id=event, state="queued", attempts=0, run_at=now,
        changed_at=now,
    )  # fmt: skip
    return delivery


def replay(workspace: Workspace, webhook_id: str, delivery_id: str, *, now: datetime) -> LoggedDelivery:
    """Sends one event again at once, with all its attempts before it; its id stays, so a receiver knows it again.

    Raises:
        Unknown: no such delivery of this webhook.
        Conflict: the webhook is disabled, or the event is being sent at this moment.
    """
    if find(workspace, webhook_id).disabled_at is not None:
        raise Conflict("the webhook is disabled", reason="webhook_disabled")
    table, events = schema.deliveries, schema.events
    own = (table.c.id == delivery_id, table.c.webhook_id == webhook_id)
    again = workspace.update(table).where(*own, table.c.state != "sending")
    changed = workspace.run(
        again.values(state="queued", attempts=0, run_at=now, status=None, failure=None, changed_at=now)
    )
    row = workspace.first(
        workspace.join(workspace.select(table, *table.c, events.c.type), events, events.c.id == table.c.event_id)
        .where(*own)
    )  # fmt: skip
    if row is None:
        raise Unknown("delivery", delivery_id)
    if not changed:
        raise Conflict("the event is being sent", reason="sending")
    return _logged(row)


def _webhook(row: RowMapping) -> Webhook:
    return Webhook(
        id=row["id"], url=row["url"], types=tuple(row["types"]), created_at=row["created_at"],
        secrets=tuple(secret for secret in (row["secret"], row["previous_secret"]) if secret),
        disabled_at=row["disabled_at"],
    )  # fmt: skip


def _logged(row: RowMapping) -> LoggedDelivery:
    return LoggedDelivery(
        id=row["id"], event_id=row["event_id"], type=row["type"], state=row["state"], attempts=row["attempts"],
        status=row["status"], failure=row["failure"], changed_at=row["changed_at"],
        next_attempt_at=row["run_at"] if row["state"] == "queued" else None,
    )  # fmt: skip
