"""Drafts: approve, edit, reject, recall. Each checks and changes in one transaction; who comes second gets ``Conflict``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from triage.conversations.approval import DraftState, approval_digest
from triage.errors import Conflict, Unknown
from triage.storage import schema
from triage.storage.columns import clean, new_id
from triage.storage.events import emit, record
from triage.storage.stale import conversations_changed
from triage.storage.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Approved:
    """An approval. ``edited``: the text is not the draft's. ``outbox_id``: the reply on its way."""

    draft_id: str
    outbox_id: str
    revision: int
    sha256: str
    edited: bool


def approve(
    workspace: Workspace, draft_id: str, *, text: str, revision: int, actor: str, now: datetime,
    undo: timedelta = timedelta(0),
) -> Approved:  # fmt: skip
    """Binds exactly ``text`` and the customer's address to one approval and puts it into the outbox.

    Args:
        undo: how long the reply waits in the outbox, where ``recall`` can still stop it.

    Raises:
        Unknown: no such draft here.
        Conflict: ``already_decided``, ``stale_revision``, ``newer_message`` or ``no_recipient``.
    """
    text = clean(text)
    draft, message, conversation = _locked(workspace, draft_id)
    _decidable(draft, revision, message, conversation)
    recipients = recipients_of(message, conversation)
    if not recipients:
        raise Conflict("the channel gave no address to answer to", reason="no_recipient")
    _move(workspace, draft_id, DraftState.APPROVED, frozenset({DraftState.PENDING}), now=now)
    digest, outbox = approval_digest(text, recipients), new_id("out")
    edited = text != draft["text"] or draft["revision"] > 1
    workspace.insert(
        schema.approvals, draft_id=draft_id, revision=revision, text=text, recipients=recipients, sha256=digest,
        edited=edited, actor=actor, created_at=now,
    )  # fmt: skip
    workspace.insert(
        schema.outbox, id=outbox, draft_id=draft_id, conversation_id=draft["conversation_id"],
        channel=conversation["channel"], sha256=digest, state="queued", attempts=0, run_at=now + undo, created_at=now,
        changed_at=now,
    )  # fmt: skip
    conversations_changed(workspace, [draft["conversation_id"]])
    record(
        workspace, "draft.approved", draft_id, actor=actor, now=now, details={"revision": revision, "edited": edited}
    )
    emit(
        workspace, "draft.approved",
        {"draft_id": draft_id, "conversation_id": draft["conversation_id"], "message_id": draft["message_id"],
         "revision": revision, "edited": edited, "approved_by": actor}, now=now,
    )  # fmt: skip
    return Approved(draft_id=draft_id, outbox_id=outbox, revision=revision, sha256=digest, edited=edited)


def reject(
    workspace: Workspace, draft_id: str, *, reason: str, comment: str | None, actor: str, now: datetime
) -> None:  # fmt: skip
    """Puts the draft aside; nothing is sent.

    Raises:
        Unknown: no such draft here.
        Conflict: ``already_decided``.
    """
    draft, _, _ = _locked(workspace, draft_id)
    _pending(draft)
    _move(workspace, draft_id, DraftState.REJECTED, frozenset({DraftState.PENDING}), now=now)
    workspace.insert(schema.rejections, draft_id=draft_id, reason=reason, comment=comment, actor=actor, created_at=now)
    conversations_changed(workspace, [draft["conversation_id"]])
    record(workspace, "draft.rejected", draft_id, actor=actor, now=now, details={"reason": reason})
    emit(
        workspace, "draft.rejected",
        {"draft_id": draft_id, "conversation_id": draft["conversation_id"], "message_id": draft["message_id"],
         "reason": reason, "rejected_by": actor}, now=now,
    )  # fmt: skip


def revise(workspace: Workspace, draft_id: str, *, text: str, revision: int, actor: str, now: datetime) -> int:
    """Saves an edit without approving it; the new revision's number.

    Raises:
        Unknown: no such draft here.
        Conflict: ``already_decided``, ``stale_revision``.
    """
    draft, _, _ = _locked(workspace, draft_id)
    _pending(draft)
    if draft["revision"] != revision:
        raise _stale(draft["revision"])
    table = schema.drafts
    if draft["revision"] == 1:  # the assistant's own words are kept, to tell how much agents change
        _keep_revision(workspace, draft_id, 1, draft["text"], "assistant", draft["created_at"])
    changed = workspace.run(
        workspace.update(table)
        .where(table.c.id == draft_id, table.c.state == DraftState.PENDING, table.c.revision == revision)
        .values(text=text, revision=revision + 1, changed_at=now)
    )
    if not changed:
        raise _stale(None)
    _keep_revision(workspace, draft_id, revision + 1, text, actor, now)
    record(workspace, "draft.revised", draft_id, actor=actor, now=now, details={"revision": revision + 1})
    return revision + 1


