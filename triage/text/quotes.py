"""The customer's own words of a message: earlier replies, signatures and marketplace wrappers folded away.

Works on whole lines of visible text, by rules and the phrases of ``triage.text.reply_markers``; in doubt a line stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.text.lines import OWN, QUOTED, SIGNATURE, Line, is_quoted, is_rule
from triage.text.relays import fold_relay
from triage.text.reply_markers import (
    FROM,
    ON_DATE,
    ORIGINAL_MESSAGE,
    REPLY_ABOVE,
    SENT,
    SUBJECT,
    TO,
    WROTE,
    any_of,
)
from triage.text.signatures import fold_signatures

MOST_PASSES = 3
"""Folding one thing can lay bare another; a text that needs more passes than this is left as it is."""

_ROLES = {"from": FROM, "sent": SENT, "to": TO, "subject": SUBJECT}
_HEADER_LINES = 7
_ATTRIBUTION_LINES = 3
_ATTRIBUTION_CHARACTERS = 300

_CJK = frozenset(phrase for phrase in WROTE if phrase[0] > "\u2e80")
_WROTE = rf"(?:(?<!\w)(?:{any_of(WROTE - _CJK)})|{any_of(_CJK)})(?!\w)"
_WROTE_LAST = re.compile(rf"{_WROTE}(?:\s*\([^()]{{1,40}}\))?$")
_WROTE_THEN_NAME = re.compile(rf"{_WROTE}[^.!?;]{{1,80}}$")
_ON_DATE = re.compile(rf"(?:{any_of(ON_DATE)})[\s,.]")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h]\s?\d{2}(?!\d)")
_YEAR = re.compile(r"(?<!\d)(?:\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2})(?!\d)")
_DIGIT = re.compile(r"\d")
_ADDRESS = re.compile(r"[<\[(][^<>\s]*@|mailto:|[\w.+-]+@\w[\w-]*\.\w")
_ADDRESS_IN_BRACKETS = re.compile(r"<[^<>\s]+@[^<>\s]+>")
_SEPARATOR = re.compile(rf"[-_=*~#]{{2,}}\s*(?:{any_of(ORIGINAL_MESSAGE)})(?!\w).{{0,80}}$")
_REPLY_ABOVE = re.compile(any_of(REPLY_ABOVE))
_MARKS = " \t-_=*~#:.>"
_NOTHING = re.compile(r"[\s>|*#~=_-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnWords:
    """A message taken apart.

    Attributes:
        text: what the customer wrote now; where nothing is left, what was folded.
        quoted: earlier messages and the marketplace's wrapper.
        signature: closing block, device line, legal notice.
        only_quoted: the message held nothing but quoted text, which ``text`` therefore repeats.
    """

    text: str
    quoted: str
    signature: str
    only_quoted: bool


def own_words(text: str) -> OwnWords:
    """Takes ``text`` (visible text) apart; never raises, linear, and ``own_words(x.text).text == x.text``."""
    return _own_words(text.strip(), MOST_PASSES) or OwnWords(
        text=text.strip(), quoted="", signature="", only_quoted=False
    )


def _own_words(text: str, passes: int) -> OwnWords | None:
    """None where ``passes`` do not suffice; the caller then keeps the whole text, which makes the result repeatable."""
    once = _fold_once(text)
    if once.text == text:
        return once
    if passes == 0:
        return None
    if not once.text:
        # The quoted part stands for the message only if it would stay as it is when read again.
        again = _fold_once(once.quoted) if once.quoted else once
        stable = bool(once.quoted) and once.quoted in (again.text, again.quoted if not again.text else None)
        return OwnWords(
            text=once.quoted if stable else text,
            quoted=once.quoted,
            signature=once.signature,
            only_quoted=bool(once.quoted),
        )
    inner = _own_words(once.text, passes - 1)
    if inner is None:
        return None
    return OwnWords(
        text=inner.text,
        quoted=_joined(inner.quoted, once.quoted),
        signature=_joined(inner.signature, once.signature),
        only_quoted=inner.only_quoted,
    )


def _joined(first: str, second: str) -> str:
    return "\n\n".join(part for part in (first, second) if part)


def _fold_once(text: str) -> OwnWords:
    lines = fold_relay([Line.of(raw) for raw in re.split(r"\r\n?|\n", text)])
    _fold_quotes(lines)
    fold_signatures(lines)
    _fold_blanks(lines)
    own = _part(lines, OWN)
    if _NOTHING.fullmatch(own):
        own = ""
    return OwnWords(text=own, quoted=_part(lines, QUOTED), signature=_part(lines, SIGNATURE), only_quoted=False)


def _part(lines: list[Line], part: int) -> str:
    kept: list[str] = []
    for line in lines:
        if line.part == part and (not line.blank or (kept and kept[-1])):
            kept.append("" if line.blank else line.raw)
    return "\n".join(kept).strip()


def _fold_quotes(lines: list[Line]) -> None:
    for at, line in enumerate(lines):
        if line.part == OWN and is_quoted(lines, at):
            line.part = QUOTED
    at = 0
    own_before = False
    while at < len(lines):
        end = at
        if lines[at].part == OWN and not lines[at].blank:
            end = _introduction_end(lines, at, own_before=own_before)
            own_before = own_before or end == at
        for line in lines[at:end]:
            line.part = QUOTED
        at = max(end, at + 1)


def _introduction_end(lines: list[Line], at: int, *, own_before: bool) -> int:
    """Where the quoted stretch that begins at ``at`` ends; ``at`` itself where none begins."""
    line = lines[at]
    if _is_separator(line):
        return len(lines)
    if is_rule(line):
        following = _next_filled(lines, at + 1)
        return at if following is None else _header_end(lines, following, own_before=own_before) or at
    if len(line.key) <= 160 and _REPLY_ABOVE.search(line.key):
        return len(lines) if own_before else at + 1
    return _header_end(lines, at, own_before=own_before) or _attribution_end(lines, at)


def _is_separator(line: Line) -> bool:
    bare = line.key.strip(_MARKS)
    marked = line.key[:1] in "-_=*~#" or line.key.endswith(":")
    return (marked and bare in ORIGINAL_MESSAGE) or bool(line.key and _SEPARATOR.match(line.key))


def _header_end(lines: list[Line], at: int, *, own_before: bool) -> int:
    """The end of what an Outlook or Apple header block at ``at`` introduces, 0 where there is none."""
    if "from" not in _roles(lines[at]):
        return 0
    seen: set[str] = set()
    address = "@" in lines[at].key
    last, blank = at, False
    for place in range(at + 1, min(at + 2 * _HEADER_LINES, len(lines))):
        line = lines[place]
        roles = _roles(line) if line.part == OWN else set()
        if roles:
            seen |= roles
            address = address or "@" in line.key
            last = place
        elif not line.blank and (blank or len(line.key) > 200):
            break
        blank = line.blank
    if "sent" in seen and ("subject" in seen or ("to" in seen and address)):
        return len(lines)
    if {"to", "subject"} <= seen and address:
        # Without a date it may be the envelope of this very message.
        return len(lines) if own_before else last + 1
    return 0


def _roles(line: Line) -> set[str]:
    return {role for role, labels in _ROLES.items() if line.label in labels} if line.label else set()


def _attribution_end(lines: list[Line], at: int) -> int:
    """The end of what an "On ... wrote:" line introduces: itself above ``>`` lines, else everything below."""
    joined = ""
    for place in range(at, min(at + _ATTRIBUTION_LINES, len(lines))):
        line = lines[place]
        if line.blank or line.part != OWN or len(joined) + len(line.key) > _ATTRIBUTION_CHARACTERS:
            break
        if place > at and (_may_wrap(line.key) or not _may_wrap(joined)):
            break
        joined = f"{joined} {line.key.strip()}".strip()
        following = _next_filled(lines, place + 1)
        quoted_next = following is not None and lines[following].part == QUOTED
        if _attributes(joined, quoted_next=quoted_next):
            return place + 1 if quoted_next else len(lines)
    return at


def _may_wrap(first: str) -> bool:
    """Whether ``first`` can be the upper part of a line that the mail program broke."""
    dated = bool(_ON_DATE.match(first) and _DIGIT.search(first) and first.endswith((",", "<")))
    return dated or bool(_TIME.search(first) and _YEAR.search(first))


def _attributes(key: str, *, quoted_next: bool) -> bool:
    """Whether ``key`` says who wrote what follows; with no ``>`` line below it must look like a mail program's."""
    body = key.strip(" \t-*_#")
    if not (body.endswith(":") or key.endswith("--")):
        return False
    body = body.rstrip(": ")
    last = bool(_WROTE_LAST.search(body))
    on_date = bool(_ON_DATE.match(body))
    wrote = last or (on_date and bool(_WROTE_THEN_NAME.search(body)))
    time, year = bool(_TIME.search(body)), bool(_YEAR.search(body))
    if _ADDRESS_IN_BRACKETS.search(body) and time and year:
        return True
    if wrote and ((year and bool(_ADDRESS.search(body))) or (on_date and time and year)):
        return True
    if not quoted_next:
        return False
    plain = len(body) <= 80 and not re.search(r"[.!?;]" if on_date else r"[.!?;,]", body)
    return wrote and (plain or time or year or (on_date and bool(_DIGIT.search(body))) or bool(_ADDRESS.search(body)))


def _next_filled(lines: list[Line], at: int) -> int | None:
    # Two blank lines at most: farther away nothing belongs together, and the search stays short.
    return next((place for place in range(at, min(at + 3, len(lines))) if not lines[place].blank), None)


def _fold_blanks(lines: list[Line]) -> None:
    """A blank line between two lines of one part belongs to it."""
    previous = OWN
    for at, line in enumerate(lines):
        if not line.blank:
            previous = line.part
        elif previous != OWN and (following := _next_filled(lines, at)) is not None:
            line.part = previous if lines[following].part == previous else line.part
