"""``/conversations/{id}``: what was said, who says it, what the assistant made of it; and the agent's decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import RowMapping

from api.inbox.i18n import N_, Sentence
from api.inbox.preview import preview_of
from api.inbox.rendering import HEADERS, address_of, missing, page
from api.inbox.seat import Seat, SignedIn
from triage.errors import Unknown
from triage.models.taxonomy import INTENTS
from triage.settings import LANGUAGES
from triage.storage import conversations, customers, desk, handling, presence
from triage.storage.filters import Filter
from triage.storage.orders import order_of
from triage.storage.timeline import timeline
from triage.storage.workspace import Workspace
from triage.types import URGENCIES, Order

router = APIRouter(include_in_schema=False)

MOST_ENTRIES = 100
"""Messages of a customer that the whole timeline shows."""
REASONS = ("wrong_answer", "wrong_language", "wrong_tone", "facts_missing", "no_reply_needed", "other")
DONE = {
    "approved": N_("Approved. The reply is on its way out."),
    "saved": N_("The edit is saved; nothing was sent."),
    "rejected": N_("Rejected; nothing is sent."),
    "recalled": N_("Taken back; nothing was sent. The draft can be decided again."),
    "resolved": N_("Noted."),
    "corrected": N_("The correction is kept."),
    "unchanged": N_("Nothing was changed."),
    "assigned": N_("Assigned."),
    "closed": N_("Closed. It opens by itself when the customer writes again."),
    "reopened": N_("Open again."),
    "no_agent": N_("No agent here has this login; nothing was changed."),
}
"""What a page says after a decision, by the word in its address."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message of the timeline. ``elsewhere``: the other conversation that it stands in, None in this one's."""

    row: RowMapping
    entities: list[Mapping[str, Any]]
    thread: list[Mapping[str, Any]]
    files: list[RowMapping]
    elsewhere: str | None = None


