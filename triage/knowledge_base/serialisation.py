"""Articles as JSON, the same bytes for the same article, and what is reckoned from these bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from triage.types import Article

_FIELDS = tuple(field.name for field in fields(Article))
_DAYS = frozenset(("valid_from", "valid_to"))


def canonical(record: Mapping[str, Any]) -> bytes:
    """JSON of ``record`` in one line of ASCII, keys sorted; a lone surrogate survives."""
    return json.dumps(record, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii")


def article_record(article: Article) -> dict[str, Any]:
    """The fields of ``article`` that JSON can hold; days in ISO 8601."""
    record = {name: getattr(article, name) for name in _FIELDS}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in record.items()}


def article_of(record: Mapping[str, Any]) -> Article:
    """The inverse of ``article_record``; fields that a later release added are left out.

    Raises:
        KeyError, TypeError, ValueError: a field is missing or no day.
    """
    values: dict[str, Any] = {}
    for name in _FIELDS:
        if name not in record:
            continue
        value = record[name]
        if isinstance(value, list):
            value = tuple(value)
        elif name in _DAYS and value is not None:
            value = date.fromisoformat(value)
        values[name] = value
    return Article(**values)


def fingerprint(article: Article) -> int:
    """A number of 256 bits for ``article``. The sum over a set names the set, whatever the order, and a change of one
    article changes it by a difference."""
    return int.from_bytes(hashlib.sha256(canonical(article_record(article))).digest(), "big")


def stamp(article: Article | None) -> str:
    """What an article looks like, in 32 letters, to tell later whether it changed meanwhile; empty where there is none."""
    return "" if article is None else f"{fingerprint(article):064x}"[:32]


def version_of(total: int, encoder_version: str) -> str:
    """What results carry: ``total`` is the sum of the articles' fingerprints."""
    return hashlib.sha256(f"{encoder_version}:{total % 2**256:064x}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
