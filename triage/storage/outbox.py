"""Approved replies on their way out, and what became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from triage.conversations.approval import DraftState, approval_digest, before
from triage.errors import Conflict, SendFailed, Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.events import emit, record
from triage.storage.leases import Claim, back_off, claim, settle
from triage.storage.stale import conversations_changed
from triage.storage.workspace import Workspace
from triage.types import Reply, Sent

Outcome = Literal["arrived", "again"]

LEASE = timedelta(minutes=3)
MOST_ATTEMPTS = 8


def claim_replies(connection: Connection, *, now: datetime, most: int = 8) -> list[Claim]:
    """Replies to send now. One that was being sent when its worker died is not among them: see ``give_up_on_dead``."""
    claims = claim(connection, schema.outbox, working="sending", now=now, lease=LEASE, most=most, resume=False)
    for found in claims:
        _move(Workspace(connection, found.workspace_id), found.row["draft_id"], DraftState.SENDING, now)
    return claims


def give_up_on_dead(connection: Connection, *, now: datetime) -> int:
    """Replies whose worker died while it sent them become ``uncertain``: the provider may have them; how many."""
    table = schema.outbox
    dead = claim(
        connection,
        table,
        working="sending",
        now=now,
        lease=LEASE,
        most=100,
        only=table.c.state == "sending",
        resume=True,
    )
    for found in dead:
        failed(
            Workspace(connection, found.workspace_id), found,
            SendFailed("the worker stopped while it was sending", uncertain=True), now=now,
        )  # fmt: skip
    return len(dead)


def reply_of(workspace: Workspace, claim: Claim) -> Reply:
    """What exactly goes out: the approved bytes to the approved recipients.

    Raises:
        SendFailed: they are not what was approved; nothing may be sent.
    """
    approvals, threads, messages = schema.approvals, schema.conversations, schema.messages
    approved = workspace.first(workspace.select(approvals).where(approvals.c.draft_id == claim.row["draft_id"]))
    conversation = workspace.first(workspace.select(threads).where(threads.c.id == claim.row["conversation_id"]))
    if approved is None or conversation is None:
        raise SendFailed("the approval is gone")
    if approval_digest(approved["text"], approved["recipients"]) != claim.row["sha256"]:
        raise SendFailed("the text or the recipients are not those that were approved")
    refs = workspace.tuples(
        workspace.select(messages, messages.c.message_ref)
        .where(messages.c.conversation_id == conversation["id"], messages.c.message_ref.is_not(None))
        .order_by(messages.c.seq)
    )
    return Reply(
        id=claim.id, conversation_id=conversation["id"], channel=conversation["channel"], text=approved["text"],
        recipients=dict(approved["recipients"]), subject=conversation["subject"], conversation_ref=conversation["ref"],
        replies_to=tuple(row[0] for row in refs),
    )  # fmt: skip


def sent(workspace: Workspace, claim: Claim, reply: Reply, result: Sent, *, now: datetime) -> None:
    """Files the reply in its conversation and stops the clock."""
    if not settle(
        workspace, schema.outbox, claim, state="sent", provider_id=result.provider_id, failure=None, changed_at=now
    ):
        return  # declared uncertain meanwhile; a person decides
    _file(workspace, claim, reply, message_ref=result.message_ref, actor="system", now=now)


def resolve(workspace: Workspace, draft_id: str, outcome: Outcome, *, actor: str, now: datetime) -> DraftState:
    """What a person found out about a reply that is uncertain, or did not go out: it has arrived, or is to be sent again.

    Raises:
        Unknown: no such reply here.
        Conflict: ``not_open``: it waits for nobody's decision.
    """
    table = schema.outbox
    row = workspace.first(workspace.select(table).where(table.c.draft_id == draft_id).with_for_update())
    if row is None:
        raise Unknown("reply", draft_id)
    allowed = ("uncertain",) if outcome == "arrived" else ("uncertain", "failed")
    if row["state"] not in allowed:
        raise Conflict(f"the reply is {row['state']}; nothing is to be decided", reason="not_open")
    claim = Claim(workspace_id=workspace.id, id=row["id"], lease="", attempts=row["attempts"], row=dict(row))
    mine = workspace.update(table).where(table.c.id == row["id"])
    if outcome == "arrived":
        reply = reply_of(workspace, claim)
        workspace.run(mine.values(state="sent", failure=None, changed_at=now))
        _file(workspace, claim, reply, message_ref=None, actor=actor, now=now)
        return DraftState.SENT
    workspace.run(mine.values(state="queued", attempts=0, run_at=now, failure=None, changed_at=now))
    _move(workspace, draft_id, DraftState.APPROVED, now)
    record(workspace, "reply.again", draft_id, actor=actor, now=now)
    return DraftState.APPROVED


def _file(
    workspace: Workspace, claim: Claim, reply: Reply, *, message_ref: str | None, actor: str, now: datetime
) -> None:  # fmt: skip
    """The reply as a message of its conversation, whose clock stops where nothing newer waits."""
    _move(workspace, claim.row["draft_id"], DraftState.SENT, now)
    table = schema.conversations
    drafts, messages = schema.drafts, schema.messages
    answered = workspace.value(
        workspace.join(workspace.select(drafts, messages.c.seq), messages, messages.c.id == drafts.c.message_id)
        .where(drafts.c.id == claim.row["draft_id"])
    )  # fmt: skip
    row = workspace.first(
        workspace.update(table).where(table.c.id == reply.conversation_id)
        .values(next_seq=table.c.next_seq + 1, answered_at=now)
        .returning(table.c.next_seq, table.c.last_inbound_seq)
    )  # fmt: skip
    assert row is not None
    if answered is not None and answered >= row["last_inbound_seq"]:
        # Nothing newer waits, so the clock stops; what somebody closed meanwhile stays closed.
        workspace.run(
            workspace.update(table)
            .where(table.c.id == reply.conversation_id, table.c.status != "closed")
            .values(status="waiting", due_at=None, warned_at=None)
        )
    workspace.insert(
        messages, id=new_id("msg"), conversation_id=reply.conversation_id, seq=row["next_seq"] - 1, direction="out",
        channel=reply.channel, external_id=f"out:{claim.id}", message_ref=message_ref, sender={},
        subject=reply.subject, text=reply.text, thread=[], headers={}, received_at=now, stored_at=now, state="sent",
        draft_id=claim.row["draft_id"],
    )  # fmt: skip
    conversations_changed(workspace, [reply.conversation_id])
    record(workspace, "reply.sent", claim.row["draft_id"], actor=actor, now=now)
    emit(workspace, "reply.sent", _data(claim, reply.conversation_id), now=now)


def failed(workspace: Workspace, claim: Claim, error: SendFailed, *, now: datetime) -> None:
    """Tries again later, or gives up and says so; an uncertain one is never repeated by itself."""
    again = error.may_retry and not error.uncertain and claim.attempts < MOST_ATTEMPTS
    reason = str(error)[:200]
    if again:
        wait = timedelta(seconds=error.retry_after) if error.retry_after is not None else back_off(claim.attempts)
        if settle(workspace, schema.outbox, claim, state="queued", run_at=now + wait, failure=reason, changed_at=now):
            _move(workspace, claim.row["draft_id"], DraftState.APPROVED, now)
        return
    state = DraftState.UNCERTAIN if error.uncertain else DraftState.FAILED
    if not settle(workspace, schema.outbox, claim, state=str(state), failure=reason, changed_at=now):
        return
    _move(workspace, claim.row["draft_id"], state, now)
    record(workspace, "reply.failed", claim.row["draft_id"], actor="system", now=now, details={"reason": reason})
    data = _data(claim, claim.row["conversation_id"]) | {"uncertain": error.uncertain, "reason": reason}
    emit(workspace, "reply.failed", data, now=now)


def _data(claim: Claim, conversation: str) -> dict[str, object]:
    return {"draft_id": claim.row["draft_id"], "conversation_id": conversation, "channel": claim.row["channel"]}


def _move(workspace: Workspace, draft_id: str, to: DraftState, now: datetime) -> None:
    table = schema.drafts
    statement = workspace.update(table).where(table.c.id == draft_id, table.c.state.in_(sorted(before(to))))
    workspace.run(statement.values(state=to, changed_at=now))
