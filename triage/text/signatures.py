"""Signatures: delimiter blocks, device lines, closings with contact lines, legal notices."""

from __future__ import annotations

import re
from itertools import groupby

from triage.text.lines import OWN, SIGNATURE, Line, is_rule
from triage.text.reply_markers import ADDRESSEE, CONFIDENTIAL, DEVICES, REGARDS, SENT_FROM, THANKS, any_of

_MOST_LINES = 12
_SHORTEST_NOTICE = 150
_PUNCTUATION = " \t.,;:!-\u2013\u2014\u060c*_~)(\u2764\ufe0f"

_DELIMITER = re.compile(r"\s*(?:--|\u2013|\u2014|\u2014\u2014)\s*")
_SENT_FROM = re.compile(rf"[\W_]{{0,4}}(?:{any_of(SENT_FROM)})(?!\w)")
_DEVICE = re.compile(rf"(?<!\w)(?:{any_of(DEVICES)})")
_DEVICE_FIRST = re.compile(rf"[\W_]{{0,4}}(?:{any_of(DEVICES)}).{{0,30}}(?:{any_of(SENT_FROM)})\W*$")
_REGARDS_LAST = re.compile(rf"(?:{any_of(THANKS)})(?!\w).{{0,12}}(?<!\w)(?:{any_of(REGARDS)})\W*$")
_CONFIDENTIAL = re.compile(any_of(CONFIDENTIAL))
_ADDRESSEE = re.compile(any_of(ADDRESSEE))
_CONTACT = re.compile(r"\+?\d[\d\s()./-]{6,}\d|[\w.+-]{1,64}@\w[\w-]*\.\w|https?://|www\.")
_PARTICLES = frozenset(
    ("dos", "das", "del", "della", "bin", "ibn", "bint", "van", "von", "der", "den", "und", "and", "tel")
)


def fold_signatures(lines: list[Line]) -> None:
    """Marks the signatures at the end of every own stretch; a stretch is never marked as a whole."""
    _fold_notices(lines)
    for run in _own_runs(lines):
        _fold_device_lines(run)
        filled = [line for line in run if line.part == OWN and not line.blank]
        start = _signature_start(filled)
        if start:
            for line in filled[start:]:
                line.part = SIGNATURE


def _own_runs(lines: list[Line]) -> list[list[Line]]:
    return [list(run) for part, run in groupby(lines, key=lambda line: line.part) if part == OWN]


def _fold_notices(lines: list[Line]) -> None:
    for run in _own_runs(lines):
        paragraphs = [list(group) for blank, group in groupby(run, key=lambda line: line.blank) if not blank]
        for paragraph in paragraphs[1:]:
            text = " ".join(line.key or line.raw[:2000].casefold() for line in paragraph)
            if len(text) >= _SHORTEST_NOTICE and _CONFIDENTIAL.search(text) and _ADDRESSEE.search(text):
                for line in paragraph:
                    line.part = SIGNATURE


def _fold_device_lines(run: list[Line]) -> None:
    filled = [line for line in run if not line.blank]
    for line in filled[-3:]:
        if line is not filled[0] and _is_device_line(line.key):
            line.part = SIGNATURE


def _is_device_line(key: str) -> bool:
    if not key or len(key) > 90 or "?" in key or len(key.split()) > 9:
        return False
    sent = _SENT_FROM.match(key)
    return bool((sent and _DEVICE.search(key)) or _DEVICE_FIRST.match(key))


def _signature_start(filled: list[Line]) -> int:
    """The index of the signature's first line among the filled lines of a stretch, 0 where there is none."""
    for at in range(max(1, len(filled) - _MOST_LINES), len(filled)):
        below = filled[at + 1 :]
        if not below or any(_is_postscript(line) for line in below):
            continue
        if _DELIMITER.fullmatch(filled[at].raw):
            by_standard = filled[at].raw == "-- "
            if by_standard or not any(_is_sentence(line) for line in below):
                return at
        if _closes(filled[at], below):
            return at - 1 if at > 1 and is_rule(filled[at - 1]) else at
    return 0


def _closes(line: Line, below: list[Line]) -> bool:
    key = line.key.strip(_PUNCTUATION)
    contact = any(_CONTACT.search(other.key) for other in below)
    if not all(_is_contact_line(other) for other in below):
        return False
    if key in REGARDS or (len(key) <= 60 and _REGARDS_LAST.match(key)):
        return True
    if not contact:
        return False
    return key in THANKS or _with_name(line, key)


def _with_name(line: Line, key: str) -> bool:
    """ "Kind regards, Jan Kowalski" on one line."""
    words = line.raw.replace(",", " ").split()
    if not 2 <= len(words) <= 7:
        return False
    for taken in range(min(5, len(words) - 1), 0, -1):
        if " ".join(key.replace(",", " ").split()[:taken]) in REGARDS:
            return len(words) - taken <= 3 and all(word[0].isupper() for word in words[taken:])
    return False


def _is_postscript(line: Line) -> bool:
    return line.key.startswith(("ps ", "p.s", "ps:", "ps.", "pps", "p.p.s", "\u0437.\u044b"))


def _is_sentence(line: Line) -> bool:
    words = len(line.raw.split())
    return words >= 8 or (words >= 4 and line.raw.rstrip().endswith((".", "?", "!", "\u061f", "\u3002", "\u2026")))


def _is_contact_line(line: Line) -> bool:
    """A name, a company, an address, a telephone number: hardly a word in small letters, never a question."""
    if not line.key or line.raw.rstrip().endswith(("?", "\u061f")):
        return False
    words = [word.strip("()|,;\u060c") for word in line.raw.split()]
    contact = bool(_CONTACT.search(line.key))
    if len(words) > (12 if contact else 9):
        return False
    small = sum(1 for word in words if word[:1].islower() and not _is_particle(word))
    caseless = sum(1 for word in words if word[:1].isalpha() and word[0].lower() == word[0].upper())
    return small <= (2 if contact else 0) and caseless <= 4


def _is_particle(word: str) -> bool:
    """Small letters inside names, companies and addresses: ``de``, ``z``, ``o.o.``, ``www.shop.example``."""
    bare = word.rstrip(".:")
    return len(bare) <= 2 or bare in _PARTICLES or "." in word
