"""One reader for each kind of file; all give records in the order of the file, and what gave none."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, NamedTuple

from triage.errors import ArticleError
from triage.knowledge_base.articles import parse_article
from triage.knowledge_base.importing import columns, documents, exports
from triage.knowledge_base.importing.markup import read_page
from triage.knowledge_base.importing.records import Record, Skipped

MAX_PAGE_BYTES = 16 * 1024 * 1024
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
"""A JSON document is held in memory; NDJSON and CSV are not, and have no limit."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_DELIMITERS = ",;\t|"
# The encodings that help centres' pages were written in before UTF-8; any other name in a page is not trusted.
_CHARSET = re.compile(
    rb"<meta[^<>]{1,200}charset\s{0,9}=\s{0,9}[\"']?\s{0,9}"
    rb"(utf-8|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift_jis|euc-jp|euc-kr|gb2312|gbk|gb18030|big5)\b",
    re.IGNORECASE,
)


class File(NamedTuple):
    """A file and what results call it: its path within the source."""

    path: Path
    name: str


def encoding_of(head: bytes) -> str:
    """How the text that begins with ``head`` is written, by its byte order mark.

    Raises:
        ArticleError: empty, or no text.
    """
    if not head.strip():
        raise ArticleError("the file is empty")
    if head.startswith(_UTF16):
        return "utf-16"
    if b"\0" in head:
        raise ArticleError("not a text file")
    return "utf-8-sig"


def _content(file: File, limit: int) -> bytes:
    size = file.path.stat().st_size
    if size > limit:
        raise ArticleError(f"the file has {size} bytes, the limit is {limit}")
    return file.path.read_bytes()


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ArticleError(f"not {'UTF-16' if encoding == 'utf-16' else 'UTF-8'} at byte {error.start}") from error


def markdown(file: File) -> Iterator[Record | Skipped]:
    """One article of Markdown with front matter."""
    text = _decoded(_content(file, MAX_PAGE_BYTES))
    try:
        article = parse_article(text, name="")
    except ArticleError as error:
        place = re.match(r"(:\d+)?: ", str(error))
        line = place[1] if place and place[1] else ""
        yield Skipped(where=file.name + line, reason=str(error)[place.end() if place else 0 :])
        return
    named = frozenset(("id", "title", "body", "language", "tags", "kind"))
    yield Record(
        where=file.name,
        id=article.id,
        title=article.title,
        body=article.body,
        language=article.language,
        tags=article.tags,
        kind=article.kind,
        markup="markdown",
        fields={name: value for name, value in asdict(article).items() if name not in named},
    )


def page(file: File) -> Iterator[Record | Skipped]:
    """One page of HTML; its id is the file's name, or its folder's where that is ``index``."""
    page = read_page(_page_text(_content(file, MAX_PAGE_BYTES)))
    # A <title> mostly adds the help centre's name to the heading; a heading it does not hold may be the shop's name.
    title = page.heading if page.heading and page.heading in (page.title or page.heading) else page.title
    path = Path(file.name)
    yield Record(
        where=file.name,
        id=path.parent.name if path.stem == "index" and path.parent.name else path.stem,
        title=title,
        body=page.markdown.removeprefix(f"# {page.heading}\n").strip() if title == page.heading else page.markdown,
        language=page.language or None,
        markup="markdown",
    )


def _page_text(content: bytes) -> str:
    declared = None if content.startswith(_UTF16) else _CHARSET.search(content, 0, 1024)
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        # The standard for HTML: 1024 bytes are searched, and a page that says Latin 1 is in Windows's superset of it.
        name = declared[1].decode("ascii").lower()
        with contextlib.suppress(LookupError):
            return content.decode("windows-1252" if name == "iso-8859-1" else name, "replace")
    return _decoded(content)


def ndjson(file: File, stream: IO[str]) -> Iterator[Record | Skipped]:
    """NDJSON of articles: the fields of the front matter, and ``body`` in Markdown."""
    for line in documents.lines(stream):
        where = f"{file.name}:{line.number}"
        if line.text is not None and not line.text.strip():
            continue
        try:
            members = _line_members(line)
        except ArticleError as error:
            yield Skipped(where=where, reason=str(error))
            continue
        yield Record(
            where=where,
            id=members.pop("id", None),
            title=members.pop("title", None),
            body=members.pop("body", None),
            language=members.pop("language", None),
            tags=members.pop("tags", None),
            kind=members.pop("kind", "article"),
            markup="markdown",
            fields=members,
        )


def _line_members(line: documents.Line) -> dict[str, object]:
    if line.text is None:
        raise ArticleError(f"the line has more than {documents.MAX_LINE} characters")
    if not line.text.isascii() and _NOT_UTF8.search(line.text):
        raise ArticleError("not UTF-8")
    try:
        value = documents.parse_line(line.text)
    except ArticleError as error:
        raise error if line.ended else ArticleError("the file breaks off here") from None
    if not isinstance(value, dict):
        raise ArticleError(f"expected an object, found {type(value).__name__}")
    return {name: member for name, member in value.items() if member is not None}


