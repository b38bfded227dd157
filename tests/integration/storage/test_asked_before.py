"""One customer, one matter, two channels: the second draft knows what was asked and answered on the first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import arrival, in_shop, rows
from tests.unit.api.conftest import pipeline
from triage.contract import Bands
from triage.jobs.triage_job import TriageJob
from triage.storage import drafts, intake, jobs, outbox, schema
from triage.storage.database import Database
from triage.storage.orders import put_order
from triage.storage.workspace import Workspace
from triage.testing import FixedClock
from triage.types import Order, Sender, Sent

ANNA = Sender(email="anna@shop.example", handle="anna")
LATER = NOW + timedelta(days=1)


def receive(database: Database, key: str, text: str, channel: str, at: Any = NOW) -> intake.Received:
    one = arrival(key, channel=channel, sender=ANNA)
    one = replace(one, message=replace(one.message, text=text, received_at=at))
    received = intake.receive(database, "shop", one, now=at)
    job = TriageJob(database, pipeline(), Bands(high=0.8, medium=0.5), FixedClock(at))
    for claim in database.write(lambda c: jobs.claim_jobs(c, now=at)):
        job.run(claim)
    return received


def draft_of(database: Database, received: intake.Received) -> Any:
    return next(row for row in rows(database, schema.drafts) if row["message_id"] == received.message_id)


def answer(database: Database, received: intake.Received, text: str) -> None:
    draft = draft_of(database, received)
    in_shop(database, lambda w: drafts.approve(w, draft["id"], text=text, revision=1, actor="ann", now=NOW))
    (claim,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))

    def leave(workspace: Workspace) -> None:
        reply = outbox.reply_of(workspace, claim)
        outbox.sent(workspace, claim, reply, Sent(provider_id="p"), now=NOW)

    in_shop(database, leave)


def said(database: Database, received: intake.Received) -> Any:
    return next(row for row in rows(database, schema.triages) if row["message_id"] == received.message_id)["result"]


def test_the_second_draft_knows_the_earlier_answer(database: Database) -> None:
    in_shop(database, lambda w: put_order(w, Order(id="TM-10428", status="in_transit"), now=NOW))
    first = receive(database, "m1", "My parcel of order TM-10428 is late, where is it?", "email")
    answer(database, first, "Your parcel waits at 12 Elm Street.")
    second = receive(database, "w1", "My parcel is late, where is it?", "chat", LATER)
    assert second.customer_id == first.customer_id
    assert second.conversation_id != first.conversation_id
    text = draft_of(database, second)["text"]
    assert "our reply of May 4, 2026" in text
    assert "12 Elm Street" not in text
    assert "TM-10428" in text  # named then, so it is neither asked for again nor looked for in vain
    assert "order number" not in text
    (earlier,) = said(database, second)["asked_before"]
    assert earlier["message_id"] == first.message_id
    assert earlier["answered_at"] == NOW.isoformat()


def test_the_second_draft_is_sorry_where_nobody_answered(database: Database) -> None:
    first = receive(database, "m1", "My parcel of order TM-10428 is late, where is it?", "email")
    second = receive(database, "w1", "My parcel is late, where is it?", "chat", LATER)
    text = draft_of(database, second)["text"]
    assert "your earlier message of May 4, 2026, and I am sorry" in text
    assert "order number" not in text
    (earlier,) = said(database, second)["asked_before"]
    assert (earlier["message_id"], earlier["answered_at"]) == (first.message_id, None)
    assert "second contact without an answer" in said(database, second)["urgency"]["reasons"]


def test_of_several_orders_spoken_of_then_none_is_taken(database: Database) -> None:
    for number in ("TM-10428", "TM-10429"):
        in_shop(database, lambda w, n=number: put_order(w, Order(id=n, status="in_transit"), now=NOW))
    receive(database, "m1", "My parcels of orders TM-10428 and TM-10429 are late, where are they?", "email")
    second = receive(database, "w1", "My parcels are late, where are they?", "chat", LATER)
    assert "your earlier message" in draft_of(database, second)["text"]
    assert said(database, second)["order_id"] is None


def test_another_matter_is_not_taken_for_it(database: Database) -> None:
    receive(database, "m1", "Zupełnie inna sprawa: ćwikła, żółw, łąka!", "email")
    second = receive(database, "w1", "My parcel is late, where is it?", "chat", LATER)
    assert said(database, second)["asked_before"] == []
    assert "earlier message" not in draft_of(database, second)["text"]
