"""The sample shop "Tamaro": articles, orders and messages, written for this project."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from triage.knowledge_base.articles import read_articles
from triage.types import Arrival, Article, InboundMessage, Order, Sender, ThreadMessage

NEWEST, SPAN = timedelta(minutes=3), timedelta(hours=26)
"""How long before the demo's start its newest message came, and in how long a time all of them: some are late already."""
_BY_PHONE = frozenset({"sms", "whatsapp", "phone"})
_BY_HANDLE = frozenset({"chat", "social", "review"})


def _folder() -> Path:
    return Path(str(files("triage.sample")))


@cache
def sample_articles() -> tuple[Article, ...]:
    """About fifty articles, the main twenty in seven languages."""
    return tuple(read_articles(_folder() / "articles"))


@cache
def sample_orders() -> dict[str, Order]:
    """Orders by id."""
    adapter = TypeAdapter(Order)
    return {row["id"]: adapter.validate_python(row) for row in _rows("orders.jsonl")}


def sample_messages() -> Iterator[dict[str, Any]]:
    """Messages as written, with the labels of a careful reading under ``expected``."""
    yield from _rows("messages.jsonl")


def sample_inbox() -> list[tuple[str, InboundMessage]]:
    """The sample messages with their orders, by id."""
    orders = sample_orders()
    return [(row["id"], _message(row, orders)) for row in sample_messages()]


def sample_buyers() -> dict[str, Sender]:
    """Who bought each order, as far as the shop knows."""
    return {row["id"]: _buyer(row["customer"]) for row in _rows("orders.jsonl") if row["customer"]}


def sample_arrivals(now: datetime) -> list[Arrival]:
    """The sample messages as their channels would bring them, moved in time so that the newest has just come in; their order
    stays.

    A name is one person on every channel; addresses and numbers are made up (RFC 2606; Ofcom's numbers for drama).
    """
    rows, messages = list(sample_messages()), sample_inbox()
    written = [message.received_at for _, message in messages if message.received_at]
    first, whole = min(written), max(written) - min(written)
    senders, begin = _senders(rows), now - NEWEST - SPAN
    arrivals = []
    for key, message in messages:
        at = begin + SPAN * (((message.received_at or first) - first) / whole)
        sender = senders[message.customer.name or key]
        if message.channel not in _BY_HANDLE:
            sender = replace(sender, handle=None)
        arrivals.append(Arrival(external_id=key, message=_moved(message, at), sender=sender))
    return arrivals


def _senders(rows: list[dict[str, Any]]) -> dict[str, Sender]:
    known = {row["customer"]["name"]: row["customer"]["email"] for row in _rows("orders.jsonl") if row["customer"]}
    channels: dict[str, set[str]] = {}
    for row in rows:
        channels.setdefault(row["customer"]["name"] or row["id"], set()).add(row["channel"])
    senders, taken = dict[str, Sender](), {""}
    for number, (name, used) in enumerate(channels.items()):
        handle = _handle(name)
        if handle in taken:
            handle = f"customer{number:03}"
        taken.add(handle)
        senders[name] = Sender(
            name=name, email=known.get(name) or f"{handle}@customers.example",
            phone=f"+44 7700 900{number:03}" if used & _BY_PHONE else None, handle=handle,
        )  # fmt: skip
    return senders


def _handle(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return ".".join("".join(c for c in word if c.isalnum()) for word in plain.split()).strip(".")


def _buyer(customer: dict[str, Any]) -> Sender:
    return Sender(name=customer["name"], email=customer["email"])


def _moved(message: InboundMessage, at: datetime) -> InboundMessage:
    later = at - (message.received_at or at)
    thread = tuple(ThreadMessage(author=p.author, text=p.text, at=p.at and p.at + later) for p in message.thread)
    return replace(message, received_at=at, thread=thread)


def _message(row: dict[str, Any], orders: dict[str, Order]) -> InboundMessage:
    fields = {key: value for key, value in row.items() if key not in ("id", "expected", "order")}
    message = TypeAdapter(InboundMessage).validate_python(fields)
    return replace(message, order=orders.get(row.get("order") or ""))


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with (_folder() / name).open(encoding="utf-8") as handle:
        for line in handle:
            row: dict[str, Any] = json.loads(line)
            yield row
