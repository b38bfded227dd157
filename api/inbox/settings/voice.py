"""``/settings/workspace``: the brand, how its replies sound, its languages, and how long an approved reply waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.inbox.rendering import page
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings.forms import Fields, Sent, Words, back, complaint, show
from api.problems import Problem
from api.v1.workspace.endpoints import apply
from api.v1.workspace.schemas import SettingsBody
from triage.errors import InvalidMessage
from triage.pipeline import TriageOptions, TriagePipeline
from triage.sample.data import sample_inbox, sample_messages
from triage.storage.events import record
from triage.storage.workspace import Workspace
from triage.storage.workspaces import WorkspaceSettings, change_settings, read_settings
from triage.types import Draft, InboundMessage, Voice

router = APIRouter()

SAMPLES = 2
TRIED = 4
"""Sample messages of a language that are tried, until one has a good answer."""
MOST_DAYS = 3650
PREFERRED = ("return_item", "shipping_options", "refund_status", "track_order", "delivery_late")
"""Of sample messages, those whose answers show most of a voice."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a reply in one language would look like."""

    language: str
    message: InboundMessage
    draft: Draft


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What stands in the form."""

    brand: str
    languages: tuple[str, ...]
    informal: bool
    signatures: Mapping[str, str]
    undo_seconds: str
    review_days: str

    @property
    def voice(self) -> Voice:
        return Voice(signatures={"": self.brand, **self.signatures}, informal=self.informal)


@cache
def spoken() -> tuple[str, ...]:
    """Languages that drafts are written in."""
    folder = files("triage.drafting") / "phrases"
    names = (entry.name for entry in folder.iterdir() if entry.is_file())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@router.get("/settings/workspace")
def read(request: Request, seat: LeadSignedIn, done: str = "") -> Response:
    return _page(request, seat, stored(seat.read(read_settings)), done=done)


@router.post("/settings/workspace")
def change(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    shown = filled_in(form)
    try:
        save(request, seat, shown)
    except (ValidationError, Problem) as error:
        return _page(request, seat, shown, trouble=complaint(error))
    return back("/settings/workspace", "saved")


@router.post("/settings/workspace/sample")
def sample(request: Request, seat: LeadSignedIn, form: Sent) -> Response:
    """The sample replies alone, for the script that shows them while somebody types."""
    shown = filled_in(form)
    return page("settings/samples.html", seat, samples=samples(request, seat, shown.languages, shown.voice))


def stored(settings: WorkspaceSettings) -> Shown:
    """The settings as the form shows them."""
    values, kept = settings.values, settings.values.get("voice") or {}
    languages = values.get("languages") or ()
    return Shown(
        brand=settings.brand, languages=tuple(code for code in languages if code in spoken()),
        informal=settings.voice.informal, signatures=kept.get("signatures", {}),
        undo_seconds=_number(values.get("undo_seconds")), review_days=_number(values.get("review_days")),
    )  # fmt: skip


def filled_in(form: Fields) -> Shown:
    """The form as it was sent."""
    signatures = {code: form.raw(f"signature_{code}").strip() for code in ("", *spoken())}
    return Shown(
        brand=form.text("brand"), languages=tuple(code for code in spoken() if code in form.every("language")),
        informal=form.text("address") == "informal",
        signatures={code: text for code, text in signatures.items() if text},
        undo_seconds=form.text("undo_seconds"), review_days=form.text("review_days"),
    )  # fmt: skip


def save(request: Request, seat: Seat, shown: Shown, **further: Any) -> None:
    """Keeps the form, and ``further`` settings in the same breath.

    Raises:
        ValidationError, Problem: what the API refuses; nothing was changed then.
    """
    voice = {"address": "informal" if shown.informal else "formal", "signatures": dict(shown.signatures)}
    body = SettingsBody.model_validate(
        {"brand": shown.brand, "voice": voice, "undo_seconds": shown.undo_seconds or None}
    )
    days = shown.review_days
    if days and not (days.isascii() and days.isdigit() and 0 < int(days[:9]) <= MOST_DAYS):
        raise Problem(422, "invalid_field", f"review_days: a number of days from 1 to {MOST_DAYS}", field="review_days")
    apply(body, request.app.state.channels, seat)
    values = {"languages": list(shown.languages) or None, "review_days": int(days) if days else None, **further}
    seat.write(lambda w: _keep(w, values, seat))


def samples(request: Request, seat: Seat, languages: Sequence[str], voice: Voice) -> list[Sample]:
    """Replies to sample messages in the first languages; nothing is kept, and no language model is asked."""
    pipeline = request.app.state.pipeline
    pipeline = pipeline.over(pipeline.retriever_of(seat.workspace_id))
    chosen = [*dict.fromkeys([*languages, "en", "de"])][:SAMPLES]
    return [found for language in chosen if (found := _sample(pipeline, language, voice))]


def _sample(pipeline: TriagePipeline, language: str, voice: Voice) -> Sample | None:
    """The first of the language's messages that an article answers; else the first that is answered at all."""
    fallback = None
    for message in sample_messages_in(language):
        try:
            draft = pipeline.triage(message, TriageOptions(voice=voice)).draft
        except InvalidMessage:  # pragma: no cover - the sample's messages hold words
            continue
        if draft is not None:
            found = Sample(language=language, message=message, draft=draft)
            if any(not citation.article_id.startswith("order:") for citation in draft.citations):
                return found
            fallback = fallback or found
    return fallback


@cache
def sample_messages_in(language: str) -> tuple[InboundMessage, ...]:
    """Customers' messages in ``language``, from the sample shop; in English where the sample has none. None of them is an
    emergency, and all come by e-mail, where a reply has a greeting and a signature."""
    messages = dict(sample_inbox())
    rows = [row for row in sample_messages() if row["expected"]["needs_reply"] and row["expected"]["intents"]]
    calm = [row for row in rows if row["expected"]["urgency"] in ("low", "normal") and not row["thread"]]
    spoken_here = [row for row in calm if row["expected"]["language"] == language]
    own = spoken_here or [row for row in calm if row["expected"]["language"] == "en"]
    own.sort(key=lambda row: _rank(row["expected"]["intents"][0]))
    return tuple(replace(messages[row["id"]], channel="email") for row in own[:TRIED])


def _rank(intent: str) -> int:
    return PREFERRED.index(intent) if intent in PREFERRED else len(PREFERRED)


def _keep(workspace: Workspace, values: Mapping[str, Any], seat: Seat) -> None:
    change_settings(workspace, brand=None, changes=values)
    fields = {"fields": sorted(values)}
    record(workspace, "workspace.changed", workspace.id, actor=seat.actor, now=seat.now, details=fields)


def _page(
    request: Request, seat: Seat, shown: Shown, *, done: str = "", trouble: Words | None = None
) -> Response:  # fmt: skip
    return show(
        "workspace.html", seat, section="workspace", done=done, trouble=trouble, shown=shown, spoken=spoken(),
        samples=samples(request, seat, shown.languages, shown.voice), default_undo=10,
    )  # fmt: skip


def _number(value: Any) -> str:
    return "" if value is None else str(value)
