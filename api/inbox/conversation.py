"""``/conversations/{id}``: what was said, who says it, what the assistant made of it; and the agent's decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import RowMapping

from api.inbox.rendering import missing, page
from api.inbox.seat import Posted, Seat, SignedIn
from triage.drafting.segments import sms_segments
from triage.errors import Conflict, Unknown
from triage.models.taxonomy import INTENTS
from triage.settings import LANGUAGES
from triage.storage import conversations, customers, desk, drafts, outbox
from triage.storage.orders import order_of
from triage.storage.workspace import Workspace
from triage.storage.workspaces import read_settings
from triage.types import URGENCIES, Order

router = APIRouter(include_in_schema=False)

UNDO = timedelta(seconds=10)
"""How long a reply that is approved here waits, where the workspace does not say: a person clicks faster than they think."""
MOST_TEXT = 64_000
REASONS = ("wrong_answer", "wrong_language", "wrong_tone", "facts_missing", "no_reply_needed", "other")
DONE = {
    "approved": "Approved. The reply is on its way out.",
    "saved": "The edit is saved; nothing was sent.",
    "rejected": "Rejected; nothing is sent.",
    "recalled": "Taken back; nothing was sent. The draft can be decided again.",
    "resolved": "Noted.",
    "corrected": "The correction is kept.",
    "unchanged": "Nothing was changed.",
}
"""What a page says after a decision, by the word in its address."""


@dataclass(frozen=True, kw_only=True)
class View:
    """All that the page shows, read in one transaction.

    Attributes:
        focus: the newest message of the customer that the assistant reads, None where there is none.
        draft: the one to decide, or the one that was decided last; ``decision`` what became of it.
        order: the one that the newest message is about.
        others: the customer's other conversations.
    """

    stored: conversations.StoredConversation
    focus: conversations.StoredMessage | None
    draft: RowMapping | None
    decision: desk.Decision | None
    corrections: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, list[RowMapping]]
    profile: customers.Profile
    order: Order | None
    others: tuple[desk.QueueRow, ...]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a decision was not taken; ``text`` is what the agent had written, which must not be lost."""

    words: str
    text: str | None = None
    status: int = 409


@router.get("/conversations/{conversation_id}")
def show(conversation_id: str, request: Request, seat: SignedIn, done: str = "") -> Response:
    return _page(request, seat, conversation_id, done=DONE.get(done))


@router.post("/drafts/{draft_id}/approve")
def approve(draft_id: str, request: Request, seat: SignedIn, form: Posted) -> Response:
    """Sends exactly what stands in the form."""

    def work(workspace: Workspace, text: str, revision: int) -> None:
        undo = UNDO if read_settings(workspace).values.get("undo_seconds") is None else read_settings(workspace).undo
        drafts.approve(workspace, draft_id, text=text, revision=revision, actor=seat.actor, now=seat.now, undo=undo)

    answer = _decide(request, seat, draft_id, form, work, done="approved")
    request.app.state.wake()
    return answer


@router.post("/drafts/{draft_id}/save")
def save(draft_id: str, request: Request, seat: SignedIn, form: Posted) -> Response:
    """Keeps an edit without sending it."""

    def work(workspace: Workspace, text: str, revision: int) -> None:
        drafts.revise(workspace, draft_id, text=text, revision=revision, actor=seat.actor, now=seat.now)

    return _decide(request, seat, draft_id, form, work, done="saved")


@router.post("/drafts/{draft_id}/reject")
def reject(draft_id: str, request: Request, seat: SignedIn, form: Posted) -> Response:
    reason, comment = form.get("reason", ""), form.get("comment", "").strip()[:2000]

    def work(workspace: Workspace) -> None:
        drafts.reject(
            workspace, draft_id, reason=reason if reason in REASONS else "other", comment=comment or None,
            actor=seat.actor, now=seat.now,
        )  # fmt: skip

    return _change(request, seat, draft_id, work, done="rejected")


@router.post("/drafts/{draft_id}/undo")
def undo(draft_id: str, request: Request, seat: SignedIn, form: Posted) -> Response:
    """Takes an approved reply back while it has not left."""

    def work(workspace: Workspace) -> None:
        drafts.recall(workspace, draft_id, actor=seat.actor, now=seat.now)

    return _change(request, seat, draft_id, work, done="recalled")


@router.post("/drafts/{draft_id}/resolve")
def resolve(draft_id: str, request: Request, seat: SignedIn, form: Posted) -> Response:
    """What the agent found out about a reply that may have left, or did not."""
    outcome: outbox.Outcome = "arrived" if form.get("outcome") == "arrived" else "again"

    def work(workspace: Workspace) -> None:
        outbox.resolve(workspace, draft_id, outcome, actor=seat.actor, now=seat.now)

    answer = _change(request, seat, draft_id, work, done="resolved")
    request.app.state.wake()
    return answer


@router.post("/messages/{message_id}/labels")
def correct(message_id: str, request: Request, seat: SignedIn, form: Posted) -> Response:
    """Keeps what the agent changed of intent, urgency and language; what they left as it stood is no statement of theirs."""
    intent = _changed(form, "intent", INTENTS)
    urgency = _changed(form, "urgency", tuple(str(level) for level in URGENCIES))
    language = _changed(form, "language", LANGUAGES)

    def work(workspace: Workspace) -> str:
        found: str = conversations.get_message(workspace, message_id).row["conversation_id"]
        if intent or urgency or language:
            conversations.correct(
                workspace, message_id, intents=[intent] if intent else [], urgency=urgency, language=language,
                actor=seat.actor, now=seat.now,
            )  # fmt: skip
        return found

    try:
        conversation_id = seat.write(work)
    except Unknown:
        return missing(seat, "message")
    return _back(conversation_id, "corrected" if intent or urgency or language else "unchanged")