@dataclass(frozen=True, kw_only=True)
class View:
    """All that the page shows, read in one transaction.

    Attributes:
        said: the timeline, oldest first; ``cut``: it goes back further than is shown.
        focus: the newest message of the customer that the assistant reads, None where there is none.
        draft: the one to decide, or the one that was decided last; ``decision`` what became of it.
        order: the one that the newest message is about.
        others: the customer's other conversations.
        viewers: which other agents have the conversation open.
    """

    stored: conversations.StoredConversation
    said: list[Said]
    cut: bool
    focus: conversations.StoredMessage | None
    draft: RowMapping | None
    decision: desk.Decision | None
    corrections: Mapping[str, Mapping[str, Any]]
    profile: customers.Profile
    order: Order | None
    others: tuple[desk.QueueRow, ...]
    viewers: tuple[str, ...]
    colleagues: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a decision was not taken; ``text`` is what the agent had written, which must not be lost."""

    words: str | Sentence
    text: str | None = None
    status: int = 409


@router.get("/conversations/{conversation_id}")
def show(
    conversation_id: str, request: Request, seat: SignedIn, done: str = "",
    whole: Annotated[bool, Query(alias="all")] = False,
) -> Response:  # fmt: skip
    return conversation_page(request, seat, conversation_id, done=DONE.get(done), whole=whole)


@router.get("/conversations/{conversation_id}/state")
def state(conversation_id: str, seat: SignedIn) -> Response:
    """How the conversation stands, for a page that is open: numbers and names, no text."""

    def read(workspace: Workspace) -> dict[str, Any]:
        stored = conversations.get_conversation(workspace, conversation_id)
        focus, draft = _newest(stored)
        there = presence.viewers(workspace, now=seat.now, among=[conversation_id]).get(conversation_id, ())
        return {
            "last": stored.row["next_seq"] - 1, "asked": stored.row["last_inbound_seq"],
            "reading": focus is not None and focus.row["state"] == "received",
            "draft": f"{draft['id']} {draft['revision']}" if draft else "", "state": draft["state"] if draft else "",
            "status": stored.row["status"], "assignee": stored.row["assignee"] or "",
            "viewers": [login for login in there if login != seat.login],
        }  # fmt: skip

    try:
        return JSONResponse(seat.read(read), headers={"Cache-Control": HEADERS["Cache-Control"]})
    except Unknown:
        return JSONResponse({"gone": True}, 404)


def conversation_page(
    request: Request, seat: Seat, conversation_id: str, *, done: str | None = None, trouble: Trouble | None = None,
    whole: bool = False,
) -> Response:  # fmt: skip
    """The conversation; after a decision with what became of it, ``whole`` with all that the customer ever wrote."""
    try:
        view = seat.read(lambda w: _read(w, conversation_id, seat, whole=whole))
    except Unknown:
        return missing(seat, "conversation")
    draft, focus = view.draft, view.focus
    policy = request.app.state.policies[view.stored.row["channel"]]
    text, preview = None, None
    if draft is not None and focus is not None:
        text = draft["text"] if trouble is None or trouble.text is None else trouble.text
        preview = preview_of(text, draft, focus, policy)
    label = dict(view.corrections.get(focus.row["id"], {})) if focus else {}
    result = focus.triage if focus else None
    shown = {} if result is None else {
        "intent": label.get("intents", [result["intent"]["name"]])[0],
        "urgency": label.get("urgency", result["urgency"]["level"]),
        "language": label.get("language", result["language"]["code"]),
    }  # fmt: skip
    leaves = view.decision.leaves_at if view.decision and view.decision.recallable else None
    answer = page(
        "conversation.html", seat, trouble.status if trouble else 200, view=view, row=view.stored.row, draft=draft,
        focus=focus, result=result, shown=shown, label=label, text=text, trouble=trouble, done=done, policy=policy,
        preview=preview, now=seat.now, intents=INTENTS, urgencies=[str(u) for u in URGENCIES], whole=whole,
        languages=LANGUAGES, reasons=REASONS, leaves=max(0, round((leaves - seat.now).total_seconds())) if leaves else None,
        since=int(seat.now.timestamp() * 1000),
    )  # fmt: skip
    # Browsers that know how to fetch the next conversation while this one is read; what changes meanwhile is told to the page.
    answer.headers["Speculation-Rules"] = f'"{address_of("ahead.json")}"'
    return answer


def _newest(stored: conversations.StoredConversation) -> tuple[conversations.StoredMessage | None, RowMapping | None]:
    """The newest message that the assistant reads, and the newest draft."""
    read = [m for m in stored.messages if m.row["direction"] == "in" and m.row["state"] != "ignored"]
    written = [m.draft for m in read if m.draft is not None]
    return read[-1] if read else None, written[-1] if written else None


def _read(workspace: Workspace, conversation_id: str, seat: Seat, *, whole: bool) -> View:
    stored = conversations.get_conversation(workspace, conversation_id)
    focus, draft = _newest(stored)
    decided = desk.decisions(workspace, [draft["id"]]) if draft is not None else {}
    customer = stored.row["customer_id"]
    others = desk.queue(workspace, Filter(customer=customer), limit=20, cursor=None).rows
    number = (focus.triage or {}).get("order_id") or focus.row["order_id"] if focus else None
    said, cut = _everything(workspace, stored) if whole else (_own(workspace, stored), False)
    there = presence.viewers(workspace, now=seat.now, among=[conversation_id]).get(conversation_id, ())
    return View(
        stored=stored, said=said, cut=cut, focus=focus, draft=draft,
        decision=decided.get(draft["id"]) if draft is not None else None,
        corrections=desk.corrections(workspace, [focus.row["id"]] if focus else []),
        profile=customers.profile(workspace, customer), order=order_of(workspace, number) if number else None,
        others=tuple(row for row in others if row.conversation["id"] != conversation_id),
        viewers=tuple(login for login in there if login != seat.login), colleagues=handling.colleagues(workspace),
    )  # fmt: skip


def _own(workspace: Workspace, stored: conversations.StoredConversation) -> list[Said]:
    files = desk.files(workspace, [m.row["id"] for m in stored.messages])
    return [
        Said(
            row=m.row, entities=m.triage["entities"] if m.triage else [], thread=m.row["thread"],
            files=files.get(m.row["id"], []),
        )
        for m in stored.messages
    ]  # fmt: skip


def _everything(workspace: Workspace, stored: conversations.StoredConversation) -> tuple[list[Said], bool]:
    """All that was said with the customer on every channel, oldest first; and whether there is more."""
    found = timeline(workspace, stored.row["customer_id"], limit=MOST_ENTRIES)
    said = [
        Said(
            row=entry.message, entities=entry.triage["result"]["entities"] if entry.triage else [], thread=[],
            files=list(entry.attachments),
            elsewhere=None if entry.message["conversation_id"] == stored.row["id"] else entry.message["conversation_id"],
        )
        for entry in reversed(found.entries)
    ]  # fmt: skip
    return said, found.cursor is not None
