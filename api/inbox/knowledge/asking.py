"""``/knowledge/try``: what a question finds, and which article a draft would be built on."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.inbox.knowledge import trial
from api.inbox.knowledge.forms import PostedArticle
from api.inbox.knowledge.library import AtLibrary, Library

router = APIRouter(include_in_schema=False)


@router.get("/knowledge/try")
def form(library: AtLibrary) -> Response:
    return _page(library, None)


@router.post("/knowledge/try")
async def ask(library: AtLibrary, fields: PostedArticle) -> Response:
    """A question may be a customer's own words, so it stands in no address."""
    question, channel = fields.get("question", [""])[-1], fields.get("channel", ["email"])[-1]
    found = await run_in_threadpool(trial.tried, library, question, channel)
    return _page(library, found, 422 if found.unreadable else 200)


def _page(library: Library, found: trial.Tried | None, status: int = 200) -> Response:
    return library.page(
        "try.html", status, section="try", tried=found, channels=library.channels, least=library.base.weights.offer,
        article=None,
    )  # fmt: skip