def recall(workspace: Workspace, draft_id: str, *, actor: str, now: datetime) -> int:
    """Takes an approved reply back before it leaves; its new revision. The draft can be decided again, unless the customer has
    written meanwhile: then the newer draft takes its place.

    Raises:
        Unknown: no such draft here.
        Conflict: ``already_sent``: it has left, or is leaving.
    """
    table = schema.outbox
    waiting = workspace.delete(table).where(
        table.c.draft_id == draft_id, table.c.state == "queued", table.c.attempts == 0
    )
    stopped = (
        workspace.run(waiting) == 1
    )  # first, as who claims it does: in another order each would wait for the other
    draft, message, conversation = _locked(workspace, draft_id)
    if not stopped:
        raise Conflict("the reply has left or was never approved", reason="already_sent")
    approvals = schema.approvals
    approved = workspace.first(workspace.select(approvals).where(approvals.c.draft_id == draft_id))
    assert approved is not None
    workspace.run(workspace.delete(approvals).where(approvals.c.draft_id == draft_id))
    revision: int = draft["revision"] + 1
    drafts = schema.drafts
    stale = message["seq"] < conversation["last_inbound_seq"]
    state = DraftState.SUPERSEDED if stale else DraftState.PENDING
    workspace.run(
        workspace.update(drafts)
        .where(drafts.c.id == draft_id, drafts.c.state == DraftState.APPROVED)
        .values(state=state, revision=revision, text=approved["text"], changed_at=now)
    )
    if draft["revision"] == 1:
        _keep_revision(workspace, draft_id, 1, draft["text"], "assistant", draft["created_at"])
    _keep_revision(workspace, draft_id, revision, approved["text"], actor, now)
    conversations_changed(workspace, [draft["conversation_id"]])
    record(workspace, "draft.recalled", draft_id, actor=actor, now=now)
    return revision


def recipients_of(message: RowMapping, conversation: RowMapping) -> dict[str, str]:
    """Where an answer goes: back to the address that the message came from, on the same channel."""
    sender: Mapping[str, str] = message["sender"]
    wanted = {
        "email": ("email",), "sms": ("phone",), "whatsapp": ("phone",), "phone": ("phone",),
        "amazon": ("email", "buyer_id"), "ebay": ("email", "buyer_id"), "walmart": ("email", "buyer_id"),
        "allegro": ("buyer_id", "email"), "tokopedia": ("buyer_id", "email"),
    }.get(conversation["channel"], ("handle", "helpdesk_id", "email", "phone", "buyer_id"))  # fmt: skip
    found = next(({name: sender[name]} for name in wanted if sender.get(name)), {})
    if conversation["ref"]:
        found["conversation"] = conversation["ref"]
    return found


def _locked(workspace: Workspace, draft_id: str) -> tuple[RowMapping, RowMapping, RowMapping]:
    """Draft, its message and conversation. The conversation is locked first, as intake does, so that a customer's message
    either comes before the decision and stops it, or after it."""
    drafts, messages, threads = schema.drafts, schema.messages, schema.conversations
    where = workspace.value(workspace.select(drafts, drafts.c.conversation_id).where(drafts.c.id == draft_id))
    if where is None:
        raise Unknown("draft", draft_id)
    conversation = workspace.first(workspace.select(threads).where(threads.c.id == where).with_for_update())
    draft = workspace.first(workspace.select(drafts).where(drafts.c.id == draft_id).with_for_update())
    if draft is None or conversation is None:  # erased in between
        raise Unknown("draft", draft_id)
    message = workspace.first(workspace.select(messages).where(messages.c.id == draft["message_id"]))
    assert message is not None
    return draft, message, conversation


def _pending(draft: RowMapping) -> None:
    if draft["state"] == DraftState.SUPERSEDED:
        raise Conflict("the customer has written again since; see the newer draft", reason="newer_message")
    if draft["state"] != DraftState.PENDING:
        raise Conflict(f"the draft is {draft['state']} already", reason="already_decided")


def _decidable(draft: RowMapping, revision: int, message: RowMapping, conversation: RowMapping) -> None:
    _pending(draft)
    if message["seq"] < conversation["last_inbound_seq"]:
        raise Conflict("the customer has written again since; see the newer draft", reason="newer_message")
    if draft["revision"] != revision:
        raise _stale(draft["revision"])


def _stale(current: int | None) -> Conflict:
    return Conflict(f"the draft was changed meanwhile; it is at revision {current}", reason="stale_revision")


def _move(workspace: Workspace, draft_id: str, to: DraftState, froms: frozenset[DraftState], *, now: datetime) -> None:
    table = schema.drafts
    statement = workspace.update(table).where(table.c.id == draft_id, table.c.state.in_(sorted(froms)))
    if workspace.run(statement.values(state=to, changed_at=now)) != 1:
        raise Conflict("somebody else decided a moment earlier", reason="already_decided")


def _keep_revision(workspace: Workspace, draft_id: str, revision: int, text: str, actor: str, now: datetime) -> None:
    workspace.insert_new(
        schema.draft_revisions, draft_id=draft_id, revision=revision, text=text, actor=actor, created_at=now
    )
