"""``/knowledge/import``: a file of another system's articles, looked through first or taken in at once."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.inbox.i18n import N_
from api.inbox.knowledge.forms import check_token, read_body, read_upload
from api.inbox.knowledge.library import AtLibrary, Library
from api.inbox.seat import LeadSignedIn
from api.limits import MAX_IMPORT
from api.problems import Problem
from triage.errors import ArticleError, IndexUnavailable
from triage.knowledge_base.importing import FORMATS, Skipped, changes, read_source
from triage.settings import LANGUAGES
from triage.storage.events import record
from triage.types import Article

router = APIRouter(include_in_schema=False)

LISTED = 500
"""Articles, and reasons, that the page names; all are counted."""
_AROUND = 64 * 1024
"""Bytes of the form around the file."""

Outcome = Literal["new", "changed", "same"]

EMPTY = N_("Choose a file first.")
TOO_LARGE = N_("The file is too large. Split it, or import it on the command line, which has no limit.")
UNKEPT = N_("The knowledge base cannot be written at the moment. Nothing was taken in.")


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What became of a file. ``kept``: it was taken in, not only looked through.

    Attributes:
        articles: outcome and article, the first of them; ``counts`` counts all.
        skipped: what gave no article, and why; the first of ``left_out``.
    """

    name: str
    kept: bool
    articles: list[tuple[str, Article]]
    counts: Counter[str]
    skipped: list[Skipped]
    left_out: int


@router.get("/knowledge/import")
def form(library: AtLibrary, seat: LeadSignedIn) -> Response:
    return _page(library)


@router.post("/knowledge/import")
async def bring(request: Request, library: AtLibrary, seat: LeadSignedIn) -> Response:
    """The outcome is shown at once, for it is kept nowhere; the same file once more changes nothing."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_IMPORT + _AROUND:
        return _page(library, 413, trouble=TOO_LARGE)
    try:
        body = await read_body(request, MAX_IMPORT + _AROUND)
    except Problem:
        return _page(library, 413, trouble=TOO_LARGE)
    upload = read_upload(request.headers.get("content-type", ""), body)
    check_token(seat, upload.fields.get("token", ""))
    if len(upload.content) > MAX_IMPORT:
        return _page(library, 413, trouble=TOO_LARGE)
    if not upload.content:
        return _page(library, 422, trouble=EMPTY)
    format, language = upload.fields.get("format", ""), upload.fields.get("language", "en")
    only_look = upload.fields.get("do") == "check"
    return await run_in_threadpool(
        _bring, library, upload.name, upload.content, format if format in FORMATS else None, language, only_look
    )


def _bring(
    library: Library, name: str, content: bytes, format: str | None, language: str, only_look: bool
) -> Response:  # fmt: skip
    name = Path(name.replace("\\", "/")).name[:100] or "file"
    try:
        articles, skipped = read_articles(name, content, format, language)
        known = {(article.id, article.language): article for article in library.base.articles}
        outcomes = [outcome for outcome, _ in changes(known, articles)]
        if not only_look:
            outcomes = list(library.base.put_many(articles))
    except ArticleError as error:
        return _page(library, 422, reason=str(error))
    except IndexUnavailable:
        return _page(library, 503, trouble=UNKEPT)
    counts = Counter(outcomes)
    if not only_look:
        details = {outcome: counts[outcome] for outcome in ("new", "changed", "same")}
        seat = library.seat
        seat.write(
            lambda w: record(w, "articles.imported", "knowledge", actor=seat.actor, now=seat.now, details=details)
        )
    return _page(
        library,
        outcomes=Outcomes(
            name=name, kept=not only_look, articles=list(zip(outcomes, articles, strict=True))[:LISTED], counts=counts,
            skipped=skipped[:LISTED], left_out=len(skipped),
        ),
    )  # fmt: skip


def read_articles(name: str, content: bytes, format: str | None, language: str) -> tuple[list[Article], list[Skipped]]:
    """The articles of an upload. The readers tell formats apart by the file's ending too, so it keeps its own.

    Raises:
        ArticleError: the file is nothing that is known.
    """
    suffix = Path(name).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="triage-import-") as folder:
        path = Path(folder) / ("upload" + (suffix if suffix[1:].isalnum() and len(suffix) < 12 else ""))
        path.write_bytes(content)
        found = list(read_source(path, format=format, language=language))
    return (
        [item for item in found if isinstance(item, Article)],
        [_renamed(item, path.name, name) for item in found if isinstance(item, Skipped)],
    )


def _renamed(skipped: Skipped, stored: str, name: str) -> Skipped:
    """As the file is called where it comes from."""
    where = skipped.where
    return Skipped(
        where=name + where.removeprefix(stored) if where.startswith(stored) else where, reason=skipped.reason
    )


def _page(
    library: Library, status: int = 200, *, trouble: str | None = None, reason: str | None = None,
    outcomes: Outcomes | None = None,
) -> Response:  # fmt: skip
    tags = dict.fromkeys((*library.languages, *LANGUAGES))
    return library.page(
        "import.html", status, section="import", trouble=trouble, reason=reason, outcomes=outcomes, formats=FORMATS,
        all_languages=list(tags), megabytes=MAX_IMPORT // 1024**2, listed=LISTED,
    )  # fmt: skip
