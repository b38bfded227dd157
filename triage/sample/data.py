"""The sample shop "Tamaro": articles, orders and messages, written for this project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from triage.knowledge_base.articles import read_articles
from triage.types import Article, InboundMessage, Order


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


def _message(row: dict[str, Any], orders: dict[str, Order]) -> InboundMessage:
    fields = {key: value for key, value in row.items() if key not in ("id", "expected", "order")}
    message = TypeAdapter(InboundMessage).validate_python(fields)
    return replace(message, order=orders.get(row.get("order") or ""))


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with (_folder() / name).open(encoding="utf-8") as handle:
        for line in handle:
            row: dict[str, Any] = json.loads(line)
            yield row
