"""From the record of any format to an article, or to the reason why there is none."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from triage.errors import ArticleError
from triage.knowledge_base.articles import build_article
from triage.knowledge_base.importing.markup import html_to_markdown, looks_like_html
from triage.knowledge_base.importing.placeholders import without_placeholders
from triage.types import Article


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Something that gave no article. ``where`` names the file and the line or record."""

    where: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a source says of one article in one language, as it says it; nothing is checked yet.

    Attributes:
        markup: what ``body`` is written in: ``html``, ``markdown``, or ``any``, where tags decide.
        language: None where the source names none.
        held_back: why the source does not show it to customers, such as "a draft".
        fields: further fields of the front matter, by name.
    """

    where: str
    id: object
    title: object
    body: object
    language: object = None
    tags: object = None
    kind: object = "article"
    markup: str = "any"
    held_back: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)


_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})((?:[-_][A-Za-z0-9]{1,8})*)")
# RFC 5646: withdrawn codes that systems on old Java versions still write, and their successors.
_SUCCESSORS = {"iw": "he", "in": "id", "ji": "yi"}
# CLDR likely subtags: a script, where it alone tells two variants apart.
_SCRIPT_REGIONS = {("zh", "hant"): "TW", ("zh", "hans"): "CN"}

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u2060\ufeff]")
_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Between words the zero-width space separates those of Khmer or Thai; around a text it is an editor's leftover.
_SPACE = " \t\n\xa0\u200b"
_SURROGATE = re.compile("[\ud800-\udfff]")
# Not the no-break space, which French sets before its marks.
_SPACES = re.compile(r"[ \t\n]+")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


def article_of(record: Record, *, language: str) -> Article | Skipped:
    """The article that ``record`` describes.

    Args:
        language: for a record that names none.
    """
    if record.held_back:
        return Skipped(where=record.where, reason=record.held_back)
    try:
        title = _text(record.title, "title")
        body = _body(record)
        fields = {
            **record.fields,
            "id": article_id(record.id),
            "language": language_tag(language if record.language in (None, "") else record.language),
            "title": _SPACES.sub(" ", title).strip(_SPACE),
            "tags": tags_of(record.tags),
            "kind": record.kind,
        }
        return build_article(fields, body)
    except ArticleError as error:
        return Skipped(where=record.where, reason=str(error))


def _body(record: Record) -> str:
    body = _text(record.body, "body")
    if record.markup == "html" or (record.markup == "any" and looks_like_html(body)):
        body = clean(html_to_markdown(body))
    body = _BLANK_LINES.sub("\n\n", body).strip(_SPACE)
    return without_placeholders(body) if body and record.kind == "macro" else body


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ArticleError(f"field {name}: expected text, found {type(value).__name__}")
    return clean(value)


def clean(text: str) -> str:
    """``text`` with line breaks as ``\\n``, without control and invisible characters, a lone surrogate U+FFFD."""
    return _CONTROLS.sub("", _SURROGATE.sub("\ufffd", _LINE_BREAK.sub("\n", text)))


def article_id(value: object) -> str:
    """A valid article id: ``value`` itself where it is one, else a readable slug and a hash of ``value``.

    The hash keeps two values apart whose slugs are equal, whatever the order in which they come.

    Raises:
        ArticleError: no text and no whole number.
    """
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise ArticleError("field id: expected text or a whole number")
    text = str(value) if isinstance(value, int) else clean(value).strip()
    if not text:
        raise ArticleError("field id: it is empty")
    if _ID.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
    letters = unicodedata.normalize("NFKD", text[:400].casefold()).encode("ascii", "ignore").decode("ascii")
    slug = re.sub(r"[^a-z0-9]+", "-", letters)[:90].strip("-")
    return f"{slug}-{digest}" if slug else f"article-{digest}"


def language_tag(value: object) -> str:
    """``pt-br``, ``pt_BR`` and ``PT`` as ``pt-BR``, ``pt-BR`` and ``pt``; scripts and variants go.

    Raises:
        ArticleError: not a language tag (BCP 47).
    """
    matched = _LANGUAGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if matched is None:
        raise ArticleError(f"field language: {str(value)[:40]!r} is not a language code such as 'en' or 'pt-BR'")
    primary = matched[1].lower()
    primary = _SUCCESSORS.get(primary, primary)
    subtags = [part.lower() for part in re.split("[-_]", matched[2]) if part]
    for part in subtags:
        if re.fullmatch("[a-z]{2}", part):
            return f"{primary}-{part.upper()}"
    for part in subtags:
        if (primary, part) in _SCRIPT_REGIONS:
            return f"{primary}-{_SCRIPT_REGIONS[primary, part]}"
    return primary


def tags_of(value: object) -> tuple[str, ...]:
    """Tags out of a list, or out of a text with commas, semicolons or bars between them; each once.

    Raises:
        ArticleError: neither a list of texts nor a text.
    """
    if value is None:
        return ()
    parts = re.split(r"[,;|]", value) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ArticleError("field tags: expected a list of texts")
    cleaned = (" ".join(clean(part).split()) for part in parts)
    return tuple(dict.fromkeys(tag for tag in cleaned if tag))
