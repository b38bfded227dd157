"""The grounding check: what a generated text states must stand in a passage or in a fact of the order.

The customer's message grounds nothing: what a customer asks for is not what the shop promises.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from triage.drafting.claims import Claim, read_claims
from triage.drafting.folding import fold
from triage.drafting.values import Value, read_values

ECHO_WORDS = 8
"""So many words in a row of the customer's message make a quotation, which injected text could ride on."""

_MARKUP = re.compile(r"<[/!?a-zA-Z][^<>\n]{0,500}>?|&(?:#\w{1,8}|[a-zA-Z]{2,12});")
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text that may be relied on, in its own language (ISO 639-1).

    ``fact`` marks what is true of one order: "we have refunded 20 €" grounds no other refund, so its claims hold only in
    a sentence that repeats one of its figures.
    """

    text: str
    language: str
    fact: bool = False


@dataclass(frozen=True, kw_only=True)
class Ungrounded:
    """``text[span[0]:span[1]] == value`` stands in no source. ``kind`` names what it is.

    ``amount``, ``date``, ``time``, ``percentage``, ``duration``, ``link``, ``email``, ``phone``, ``id``, ``number``,
    ``markup``, ``hidden``, ``echo``, or the concept of a promise or policy (the keys of ``claims.yaml``).
    """

    span: tuple[int, int]
    kind: str
    value: str


def check(text: str, *, language: str, sources: Sequence[Source], question_masked: str = "") -> list[Ungrounded]:
    """Everything in ``text`` that no source holds, in order of place; empty where all is traceable. Never raises.

    Args:
        language: of ``text``, ISO 639-1.
        sources: passages, order facts, the fixed phrases.
        question_masked: the customer's words; a text that quotes them at length is an ``echo``.
    """
    values = read_values(text, language)
    found = [
        *_unread_values(values, text, sources),
        *_unread_claims(text, language, values, sources),
        *_foreign(text, sources),
    ]
    origins = [source.text for source in sources]
    found += [
        Ungrounded(span=span, kind="echo", value=text[span[0] : span[1]])
        for span in runs(text, question_masked, words=ECHO_WORDS, besides=origins)
    ]
    return sorted(found, key=lambda ungrounded: ungrounded.span)


def runs(text: str, origin: str, *, words: int, besides: Collection[str] = ()) -> list[tuple[int, int]]:
    """Spans of ``text`` that repeat ``words`` words in a row of ``origin`` and of none of ``besides``."""
    known = {gram for other in besides for _, _, gram in _grams(other, words)}
    wanted = {gram for _, _, gram in _grams(origin, words)} - known
    return [(start, end) for start, end, gram in _grams(text, words) if gram in wanted]


def _unread_values(values: Sequence[Value], text: str, sources: Sequence[Source]) -> Iterator[Ungrounded]:
    granted = {grant for source in sources for grant in _grants(source)}
    for value in values:
        if not value.says & granted:
            yield Ungrounded(span=(value.start, value.end), kind=value.kind, value=text[value.start : value.end])


def _unread_claims(
    text: str, language: str, values: Sequence[Value], sources: Sequence[Source]
) -> Iterator[Ungrounded]:
    policies = [claim for source in sources if not source.fact for claim in read_claims(source.text, source.language)]
    facts = [
        (claim, _grants(source))
        for source in sources
        if source.fact
        for claim in read_claims(source.text, source.language)
    ]
    for claim in read_claims(text, language):
        start, end = claim.sentence
        stated = {said for value in values if start <= value.start < end for said in value.says}
        if not any(_covers(source, claim) for source in policies) and not any(
            _covers(source, claim) and stated & granted for source, granted in facts
        ):
            yield Ungrounded(span=(claim.start, claim.end), kind=claim.concept, value=text[claim.start : claim.end])


def _grants(source: Source) -> set[str]:
    return {grant for value in read_values(source.text, source.language) for grant in value.grants}


def _covers(source: Claim, claim: Claim) -> bool:
    """Whether what ``source`` says makes ``claim`` true: as firm at least, and denied where it is."""
    if source.concept != claim.concept or source.denied != claim.denied:
        return False
    return claim.denied or claim.firmness <= source.firmness


def _foreign(text: str, sources: Sequence[Source]) -> Iterator[Ungrounded]:
    for kind, pattern in (("markup", _MARKUP), ("hidden", _HIDDEN)):
        for match in pattern.finditer(text):
            if not any(match.group() in source.text for source in sources):
                yield Ungrounded(span=match.span(), kind=kind, value=match.group())


def _grams(text: str, size: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    folded = fold(text)
    words = list(_WORD.finditer(folded.text))
    for index in range(len(words) - size + 1):
        window = words[index : index + size]
        start, end = folded.span(window[0].start(), window[-1].end())
        yield start, end, tuple(match.group() for match in window)