def table(file: File, stream: IO[str]) -> Iterator[Record | Skipped]:
    """A CSV table with a header (RFC 4180, or another delimiter); a row that holds placeholders is a saved reply.

    Raises:
        ArticleError: the header names no body.
    """
    source = (line for line in documents.lines(stream) if line.number > 1 or not is_separator_line(line.text))
    delimiter, names = header_of(
        next((line.text for line in source if line.text is None or line.text.strip()), None) or ""
    )
    if not names:
        raise ArticleError("the first line names no column for a title or id and one for the body")
    kind = "macro" if columns.holds_replies(names) else "article"
    walk = documents.rows(source, delimiter)
    while True:
        try:
            row = next(walk, None)
        except ArticleError as error:
            yield Skipped(where=file.name, reason=str(error))
            return
        if row is None:
            return
        if row.cells is None or any(cell.strip() for cell in row.cells):
            yield _row_record(row, names, kind, f"{file.name}:{row.number}")


def _row_record(row: documents.Row, names: tuple[str, ...], kind: str, where: str) -> Record | Skipped:
    if row.cells is None:
        return Skipped(where=where, reason=f"the line has more than {documents.MAX_LINE} characters")
    if any(not cell.isascii() and _NOT_UTF8.search(cell) for cell in row.cells):
        return Skipped(where=where, reason="not UTF-8")
    if len(row.cells) < len(names) or any(cell.strip() for cell in row.cells[len(names) :]):
        return Skipped(where=where, reason=f"{len(row.cells)} cells where the header has {len(names)}")
    members: dict[str, object] = {}
    for name, cell in zip(names, row.cells, strict=False):
        if cell.strip():
            members.setdefault(name, cell)
    replies = kind == "macro" or any("{{" in cell for cell in row.cells)
    try:
        return columns.record_of(members, where=where, kind="macro" if replies else "article")
    except ArticleError as error:
        return Skipped(where=where, reason=str(error))


def is_separator_line(text: str | None) -> bool:
    """Excel's own first line, which names the delimiter; the header tells it as well."""
    return text is not None and re.fullmatch(r"\ufeff?sep=.", text.strip(), re.IGNORECASE) is not None


def header_of(line: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter that parts a table's first line into most columns, and their names; no names where none fit."""
    best: tuple[str, tuple[str, ...]] = (",", ())
    for delimiter in _DELIMITERS:
        header = documents.Line(1, line.strip("\ufeff\r\n"), True)
        try:
            cells = next(documents.rows(iter((header,)), delimiter)).cells or ()
        except ArticleError:
            continue
        names = tuple(columns.canonical(cell) for cell in cells)
        if columns.has_body(names) and len(names) > len(best[1]):
            best = (delimiter, names)
    return best


def document(file: File, format: str | None) -> Iterator[Record | Skipped]:
    """A JSON document of any of the formats in ``exports``; without ``format`` its first record tells which.

    Raises:
        ArticleError: nothing of it can be read, or its first record is none that is known.
    """
    text, fault = _readable(_content(file, MAX_DOCUMENT_BYTES))
    number = 0
    try:
        for number, item in enumerate(documents.items(text, exports.LISTS, exports.WRAPPERS), 1):
            where = f"{file.name}: record {number}"
            if not isinstance(item.value, dict):
                yield Skipped(where=where, reason=f"expected an object, found {type(item.value).__name__}")
                continue
            format = format or exports.format_of(item.container, item.value)
            if format is None:
                raise ArticleError("its records are of no format that is known; the format can be given")
            yield from _item_records(exports.READERS[format], item, where)
    except ArticleError as error:
        if format is None or number == 0:
            raise ArticleError(fault or str(error)) from error
        yield Skipped(where=f"{file.name}: after record {number}", reason=fault or str(error))


def _item_records(reader: exports.Reader, item: documents.Item, where: str) -> Iterator[Record | Skipped]:
    assert isinstance(item.value, dict)
    try:
        yield from reader(item.container, item.value, where)
    except ArticleError as error:
        yield Skipped(where=where, reason=str(error))


def _readable(content: bytes) -> tuple[str, str]:
    """The text up to the first byte that is none, and what is wrong with that byte."""
    try:
        return _decoded(content), ""
    except ArticleError as error:
        if content.startswith(_UTF16):
            return content.decode("utf-16", "replace"), ""
        cause = error.__cause__
        start = cause.start if isinstance(cause, UnicodeDecodeError) else 0
        return content[:start].decode("utf-8-sig", "ignore"), str(error)
