"""Labelled messages: JSON lines with inline entity markup, written by hand for this project.

A line is ``{"text", "language", "channel", "intents", "urgency"}`` with ``needs_reply`` and ``reasons`` where they
apply; ``[[type:value]]`` in the text marks an entity. A file is one batch: one writer, one shop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from triage.errors import TriageError
from triage.models.taxonomy import INTENTS, REASONS
from triage.types import URGENCIES, Entity

MARKUP = re.compile(r"\[\[([a-z_]+):(.*?)\]\]", re.DOTALL)


class LabelError(TriageError):
    """A line that cannot be used; the message names file and line."""


@dataclass(frozen=True, kw_only=True)
class LabelledMessage:
    """One message with what a careful reader said of it; offsets of ``entities`` are into ``text``."""

    text: str
    language: str
    channel: str
    intents: tuple[str, ...]
    urgency: str
    needs_reply: bool
    reasons: tuple[str, ...]
    entities: tuple[Entity, ...]
    batch: str


def strip_markup(marked: str) -> tuple[str, tuple[Entity, ...]]:
    """The plain text and the entities that were marked in it."""
    parts: list[str] = []
    entities: list[Entity] = []
    last = length = 0
    for match in MARKUP.finditer(marked):
        before = marked[last : match.start()]
        parts += [before, match[2]]
        start = length + len(before)
        entities.append(Entity(type=match[1], value=match[2], start=start, end=start + len(match[2])))
        length = start + len(match[2])
        last = match.end()
    return "".join([*parts, marked[last:]]), tuple(entities)


def read_messages(
    paths: Iterable[Path], *, intents: tuple[str, ...] = INTENTS, reasons: tuple[str, ...] = tuple(REASONS)
) -> list[LabelledMessage]:
    """Every message of the files, in order.

    Raises:
        LabelError: not UTF-8 JSON, a missing field, or a label outside the taxonomy.
    """
    messages = []
    for path in paths:
        for number, raw in enumerate(path.read_bytes().splitlines(), 1):
            if raw.strip():
                messages.append(_parse(raw, f"{path}:{number}", path.stem, intents, reasons))
    return messages


def _parse(raw: bytes, place: str, batch: str, intents: tuple[str, ...], reasons: tuple[str, ...]) -> LabelledMessage:
    try:
        row = json.loads(raw)
        text, entities = strip_markup(row["text"])
        message = LabelledMessage(
            text=text, language=row["language"], channel=row.get("channel", "email"), intents=tuple(row["intents"]),
            urgency=row["urgency"], needs_reply=row.get("needs_reply", True), reasons=tuple(row.get("reasons", ())),
            entities=entities, batch=batch,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise LabelError(f"{place}: {error!r}") from error
    unknown = [label for label in message.intents if label not in intents]
    unknown += [label for label in message.reasons if label not in reasons]
    if message.urgency not in URGENCIES:
        unknown.append(message.urgency)
    if unknown or not message.intents:
        raise LabelError(f"{place}: {', '.join(unknown) or 'no intent'} is not in the taxonomy")
    return message
