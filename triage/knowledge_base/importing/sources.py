"""The files of a source, each read as what it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from triage.errors import ArticleError
from triage.knowledge_base.articles import FrontMatter
from triage.knowledge_base.importing import documents, readers
from triage.knowledge_base.importing.readers import File
from triage.knowledge_base.importing.records import Record, Skipped, article_of, language_tag
from triage.types import Article

FORMATS = ("markdown", "html", "csv", "json", "ndjson", "zendesk", "freshdesk", "chatwoot", "intercom")
"""What ``format`` may be; ``json`` is a list of saved replies."""

_SUFFIXES = {
    "markdown": (".md", ".markdown"),
    "html": (".html", ".htm", ".xhtml"),
    "csv": (".csv", ".tsv"),
    "ndjson": (".ndjson", ".jsonl"),
    "json": (".json",),
}
_PAGE_FIELDS = frozenset(FrontMatter.model_fields) | {"body"}


def read_source(path: Path, *, format: str | None = None, language: str = "en") -> Iterator[Article | Skipped]:
    """The articles of a file or folder one by one, and what gave none.

    Of a folder every file of a known kind is read, in order of path; what is wrong with one of them is a ``Skipped``.
    A second article of the same id and language is skipped, whichever file it is in.

    Args:
        format: one of ``FORMATS``; without it, the content tells.
        language: of what names no language itself.

    Raises:
        ArticleError: the source cannot be read, or is nothing that is known; ``format`` or ``language`` is wrong.
    """
    if format is not None and format not in FORMATS:
        raise ArticleError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    yield from _articles(_folder(path, format) if path.is_dir() else _single(path, format), language)


def read_lines(stream: IO[str], *, name: str, language: str = "en") -> Iterator[Article | Skipped]:
    """As ``read_source``, of NDJSON that lies in no file; ``name`` is what reasons call it."""
    yield from _articles(readers.ndjson(File(Path(name), name), stream), language)


def _articles(records: Iterable[Record | Skipped], language: str) -> Iterator[Article | Skipped]:
    default = language_tag(language)
    seen: set[tuple[str, str]] = set()
    for record in records:
        found = record if isinstance(record, Skipped) else article_of(record, language=default)
        if isinstance(found, Article):
            if (found.id, found.language) in seen:
                found = Skipped(where=record.where, reason=f"a second article {found.id!r} in {found.language!r}")
            else:
                seen.add((found.id, found.language))
        yield found


def changes(existing: Mapping[tuple[str, str], Article], incoming: Iterable[Article]) -> Iterator[tuple[str, Article]]:
    """Each incoming article with ``new``, ``changed`` or ``same``, against those of the same id and language."""
    for article in incoming:
        known = existing.get((article.id, article.language))
        yield "new" if known is None else "same" if known == article else "changed", article


def _single(path: Path, format: str | None) -> Iterator[Record | Skipped]:
    try:
        yield from _read(File(path, path.name), format)
    except ArticleError as error:
        raise ArticleError(f"{path.name}: {error}") from error


def _folder(folder: Path, format: str | None) -> Iterator[Record | Skipped]:
    wanted = _SUFFIXES.get(format, _SUFFIXES["json"]) if format else sum(_SUFFIXES.values(), ())
    root = folder.resolve()
    files = [File(path, path.relative_to(folder).as_posix()) for path in sorted(folder.rglob("*"))]
    files = [file for file in files if file.path.suffix.lower() in wanted and not _is_hidden(file.name)]
    if not files:
        raise ArticleError(f"{folder.name}: no {' or '.join(wanted)} file in this folder")
    for file in files:
        try:
            if not file.path.resolve().is_relative_to(root):
                raise ArticleError("a link that leads out of the folder")
            if file.path.is_file():
                yield from _read(file, format)
        except ArticleError as error:
            yield Skipped(where=file.name, reason=str(error))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _read(file: File, format: str | None) -> Iterator[Record | Skipped]:
    """The records of one file.

    Raises:
        ArticleError: without the file's name; it is unreadable or unknown.
    """
    try:
        with file.path.open("rb") as stream:
            encoding = readers.encoding_of(stream.read(4096))
            kind = format or _kind(file, encoding)
            if kind in ("markdown", "html"):
                yield from (readers.markdown if kind == "markdown" else readers.page)(file)
            elif kind in ("ndjson", "csv"):
                # Bytes that are not UTF-8 come as lone surrogates, which spoil a record and not the file.
                errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
                with file.path.open(encoding=encoding, errors=errors) as text:
                    yield from (readers.ndjson if kind == "ndjson" else readers.table)(file, text)
            else:
                yield from readers.document(file, format)
    except OSError as error:
        raise ArticleError(f"cannot be read: {error.strerror or error}") from error


def _kind(file: File, encoding: str) -> str:
    """What a file holds, by its content; a document of JSON is told apart further by its first record."""
    with file.path.open(encoding=encoding, errors="replace") as stream:
        first = ""
        while not first.strip() and (line := stream.readline(documents.MAX_LINE)):
            first = line
        second = stream.readline(4096)
    text, suffix = first.strip(), file.path.suffix.lower()
    if text == "---" or suffix in _SUFFIXES["markdown"]:
        return "markdown"
    if re.match(r"<[!?A-Za-z]", text):
        return "html"
    if text.startswith("{"):
        listed = suffix in _SUFFIXES["ndjson"] or _is_article_line(text, second)
        return "ndjson" if listed else "json"
    if text.startswith("["):
        return "json"
    if readers.header_of(second if readers.is_separator_line(first) else first)[1]:
        return "csv"
    raise ArticleError(f"nothing that is known ({', '.join(FORMATS)}); the format can be given")


def _is_article_line(first: str, second: str) -> bool:
    try:
        value = documents.parse_line(first)
    except ArticleError:
        return False
    named = isinstance(value, dict) and bool(value) and value.keys() <= _PAGE_FIELDS
    return named or (second.lstrip().startswith("{") and isinstance(value, dict))
