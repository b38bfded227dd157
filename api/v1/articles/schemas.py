"""Bodies of ``/v1/articles``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.v1.triage.schemas import Short, Strict
from triage.knowledge_base.articles import MAX_BODY
from triage.models.taxonomy import INTENTS
from triage.types import Article

ArticleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
ArticleLanguage = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Intent = Literal[INTENTS]  # type: ignore[valid-type]
Names = Annotated[tuple[Short, ...], Field(max_length=100)]


class ArticleBody(Strict):
    """What ``PUT`` takes; id and language stand in the address."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "My parcel is late",
                    "body": "If your parcel is late, we open an enquiry.\n\n## How long it takes\n\nThree working days.",
                    "intents": ["delivery_late"],
                    "tags": ["carrier"],
                }
            ]
        },
    )

    title: Annotated[str, Field(min_length=1, max_length=300)]
    body: Annotated[str, Field(min_length=1, max_length=MAX_BODY)]
    intents: tuple[Intent, ...] = ()
    tags: Names = ()
    products: Names = ()
    markets: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...], Field(max_length=300)] = ()
    channels: Names = ()
    owner: Short | None = None
    last_reviewed: date | None = None
    kind: Literal["article", "macro"] = "article"
    valid_from: date | None = None
    valid_to: date | None = None

    def article(self, article_id: str, language: str) -> Article:
        fields = self.model_dump(exclude={"last_reviewed"})
        reviewed = self.last_reviewed.isoformat() if self.last_reviewed else None
        return Article(id=article_id, language=language, last_reviewed=reviewed, **fields)


class ArticleOut(BaseModel):
    """An article as stored."""

    id: str
    language: str
    title: str
    body: str
    intents: list[str]
    tags: list[str]
    products: list[str]
    markets: list[str]
    channels: list[str]
    owner: str | None
    last_reviewed: str | None
    kind: str
    valid_from: date | None
    valid_to: date | None
    index_version: str


class FoundOut(BaseModel):
    """A passage that ``search`` found."""

    id: str
    language: str
    title: str
    score: float
    passage: str


class SearchOut(BaseModel):
    results: list[FoundOut]
    index_version: str


class SkippedOut(BaseModel):
    where: str
    reason: str


class ImportOut(BaseModel):
    """What became of an import's articles; those with a reason were left out."""

    new: int
    changed: int
    same: int
    skipped: list[SkippedOut]
    index_version: str


def article_json(article: Article, index_version: str) -> dict[str, Any]:
    return {
        "id": article.id,
        "language": article.language,
        "title": article.title,
        "body": article.body,
        "intents": list(article.intents),
        "tags": list(article.tags),
        "products": list(article.products),
        "markets": list(article.markets),
        "channels": list(article.channels),
        "owner": article.owner,
        "last_reviewed": article.last_reviewed,
        "kind": article.kind,
        "valid_from": article.valid_from.isoformat() if article.valid_from else None,
        "valid_to": article.valid_to.isoformat() if article.valid_to else None,
        "index_version": index_version,
    }
