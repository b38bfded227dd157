"""Contacts and orders as columns of numbers: a day is packed into bytes, many days are put together to compute on.

A million contacts are some 30 MB so; any figure over any selection of them is a few passes of numpy.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.insights.types import DIMENSIONS, NOTHING, Filters

FORMAT = 1
"""Of packed days; one of another format is counted anew."""
Numbers = NDArray[Any]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]


class Flag(IntFlag):
    """What is true of a contact.

    ``OPENS``: it is the conversation's first. ``BEGINS``: it waits for a reply and nothing before it did; ``CHASES``: something
    before it did. ``*_LABELLED``: a person said what it is; ``*_STOOD``: the same as the model had said.
    """

    OPENS = 1
    BEGINS = 2
    NEEDS_REPLY = 4
    READ = 8
    ABSTAINED = 16
    DRAFTED = 32
    ARTICLE = 64
    ASKED_BEFORE = 128
    CHASES = 256
    INTENT_LABELLED = 512
    INTENT_STOOD = 1024
    URGENCY_LABELLED = 2048
    URGENCY_STOOD = 4096
    LANGUAGE_LABELLED = 8192
    LANGUAGE_STOOD = 16384


NO_FLAG = Flag(0)


class Decision(IntEnum):
    """What became of the draft."""

    NONE = 0
    PENDING = 1
    ACCEPTED = 2
    EDITED = 3
    REJECTED = 4
    SUPERSEDED = 5


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One contact, before it is packed.

    Attributes:
        message_id: for examples; it is not packed.
        key: the order's; packed is one for each product, from which its title can be read.
        said: the intent that the model named first, ``intent`` what it is now, by a person's correction where there is one.
        response, due, closed: seconds from receipt to the next reply, to the due time, and to when somebody closed the
            conversation without one.
        distance: of the approved text from the assistant's.
        customer: 32 bits of a digest, to count customers; 0 for nobody.
        lines: (product, supplier) of the order's items.
    """

    received_at: datetime
    message_id: str = ""
    key: str = ""
    channel: str = ""
    language: str = ""
    region: str = ""
    intent: str = ""
    said: str = ""
    urgency: str = ""
    model: str = ""
    flags: Flag = NO_FLAG
    decision: Decision = Decision.NONE
    response: float | None = None
    due: float | None = None
    closed: float | None = None
    distance: float | None = None
    customer: int = 0
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Touch:
    """A contact about an order."""

    channel: str = ""
    language: str = ""
    intent: str = ""
    urgency: str = ""


@dataclass(frozen=True, kw_only=True)
class PlacedOrder:
    """One order, before it is packed; ``key`` as in ``Contact``."""

    placed_at: datetime
    key: str = ""
    region: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    touches: tuple[Touch, ...] = ()


