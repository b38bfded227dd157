"""What the pages say in words: times, languages, and a message with its entities marked and its quotes folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel import Locale, UnknownLocaleError
from markupsafe import Markup, escape

from triage.text.quotes import own_words

_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When an answer is due, in words; ``kind`` is late, soon, running or none, for the eye."""

    words: str
    kind: str


def span(length: timedelta) -> str:
    """A length of time in at most two units: ``45 min``, ``3 h 20 min``, ``2 d 4 h``."""
    seconds = int(abs(length.total_seconds()))
    if seconds < _MINUTE:
        return "less than 1 min"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        hours, minutes = seconds // _HOUR, seconds % _HOUR // _MINUTE
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = seconds // _DAY, seconds % _DAY // _HOUR
    return f"{days} d {hours} h" if hours else f"{days} d"


def age(moment: datetime, now: datetime) -> str:
    """How long ago: ``3 h 20 min ago``."""
    return "just now" if now - moment < timedelta(minutes=1) else f"{span(now - moment)} ago"


def clock(
    due: datetime | None, now: datetime, *, status: str = "open", warning: timedelta = timedelta(hours=2)
) -> Clock:
    """Time to breach: ``in 3 h 20 min``, ``late by 2 h``."""
    if due is None or status != "open":
        return Clock(words="", kind="none")
    if due < now:
        return Clock(words=f"late by {span(now - due)}", kind="late")
    return Clock(words=f"in {span(due - now)}", kind="soon" if due - now < warning else "running")


def direction(language: str | None) -> str:
    """``rtl`` or ``ltr``, by the language's usual script."""
    return "rtl" if (language or "").replace("_", "-").split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def language_name(code: str | None) -> str:
    """English name of a language; the code itself where it has none."""
    if not code or code == "und":
        return "unknown language"
    try:
        return str(Locale("en").languages.get(code, code))
    except UnknownLocaleError:  # pragma: no cover - Babel always has English
        return code


def words(name: str | None) -> str:
    """A label as people read it: ``delivery_late`` is ``delivery late``."""
    return (name or "").replace("_", " ")


def marked(text: str, entities: Sequence[Mapping[str, Any]], start: int = 0, end: int | None = None) -> Markup:
    """``text[start:end]`` with its entities marked; everything else escaped."""
    end = len(text) if end is None else end
    parts, last = [], start
    for entity in sorted(entities, key=lambda found: (found["start"], found["end"])):
        if entity["start"] < last or entity["end"] > end:
            continue
        mark = Markup('<mark title="{}">{}</mark>').format(entity["type"], text[entity["start"] : entity["end"]])
        parts += [escape(text[last : entity["start"]]), mark]
        last = entity["end"]
    return Markup("").join([*parts, escape(text[last:end])])


def cited(citations: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """What a draft cites of each article, in the order in which the draft does."""
    found: dict[str, list[str]] = {}
    for citation in citations:
        passages = found.setdefault(citation["article_id"], [])
        if citation["passage"] not in passages:
            passages.append(citation["passage"])
    return list(found.items())


def quoted_from(text: str) -> int:
    """Where the earlier mails begin that a reply carries at its end; the text's length where it carries none there.

    Only what stands as a whole at the end is folded: between answers that are written into a quote, it must stay.
    """
    words = own_words(text)
    if not words.quoted or words.only_quoted:
        return len(text)
    own, behind = _lines(words.text), {*_lines(words.quoted), *_lines(words.signature)}
    at = len(text)
    for line in reversed(text.splitlines(keepends=True)):
        bare = line.strip()
        if bare and (bare not in behind or bare in own):
            break
        at -= len(line)
    return at


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip()}
