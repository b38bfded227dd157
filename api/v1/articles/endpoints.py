"""``/v1/articles``: read, change, import and search the knowledge base. A change is searchable when the call returns."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Key, authenticate
from api.problems import Problem
from api.v1.articles.schemas import (
    ArticleBody,
    ArticleId,
    ArticleLanguage,
    ArticleOut,
    ImportOut,
    SearchOut,
    article_json,
)
from api.v1.triage.endpoints import PROBLEMS
from triage.knowledge_base.base import KnowledgeBase
from triage.knowledge_base.importing import Skipped, read_lines
from triage.types import Article

router = APIRouter(prefix="/v1/articles", tags=["articles"], responses=PROBLEMS)

MOST_SKIPPED = 1000
"""Reasons that one answer lists; further ones are counted by the last."""


def reading_key(request: Request) -> Key:
    """A key with the scope ``read``."""
    return authenticate(request, "read")


def writing_key(request: Request) -> Key:
    """A key with the scope ``articles``."""
    return authenticate(request, "articles")


Reader = Annotated[Key, Depends(reading_key)]
Writer = Annotated[Key, Depends(writing_key)]


def _readable(request: Request, key: Reader) -> KnowledgeBase:
    """The knowledge base of the caller's workspace, to read."""
    base: KnowledgeBase = request.app.state.pipeline.retriever_of(key.workspace)
    return base


def _writable(request: Request, key: Writer) -> KnowledgeBase:
    """The knowledge base of the caller's workspace, to change."""
    base: KnowledgeBase = request.app.state.pipeline.retriever_of(key.workspace)
    return base


Readable = Annotated[KnowledgeBase, Depends(_readable)]
Writable = Annotated[KnowledgeBase, Depends(_writable)]


@router.get("/search", response_model=SearchOut, summary="Passages that answer a question")
def search(
    request: Request,
    base: Readable,
    caller: Reader,
    q: Annotated[str, Query(min_length=1, max_length=2000)],
    language: ArticleLanguage | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> JSONResponse:
    """As triage searches, with the question's own language unless one is named."""
    retrieval = request.app.state.pipeline.search(q, language=language, limit=limit, workspace=caller.workspace)
    results = [
        {"id": p.article_id, "language": p.language, "title": p.title, "score": p.score, "passage": p.text}
        for p in retrieval.passages
    ]
    return JSONResponse({"results": results, "index_version": retrieval.index_version})


@router.get("/{article_id}", response_model=ArticleOut, summary="One article")
def read(article_id: ArticleId, base: Readable, caller: Reader, language: ArticleLanguage = "en") -> JSONResponse:
    article = base.get(article_id, language)
    if article is None:
        raise _unknown(article_id, language)
    return JSONResponse(article_json(article, base.version))


@router.put(
    "/{article_id}", response_model=ArticleOut, summary="Create or change an article",
    responses={201: {"model": ArticleOut, "description": "Created"}},
)  # fmt: skip
def write(
    article_id: ArticleId, body: ArticleBody, base: Writable, caller: Writer, language: ArticleLanguage = "en"
) -> JSONResponse:
    """Replaces the whole article; 201 where it is new."""
    article = body.article(article_id, language)
    outcome = base.put(article)
    return JSONResponse(article_json(article, base.version), status_code=201 if outcome == "new" else 200)


@router.delete("/{article_id}", status_code=204, summary="Delete an article")
def remove(article_id: ArticleId, base: Writable, caller: Writer, language: ArticleLanguage | None = None) -> Response:
    """In one language, or in all where none is named."""
    if not base.delete(article_id, language):
        raise _unknown(article_id, language)
    return Response(status_code=204)


@router.post(
    "/import", response_model=ImportOut, summary="Import many articles",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": '{"id": "delivery-late", "language": "en", "title": "My parcel is late", "body": "…"}\n',
                }
            },
        }
    },
)  # fmt: skip
async def import_many(request: Request, base: Writable, caller: Writer) -> JSONResponse:
    """NDJSON of ``{"id", "language", "title", "body", …}``. What cannot be read is listed and the rest goes in."""
    body = await request.body()
    return JSONResponse(await run_in_threadpool(_import, base, body))


def _import(base: KnowledgeBase, body: bytes) -> dict[str, Any]:
    articles: list[Article] = []
    skipped: list[dict[str, str]] = []
    for item in read_lines(io.StringIO(body.decode("utf-8", "surrogateescape")), name="body"):
        if isinstance(item, Skipped):
            skipped.append({"where": item.where, "reason": item.reason})
        else:
            articles.append(item)
    outcomes = base.put_many(articles)
    if len(skipped) > MOST_SKIPPED:
        rest = len(skipped) - MOST_SKIPPED
        skipped = [*skipped[:MOST_SKIPPED], {"where": "body", "reason": f"{rest} further records were left out"}]
    counts = {name: outcomes.count(name) for name in ("new", "changed", "same")}
    return {**counts, "skipped": skipped, "index_version": base.version}


def _unknown(article_id: str, language: str | None) -> Problem:
    where = f" in {language!r}" if language else ""
    return Problem(404, "unknown_article", f"no article {article_id!r}{where}")
