"""What a marketplace or a helpdesk writes around the buyer's words when it passes a message on."""

from __future__ import annotations

from triage.text.lines import OWN, QUOTED, Line, is_rule
from triage.text.reply_markers import (
    BEGIN_MESSAGE,
    COPY,
    END_MESSAGE,
    FROM,
    RELAY_BODY,
    RELAY_FOOTERS,
    RELAY_LABELS,
    RELAY_OPENERS,
    RELAY_THREAD_MARK,
    SENT,
    TO,
)

_MOST_HEADER_LINES = 30
_LONGEST_OPENER = 160
_OPENER_WITHIN = 20
_LABELS = RELAY_LABELS | FROM | TO | SENT | COPY
_MARKS = " \t-_=*~#:[]"


def fold_relay(lines: list[Line]) -> list[Line]:
    """Marks the wrapper's lines as quoted; ``Message: words`` becomes two lines. Nothing is marked without evidence."""
    for line in lines:
        if RELAY_THREAD_MARK in line.key:
            line.part = QUOTED
    if _fold_between_marks(lines):
        return lines
    body = _header_end(lines)
    if body == 0 or all(line.blank for line in lines[body:]):
        return lines
    for line in lines[:body]:
        line.part = QUOTED
    if lines[body].label in RELAY_BODY:
        lines = lines[:body] + _split(lines[body]) + lines[body + 1 :]
    _fold_footer(lines, body + 1)
    return lines


def _fold_between_marks(lines: list[Line]) -> bool:
    begin = next((at for at, line in enumerate(lines) if _is_mark(line, BEGIN_MESSAGE)), None)
    if begin is None:
        return False
    end = next((at for at in range(begin + 1, len(lines)) if _is_mark(lines[at], END_MESSAGE)), len(lines))
    if all(line.blank for line in lines[begin + 1 : end]):
        return False
    for line in lines[: begin + 1] + lines[end:]:
        line.part = QUOTED
    return True


def _is_mark(line: Line, phrases: frozenset[str]) -> bool:
    return line.key[:2] in ("--", "==", "**", "__") and line.key.strip(_MARKS) in phrases


def _header_end(lines: list[Line]) -> int:
    """The index of the buyer's first line, 0 where the top is not a wrapper's."""
    opener = ruled = spaced = False
    labels = end = 0
    for at, line in enumerate(lines[:_MOST_HEADER_LINES]):
        if line.blank:
            spaced = spaced or (opener and end == at)
        elif is_rule(line):
            if opener or labels:
                return at + 1
            ruled = True
        elif line.label in RELAY_BODY and (opener or labels):
            return at
        elif _opens(line):
            opener = True
            end = at + 1
        elif line.label in _LABELS and line.value:
            labels += 1
            end = at + 1
        elif at > 0 or not _greets(line):
            break
    return end if opener and (labels or ruled or spaced) else 0


def _opens(line: Line) -> bool:
    if not line.key or len(line.key) > _LONGEST_OPENER or line.key.endswith("?"):
        return False
    start = line.key.lstrip(_MARKS)
    return any(0 <= start.find(phrase) <= _OPENER_WITHIN for phrase in RELAY_OPENERS)


def _greets(line: Line) -> bool:
    return line.key.endswith((",", "!", "\u060c")) and len(line.key.split()) <= 4


def _split(line: Line) -> list[Line]:
    """``Message: words`` as the label, folded, and the words."""
    label, _, words = line.raw.replace("\uff1a", ":", 1).partition(":")
    head = Line.of(f"{label}:")
    head.part = QUOTED
    return [head, Line.of(words.strip(" *_\t"))]


def _fold_footer(lines: list[Line], start: int) -> None:
    own = False
    for at in range(start - 1, len(lines)):
        line = lines[at]
        if own and line.key.lstrip(_MARKS).startswith(tuple(RELAY_FOOTERS)):
            for rest in lines[at:]:
                rest.part = QUOTED
            return
        own = own or (line.part == OWN and not line.blank)
