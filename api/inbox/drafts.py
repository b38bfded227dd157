"""The agent's decisions: approve, save, reject, take back a draft; correct what the assistant read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.inbox.conversation import REASONS, Trouble, conversation_page
from api.inbox.i18n import N_, Sentence
from api.inbox.preview import preview_of
from api.inbox.rendering import missing, page
from api.inbox.seat import Posted, Seat, SignedIn
from triage.errors import Conflict, Unknown
from triage.models.taxonomy import INTENTS
from triage.settings import LANGUAGES
from triage.storage import conversations, drafts, outbox
from triage.storage.workspace import Workspace
from triage.storage.workspaces import read_settings
from triage.types import URGENCIES

router = APIRouter(include_in_schema=False)

UNDO = timedelta(seconds=10)
"""How long a reply that is approved here waits, where the workspace does not say: a person clicks faster than they think."""
MOST_TEXT = 64_000


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


@router.post("/drafts/{draft_id}/preview")
def preview(draft_id: str, request: Request, seat: SignedIn, form: Posted) -> Response:
    """The text as it would be sent, with what it rests on and what is wrong with it, for a page that is being edited."""
    text = _text(form)[:MOST_TEXT]

    def read(workspace: Workspace) -> Any:
        draft = conversations.get_draft(workspace, draft_id)
        return draft, conversations.get_message(workspace, draft["message_id"])

    try:
        draft, message = seat.read(read)
    except Unknown:
        return missing(seat, "draft")
    policy = request.app.state.policies[message.row["channel"]]
    return page("preview.html", seat, preview=preview_of(text, draft, message, policy), draft=draft)


def _changed(form: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    value = form.get(name, "")
    return value if value in known and value != form.get(f"shown_{name}") else None


def _text(form: Mapping[str, str]) -> str:
    """A form's line breaks are CR LF whatever was typed (HTML, form submission); a reply has LF."""
    return form.get("text", "").replace("\r\n", "\n").replace("\r", "\n")


def _decide(request: Request, seat: Seat, draft_id: str, form: Mapping[str, str], work: Any, *, done: str) -> Response:
    """``work`` with the form's text and revision."""
    text = _text(form)
    revision = form.get("revision", "")
    if not text.strip():
        return _refused(
            request, seat, draft_id, Trouble(words=N_("An empty reply cannot be sent."), text=text, status=422)
        )
    if len(text) > MOST_TEXT:
        words = Sentence(
            N_("The reply has %(count)s characters; %(most)s can be sent."), count=len(text), most=MOST_TEXT
        )
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
    "already_decided": N_("Somebody else decided on this draft a moment earlier. Nothing was done twice."),
    "stale_revision": N_(
        "Somebody changed this draft while you worked on it. Nothing was sent; your text is kept below. "
        "Compare both, then approve yours or take theirs."
    ),
    "newer_message": N_(
        "The customer has written again. Nothing was sent; your text is kept below. Read the new message, then decide."
    ),
    "already_sent": N_("The reply has left already; it cannot be taken back."),
    "not_open": N_("This reply waits for nobody's decision any more."),
    "no_recipient": N_("The channel gave no address to answer to, so nothing was sent."),
}


def _refused(request: Request, seat: Seat, draft_id: str, trouble: Trouble) -> Response:
    try:
        draft = seat.read(lambda w: conversations.get_draft(w, draft_id))
    except Unknown:
        return missing(seat, "draft")
    return conversation_page(request, seat, draft["conversation_id"], trouble=trouble)


def _back(conversation_id: str, done: str) -> Response:
    # 303: a reload shows the page again and repeats no decision.
    return RedirectResponse(f"/conversations/{conversation_id}?done={done}", 303)
