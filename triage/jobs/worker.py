"""The worker: takes what is due, one round after the other. It runs in the API's process, or as ``triage worker`` beside it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from triage.errors import SendFailed, StorageUnavailable, TriageError
from triage.jobs.triage_job import TriageJob
from triage.protocols import Channel, Clock
from triage.storage import clocks, inbounds, jobs, outbox
from triage.storage.database import Database
from triage.storage.leases import Claim
from triage.storage.workspace import Workspace
from triage.types import Reply, Sent

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
"""Between looks for work that another process left; work of this process is announced by ``wake``."""
TROUBLE_SECONDS = 2.0
MOST_A_ROUND = 4
"""Of one kind, before the other kinds have their turn."""


class Worker:
    """One thread of work.

    Args:
        channels: how replies leave, by the adapter's name.
        further: more rounds to run after triage and sending (deliveries of events); each returns how much it did.
        opening, closing: what to do at the beginning and at the end.
    """

    def __init__(
        self,
        database: Database,
        triage: TriageJob,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        further: Sequence[Callable[[], int]] = (),
        opening: Sequence[Callable[[], None]] = (),
        closing: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._database, self._triage, self._channels, self._clock = database, triage, channels, clock
        self._further, self._opening, self._closing = further, opening, closing
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to work in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is work: do not wait for the next look."""
        self._awake.set()

    def halt(self) -> None:
        """Asks for the end, after what is under way; safe in a signal handler."""
        self._stopping.set()
        self._awake.set()

    def stop(self) -> None:
        """Finishes what is under way and ends."""
        self.halt()
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Works until ``stop``; a database that does not answer is waited for."""
        for open_ in self._opening:
            try:
                open_()
            except TriageError as error:  # a mailbox that is set up wrongly must not stop triage and sending
                log.error("%s", error)
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                busy = self.round() > 0
            except StorageUnavailable:
                log.warning("the database does not answer; trying again")
                self._stopping.wait(TROUBLE_SECONDS)
                continue
            except Exception as error:  # a fault here must not end all work
                log.error("a round of work failed: %s", type(error).__name__)
                self._stopping.wait(TROUBLE_SECONDS)
                continue
            if not busy:
                self._awake.wait(IDLE_SECONDS)
        for close in self._closing:
            close()

    def round(self) -> int:
        """All that is due now; how much it was."""
        done = self._each(lambda c: jobs.claim_jobs(c, now=self._clock.now(), most=1), self._triage.run)
        done += self._database.write(lambda c: outbox.give_up_on_dead(c, now=self._clock.now()))
        done += self._each(lambda c: outbox.claim_replies(c, now=self._clock.now(), most=1), self._send)
        self._database.write(lambda c: clocks.warn(c, now=self._clock.now()))
        return done + sum(further() for further in self._further)

    def _each(self, claim: Callable[[Connection], Sequence[Claim]], work: Callable[[Claim], None]) -> int:
        """Claims one after the other, so that who dies at one takes no attempt of another, and leaves no other in doubt."""
        done = 0
        while done < MOST_A_ROUND and not self._stopping.is_set():
            found = self._database.write(claim)
            if not found:
                break
            work(found[0])
            done += 1
        return done

    def _send(self, claim: Claim) -> None:
        database, workspace_id = self._database, claim.workspace_id
        try:
            reply, inbound = database.read(lambda c: self._prepared(Workspace(c, workspace_id), claim))
            result = self._give(reply, inbound)
        except SendFailed as error:
            failure = error
            database.write(lambda c: outbox.failed(Workspace(c, workspace_id), claim, failure, now=self._clock.now()))
        except StorageUnavailable:
            raise  # nothing was sent; the lease runs out
        except Exception as error:
            log.error("sending reply %s failed: %s", claim.id, type(error).__name__)
            unknown = SendFailed(f"the channel failed with {type(error).__name__}", uncertain=True)
            database.write(lambda c: outbox.failed(Workspace(c, workspace_id), claim, unknown, now=self._clock.now()))
        else:
            database.write(
                lambda c: outbox.sent(Workspace(c, workspace_id), claim, reply, result, now=self._clock.now())
            )

    def _prepared(self, workspace: Workspace, claim: Claim) -> tuple[Reply, inbounds.Inbound | None]:
        reply = outbox.reply_of(workspace, claim)
        return reply, inbounds.of_draft(workspace, claim.row["draft_id"])

    def _give(self, reply: Reply, inbound: inbounds.Inbound | None) -> Sent:
        if inbound is None:
            # Who brought the message through the API carries the answer too: told by the event, read from the draft.
            return Sent(provider_id="handed over")
        channel = self._channels.get(inbound.adapter)
        if channel is None:
            raise SendFailed(f"nothing here sends through {inbound.adapter!r}")
        settings: dict[str, Any] = {**inbound.settings, "secret": inbound.secret, "inbound_id": inbound.id}
        return channel.send(reply, settings=settings)
