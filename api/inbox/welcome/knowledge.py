"""``/welcome/knowledge``: articles of one's own, from a file or pasted; and the sample shop's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.inbox.i18n import N_
from api.inbox.knowledge.bringing import read_articles
from api.inbox.knowledge.forms import Upload, check_token, read_body, read_upload
from api.inbox.seat import AdminSignedIn, Seat
from api.inbox.settings import voice
from api.inbox.settings.forms import Sent, Words, complaint
from api.inbox.welcome.frame import base_of, show, to_step
from triage.channels.past import MOST_BYTES
from triage.errors import ArticleError, IndexUnavailable
from triage.knowledge_base.articles import build_article
from triage.knowledge_base.importing.records import article_id
from triage.sample.data import sample_articles
from triage.storage.events import record
from triage.storage.workspaces import read_settings
from triage.types import Article

router = APIRouter()

LISTED = 20


@router.get("/welcome/knowledge")
def knowledge(request: Request, seat: AdminSignedIn, taken: int = 0, left: int = 0) -> Response:
    return _knowledge(request, seat, taken=taken, left=left)


@router.post("/welcome/knowledge")
def add_article(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """One article, pasted."""
    title, body, language = form.text("title"), form.raw("body").strip(), form.text("language") or "en"
    try:
        article = build_article(
            {
                "id": article_id(f"{title} {language}"),
                "language": language,
                "title": title,
                "last_reviewed": seat.now.date().isoformat(),
            },
            body,
        )
        base_of(request, seat).put(article)
    except (ArticleError, IndexUnavailable) as error:
        return _knowledge(request, seat, trouble=complaint(error), typed=(title, body, language))
    return RedirectResponse("/welcome/knowledge?taken=1", 303)


@router.post("/welcome/knowledge/file")
async def bring_articles(request: Request, seat: AdminSignedIn) -> Response:
    """A file of articles, in any format that the knowledge base reads."""
    upload = read_upload(request.headers.get("content-type", ""), await read_body(request, MOST_BYTES))
    check_token(seat, upload.fields.get("token", ""))
    return await run_in_threadpool(_bring_articles, request, seat, upload)


def _bring_articles(request: Request, seat: Seat, upload: Upload) -> Response:
    if not upload.content:
        return _knowledge(request, seat, trouble=N_("Choose a file first."))
    try:
        articles, skipped = read_articles(upload.name, upload.content, None, upload.fields.get("language", "en"))
        base_of(request, seat).put_many(articles)
    except (ArticleError, IndexUnavailable) as error:
        return _knowledge(request, seat, trouble=complaint(error))
    return _knowledge(request, seat, taken=len(articles), left=len(skipped), skipped=skipped[:LISTED])


@router.post("/welcome/knowledge/own")
def drop_samples(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """Takes the sample shop's articles away, once there are articles of one's own; those that somebody changed stay."""
    base, samples = base_of(request, seat), {(a.id, a.language): a for a in sample_articles()}
    mine = [article for article in base.articles if samples.get((article.id, article.language)) != article]
    if not mine:
        return _knowledge(
            request, seat, trouble=N_("Add an article of your own first, or there is nothing to answer from.")
        )
    for article in base.articles:
        if samples.get((article.id, article.language)) == article:
            base.delete(article.id, article.language)
    seat.write(lambda w: record(w, "articles.samples_removed", "knowledge", actor=seat.actor, now=seat.now))
    return to_step("knowledge")


def _knowledge(
    request: Request, seat: Seat, *, trouble: Words | None = None, taken: int = 0, left: int = 0,
    skipped: Sequence[Any] = (), typed: tuple[str, str, str] = ("", "", ""),
) -> Response:  # fmt: skip
    articles: tuple[Article, ...] = base_of(request, seat).articles
    samples = {(article.id, article.language): article for article in sample_articles()}
    sample = sum(samples.get((article.id, article.language)) == article for article in articles)
    wanted = voice.stored(seat.read(read_settings)).languages
    return show(
        "knowledge.html", seat, "knowledge", trouble=trouble, own=len(articles) - sample, sample=sample, taken=taken,
        left=left, skipped=skipped, title=typed[0], body=typed[1], chosen=typed[2] or next(iter(wanted), "en"),
        languages=Counter(article.language for article in articles).most_common(), spoken=voice.spoken(),
        lacking=[code for code in wanted if not any(a.language.split("-")[0] == code for a in articles)],
    )  # fmt: skip
