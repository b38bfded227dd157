"""Many orders at once, as NDJSON: each line by itself, what cannot be read is listed, and a file that breaks off keeps the rest.

Lines are written some hundred to a transaction: an import never holds up the messages that come in meanwhile, and what
was written before a crash stays. Importing the same file again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import IO, Any

from sqlalchemy.exc import IntegrityError

from triage.errors import InvalidMessage
from triage.storage.database import Database
from triage.storage.orders import order_key, put_order
from triage.storage.workspace import Workspace
from triage.types import Order, Sender

MAX_LINE = 1024 * 1024
"""Bytes of a line."""
MOST_SKIPPED = 1000
"""Reasons that one report lists; further ones are counted."""
_TOGETHER = 200
_ATTEMPTS = 5

Parse = Callable[[dict[str, Any]], tuple[Order, Sender]]
"""Makes an order and its buyer of a line's object; raises InvalidMessage, whose text names the field and no value."""


@dataclass(frozen=True, kw_only=True)
class SkippedLine:
    """A line that was left out, and why; ``number`` counts from 1."""

    number: int
    reason: str


@dataclass(kw_only=True)
class OrderImport:
    """What became of an import. ``complete``: the file did not break off. ``further``: skipped lines beyond those listed."""

    new: int = 0
    changed: int = 0
    complete: bool = True
    skipped: list[SkippedLine] = field(default_factory=list)
    further: int = 0

    def skip(self, number: int, reason: str) -> None:
        """Notes a line that was left out."""
        if len(self.skipped) < MOST_SKIPPED:
            self.skipped.append(SkippedLine(number=number, reason=reason))
        else:
            self.further += 1


@dataclass(frozen=True, kw_only=True)
class _Read:
    number: int
    order: Order
    buyer: Sender


def import_orders(
    database: Database, workspace_id: str, stream: IO[bytes], parse: Parse, *, now: datetime
) -> OrderImport:
    """Puts every order that can be read; of two with one number the later stays.

    Raises:
        StorageUnavailable: what was written until then stays; the import can be repeated.
    """
    report = OrderImport()
    lines = _read(stream, parse, report)
    while batch := list(islice(lines, _TOGETHER)):
        for read, outcome in _put(database, workspace_id, batch, now):
            if outcome == "erased":
                report.skip(read.number, "the order was erased with its customer")
            else:
                setattr(report, outcome, getattr(report, outcome) + 1)
    report.skipped.sort(key=lambda line: line.number)
    return report


def _put(database: Database, workspace_id: str, batch: list[_Read], now: datetime) -> list[tuple[_Read, str]]:
    # In one order, whatever the file's: two imports at once must not wait for each other crosswise.
    batch = sorted(batch, key=lambda read: order_key(read.order.id))

    def work(connection: Any) -> list[tuple[_Read, str]]:
        workspace = Workspace(connection, workspace_id)
        return [(read, put_order(workspace, read.order, buyer=read.buyer, now=now)) for read in batch]

    for attempt in range(_ATTEMPTS):
        try:
            return database.write(work)
        except IntegrityError:
            # Another process put the same order or erased its customer a moment earlier: the next look finds that.
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _read(stream: IO[bytes], parse: Parse, report: OrderImport) -> Iterator[_Read]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        ended = line.endswith(b"\n")
        if len(line) > MAX_LINE and not ended:
            while line and not ended:
                line = stream.readline(MAX_LINE)
                ended = line.endswith(b"\n")
            report.skip(number, f"the line has more than {MAX_LINE} bytes")
            report.complete = report.complete and ended
            continue
        if not line.strip():
            continue
        try:
            order, buyer = parse(_object(line))
        except InvalidMessage as error:
            broken = not ended and error.field == "line"
            report.skip(number, "the file breaks off here" if broken else str(error))
            report.complete = report.complete and not broken
            continue
        yield _Read(number=number, order=order, buyer=buyer)


def _object(line: bytes) -> dict[str, Any]:
    """The object of one line.

    Raises:
        InvalidMessage: of the field ``line``: no whole JSON in UTF-8; of ``body``: no object.
    """
    try:
        value = json.loads(line.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError:
        raise InvalidMessage("not UTF-8", field="line") from None
    except json.JSONDecodeError as error:
        raise InvalidMessage(f"not JSON at column {error.colno}: {error.msg}", field="line") from None
    except (ValueError, RecursionError):
        raise InvalidMessage("not JSON: a value that cannot be read", field="line") from None
    if not isinstance(value, dict):
        raise InvalidMessage(f"expected an object, found {type(value).__name__}", field="body")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")
