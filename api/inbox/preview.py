"""A draft as it will be sent, with what it rests on marked, and what is missing from it or against the channel's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from triage.drafting.items import mentioned
from triage.drafting.length import length
from triage.drafting.lint import lint
from triage.drafting.segments import sms_segments
from triage.sentences import sentences
from triage.storage.conversations import StoredMessage
from triage.types import ChannelPolicy

ORDER = "order:"


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the draft cites: an article, or an order; numbered as the draft comes to it.

    Attributes:
        article: as triage found it (``id``, ``language``, ``title``); None for an order, and an article that is not among the
            found ones any more.
        passages: the cited parts.
    """

    number: int
    id: str
    article: Mapping[str, Any] | None
    passages: tuple[str, ...]

    @property
    def order(self) -> str | None:
        return self.id.removeprefix(ORDER) if self.id.startswith(ORDER) else None


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of the draft. ``source`` is the number of what it rests on, ``rules`` the ones that it breaks, ``asked`` what it
    asks the customer for. ``last``: the source is named behind it, once a paragraph."""

    text: str
    source: int | None = None
    last: bool = False
    rules: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Preview:
    """``length`` and ``limit`` in ``unit``; ``segments`` where the channel counts SMS."""

    pieces: tuple[Piece, ...]
    sources: tuple[Source, ...]
    warnings: tuple[Mapping[str, Any], ...]
    missing: tuple[str, ...]
    unit: str
    length: int
    limit: int | None
    segments: int
    most_segments: int | None

    @property
    def too_long(self) -> bool:
        over = self.limit is not None and self.length > self.limit
        return over or (self.most_segments is not None and self.segments > self.most_segments)


def preview_of(text: str, draft: Mapping[Any, Any], message: StoredMessage, policy: ChannelPolicy) -> Preview:
    """``text``, the draft's or what an agent made of it."""
    details = draft["details"]
    found = (message.triage or {}).get("articles", [])
    sources = _sources(details["citations"], found)
    missing = tuple(details["missing"])
    warnings = tuple(_warnings(text, draft, message, policy))
    spans = [*_cited(text, sources), *_broken(text, warnings), *_asked(text, missing)]
    return Preview(
        pieces=tuple(_pieces(text, spans)), sources=sources, warnings=warnings, missing=missing, unit=policy.unit,
        length=length(text, policy), limit=policy.limit, segments=sms_segments(text), most_segments=policy.segments,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Span:
    start: int
    end: int
    kind: str
    value: Any


def _sources(citations: Sequence[Mapping[str, str]], found: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    grouped: dict[str, list[str]] = {}
    for citation in citations:
        passages = grouped.setdefault(citation["article_id"], [])
        if citation["passage"] not in passages:
            passages.append(citation["passage"])
    by_id = {article["id"]: article for article in reversed(found)}
    return tuple(
        Source(number=number, id=key, article=by_id.get(key), passages=tuple(passages))
        for number, (key, passages) in enumerate(grouped.items(), 1)
    )


def _warnings(
    text: str, draft: Mapping[Any, Any], message: StoredMessage, policy: ChannelPolicy
) -> Iterator[Mapping[str, Any]]:  # fmt: skip
    """What was said of the draft, where its own words stand; of an edited one, what its words break now."""
    said = draft["details"]["policy_warnings"]
    if text == draft["text"] and draft["revision"] == 1:
        yield from said
        return
    yield from (warning for warning in said if warning["start"] is None and warning["rule"] != "too_long")
    allowed = tuple(e["value"] for e in (message.triage or {}).get("entities", []) if e["type"].endswith("_number"))
    order = (message.triage or {}).get("order_id")
    for found in lint(text, policy, allowed=(*allowed, *([order] if order else []))):
        yield {"rule": found.rule, "detail": found.detail, "start": found.start, "end": found.end}


def _cited(text: str, sources: Iterable[Source]) -> Iterator[_Span]:
    """Where the cited passages stand; what was put into other words is found by none and stays unmarked."""
    for source in sources:
        for passage in source.passages:
            words = passage.split()
            found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
            if found:
                yield _Span(start=found.start(), end=found.end(), kind="source", value=source.number)


def _broken(text: str, warnings: Iterable[Mapping[str, Any]]) -> Iterator[_Span]:
    for warning in warnings:
        start, end = warning["start"], warning["end"]
        if start is not None and end is not None and 0 <= start < end <= len(text):
            yield _Span(start=start, end=end, kind="rule", value=warning["rule"])


def _asked(text: str, missing: Sequence[str]) -> Iterator[_Span]:
    """The sentences in which the customer is asked for what is missing."""
    at = 0
    for line in text.splitlines() if missing else ():
        for sentence in sentences(line):
            found = sorted(mentioned(sentence, missing))
            start = text.find(sentence, at)
            if start >= 0:
                at = start + len(sentence)
                if found:
                    yield _Span(start=start, end=at, kind="asked", value=tuple(found))


def _pieces(text: str, spans: Sequence[_Span]) -> Iterator[Piece]:
    edges = sorted({0, len(text), *(s.start for s in spans), *(s.end for s in spans)})
    parts = list(pairwise(edges))
    sources = [
        next((s.value for s in spans if s.kind == "source" and s.start <= start and end <= s.end), None) for start, end in parts
    ]  # fmt: skip
    for number, (start, end) in enumerate(parts):
        over = [span for span in spans if span.start <= start and end <= span.end]
        paragraph = next((n for n, part in enumerate(parts) if n > number and "\n\n" in text[slice(*part)]), len(parts))
        following = [source for source in sources[number + 1 : paragraph] if source is not None]
        yield Piece(
            text=text[start:end], source=sources[number],
            last=sources[number] is not None and following[:1] != [sources[number]],
            rules=tuple(dict.fromkeys(s.value for s in over if s.kind == "rule")),
            asked=next((s.value for s in over if s.kind == "asked"), ()),
        )  # fmt: skip
