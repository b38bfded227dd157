"""Intake, triage, approval and sending on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, insert
from sqlalchemy.exc import IntegrityError

from tests.integration.storage.conftest import NOW
from triage.conversations.approval import DraftState
from triage.conversations.identity import Identity
from triage.errors import Conflict, SendFailed, Unknown
from triage.storage import customers, drafts, intake, jobs, outbox, schema
from triage.storage.columns import new_id
from triage.storage.database import Database
from triage.storage.workspace import Workspace
from triage.types import Arrival, ArrivalKind, Author, Customer, InboundMessage, Sender, Sent, ThreadMessage


def arrival(key: str = "m1", *, channel: str = "email", sender: Sender | None = None, **more: Any) -> Arrival:
    message = InboundMessage(text=f"Where is my parcel? {key}", channel=channel, received_at=NOW, customer=Customer())
    return Arrival(external_id=key, message=message, sender=sender or Sender(email="Anna@shop.example"), **more)


def rows(database: Database, table: Table, workspace: str = "shop") -> Sequence[Any]:
    return database.read(lambda c: Workspace(c, workspace).rows(Workspace(c, workspace).select(table)))


def in_shop(database: Database, work: Callable[[Workspace], Any]) -> Any:
    return database.write(lambda c: work(Workspace(c, "shop")))


def drafted(database: Database, received: intake.Received, text: str = "On its way.") -> str:
    """A pending draft for a received message, as the triage job leaves one."""
    key = new_id("drf")
    in_shop(
        database,
        lambda w: w.insert(
            schema.drafts, id=key, conversation_id=received.conversation_id, message_id=received.message_id,
            state="pending", revision=1, text=text, language="en", details={}, model_version="m", index_version="i",
            created_at=NOW, changed_at=NOW,
        ),
    )  # fmt: skip
    return key


def approve(database: Database, draft: str, *, text: str = "On its way.", revision: int = 1, actor: str = "ann") -> Any:
    return in_shop(database, lambda w: drafts.approve(w, draft, text=text, revision=revision, actor=actor, now=NOW))


def test_a_repeat_is_the_first_message(database: Database) -> None:
    first, second = (intake.receive(database, "shop", arrival(), now=NOW) for _ in range(2))
    assert not first.duplicate
    assert second.duplicate
    assert second.message_id == first.message_id
    assert len(rows(database, schema.messages)) == len(rows(database, schema.jobs)) == 1


def test_many_deliveries_at_once_make_one_message(database: Database) -> None:
    found: list[intake.Received] = []

    def deliver() -> None:
        found.append(
            intake.receive(database, "shop", arrival("same", channel="chat", sender=Sender(handle="bo")), now=NOW)
        )

    threads = [threading.Thread(target=deliver) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({r.message_id for r in found}) == 1
    assert [r.duplicate for r in found].count(False) == 1
    assert (
        len(rows(database, schema.messages))
        == len(rows(database, schema.customers))
        == len(rows(database, schema.jobs))
        == 1
    )


def test_the_same_id_in_another_workspace_is_another_message(database: Database) -> None:
    ours = intake.receive(database, "shop", arrival(), now=NOW)
    theirs = intake.receive(database, "other", arrival(), now=NOW)
    assert not theirs.duplicate
    assert theirs.customer_id != ours.customer_id


def test_a_reply_header_joins_only_the_same_customers_mail(database: Database) -> None:
    first = intake.receive(database, "shop", arrival("m1", message_ref="<a@shop.example>"), now=NOW)
    same = intake.receive(database, "shop", arrival("m2", replies_to=("<a@shop.example>",)), now=NOW)
    forged = arrival("m3", replies_to=("<a@shop.example>",), sender=Sender(email="eve@evil.example"))
    other = intake.receive(database, "shop", forged, now=NOW)
    token = arrival("m4", conversation_id=first.conversation_id, sender=Sender(email="eve@evil.example"))
    assert same.conversation_id == first.conversation_id
    assert other.conversation_id != first.conversation_id
    assert intake.receive(database, "shop", token, now=NOW).conversation_id != first.conversation_id


def test_an_auto_reply_is_kept_and_not_triaged(database: Database) -> None:
    received = intake.receive(database, "shop", arrival(kind=ArrivalKind.AUTO_REPLY), now=NOW)
    (message,) = rows(database, schema.messages)
    assert (message["id"], message["state"]) == (received.message_id, "ignored")
    assert not rows(database, schema.jobs)


def test_a_bounce_with_our_token_opens_its_conversation_again(database: Database) -> None:
    first = intake.receive(database, "shop", arrival("m1"), now=NOW)
    in_shop(database, lambda w: w.run(w.update(schema.conversations).values(status="waiting")))
    daemon = Sender(email="mailer-daemon@mail.example")
    bounce = arrival("b1", kind=ArrivalKind.BOUNCE, conversation_id=first.conversation_id, sender=daemon)
    assert intake.receive(database, "shop", bounce, now=NOW).conversation_id == first.conversation_id
    (conversation,) = rows(database, schema.conversations)
    assert conversation["status"] == "open"
    assert len(rows(database, schema.customers)) == 1
    other = arrival("b2", kind=ArrivalKind.BOUNCE, conversation_id="cnv_forged", sender=daemon)
    assert intake.receive(database, "shop", other, now=NOW).conversation_id != first.conversation_id


def test_text_that_a_database_refuses_is_kept_with_its_offsets(database: Database) -> None:
    odd = Arrival(external_id="\ud800id\0", message=InboundMessage(text="a\0b\ud800c", channel="chat", received_at=NOW))
    intake.receive(database, "shop", odd, now=NOW)
    assert rows(database, schema.messages)[0]["text"] == "a\ufffdb\ufffdc"


def test_jobs_of_one_conversation_run_in_order_and_others_beside_them(database: Database) -> None:
    for key in ("m1", "m2"):
        intake.receive(database, "shop", arrival(key, channel="chat", sender=Sender(handle="bo")), now=NOW)
    other = intake.receive(database, "shop", arrival("m3", channel="chat", sender=Sender(handle="cy")), now=NOW)
    first = database.write(lambda c: jobs.claim_jobs(c, now=NOW))
    messages = {row["id"]: row["external_id"] for row in rows(database, schema.messages)}
    assert {messages[claim.row["subject_id"]] for claim in first} == {"m1", "m3"}
    assert not database.write(lambda c: jobs.claim_jobs(c, now=NOW))
    assert other.message_id in {claim.row["subject_id"] for claim in first}


def test_a_job_whose_worker_died_is_claimed_again(database: Database) -> None:
    intake.receive(database, "shop", arrival(), now=NOW)
    (dead,) = database.write(lambda c: jobs.claim_jobs(c, now=NOW))
    later = NOW + jobs.LEASE + timedelta(seconds=1)
    (again,) = database.write(lambda c: jobs.claim_jobs(c, now=later))
    assert again.id == dead.id
    assert again.lease != dead.lease
    assert again.attempts == 2


def test_approval_sends_exactly_what_was_approved_once(database: Database) -> None:
    received = intake.receive(database, "shop", arrival(message_ref="<a@shop.example>"), now=NOW)
    draft = drafted(database, received)
    approval = approve(database, draft, text="On its way, Anna.")
    assert approval.edited
    (claim,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))
    reply = database.read(lambda c: outbox.reply_of(Workspace(c, "shop"), claim))
    assert (reply.text, reply.recipients) == ("On its way, Anna.", {"email": "Anna@shop.example"})
    assert reply.replies_to == ("<a@shop.example>",)
    in_shop(database, lambda w: outbox.sent(w, claim, reply, Sent(provider_id="p1"), now=NOW))
    assert rows(database, schema.drafts)[0]["state"] == "sent"
    assert rows(database, schema.conversations)[0]["status"] == "waiting"
    assert [m["direction"] for m in sorted(rows(database, schema.messages), key=lambda m: m["seq"])] == ["in", "out"]
    assert not database.write(lambda c: outbox.claim_replies(c, now=NOW + timedelta(days=1)))


def test_of_two_approvals_one_wins(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    outcomes: list[str] = []

    def decide(actor: str) -> None:
        try:
            approve(database, draft, actor=actor, text=f"from {actor}")
            outcomes.append("won")
        except Conflict as conflict:
            outcomes.append(conflict.reason)

    threads = [threading.Thread(target=decide, args=(f"agent{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_decided"] * 7 + ["won"]
    assert len(rows(database, schema.approvals)) == len(rows(database, schema.outbox)) == 1


def test_a_newer_message_makes_the_draft_stale(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival("m1", channel="chat"), now=NOW))
    newer = arrival("m2", channel="chat", message_ref=None)
    intake.receive(database, "shop", newer, now=NOW)
    with pytest.raises(Conflict) as raised:
        approve(database, draft)
    assert raised.value.reason == "newer_message"
    assert rows(database, schema.drafts)[0]["state"] == DraftState.SUPERSEDED


def test_an_edit_meanwhile_makes_the_revision_stale(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    in_shop(database, lambda w: drafts.revise(w, draft, text="Better.", revision=1, actor="bob", now=NOW))
    with pytest.raises(Conflict) as raised:
        approve(database, draft, revision=1)
    assert raised.value.reason == "stale_revision"
    assert approve(database, draft, text="Better.", revision=2).edited
    assert [r["text"] for r in rows(database, schema.draft_revisions)] == ["On its way.", "Better."]


def test_a_rejected_draft_cannot_be_approved(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    in_shop(database, lambda w: drafts.reject(w, draft, reason="wrong", comment=None, actor="ann", now=NOW))
    with pytest.raises(Conflict):
        approve(database, draft)
    assert not rows(database, schema.outbox)


def test_a_recalled_reply_does_not_leave_and_can_be_decided_again(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    approve(database, draft)
    revision = in_shop(database, lambda w: drafts.recall(w, draft, actor="ann", now=NOW))
    assert not database.write(lambda c: outbox.claim_replies(c, now=NOW))
    approve(database, draft, revision=revision)
    database.write(lambda c: outbox.claim_replies(c, now=NOW))
    with pytest.raises(Conflict) as raised:
        in_shop(database, lambda w: drafts.recall(w, draft, actor="ann", now=NOW))
    assert raised.value.reason == "already_sent"


def test_another_workspaces_draft_is_unknown(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    with pytest.raises(Unknown):
        database.write(
            lambda c: drafts.approve(Workspace(c, "other"), draft, text="x", revision=1, actor="eve", now=NOW)
        )


def test_the_tables_refuse_a_reply_that_nobody_approved(database: Database) -> None:
    received = intake.receive(database, "shop", arrival(), now=NOW)
    draft = drafted(database, received)
    row = {
        "workspace_id": "shop", "id": "out_x", "draft_id": draft, "conversation_id": received.conversation_id,
        "channel": "email", "sha256": "0" * 64, "state": "queued", "attempts": 0, "run_at": NOW, "created_at": NOW,
        "changed_at": NOW,
    }  # fmt: skip
    with pytest.raises(IntegrityError):
        database.write(lambda c: c.execute(insert(schema.outbox), row))
    approve(database, draft)
    with pytest.raises(IntegrityError):  # not even with another text than the approved
        in_shop(database, lambda w: w.run(w.update(schema.outbox).values(sha256="0" * 64)))


def test_a_worker_that_dies_while_sending_leaves_the_reply_uncertain(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    approve(database, draft)
    database.write(lambda c: outbox.claim_replies(c, now=NOW))
    later = NOW + outbox.LEASE + timedelta(seconds=1)
    assert not database.write(lambda c: outbox.claim_replies(c, now=later))
    assert database.write(lambda c: outbox.give_up_on_dead(c, now=later)) == 1
    assert rows(database, schema.outbox)[0]["state"] == rows(database, schema.drafts)[0]["state"] == "uncertain"
    assert not database.write(lambda c: outbox.claim_replies(c, now=later + timedelta(days=9)))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SendFailed("busy", retryable=True, retry_after=30), "queued"),
        (SendFailed("no such mailbox"), "failed"),
        (SendFailed("line lost", uncertain=True, retryable=True), "uncertain"),
    ],
)
def test_what_becomes_of_a_reply_that_did_not_go_out(database: Database, error: SendFailed, state: str) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    approve(database, draft)
    (claim,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))
    in_shop(database, lambda w: outbox.failed(w, claim, error, now=NOW))
    assert rows(database, schema.outbox)[0]["state"] == state
    due = database.write(lambda c: outbox.claim_replies(c, now=NOW + timedelta(seconds=31)))
    assert bool(due) == (state == "queued")


def test_a_failed_write_takes_back_only_itself(database: Database) -> None:
    def broken(workspace: Workspace) -> None:
        workspace.insert(schema.customers, id="c1", created_at=NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        in_shop(database, broken)
    in_shop(database, lambda w: w.insert(schema.customers, id="c2", created_at=NOW))
    assert [row["id"] for row in rows(database, schema.customers)] == ["c2"]


def test_what_no_database_takes_in_a_profile_is_kept_without_harm(database: Database) -> None:
    message = InboundMessage(
        text="Hi", channel="chat", received_at=NOW, customer=Customer(name="A\0nna", locale="x" * 60),
        thread=(ThreadMessage(author=Author.CUSTOMER, text="earlier\0\ud800"),),
    )  # fmt: skip
    odd = Arrival(external_id="m1", message=message, sender=Sender(handle="a\0\ud800", name="A\0nna"))
    intake.receive(database, "shop", odd, now=NOW)
    assert rows(database, schema.messages)[0]["sender"] == {"name": "A\ufffdnna", "handle": "a\ufffd\ufffd"}
    assert rows(database, schema.customers)[0]["locale"] is None


def test_a_person_decides_what_became_of_an_uncertain_reply(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    approve(database, draft)
    with pytest.raises(Conflict):
        in_shop(database, lambda w: outbox.resolve(w, draft, "again", actor="ann", now=NOW))
    (claim,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))
    in_shop(database, lambda w: outbox.failed(w, claim, SendFailed("line lost", uncertain=True), now=NOW))
    in_shop(database, lambda w: outbox.resolve(w, draft, "again", actor="ann", now=NOW))
    (again,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))
    assert again.id == claim.id  # the same idempotency key
    in_shop(database, lambda w: outbox.failed(w, again, SendFailed("line lost", uncertain=True), now=NOW))
    in_shop(database, lambda w: outbox.resolve(w, draft, "arrived", actor="ann", now=NOW))
    assert rows(database, schema.drafts)[0]["state"] == "sent"
    assert sorted(m["direction"] for m in rows(database, schema.messages)) == ["in", "out"]
    with pytest.raises(Unknown):
        database.write(lambda c: outbox.resolve(Workspace(c, "other"), draft, "again", actor="eve", now=NOW))


def test_a_reply_that_failed_can_be_sent_again_but_not_have_arrived(database: Database) -> None:
    draft = drafted(database, intake.receive(database, "shop", arrival(), now=NOW))
    approve(database, draft)
    (claim,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))
    in_shop(database, lambda w: outbox.failed(w, claim, SendFailed("no such mailbox"), now=NOW))
    with pytest.raises(Conflict):
        in_shop(database, lambda w: outbox.resolve(w, draft, "arrived", actor="ann", now=NOW))
    in_shop(database, lambda w: outbox.resolve(w, draft, "again", actor="ann", now=NOW))
    assert rows(database, schema.drafts)[0]["state"] == "approved"


def test_a_customer_made_meanwhile_by_another_process_is_not_made_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL each statement sees what others have committed by then: here, between the first look and the insert."""
    real, theirs = customers.held_owner_of, arrival("theirs")

    def late(workspace: Workspace, identity: Identity) -> str | None:
        found = real(workspace, identity)
        if found is None and not done:
            done.append(True)
            connection = workspace._connection if database.is_sqlite else None
            if connection is not None:  # one writer at a time: the other's rows come by the same connection
                intake.keep(workspace, theirs, now=NOW)
            else:
                intake.receive(database, "shop", theirs, now=NOW)
        return found

    done: list[bool] = []
    monkeypatch.setattr(customers, "held_owner_of", late)
    ours = intake.receive(database, "shop", arrival("ours"), now=NOW)
    (customer,) = rows(database, schema.customers)
    assert ours.customer_id == customer["id"]
    assert len(rows(database, schema.identities)) == 1