_HELPS = 0.8
"""Compressed to less of its size, a column is kept so; else reading it would only take longer."""
_WORDS = ("channel", "language", "region", "intent", "said", "urgency", "model")
_TOUCHES = ("channel", "language", "intent", "urgency")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Named columns; those in ``words`` hold places in a list of words."""

    columns: Mapping[str, Numbers]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


def pack(columns: Columns) -> bytes:
    """``columns`` as bytes, which ``unpack`` reads: each by itself, compressed where that helps."""
    parts, head = [], []
    for name, values in columns.columns.items():
        raw = values.tobytes()
        small = zlib.compress(raw, 1)
        helps = len(small) < _HELPS * len(raw)
        parts.append(small if helps else raw)
        head.append((name, values.dtype.str, len(parts[-1]), helps))
    words = {name: list(words) for name, words in columns.words.items()}
    begin = zlib.compress(json.dumps([head, words], ensure_ascii=False).encode("utf-8", "surrogatepass"), 1)
    return b"".join([struct.pack("<I", len(begin)), begin, *parts])


def unpack(content: bytes, wanted: Collection[str] | None = None) -> Columns:
    """What ``pack`` made; of the columns only those ``wanted``, where they are named."""
    (length,) = struct.unpack_from("<I", content)
    head, words = json.loads(zlib.decompress(content[4 : 4 + length]).decode("utf-8", "surrogatepass"))
    place, columns = 4 + length, {}
    for name, kind, size, compressed in head:
        if wanted is None or name in wanted:
            raw = content[place : place + size]
            columns[name] = np.frombuffer(zlib.decompress(raw) if compressed else raw, dtype=kind)
        place += size
    return Columns(columns=columns, words=words)


def pack_contacts(contacts: Sequence[Contact]) -> bytes:
    """A day's contacts."""
    columns: dict[str, Numbers] = {
        "at": _column([int(contact.received_at.timestamp()) for contact in contacts], "<u4"),
        "flags": _column([int(contact.flags) for contact in contacts], "<u2"),
        "decision": _column([int(contact.decision) for contact in contacts], "u1"),
        "customer": _column([contact.customer for contact in contacts], "<u4"),
        **{
            name: _column([_number(getattr(contact, name)) for contact in contacts], "<f4")
            for name in ("response", "due", "closed", "distance")
        },
    }
    words: dict[str, list[str]] = {}
    for name in _WORDS:
        columns[name], words[name] = _coded([getattr(contact, name) for contact in contacts])
    _add_lines(columns, words, [contact.lines for contact in contacts])
    _add_titles(words, contacts)
    return pack(Columns(columns=columns, words=words))


def pack_orders(orders: Sequence[PlacedOrder]) -> bytes:
    """A day's orders, with the contacts about them."""
    columns: dict[str, Numbers] = {"at": _column([int(order.placed_at.timestamp()) for order in orders], "<u4")}
    words: dict[str, list[str]] = {}
    columns["region"], words["region"] = _coded([order.region for order in orders])
    _add_lines(columns, words, [order.lines for order in orders])
    touches = [(row, touch) for row, order in enumerate(orders) for touch in order.touches]
    columns["touch_row"] = _column([row for row, _ in touches], "<u4")
    for name in _TOUCHES:
        columns[f"touch_{name}"], words[f"touch_{name}"] = _coded([getattr(touch, name) for _, touch in touches])
    _add_titles(words, orders)
    return pack(Columns(columns=columns, words=words))


def _add_lines(
    columns: dict[str, Numbers], words: dict[str, list[str]], lines: Sequence[Sequence[tuple[str, str]]]
) -> None:
    flat = [(row, *line) for row, found in enumerate(lines) for line in sorted(set(found))]
    columns["line_row"] = _column([row for row, _, _ in flat], "<u4")
    columns["line_product"], words["line_product"] = _coded([product for _, product, _ in flat])
    columns["line_supplier"], words["line_supplier"] = _coded([supplier for _, _, supplier in flat])


def _add_titles(words: dict[str, list[str]], found: Sequence[Contact] | Sequence[PlacedOrder]) -> None:
    keys = {product: one.key for one in found for product, _ in one.lines if product and one.key}
    words["titled"], words["titled_by"] = list(keys), list(keys.values())


