"""Articles as Markdown files with YAML front matter: ``<language>/<id>.md``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
    try:
        fields = FrontMatter.model_validate(header)
    except ValidationError as error:
        first = error.errors()[0]
        raise ArticleError(f"{name}: field {'.'.join(map(str, first['loc'])) or 'header'}: {first['msg']}") from error
    body = "\n".join(lines[end + 1 :]).strip()
    if not body:
        raise ArticleError(f"{name}:{end + 1}: the article has no body")
    if len(body) > MAX_BODY:
        raise ArticleError(f"{name}: the body has {len(body)} characters, the limit is {MAX_BODY}")
    return Article(body=body, **fields.model_dump())


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
