"""Triage of a stored message: read, think outside of any transaction, write only while the lease is still ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection

from triage.contract import Bands, result_json
from triage.errors import InvalidMessage, StorageUnavailable, TriageError, Unknown
from triage.pipeline import TriagePipeline
from triage.protocols import Clock
from triage.storage import matters, schema
from triage.storage.database import Database
from triage.storage.house_rules import HouseRules
from triage.storage.jobs import MOST_ATTEMPTS
from triage.storage.leases import Claim, back_off, holds, settle
from triage.storage.workspace import Workspace
from triage.types import Author, Draft, EarlierMatter, InboundMessage, Order, PolicyWarning, ThreadMessage, TriageResult

log = logging.getLogger(__name__)
T = TypeVar("T")


class TriageJob:
    """Runs jobs of the kind ``triage``. A job that fails is tried again; one that keeps failing leaves the message to people."""

    def __init__(self, database: Database, pipeline: TriagePipeline, bands: Bands, clock: Clock) -> None:
        self._database, self._pipeline, self._bands, self._clock = database, pipeline, bands, clock
        self._rules = HouseRules(database, clock)

    def run(self, claim: Claim) -> None:
        """Works on one claimed job; never raises for what is wrong with the message.

        Raises:
            StorageUnavailable: the job's lease will run out and it is tried again.
        """
        if claim.attempts > MOST_ATTEMPTS:  # no attempt came to an end: each time, the process died of it
            self._give_up(claim, claim.row["failure"] or "worker_died")
            return
        try:
            self._triage(claim)
        except StorageUnavailable:
            raise
        except Unknown:
            self._settle(claim, state="done")  # erased meanwhile
        except InvalidMessage as error:
            self._give_up(claim, error.code)
        except Exception as error:
            # The message's text may stand in an error's text, so only its kind is told.
            reason = error.code if isinstance(error, TriageError) else type(error).__name__
            log.warning("triage of message %s failed: %s", claim.row["subject_id"], reason)
            if claim.attempts >= MOST_ATTEMPTS:
                self._give_up(claim, reason)
            else:
                run_at = self._clock.now() + back_off(claim.attempts)
                self._settle(claim, state="queued", failure=reason, run_at=run_at)

    def _triage(self, claim: Claim) -> None:
        matter = self._read(claim, lambda w: matters.load(w, claim.row["subject_id"]))
        named = [e.value for e in self._pipeline.entities(matter.message) if e.type == "order_number"]
        said = " ".join(part.text for part in matter.message.thread if part.author is Author.CUSTOMER)
        if said.strip():
            earlier = InboundMessage(text=said[:20_000], channel=matter.message.channel)
            named += [e.value for e in self._pipeline.entities(earlier) if e.type == "order_number"]
        order = self._read(claim, lambda w: matters.find_order(w, matter, named))
        message = replace(matter.message, order=order)
        withheld = None if order else self._read(claim, lambda w: matters.withheld(w, matter, named))
        options = self._rules.options(claim.workspace_id)
        result = self._pipeline.triage(message, options)
        before = self._read(claim, lambda w: matters.asked_before(w, matter, result, order))
        if before:
            # Nobody should have to repeat themselves: what was said then is known now.
            recalled = self._read(claim, lambda w: matters.recall(w, before))
            order = order or self._recalled_order(claim, matter, recalled)
            message = replace(message, order=order, asked_before=before, thread=recalled + message.thread)
            result = self._pipeline.triage(message, options)
        if withheld is not None and result.draft is not None:
            result = replace(result, draft=_with_warning(result.draft, withheld))
        self._write(claim, matter, result, order, before)

    def _recalled_order(
        self, claim: Claim, matter: matters.Matter, recalled: Sequence[ThreadMessage]
    ) -> Order | None:  # fmt: skip
        """The order that was spoken of then; None where there were several, for a wrong one is worse than none."""
        named: set[str] = set()
        for part in recalled:
            earlier = InboundMessage(text=part.text[:20_000], channel=matter.message.channel)
            with suppress(InvalidMessage):
                named |= {e.value for e in self._pipeline.entities(earlier) if e.type == "order_number"}
        return self._read(claim, lambda w: matters.find_order(w, matter, list(named))) if len(named) == 1 else None

    def _write(
        self,
        claim: Claim,
        matter: matters.Matter,
        result: TriageResult,
        order: Order | None,
        before: tuple[EarlierMatter, ...],
    ) -> None:
        now = self._clock.now()
        shown = result_json(result, self._bands)

        def work(connection: Connection) -> None:
            workspace = Workspace(connection, claim.workspace_id)
            if not holds(workspace, schema.jobs, claim):
                return
            matters.file_result(workspace, matter, result, shown, order=order, earlier=before, now=now)
            settle(workspace, schema.jobs, claim, state="done", failure=None)

        self._database.write(work)

    def _read(self, claim: Claim, work: Callable[[Workspace], T]) -> T:
        return self._database.read(lambda connection: work(Workspace(connection, claim.workspace_id)))

    def _settle(self, claim: Claim, **values: Any) -> None:
        self._database.write(lambda c: settle(Workspace(c, claim.workspace_id), schema.jobs, claim, **values))

    def _give_up(self, claim: Claim, reason: str) -> None:
        def work(connection: Connection) -> None:
            workspace = Workspace(connection, claim.workspace_id)
            if settle(workspace, schema.jobs, claim, state="failed", failure=reason):
                matters.mark_failed(workspace, claim.row["subject_id"], reason, now=self._clock.now())

        self._database.write(work)


def _with_warning(draft: Draft, number: str) -> Draft:
    """``draft``, for whose agent it is said that the order's facts were kept out of it."""
    detail = f"order {number} was bought by somebody else, so nothing of it is told; check who is writing"
    return replace(draft, policy_warnings=(*draft.policy_warnings, PolicyWarning(rule="other_buyer", detail=detail)))
