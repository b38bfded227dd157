"""An article as somebody types it, and what is wrong with it; an uploaded file. Nothing typed is lost on the way."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request
from pydantic import ValidationError

from api.inbox.i18n import N_
from api.inbox.seat import Seat, SignedIn
from api.problems import Problem
from api.v1.articles.schemas import ArticleBody
from triage.knowledge_base.articles import MAX_BODY
from triage.knowledge_base.importing.records import clean
from triage.types import Article

MOST_FORM = 12 * MAX_BODY + 1024 * 1024
"""Bytes: a body at its limit, each of its characters in up to four bytes that a form writes as three, and the rest."""
MOST_FIELDS = 300

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_MARKET = re.compile(r"[A-Z]{2}")
_BOUNDARY = re.compile(r'multipart/form-data\s*;(?:.*;)?\s*boundary="?([^\s";]{1,70})"?\s*(?:;.*)?', re.IGNORECASE)
_QUOTED = rb'[ ;]%s="([^"\r\n]*)"'

Fields = Mapping[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class Written:
    """The fields of an article's form as they stand in it; ``tags`` and ``products`` have a line each."""

    id: str = ""
    language: str = "en"
    title: str = ""
    body: str = ""
    kind: str = "article"
    intents: tuple[str, ...] = ()
    tags: str = ""
    products: str = ""
    markets: str = ""
    channels: tuple[str, ...] = ()
    owner: str = ""
    last_reviewed: str = ""
    valid_from: str = ""
    valid_to: str = ""

    @classmethod
    def of(cls, article: Article) -> Written:
        return cls(
            id=article.id, language=article.language, title=article.title, body=article.body, kind=article.kind,
            intents=article.intents, tags="\n".join(article.tags), products="\n".join(article.products),
            markets=", ".join(article.markets), channels=article.channels, owner=article.owner or "",
            last_reviewed=article.last_reviewed or "", valid_from=_iso(article.valid_from), valid_to=_iso(article.valid_to),
        )  # fmt: skip

    @classmethod
    def read(cls, fields: Fields) -> Written:
        """What a browser sent. Line breaks in a form are CR LF whatever was typed; an article has LF."""

        def one(name: str) -> str:
            return clean(fields.get(name, [""])[-1])

        def many(name: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(clean(value) for value in fields.get(name, [])))

        return cls(
            id=one("id").strip(), language=one("language").strip(), title=" ".join(one("title").split()), body=one("body"),
            kind=one("kind"), intents=many("intents"), tags=one("tags"), products=one("products"), markets=one("markets"),
            channels=many("channels"), owner=one("owner").strip(), last_reviewed=one("last_reviewed").strip(),
            valid_from=one("valid_from").strip(), valid_to=one("valid_to").strip(),
        )  # fmt: skip

    def reviewed(self, day: date) -> Written:
        return replace(self, last_reviewed=day.isoformat())


def checked(written: Written) -> tuple[Article | None, dict[str, str]]:
    """The article that was typed, or what is wrong with it by field, as sentences to be translated."""
    wrong: dict[str, str] = {}
    if not _ID.fullmatch(written.id):
        wrong["id"] = N_("Small letters a to z, digits, dots, hyphens and underscores only, at most 100.")
    if not _LANGUAGE.fullmatch(written.language):
        wrong["language"] = N_("A language code such as en or pt-BR.")
    if not written.title:
        wrong["title"] = N_("An article needs a title.")
    elif len(written.title) > 300:
        wrong["title"] = N_("A title has at most 300 characters.")
    if not written.body.strip():
        wrong["body"] = N_("An article needs a text.")
    elif len(written.body) > MAX_BODY:
        wrong["body"] = N_("A text has at most one million characters.")
    markets = tuple(dict.fromkeys(written.markets.upper().replace(",", " ").replace(";", " ").split()))
    if not all(map(_MARKET.fullmatch, markets)):
        wrong["markets"] = N_("Two-letter country codes such as DE or PL.")
    days: dict[str, date | None] = {}
    for name in ("last_reviewed", "valid_from", "valid_to"):
        try:
            days[name] = _day(getattr(written, name))
        except ValueError:
            wrong[name] = N_("A day such as 2026-12-31.")
    first, last = days.get("valid_from"), days.get("valid_to")
    if first and last and last < first:
        wrong["valid_to"] = N_("The last day is before the first.")
    if wrong:
        return None, wrong
    try:
        body = ArticleBody(
            title=written.title, body=written.body, intents=written.intents, tags=_lines(written.tags),
            products=_lines(written.products), markets=markets, channels=written.channels, owner=written.owner or None,
            kind=written.kind, **days,  # type: ignore[arg-type]
        )  # fmt: skip
    except ValidationError as error:
        # The same rules as the API's; what is left over here nobody can type by mistake.
        return None, {str(found["loc"][0]): N_("This cannot be kept as it stands.") for found in error.errors()}
    return body.article(written.id, written.language), {}


async def posted_article(request: Request, seat: SignedIn) -> dict[str, list[str]]:
    """Every value of every field of an article's form.

    Raises:
        Problem: 403 where it does not carry the agent's token, 413 where it is too large.
    """
    body = await read_body(request, MOST_FORM)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem(422, "invalid_field", "the form has too many fields", field="body") from None
    check_token(seat, fields.get("token", [""])[-1])
    return fields


PostedArticle = Annotated[dict[str, list[str]], Depends(posted_article)]


def check_token(seat: Seat, token: str) -> None:
    """Refuses a form that this agent was not given.

    Raises:
        Problem: 403.
    """
    if not hmac.compare_digest(token.encode("utf-8", "replace"), seat.form_token.encode()):
        raise Problem(403, "forbidden", "the form has expired; reload the page")


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body.

    Raises:
        Problem: 413 where it has more than ``limit`` bytes.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise Problem(413, "too_large", f"the form is larger than {limit} bytes")
    return bytes(body)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A form with one file (RFC 7578); ``name`` is what the sender calls it, ``content`` its bytes."""

    fields: Mapping[str, str]
    name: str
    content: bytes


def read_upload(content_type: str, body: bytes) -> Upload:
    """A form as a browser sends it; the last file counts.

    Raises:
        Problem: 415 where it is another kind of form.
    """
    found = _BOUNDARY.fullmatch(content_type.strip())
    if found is None:
        raise Problem(415, "unsupported_media_type", "the body must be multipart/form-data")
    fields: dict[str, str] = {}
    name, content = "", b""
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].encode("latin-1", "replace"))[1:]:
        if part.startswith(b"--"):
            break
        head, _, value = part.partition(b"\r\n\r\n")
        field, file = re.search(_QUOTED % b"name", head), re.search(_QUOTED % b"filename", head)
        if file is not None:
            name, content = file[1].decode("utf-8", "replace"), value
        elif field is not None:
            fields[field[1].decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    return Upload(fields=fields, name=name, content=content)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _iso(day: Any) -> str:
    return day.isoformat() if isinstance(day, date) else ""
