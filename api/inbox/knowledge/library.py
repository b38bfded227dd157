"""What every page of the knowledge base begins with: the workspace's articles, its languages, who may edit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from api.inbox.knowledge.shelf import Shelf, outdated, shelf_of
from api.inbox.rendering import page
from api.inbox.seat import Seat, SignedIn
from api.v1.triage.endpoints import rules
from triage.knowledge_base.base import KnowledgeBase
from triage.pipeline import TriageOptions, TriagePipeline
from triage.storage.workspaces import read_settings
from triage.types import Article

REVIEW_DAYS = 180
"""Days after which an article should be looked at again, where the workspace does not say (``review_days``)."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """One request's view of the workspace's knowledge base.

    Attributes:
        languages: in which the workspace wants its articles.
        review_days: after how many days without a review an article is stale.
        channels: those that articles may be bound to.
        options: what the workspace has set for its drafts.
    """

    seat: Seat
    base: KnowledgeBase
    pipeline: TriagePipeline
    shelf: Shelf
    languages: tuple[str, ...]
    review_days: int
    channels: tuple[str, ...]
    options: TriageOptions

    @property
    def may_edit(self) -> bool:
        return self.seat.may("lead")

    @property
    def today(self) -> date:
        return self.seat.now.date()

    def stale(self, article: Article) -> bool:
        """Whether it should be looked at again."""
        return outdated(article, self.today, self.review_days)

    def page(self, name: str, status: int = 200, *, section: str, **context: Any) -> HTMLResponse:
        """A page of the knowledge base; ``section`` is the one of its own navigation."""
        return page(
            f"knowledge/{name}", self.seat, status, library=self, section=section, may_edit=self.may_edit,
            languages=self.languages, address=address, **context,
        )  # fmt: skip


def address(article_id: str, language: str | None = None, **further: str) -> str:
    """Where an article is shown. Below a folder of their own, ids may be any word."""
    query = {"language": language, **further} if language else further
    return f"/knowledge/articles/{article_id}" + (f"?{urlencode(query)}" if query else "")


def _library(request: Request, seat: SignedIn) -> Library:
    pipeline: TriagePipeline = request.app.state.pipeline
    base: KnowledgeBase = pipeline.retriever_of(seat.workspace_id)  # type: ignore[assignment]
    shelf = _shelf(base, base.version)
    values = seat.read(read_settings).values
    days = values.get("review_days")
    return Library(
        seat=seat, base=base, pipeline=pipeline, shelf=shelf, languages=shelf.usual_languages(values.get("languages")),
        review_days=days if isinstance(days, int) and days > 0 else REVIEW_DAYS,
        channels=tuple(request.app.state.channels), options=rules(request, seat.workspace_id),
    )  # fmt: skip


AtLibrary = Annotated[Library, Depends(_library)]


@lru_cache(maxsize=4)
def _shelf(base: KnowledgeBase, version: str) -> Shelf:
    """Kept while no article changes: thousands of them take longer to sort than a page to write."""
    return shelf_of(base.articles)
