"""``/knowledge``: every article with its languages, searched, narrowed and sorted by a plain form."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.inbox.i18n import N_
from api.inbox.knowledge.library import AtLibrary, Library, address
from api.inbox.knowledge.shelf import SORTS, Wanted, find
from triage.errors import InvalidMessage
from triage.models.taxonomy import INTENTS
from triage.storage.columns import clean

router = APIRouter(include_in_schema=False)

ROWS = 50
NEAR = 20
"""Articles that a search finds by their meaning, at most."""
LEAST_NEAR = 0.2
"""What is less likely to answer is left out of the list; a draft would never be built on it."""
DONE = {
    "saved": N_("Saved. Drafts use it from now on."),
    "deleted": N_("Deleted. Drafts do not use it any more."),
    "reviewed": N_("Marked as reviewed today."),
    "kept": N_("The number of days is kept."),
}
"""What a page says after a change, by the word in its address."""
_NAMES = tuple(field.name for field in fields(Wanted))
_LONGEST = 200


@router.get("/knowledge")
def show(
    request: Request, library: AtLibrary, page: Annotated[int, Query(ge=1, le=100_000)] = 1, done: str = ""
) -> Response:  # fmt: skip
    """All articles where nothing is asked for."""
    wanted = Wanted(**{name: clean(request.query_params.get(name, "")).strip()[:_LONGEST] for name in _NAMES})
    if wanted.sort not in SORTS:
        wanted = Wanted(**asdict(wanted) | {"sort": ""})
    found = find(
        library.shelf, wanted, near=_near(library, wanted.q), language=library.seat.ui_language, today=library.today,
        review_days=library.review_days,
    )  # fmt: skip
    pages = max(1, -(-len(found) // ROWS))
    page = min(page, pages)
    chosen = {name: value for name, value in asdict(wanted).items() if value}
    return library.page(
        "list.html", section="articles", rows=found[(page - 1) * ROWS : page * ROWS], total=len(found), page=page,
        before=_turned(chosen, page - 1) if page > 1 else None, after=_turned(chosen, page + 1) if page < pages else None,
        pages=pages, wanted=wanted, narrowed=bool(chosen), sorts=SORTS, intents=INTENTS, choices=library.shelf.choices,
        done=DONE.get(done),
    )  # fmt: skip


@router.get("/knowledge/{article_id}")
def moved(article_id: str, request: Request) -> Response:
    """The short address of an article."""
    language = request.query_params.get("language")
    return RedirectResponse(address(article_id[:100], language and language[:10]), 303)


def _near(library: Library, question: str) -> dict[str, float]:
    """Articles that answer ``question``, by id, with their scores."""
    if not question:
        return {}
    try:
        found = library.pipeline.search(question, limit=NEAR, workspace=library.seat.workspace_id)
    except InvalidMessage:
        return {}
    return {passage.article_id: passage.score for passage in reversed(found.passages) if passage.score >= LEAST_NEAR}


def _turned(chosen: dict[str, str], page: int) -> str:
    return "/knowledge?" + urlencode(chosen | {"page": str(page)})
