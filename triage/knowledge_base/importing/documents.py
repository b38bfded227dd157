"""Readers of JSON documents, NDJSON and CSV that give what they have read when a file breaks off.

All raise ``ArticleError`` at the place where nothing further can be read, without the file's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from triage.errors import ArticleError

MAX_LINE = 8_000_000
"""Characters of a line of NDJSON or a record of CSV; a body at its limit fits even where each letter is escaped."""

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(strict=False)


class Line(NamedTuple):
    """A line without its end. ``text`` is None where it is longer than ``MAX_LINE``, ``ended`` False at a cut end."""

    number: int
    text: str | None
    ended: bool


def lines(stream: IO[str]) -> Iterator[Line]:
    """The lines of a text stream, with no more than one of them in memory."""
    number = 0
    while text := stream.readline(MAX_LINE):
        number += 1
        if len(text) < MAX_LINE or text.endswith("\n"):
            yield Line(number, text.removesuffix("\n"), text.endswith("\n"))
            continue
        while text and not text.endswith("\n"):
            text = stream.readline(MAX_LINE)
        yield Line(number, None, True)


class Item(NamedTuple):
    """A value of the list ``container`` of a document; None for a bare list, or for a document of one record."""

    container: str | None
    value: object


def items(text: str, containers: frozenset[str], wrappers: frozenset[str]) -> Iterator[Item]:
    """The values of the lists of a JSON document, one by one.

    Args:
        containers: the members of the outermost object whose values are lists of records, or one record. An object
            with none of them is one record itself.
        wrappers: those of them whose value may be an object that has the ``containers``.
    """
    cursor = _Cursor(text)
    if cursor.at_mark("["):
        for value in cursor.elements():
            yield Item(None, value)
    elif cursor.at_mark("{"):
        yield from _members(cursor, containers, wrappers)
    else:
        raise cursor.broken("expected a list or an object")
    if cursor.at_mark(""):
        raise cursor.broken("more text follows the document")


def _members(cursor: _Cursor, containers: frozenset[str], wrappers: frozenset[str]) -> Iterator[Item]:
    found = False
    rest: dict[str, object] = {}
    for key in cursor.members():
        if key in containers and cursor.at_mark("["):
            found = True
            for value in cursor.elements():
                yield Item(key, value)
        else:
            rest[key] = cursor.value()
    named = [(key, value) for key, value in rest.items() if key in containers and isinstance(value, dict)]
    if not found and not named:
        yield Item(None, rest)
    for key, value in named:
        yield from _inner(key, value, containers if key in wrappers else frozenset())


def _inner(key: str, document: dict[str, object], containers: frozenset[str]) -> Iterator[Item]:
    """One object within the document: it holds lists itself, or is a record."""
    listed = [(name, part) for name, part in document.items() if name in containers and isinstance(part, list)]
    if not listed:
        yield Item(key, document)
    for name, part in listed:
        for value in part:
            yield Item(name, value)


class _Cursor:
    """A place in a JSON text. A list or an object is walked through, whatever it holds is read in one go."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def at_mark(self, mark: str) -> bool:
        """Whether ``mark`` comes next; of the empty one, whether anything does."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text.startswith(mark, self._at) and self._at < len(self._text)

    def _take(self, mark: str) -> bool:
        taken = self.at_mark(mark)
        self._at += taken
        return taken

    def elements(self) -> Iterator[object]:
        """The elements of the list that begins here."""
        self._take("[")
        if self._take("]"):
            return
        while True:
            yield self.value()
            if self._take("]"):
                return
            if not self._take(","):
                raise self.broken("expected ',' or ']'")

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; whoever asks for the next has read the value."""
        self._take("{")
        if self._take("}"):
            return
        while True:
            key = self.value() if self.at_mark('"') else None
            if not isinstance(key, str) or not self._take(":"):
                raise self.broken("expected a name and ':'")
            self.at_mark("")
            yield key
            if self._take("}"):
                return
            if not self._take(","):
                raise self.broken("expected ',' or '}'")

    def value(self) -> object:
        self.at_mark("")
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = min(error.pos, len(self._text))
            raise self.broken(error.msg) from None
        except (ValueError, RecursionError):
            # A number of thousands of digits, or brackets nested thousands deep.
            raise self.broken("a value too large to read") from None
        return value

    def broken(self, reason: str) -> ArticleError:
        line = self._text.count("\n", 0, self._at) + 1
        if not self.at_mark(""):
            return ArticleError(f"the file breaks off on line {line}")
        return ArticleError(f"not JSON on line {line}: {reason}")


def parse_line(text: str) -> object:
    """The value of one line of NDJSON."""
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        raise ArticleError(f"not JSON at column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise ArticleError("not JSON: a value too large to read") from None


class Row(NamedTuple):
    """A record of CSV and the line that it starts on; ``cells`` is None where it is longer than ``MAX_LINE``."""

    number: int
    cells: tuple[str, ...] | None


def rows(source: Iterator[Line], delimiter: str) -> Iterator[Row]:
    """The records of a CSV text (RFC 4180); a quote within an unquoted cell is a character like any other.

    Not ``csv.reader``: its longest cell is a setting of the whole process, and after an error it has lost its place.
    """
    for line in source:
        if line.text is None:
            yield Row(line.number, None)
            continue
        cells: list[str] = []
        text, at, size = line.text, 0, 0
        while at <= len(text):
            if not text.startswith('"', at):
                end = _cell_end(text, at, delimiter)
                cells.append(text[at:end])
                at = end + 1
                continue
            parts: list[str] = []
            at += 1
            while True:
                end = text.find('"', at)
                if end >= 0 and text.startswith('"', end + 1):
                    parts.append(text[at : end + 1])
                    at = end + 2
                    continue
                if end >= 0:
                    parts.append(text[at:end])
                    break
                parts.append(text[at:] + "\n")
                size += len(text)
                text, at = _next_line(source, line.number, size), 0
            at = end + 1
            end = _cell_end(text, at, delimiter)
            cells.append("".join(parts) + text[at:end])
            at = end + 1
        yield Row(line.number, tuple(cells))


def _cell_end(text: str, at: int, delimiter: str) -> int:
    end = text.find(delimiter, at)
    return end if end >= 0 else len(text)


def _next_line(source: Iterator[Line], start: int, size: int) -> str:
    """The next line of a quoted cell."""
    line = next(source, None)
    if line is None:
        raise ArticleError(f"the file breaks off in a quoted cell that begins in the record of line {start}")
    if line.text is None or size > MAX_LINE:
        raise ArticleError(f"a quoted cell that begins in the record of line {start} is never closed")
    return line.text
