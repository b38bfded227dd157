"""Changes since a generation, one JSON line each, on disk before the change returns.

Every line ends with the SHA-256 of what stands before it. A last line that broke off is no change: its writer was never
told that it was kept. A damaged line before others is a damaged disk; what follows it is not read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.knowledge_base.files import private
from triage.knowledge_base.passages import Key
from triage.knowledge_base.serialisation import article_of, article_record, canonical
from triage.types import Article

_SEAL = b',"sha256":"'
_SEALED = len(_SEAL) + 64 + len(b'"}')


@dataclass(frozen=True, kw_only=True)
class Change:
    """An article put, or deleted where ``article`` is None. ``seq`` grows with every change."""

    seq: int
    key: Key
    article: Article | None


@dataclass(frozen=True, kw_only=True)
class JournalStart:
    """The first line: changes follow state ``after`` of the history named ``lineage``.

    A lineage ends where a generation holds something that no journal tells; journals of two never apply to one state.
    """

    lineage: str
    after: int


@dataclass(frozen=True, kw_only=True)
class JournalPart:
    """What a journal holds from an offset on.

    Attributes:
        start: the first line, where it was read.
        end: offset in bytes behind the last whole line.
        damaged: a line that cannot be trusted stands before others; ``changes`` stop there.
    """

    start: JournalStart | None
    changes: tuple[Change, ...]
    end: int
    damaged: bool


def read_journal(path: Path, offset: int = 0) -> JournalPart:
    """The whole lines of a journal from ``offset`` (bytes) on.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read()
    start: JournalStart | None = None
    changes: list[Change] = []
    end = offset
    lines = content.split(b"\n")
    for number, line in enumerate(lines[:-1]):
        parsed = _parse(line)
        expected = JournalStart if end == 0 else Change
        if not isinstance(parsed, expected):
            rest = number < len(lines) - 2 or lines[-1] != b""
            return JournalPart(start=start, changes=tuple(changes), end=end, damaged=rest or end == 0)
        if isinstance(parsed, JournalStart):
            start = parsed
        else:
            changes.append(parsed)
        end += len(line) + 1
    return JournalPart(start=start, changes=tuple(changes), end=end, damaged=False)


def write_journal(path: Path, start: JournalStart, changes: Iterable[Change]) -> int:
    """A new journal, on disk when the call returns; its size in bytes."""
    content = _line({"lineage": start.lineage, "after": start.after}) + b"".join(map(change_line, changes))
    with open(path, "wb", opener=private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return len(content)


def append(path: Path, end: int, changes: Sequence[Change]) -> int:
    """Adds ``changes`` behind offset ``end``, on disk when the call returns; the new end.

    What stands behind ``end`` is a line that broke off, and is cut away.

    Raises:
        OSError: nothing was added.
    """
    content = b"".join(map(change_line, changes))
    descriptor = os.open(path, os.O_WRONLY)
    try:
        try:
            if os.fstat(descriptor).st_size != end:
                os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            # The caller is told that nothing was kept; nothing may turn up later.
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
    return end + len(content)


def change_line(change: Change) -> bytes:
    """The line that tells ``change``."""
    article_id, language = change.key
    if change.article is None:
        return _line({"seq": change.seq, "op": "delete", "id": article_id, "language": language})
    return _line({"seq": change.seq, "op": "put", "article": article_record(change.article)})


def _line(record: dict[str, Any]) -> bytes:
    body = canonical(record)[:-1]
    return body + _SEAL + hashlib.sha256(body).hexdigest().encode("ascii") + b'"}\n'


def _parse(line: bytes) -> Change | JournalStart | None:
    body, seal = line[:-_SEALED], line[-_SEALED:]
    if seal != _SEAL + hashlib.sha256(body).hexdigest().encode("ascii") + b'"}':
        return None
    try:
        record = json.loads(body + b"}")
        if "lineage" in record:
            return JournalStart(lineage=record["lineage"], after=record["after"])
        if record["op"] == "delete":
            return Change(seq=record["seq"], key=(record["id"], record["language"]), article=None)
        article = article_of(record["article"])
        return Change(seq=record["seq"], key=(article.id, article.language), article=article)
    except (KeyError, TypeError, ValueError):
        return None  # written by a release that tells changes otherwise
