"""The linter: every breach of a channel's rule in a text, with its span."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from triage.drafting.folding import fold
from triage.drafting.length import length, over
from triage.drafting.segments import sms_segments
from triage.types import ChannelPolicy, PolicyWarning

_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"']+[^\s<>\"'.,;:!?)\]]"
    # A bare domain is a link too, but the name of the marketplace itself is none.
    r"|(?<![@\w.-])(?!(?:amazon|ebay|walmart|allegro|tokopedia)\.)(?:[a-z0-9-]{1,63}\.){1,4}"
    r"(?:com|net|org|info|shop|store|online|site|io|me|ly|eu|uk|de|at|ch|pl|cz|sk|fr|es|it|nl|be|pt|br|mx|tr|id|sa|ae|example)"
    r"(?:/[^\s<>\"']*[^\s<>\"'.,;:!?)\]])?(?![\w@-])",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w./-])\+?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,5}(?![\w/-])")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:[., ]\d{3})+")
_DATE = re.compile(r"\d{1,2}[ .-]{1,2}\d{1,2}[ .-]{1,2}(?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d")
_CURRENCY = re.compile(
    r"(?:rp|idr|eur|usd|gbp|pln|zł|kč|czk|tl|try|brl|chf|kr|sek|nok|dkk|huf|ft|ron|lei|sar|aed|egp|mad|vnd|đ|"
    r"ريال|درهم|جنيه|ر\.س\.?|руб|грн)",
    re.IGNORECASE,
)
_FEWEST_DIGITS = 7
"""Of a telephone number that somebody outside could call; shorter ones are short codes such as 112."""

FORBIDDEN_EVERYWHERE = {
    "attachment": "it says that something is attached, but a draft carries no attachment",
    "auto_reply": "it reads as if nobody had written it, but a person approves every reply",
}


def lint(text: str, policy: ChannelPolicy, *, allowed: tuple[str, ...] = ()) -> tuple[PolicyWarning, ...]:
    """Breaches of ``policy`` in ``text``, in order of place.

    Args:
        allowed: exact strings that are no contact details although they look like them: order and tracking numbers.
    """
    warnings: list[PolicyWarning] = []
    if (place := over(text, policy)) is not None:
        detail = f"{length(text, policy)} of {policy.limit} {policy.unit}"
        warnings.append(PolicyWarning(rule="too_long", detail=detail, start=place, end=len(text)))
    if policy.segments is not None and (needed := sms_segments(text)) > policy.segments:
        warnings.append(PolicyWarning(rule="too_long", detail=f"{needed} of {policy.segments} SMS segments"))
    warnings += content_breaches(text, policy, allowed=allowed)
    return tuple(sorted(warnings, key=lambda warning: warning.start or 0))


def content_breaches(text: str, policy: ChannelPolicy, *, allowed: tuple[str, ...] = ()) -> list[PolicyWarning]:
    """Breaches by what the text says, whatever its length."""
    warnings = []
    if not policy.links:
        warnings += [_warning("link", f"{policy.channel} allows no links", match) for match in _LINK.finditer(text)]
    if not policy.contact_details:
        found = [*_EMAIL.finditer(text), *(match for match in _PHONE.finditer(text) if _is_phone(match))]
        warnings += [
            _warning("contact_details", f"{policy.channel} allows no contact details", match)
            for match in found
            if not any(match.group() in known or known in match.group() for known in allowed)
        ]
    for rule, kind, start, end in _worded(text):
        if rule == "marketing" and not policy.marketing:
            detail = f"{policy.channel} allows no marketing: {kind}"
        elif rule in FORBIDDEN_EVERYWHERE:
            detail = FORBIDDEN_EVERYWHERE[rule]
        else:
            continue
        warnings.append(PolicyWarning(rule=rule, detail=detail, start=start, end=end))
    return warnings


def _is_phone(match: re.Match[str]) -> bool:
    """Whether digits are a telephone number and not an amount, a date or a short code."""
    found = match.group()
    if sum(map(str.isdigit, found)) < _FEWEST_DIGITS or _DATE.fullmatch(found):
        return False
    before = match.string[max(0, match.start() - 6) : match.start()].rstrip().rpartition(" ")[2]
    after = match.string[match.end() : match.end() + 6].lstrip().partition(" ")[0]
    priced = any(
        word and (unicodedata.category(word[edge]) == "Sc" or _CURRENCY.fullmatch(word.strip(".,;:!?()")))
        for word, edge in ((before, -1), (after, 0))
    )
    return not (priced and _GROUPED.fullmatch(found))


def _worded(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Rule, kind and span of what is recognised by its words; spans of one kind do not overlap."""
    folded = fold(text)
    for rule, kind, pattern in _patterns():
        for match in pattern.finditer(folded.text):
            if match.end() > match.start():
                yield rule, kind, *folded.span(match.start(), match.end())


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    table: dict[str, Any] = yaml.safe_load((files("triage.drafting") / "lint.yaml").read_text(encoding="utf-8"))
    kinds = [("marketing", kind, languages) for kind, languages in table["marketing"].items()]
    kinds += [(rule, rule, table[rule]) for rule in FORBIDDEN_EVERYWHERE]
    return tuple((rule, kind, _alternation(languages)) for rule, kind, languages in kinds)


def _alternation(languages: dict[str, list[str]]) -> re.Pattern[str]:
    """All expressions of all languages as one; ``~`` is up to four words, few enough to stay linear in the text."""
    parts = [part.replace(" ~ ", r"(?: \w{1,20}){0,4} ") for parts in languages.values() for part in parts]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")


def _warning(rule: str, detail: str, match: re.Match[str]) -> PolicyWarning:
    return PolicyWarning(rule=rule, detail=detail, start=match.start(), end=match.end())


def fits(text: str, policy: ChannelPolicy) -> bool:
    """Whether ``text`` is within the channel's length."""
    if policy.limit is not None and length(text, policy) > policy.limit:
        return False
    return policy.segments is None or sms_segments(text) <= policy.segments
