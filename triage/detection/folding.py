"""A reading copy of a message, one code point a character, that keeps the way back to the original offsets.

Customers write digits of several scripts, no-break spaces, typographic dashes, missing diacritics and invisible
marks that
change direction. Patterns stay small because they only ever see the folded copy.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_SPECIAL = {
    "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ı": "i", "ς": "σ",
    "ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي", "ٱ": "ا",
    "٫": ".", "٬": ",", "،": ",", "؛": ";", "ـ": "", "−": "-", "’": "'", "`": "'", "´": "'",
    "●": "•", "∙": "•", "⋅": "•", "＊": "*", "✱": "*", "∗": "*", "№": "#", "＃": "#",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FoldedText:
    """``text`` keeps its case, ``lower`` has the same length; ``origin[i]`` is where ``text[i]`` stands in ``source``.

    ``origin`` has one more element than ``text``: the length of ``source``.
    """

    source: str
    text: str
    lower: str
    origin: tuple[int, ...]

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of ``source`` behind ``text[start:end]`` (never empty), with its combining marks."""
        stop = self.origin[end - 1] + 1
        while stop < self.origin[end] and unicodedata.category(self.source[stop]) == "Mn":
            stop += 1
        return self.origin[start], stop


def fold(source: str) -> FoldedText:
    """Read ``source`` without marks, in plain digits, spaces and dashes. Linear, never raises."""
    folded = [_fold_character(character) for character in source]
    origin = [index for index, character in enumerate(folded) if character]
    text = "".join(folded)
    lower = "".join(_lower(character) for character in text)
    return FoldedText(source=source, text=text, lower=lower, origin=(*origin, len(source)))


def fold_words(words: str) -> str:
    """The lower-case folded form of a word list, so that tables match what messages are read as."""
    return fold(words).lower


def word_set(words: str) -> frozenset[str]:
    """The folded words of a space-separated table."""
    return frozenset(fold_words(words).split())


@lru_cache(maxsize=8192)
def _fold_character(character: str) -> str:
    """The one character that stands for ``character``, or nothing for a mark that only shapes its neighbours."""
    if character < "\x80":
        return character if character != "`" else "'"
    if character in _SPECIAL:
        return _SPECIAL[character]
    category = unicodedata.category(character)
    if category in {"Mn", "Me", "Cf"}:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Zs":
        return " "
    if category == "Pd":
        return "-"
    base = unicodedata.normalize("NFKD", character)[:1]
    # A precomposed letter is its base; anything longer (ligatures, "½") would change the meaning, so it stays.
    kept = "".join(part for part in unicodedata.normalize("NFKD", character) if unicodedata.category(part) != "Mn")
    return _SPECIAL.get(base, base) if len(kept) == 1 else character


@lru_cache(maxsize=8192)
def _lower(character: str) -> str:
    lowered = character.lower()
    return "σ" if lowered == "ς" else lowered if len(lowered) == 1 else character