def _changed(form: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    value = form.get(name, "")
    return value if value in known and value != form.get(f"shown_{name}") else None


def _decide(request: Request, seat: Seat, draft_id: str, form: Mapping[str, str], work: Any, *, done: str) -> Response:
    """``work`` with the form's text and revision."""
    # A form's line breaks are CR LF whatever was typed (HTML, form submission); a reply has LF.
    text = form.get("text", "").replace("\r\n", "\n").replace("\r", "\n")
    revision = form.get("revision", "")
    if not text.strip():
        return _refused(request, seat, draft_id, Trouble(words="An empty reply cannot be sent.", text=text, status=422))
    if len(text) > MOST_TEXT:
        words = f"The reply has {len(text)} characters; {MOST_TEXT} can be sent."
        return _refused(request, seat, draft_id, Trouble(words=words, text=text, status=422))
    number = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0
    return _change(request, seat, draft_id, lambda w: work(w, text, number), done=done, text=text)


def _change(
    request: Request, seat: Seat, draft_id: str, work: Any, *, done: str, text: str | None = None
) -> Response:  # fmt: skip
    """``work`` on the draft, and back to its conversation; where it came too late, the page that says so."""

    def whole(workspace: Workspace) -> str:
        found: str = conversations.get_draft(workspace, draft_id)["conversation_id"]
        work(workspace)
        return found

    try:
        return _back(seat.write(whole), done)
    except Unknown:
        return missing(seat, "draft")
    except Conflict as error:
        words = _TOO_LATE.get(error.reason, f"{error}.")
        return _refused(request, seat, draft_id, Trouble(words=words, text=text))


_TOO_LATE = {
    "already_decided": "Somebody else decided on this draft a moment earlier. Nothing was done twice.",
    "stale_revision": "Somebody changed this draft while you worked on it. Nothing was sent; your text is kept below. "
    "Compare both, then approve yours or take theirs.",
    "newer_message": "The customer has written again. Nothing was sent; your text is kept below. Read the new message, then "
    "decide.",
    "already_sent": "The reply has left already; it cannot be taken back.",
    "not_open": "This reply waits for nobody's decision any more.",
    "no_recipient": "The channel gave no address to answer to, so nothing was sent.",
}


def _refused(request: Request, seat: Seat, draft_id: str, trouble: Trouble) -> Response:
    try:
        draft = seat.read(lambda w: conversations.get_draft(w, draft_id))
    except Unknown:
        return missing(seat, "draft")
    return _page(request, seat, draft["conversation_id"], trouble=trouble)


def _back(conversation_id: str, done: str) -> Response:
    # 303: a reload shows the page again and repeats no decision.
    return RedirectResponse(f"/conversations/{conversation_id}?done={done}", 303)


def _page(
    request: Request, seat: Seat, conversation_id: str, *, done: str | None = None, trouble: Trouble | None = None
) -> Response:  # fmt: skip
    try:
        view = seat.read(lambda w: _read(w, conversation_id))
    except Unknown:
        return missing(seat, "conversation")
    draft, focus = view.draft, view.focus
    text = None
    if draft is not None:
        text = draft["text"] if trouble is None or trouble.text is None else trouble.text
    policy = request.app.state.policies[view.stored.row["channel"]]
    label = dict(view.corrections.get(focus.row["id"], {})) if focus else {}
    result = focus.triage if focus else None
    shown = {} if result is None else {
        "intent": label.get("intents", [result["intent"]["name"]])[0],
        "urgency": label.get("urgency", result["urgency"]["level"]),
        "language": label.get("language", result["language"]["code"]),
    }  # fmt: skip
    leaves = view.decision.leaves_at if view.decision and view.decision.recallable else None
    return page(
        "conversation.html", seat, trouble.status if trouble else 200, view=view, row=view.stored.row, draft=draft,
        focus=focus, result=result, shown=shown, label=label, text=text, trouble=trouble, done=done, policy=policy,
        segments=sms_segments(text or ""), now=seat.now, intents=INTENTS, urgencies=[str(u) for u in URGENCIES],
        languages=LANGUAGES, reasons=REASONS, leaves=max(0, round((leaves - seat.now).total_seconds())) if leaves else None,
    )  # fmt: skip


def _read(workspace: Workspace, conversation_id: str) -> View:
    stored = conversations.get_conversation(workspace, conversation_id)
    read = [m for m in stored.messages if m.row["direction"] == "in" and m.row["state"] != "ignored"]
    focus = read[-1] if read else None
    written = [m.draft for m in read if m.draft is not None]
    draft = written[-1] if written else None
    ids = [m.row["id"] for m in stored.messages]
    decided = desk.decisions(workspace, [draft["id"]]) if draft is not None else {}
    customer = stored.row["customer_id"]
    others = desk.queue(workspace, conversations.Filter(customer=customer), limit=20, cursor=None).rows
    number = (focus.triage or {}).get("order_id") or focus.row["order_id"] if focus else None
    return View(
        stored=stored, focus=focus, draft=draft, decision=decided.get(draft["id"]) if draft is not None else None,
        corrections=desk.corrections(workspace, ids), files=desk.files(workspace, ids),
        profile=customers.profile(workspace, customer), order=order_of(workspace, number) if number else None,
        others=tuple(row for row in others if row.conversation["id"] != conversation_id),
    )  # fmt: skip
