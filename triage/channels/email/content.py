"""What a mail says and what it carries: which of its parts are its words, which are files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from triage.channels.email.charsets import decode_text, plain
from triage.channels.email.headers import one_line, read_headers
from triage.channels.email.markup import html_text
from triage.channels.email.mime import Part
from triage.types import Attachment

MOST_TEXT = 65_536
"""Characters kept; triage reads fewer and then says ``truncated``."""
MOST_HTML = 256 * 1024
MOST_FILES = 20
LARGEST_FILE = 25 * 1024 * 1024
_MOST_TEXT_BYTES = 4 * MOST_TEXT
_MOST_HTML_BYTES = 1024 * 1024
_LONGEST_NAME = 200

_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_EXTENSIONS = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "application/pdf": ".pdf", "text/plain": ".txt",
    "text/html": ".html", "text/calendar": ".ics", "message/rfc822": ".eml", "message/delivery-status": ".txt",
    "application/pgp-signature": ".asc", "image/heic": ".heic", "video/mp4": ".mp4", "text/csv": ".csv",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Content:
    """``html`` is None where the mail has none or too much of it to be shown."""

    text: str
    html: str | None
    attachments: tuple[Attachment, ...]


def content_of(root: Part) -> Content:
    """Words and files of the mail with the parts ``root``."""
    found = _gather(root)
    words = found.words or found.named[:1]
    text = "\n\n".join(piece for words_ in words if (piece := words_.read()).strip())
    html = None
    if any(one.html is not None for one in words):
        html = "\n".join(one.html if one.html is not None else f"<pre>{escape(one.plain or '')}</pre>" for one in words)
        html = html if len(html.encode("utf-8", "surrogatepass")) <= MOST_HTML else None
    return Content(text=text[:MOST_TEXT], html=html, attachments=tuple(_attachments(found.files)))


@dataclass(frozen=True, kw_only=True)
class _Words:
    """A stretch of the mail's words, as plain text, as HTML, or the same in both."""

    plain: str | None = None
    html: str | None = None

    def read(self) -> str:
        if self.plain is not None and (self.plain.strip() or self.html is None):
            return self.plain.strip("\n")
        return plain(html_text(self.html or ""))


@dataclass(kw_only=True)
class _Found:
    """``named``: text that came as a file to be shown in place; it counts as the mail's words where there are no others."""

    words: list[_Words] = field(default_factory=list)
    named: list[_Words] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)


def _gather(part: Part) -> _Found:
    if not part.children:
        return _leaf(part)
    inner = [_gather(child) for child in part.children]
    whole = _Found(
        words=[one for found in inner for one in found.words],
        named=[one for found in inner for one in found.named],
        files=[one for found in inner for one in found.files],
    )
    if part.media_type == "multipart/alternative":
        whole.words = _chosen([found.words for found in inner])
    return whole


def _chosen(alternatives: list[list[_Words]]) -> list[_Words]:
    """One stretch of words: the plain text of the first alternative that has any, the HTML of the last (RFC 2046, 5.1.4)."""
    texts = [words for words in alternatives if any((one.plain or "").strip() for one in words)]
    pages = [words for words in alternatives if any(one.html is not None for one in words)]
    if not texts and not pages:
        return []
    return [
        _Words(
            plain="\n\n".join(one.plain for one in texts[0] if one.plain) if texts else None,
            html="\n".join(one.html for one in pages[-1] if one.html is not None) if pages else None,
        )
    ]


def _leaf(part: Part) -> _Found:
    readable = part.media_type in ("text/plain", "text/html", "text/enriched", "text/x-markdown", "text/markdown")
    if part.disposition == "attachment" or not readable:
        return _Found(files=[part])
    words = _html(part) if part.media_type == "text/html" else _plain(part)
    return _Found(named=[words], files=[part]) if part.name else _Found(words=[words])


def _plain(part: Part) -> _Words:
    text = plain(decode_text(part.content[:_MOST_TEXT_BYTES], part.parameters.get("charset")))
    if part.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    return _Words(plain=text)


def _html(part: Part) -> _Words:
    data = part.content[:_MOST_HTML_BYTES]
    charset = part.parameters.get("charset")
    if not charset and (meta := _META_CHARSET.search(data[:4096])):
        charset = meta[1].decode("ascii")
    return _Words(html=plain(decode_text(data, charset)))


def unflow(text: str, *, delete_space: bool) -> str:
    """Lines that a mail program broke, whole again (RFC 3676, 4)."""
    out: list[str] = []
    pending, pending_quotes = "", -1
    for line in text.split("\n"):
        rest = line.lstrip(">")
        quotes = len(line) - len(rest)
        rest = rest.removeprefix(" ")
        flows = rest.endswith(" ") and rest != "-- "
        if pending_quotes >= 0 and (quotes != pending_quotes or rest == "-- "):
            out.append(_quoted(pending_quotes, pending))
            pending, pending_quotes = "", -1
        if flows:
            pending, pending_quotes = pending + (rest[:-1] if delete_space else rest), quotes
        else:
            out.append(_quoted(quotes, pending + rest))
            pending, pending_quotes = "", -1
    if pending_quotes >= 0:
        out.append(_quoted(pending_quotes, pending))
    return "\n".join(out)


def _quoted(depth: int, line: str) -> str:
    return f"{'>' * depth} {line}" if depth else line


def _attachments(parts: list[Part]) -> Iterator[Attachment]:
    """The files, those that were attached before those that are shown in the text; what is not kept is named in one more."""
    ordered = parts
    if len(parts) > MOST_FILES:
        ordered = sorted(parts, key=lambda part: part.disposition != "attachment" and "content-id" in part.headers)
    kept, left_out = 0, []
    for number, part in enumerate(ordered, start=1):
        name, media_type = file_name(part, number), part.media_type
        content = part.content
        if kept == MOST_FILES or len(content) > LARGEST_FILE:
            left_out.append(f"{name} ({media_type}, {len(content)} bytes)")
            continue
        kept += 1
        yield Attachment(name=name, media_type=media_type, content=content)
    if left_out:
        note = (
            f"Not kept ({MOST_FILES} files of {LARGEST_FILE} bytes are the most of a mail):\n"
            + "\n".join(left_out)
            + "\n"
        )
        yield Attachment(name="not-kept.txt", media_type="text/plain", content=note.encode("utf-8", "replace"))


def file_name(part: Part, number: int) -> str:
    """A name that is no path and shows as what it is; a made one where there is none."""
    name = one_line(part.name[:4_000]).replace("\\", "/").rpartition("/")[2].strip(". ")
    if not name and part.media_type == "message/rfc822":
        name = _subject_of(part)
    if not name:
        return f"attachment-{number}{_EXTENSIONS.get(part.media_type, '')}"
    if len(name) <= _LONGEST_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    return f"{stem[: _LONGEST_NAME - 20]}{dot}{extension[:19]}" if dot else name[:_LONGEST_NAME]


def _subject_of(part: Part) -> str:
    headers, _ = read_headers(part.content, 0, len(part.content))
    subject = re.sub(r"[/\\:]+", " ", headers.text("subject")).strip(". ")
    return f"{subject[:100]}.eml" if subject else ""
