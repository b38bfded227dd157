"""A line of a message and the part of the message that it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.text.reply_markers import fold

OWN, QUOTED, SIGNATURE = range(3)

LONGEST_MARKER = 400
"""A longer line is nobody's boilerplate; its key stays empty, so that no pattern reads it."""

_LABEL = re.compile(r"[\s*_]*([^:]{1,30}?)[\s*_]*:[\s*_]*(.*)", re.DOTALL)
_RULE = re.compile(r"[-_=*~\u2013\u2014\u2500]{3,}")
_QUOTE_MARK = re.compile(r"\s{0,4}>(?![:;=]|[_.][<>])")
_QUOTED_NUMBER = re.compile(r"\s{0,4}>\s?\d")


@dataclass(slots=True)
class Line:
    """One line; ``key`` is what markers are compared with, ``label`` the folded word before a colon, or empty."""

    raw: str
    key: str
    label: str
    value: str
    blank: bool
    part: int = OWN

    @classmethod
    def of(cls, raw: str) -> Line:
        """Reads ``raw``, a line without its break."""
        blank = not raw.strip()
        key = fold(raw).strip() if len(raw) <= LONGEST_MARKER else ""
        labelled = _LABEL.match(key) if ":" in key[:40] else None
        label, value = (labelled[1].strip(), labelled[2].strip(" *_")) if labelled else ("", "")
        return cls(raw=raw, key=key, label=label, value=value, blank=blank)


def is_rule(line: Line) -> bool:
    """A line of dashes or the like."""
    return bool(_RULE.fullmatch(line.key))


def is_quoted(lines: list[Line], at: int) -> bool:
    """A ``>`` line. ``>2 weeks`` alone is a customer's sum, ``>:(`` a face."""
    raw = lines[at].raw
    if not _QUOTE_MARK.match(raw):
        return False
    if not _QUOTED_NUMBER.match(raw):
        return True
    around = lines[max(0, at - 1) : at] + lines[at + 1 : at + 2]
    return any(_QUOTE_MARK.match(line.raw) for line in around)