def _column(values: Sequence[float], kind: str) -> Numbers:
    return np.asarray(values, dtype=kind)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _coded(values: Sequence[str]) -> tuple[Numbers, list[str]]:
    places = {word: place for place, word in enumerate(dict.fromkeys(values))}
    kind = "u1" if len(places) <= 256 else "<u2" if len(places) <= 65536 else "<u4"
    return _column([places[value] for value in values], kind), list(places)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Many days together. Columns of words hold places in ``words``; ``rows`` is how many contacts (or orders) there are."""

    rows: int
    columns: Mapping[str, Numbers]
    words: Mapping[str, Sequence[str]]

    def __getitem__(self, name: str) -> Numbers:
        return self.columns[name]

    @property
    def at(self) -> Indices:
        """Seconds since 1970 (UTC)."""
        return self.columns["at"].astype(np.int64)

    def has(self, flag: Flag) -> Mask:
        """Which rows have all of ``flag``."""
        found: Mask = (self.columns["flags"] & np.uint16(flag)) == np.uint16(flag)
        return found

    def code(self, name: str, word: str) -> int:
        """The place of ``word``; -1 where it does not occur."""
        words = self.words[name]
        return list(words).index(word) if word in words else -1

    def ordered(self, order: Indices) -> Frame:
        """The same rows in another order, without their lines."""
        columns = {name: values[order] for name, values in self.columns.items() if not name.startswith("line_")}
        return Frame(rows=self.rows, columns=columns, words=self.words)

    def select(self, mask: Mask, lines: Mask | None = None) -> Frame:
        """The rows of ``mask``, with those of their lines (and touches) that are in ``lines``."""
        place = np.cumsum(mask) - 1
        columns: dict[str, Numbers] = {}
        for group in ("line", "touch"):
            if f"{group}_row" not in self.columns:
                continue
            kept = mask[self.columns[f"{group}_row"]]
            if group == "line" and lines is not None:
                kept &= lines
            for name, values in self.columns.items():
                if name.startswith(f"{group}_"):
                    columns[name] = values[kept]
            columns[f"{group}_row"] = place[columns[f"{group}_row"]]
        for name, values in self.columns.items():
            if not name.startswith(("line_", "touch_")):
                columns[name] = values[mask]
        return Frame(rows=int(np.count_nonzero(mask)), columns=columns, words=self.words)


def together(days: Sequence[Columns]) -> Frame:
    """One frame of many days."""
    names = list(days[0].columns) if days else []
    words: dict[str, dict[str, int]] = {}
    columns: dict[str, Numbers] = {}
    starts = np.cumsum([0, *(len(day.columns["at"]) for day in days)])
    for name in names:
        parts = [day.columns[name] for day in days]
        if name in days[0].words:
            known = words.setdefault(name, {})
            coded = []
            for day, part in zip(days, parts, strict=True):
                places = [known.setdefault(word, len(known)) for word in day.words[name]]
                coded.append(np.asarray(places, dtype=np.uint32)[part] if places else part.astype(np.uint32))
            joined = np.concatenate(coded)
            columns[name] = joined.astype(np.uint16) if len(known) <= 65536 else joined
        elif name.endswith("_row"):
            columns[name] = np.concatenate([part + start for part, start in zip(parts, starts, strict=False)])
        else:
            columns[name] = np.concatenate(parts)
    coded_words: dict[str, tuple[str, ...]] = {name: tuple(known) for name, known in words.items()}
    titles: dict[str, str] = {}
    for day in days:
        titles |= dict(zip(day.words.get("titled", ()), day.words.get("titled_by", ()), strict=True))
    if titles:
        coded_words |= {"titled": tuple(titles), "titled_by": tuple(titles.values())}
    return Frame(rows=int(starts[-1]), columns=columns, words=coded_words)


def empty_contacts() -> Frame:
    """No contacts."""
    return together([unpack(pack_contacts([]))])


def empty_orders() -> Frame:
    """No orders."""
    return together([unpack(pack_orders([]))])


def chosen(frame: Frame, filters: Filters, *, without: Sequence[str] = ()) -> Frame:
    """The contacts that the filters' dimensions let through (not its time); dimensions in ``without`` let all through."""
    wanted = {name: value for name, value in filters.narrowed.items() if name not in without}
    if not wanted:
        return frame
    mask = np.ones(frame.rows, dtype=bool)
    lines: Mask | None = None
    for name in DIMENSIONS:
        if name not in wanted:
            continue
        if wanted[name] == NOTHING and name in ("product", "supplier"):
            mask[frame["line_row"][frame[f"line_{name}"] != frame.code(f"line_{name}", NOTHING)]] = False
        elif name in ("product", "supplier"):
            same: Mask = frame[f"line_{name}"] == frame.code(f"line_{name}", wanted[name])
            lines = same if lines is None else lines & same
        else:
            mask &= frame[name] == frame.code(name, wanted[name])
    if lines is not None:
        having = np.zeros(frame.rows, dtype=bool)
        having[frame["line_row"][lines]] = True
        mask &= having
    return frame.select(mask, lines)
