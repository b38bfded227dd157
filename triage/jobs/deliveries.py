"""Events on their way to webhooks (Standard Webhooks).

Sending has threads of its own, because a slow receiver must hold up neither triage nor other receivers. An event whose worker
died is sent again under the same id, by which receivers know it; so nothing is lost, and nothing counts twice.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from triage.channels import outgoing, standard_webhooks
from triage.errors import ConfigurationError, SendFailed, StorageUnavailable
from triage.protocols import Clock
from triage.storage import schema, webhooks
from triage.storage.database import Database
from triage.storage.leases import Claim, claim, settle
from triage.storage.workspace import Workspace

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
"""Longer than one exchange can last (``outgoing.TOTAL_SECONDS``), a slow look-up of the name included."""
THREADS = 8
MOST_PER_WEBHOOK = 2
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600))
"""After the first, second … attempt, as the specification suggests; after the last there is none."""
MOST_ATTEMPTS = len(PAUSES) + 1


class Deliveries:
    """Sends what is due. One instance a process; ``close`` when done.

    Args:
        allow_private: whether webhooks may lead to private addresses and to this machine, and do without TLS.
        step, total: seconds for one wait of an exchange, and for all of it.
    """

    def __init__(
        self, database: Database, clock: Clock, *, allow_private: bool = False, threads: int = THREADS,
        step: float = outgoing.STEP_SECONDS, total: float = outgoing.TOTAL_SECONDS,
    ) -> None:  # fmt: skip
        self._database, self._clock, self._threads = database, clock, threads
        self._allow_private, self._step, self._total = allow_private, step, total
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="deliveries")
        self._under_way: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closed = False

    def round(self) -> int:
        """Begins to send what is due, as far as threads are free; how many it began. Does not wait for them.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        begun = 0
        while (found := self._next()) is not None:
            self._pool.submit(self._work, found)
            begun += 1
        return begun

    def drain(self, timeout: float | None = None) -> bool:
        """Waits until nothing is under way; False where that took longer than ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way.total(), timeout)

    def close(self) -> None:
        """Begins nothing more and waits for what is under way."""
        with self._changed:
            self._closed = True
        self._pool.shutdown(wait=True)

    def _next(self) -> Claim | None:
        """One due delivery, of a webhook that is not busy already."""
        table = schema.deliveries
        with self._changed:
            if self._closed or self._under_way.total() >= self._threads:
                return None
            busy = [webhook for webhook, count in self._under_way.items() if count >= MOST_PER_WEBHOOK]
            only = table.c.webhook_id.not_in(busy) if busy else None
            found = self._database.write(
                lambda c: claim(c, table, working="sending", now=self._clock.now(), lease=LEASE, only=only)
            )
            if not found:
                return None
            self._under_way[found[0].row["webhook_id"]] += 1
            return found[0]

    def _work(self, first: Claim) -> None:
        """One thread: sends, and goes on with what is due next."""
        found: Claim | None = first
        while found is not None:
            try:
                self._deliver(found)
            except StorageUnavailable:
                log.warning("the database does not answer; delivery %s is tried again later", found.id)
            except Exception as error:  # its lease runs out, and it is tried again, as often as any other
                log.error("delivery %s failed: %s", found.id, type(error).__name__)
            finally:
                with self._changed:
                    self._under_way[found.row["webhook_id"]] -= 1
                    self._under_way += Counter()  # drops what stands at zero
                    self._changed.notify_all()
            try:
                found = self._next()
            except StorageUnavailable:
                found = None  # the next round will see

    def _deliver(self, claim: Claim) -> None:
        hook, event = self._database.read(lambda c: _prepared(Workspace(c, claim.workspace_id), claim))
        if hook.disabled_at is not None:
            self._settle(claim, state="failed", failure="the webhook is disabled")
            return
        if claim.attempts > MOST_ATTEMPTS:
            self._settle(claim, state="failed", failure=claim.row["failure"] or "the worker stopped at every attempt")
            return
        try:
            answer = self._send(hook, event)
        except ConfigurationError as error:
            self._settle(claim, state="failed", status=None, failure=str(error)[:200])
        except SendFailed as error:
            self._later(claim, None, str(error)[:200], None)
        else:
            self._answered(claim, answer)

    def _send(self, hook: webhooks.Webhook, event: RowMapping) -> outgoing.Answer:
        url = outgoing.checked_url(hook.url, plain=self._allow_private)
        body = event_body(event["type"], event["created_at"], event["data"])
        keys = [standard_webhooks.key_of(secret) for secret in hook.secrets]
        headers = {
            "content-type": "application/json",
            **standard_webhooks.sign(keys, id=event["id"], now=self._clock.now(), body=body),
        }
        rule = outgoing.local_too if self._allow_private else outgoing.public
        return outgoing.post(url, body, headers, rule=rule, step=self._step, total=self._total)

    def _answered(self, claim: Claim, answer: outgoing.Answer) -> None:
        status = answer.status
        if 200 <= status < 300:
            self._settle(claim, state="delivered", status=status, failure=None)
        elif status == 410:
            self._gone(claim)
        elif 300 <= status < 400:
            self._later(claim, status, "redirects are not followed", None)
        else:
            wait = outgoing.retry_after(answer, self._clock.now()) if status in (429, 503) else None
            self._later(claim, status, f"the receiver answered {status}", wait)

    def _later(self, claim: Claim, status: int | None, failure: str, wait: float | None) -> None:
        if claim.attempts >= MOST_ATTEMPTS:
            self._settle(claim, state="failed", status=status, failure=failure)
            return
        pause = max(PAUSES[claim.attempts - 1], timedelta(seconds=wait or 0))
        self._settle(claim, state="queued", status=status, failure=failure, run_at=self._clock.now() + pause)

    def _gone(self, claim: Claim) -> None:
        """The receiver wants nothing more, ever."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            workspace = Workspace(connection, claim.workspace_id)
            values = {"state": "failed", "status": 410, "failure": "the receiver is gone", "changed_at": now}
            if settle(workspace, schema.deliveries, claim, **values):
                webhooks.disable(workspace, claim.row["webhook_id"], now=now)

        self._database.write(work)

    def _settle(self, claim: Claim, **values: Any) -> None:
        now = self._clock.now()
        self._database.write(
            lambda c: settle(
                Workspace(c, claim.workspace_id), schema.deliveries, claim, **{"changed_at": now, **values}
            )
        )


def event_body(type: str, created_at: datetime, data: Any) -> bytes:
    """What a receiver gets; the same bytes at every attempt."""
    document = {"type": type, "timestamp": created_at.isoformat(), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace")


def _prepared(workspace: Workspace, claim: Claim) -> tuple[webhooks.Webhook, RowMapping]:
    events = schema.events
    event = workspace.first(workspace.select(events).where(events.c.id == claim.row["event_id"]))
    assert event is not None  # a reference of the table
    return webhooks.find(workspace, claim.row["webhook_id"]), event
