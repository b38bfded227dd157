"""Articles as Markdown files with YAML front matter: ``<language>/<id>.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from triage.errors import ArticleError
from triage.types import Article

MAX_BODY = 1_000_000
"""Characters of one article's body; a longer one is refused rather than cut."""


class FrontMatter(BaseModel):
    """The header of an article file."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")
    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")
    title: str = Field(min_length=1, max_length=300)
    intents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    owner: str | None = None
    last_reviewed: str | None = None
    kind: Literal["article", "macro"] = "article"
    valid_from: date | None = None
    valid_to: date | None = None

    @field_validator("valid_from", "valid_to", mode="before")
    @classmethod
    def _day(cls, value: object) -> object:
        """An ISO 8601 day, or nothing; Pydantic alone would read a bare number as seconds since 1970."""
        if value is None or isinstance(value, date):
            return value
        text = value.strip() if isinstance(value, str) else "?"
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise ValueError("expected a day such as 2026-12-31") from None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self


def build_article(fields: Mapping[str, object], body: str) -> Article:
    """One article from its header's fields and its Markdown body.

    Raises:
        ArticleError: a malformed or unknown field, an empty or over-long body; the message does not name a place.
    """
    try:
        header = FrontMatter.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        raise ArticleError(f"field {'.'.join(map(str, first['loc'])) or 'header'}: {message}") from error
    if not body.strip():
        raise ArticleError("the article has no body")
    if len(body) > MAX_BODY:
        raise ArticleError(f"the body has {len(body)} characters, the limit is {MAX_BODY}")
    return Article(body=body, **header.model_dump())


def parse_article(source: str, *, name: str) -> Article:
    """One article from a file's content.

    Args:
        name: what error messages call the file.

    Raises:
        ArticleError: no front matter, a malformed or unknown field, an empty or over-long body.
    """
    lines = source.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        raise ArticleError(f"{name}:1: expected '---', the start of the front matter")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        raise ArticleError(f"{name}:1: the front matter is never closed with '---'")
    try:
        # BaseLoader keeps every scalar a string, so that a date or a bare "no" means what was typed.
        header = yaml.load("\n".join(lines[1:end]), Loader=yaml.BaseLoader)  # noqa: S506 - it makes strings, lists and maps only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ArticleError(f"{name}:{(mark.line + 2) if mark else 1}: {getattr(error, 'problem', error)}") from error
    except RecursionError:
        raise ArticleError(f"{name}:2: the front matter is nested too deeply") from None
    try:
        return build_article(header, "\n".join(lines[end + 1 :]).strip())
    except ArticleError as error:
        raise ArticleError(f"{name}: {error}") from error


def read_articles(folder: Path) -> Iterator[Article]:
    """Every ``*.md`` under ``folder``, in order of path.

    Raises:
        ArticleError: the first file that cannot be read, or a second article of the same id and language.
    """
    seen: set[tuple[str, str]] = set()
    for path in sorted(folder.rglob("*.md")):
        name = str(path.relative_to(folder))
        try:
            article = parse_article(path.read_text(encoding="utf-8"), name=name)
        except UnicodeDecodeError as error:
            raise ArticleError(f"{name}: not UTF-8 at byte {error.start}") from error
        key = (article.id, article.language)
        if key in seen:
            raise ArticleError(f"{name}: a second article {article.id!r} in {article.language!r}")
        seen.add(key)
        yield article
