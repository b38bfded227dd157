"""What a draft consists of: the parts that a rewrite must keep, and what each sentence rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.types import ChannelPolicy, Citation, Draft


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A draft taken apart.

    Attributes:
        language: of the reply, ISO 639-1.
        greeting, sign_off: kept word for word; empty where the channel has none.
        acknowledgement: what stands before the first sentence of substance.
        sentences: the answer and the order's facts, each with what it rests on.
        closing: what is asked for, and the next step.
        missing: entity types that the reply asks for.
    """

    language: str
    greeting: str = ""
    acknowledgement: tuple[str, ...] = ()
    sentences: tuple[Citation, ...] = ()
    closing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    sign_off: str = ""

    @property
    def fixed(self) -> tuple[str, ...]:
        """The phrases that cite nothing, in order."""
        return tuple(part for part in (self.greeting, *self.acknowledgement, *self.closing, self.sign_off) if part)


def plan_of(draft: Draft, policy: ChannelPolicy) -> Plan:
    """The parts of a draft that ``Composer`` wrote: paragraphs, in which what is cited is substance and the rest is not."""
    paragraphs = [paragraph for paragraph in re.split(r"\n\s*\n", draft.text) if paragraph.strip()]
    cited = sorted({citation.passage for citation in draft.citations}, key=len, reverse=True)
    rests = [_without(paragraph, cited) for paragraph in paragraphs]
    whole = [rest == paragraph.strip() for rest, paragraph in zip(rests, paragraphs, strict=True)]
    greeting = sign_off = ""
    if policy.greeting and len(paragraphs) > 1 and whole[0]:
        greeting, rests[0] = rests[0], ""
    if policy.signoff and len(paragraphs) > 1 and whole[-1] and rests[-1]:
        sign_off, rests[-1] = rests[-1], ""
    first = whole.index(False) if False in whole else len(whole)
    return Plan(
        language=draft.language,
        greeting=greeting,
        acknowledgement=tuple(rest for rest in rests[:first] if rest),
        sentences=draft.citations,
        closing=tuple(rest for rest in rests[first:] if rest),
        missing=draft.missing,
        sign_off=sign_off,
    )


def _without(paragraph: str, cited: list[str]) -> str:
    """What is left of ``paragraph`` without its cited sentences; list marks alone are nothing."""
    rest = paragraph
    for sentence in cited:
        rest = rest.replace(sentence, " ")
    if rest == paragraph:
        return paragraph.strip()
    return " ".join(rest.split()) if re.search(r"[^\W\d_]", rest) else ""
