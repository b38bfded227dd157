"""A reading copy of a text for word and number patterns: no case, no accents, plain digits, with the way back."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_SPECIAL = {
    "ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ı": "i", "ى": "ي", "ة": "ه", "ـ": "",
    "٫": ".", "٬": ",", "،": ",", "؛": ";", "−": "-", "’": "'", "`": "'", "´": "'", "٪": "%",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Folded:
    """``origin[i]`` is where ``text[i]`` stands in ``source``; its last element is the length of ``source``."""

    source: str
    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of ``source`` behind ``text[start:end]``, which is not empty, with its combining marks."""
        stop = self.origin[end - 1] + 1
        while stop < len(self.source) and unicodedata.category(self.source[stop]) in {"Mn", "Me"}:
            stop += 1
        return self.origin[start], stop


def fold(source: str) -> Folded:
    """Read ``source`` in lower case, without accents and invisible marks, with ASCII digits. Linear, never raises."""
    pieces: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(source):
        folded = _fold(character)
        pieces.append(folded)
        origin += [index] * len(folded)
    return Folded(source=source, text="".join(pieces), origin=(*origin, len(source)))


def folded(source: str) -> str:
    """``fold(source).text``, with each run of space as one, for those who need no way back."""
    return " ".join("".join(map(_fold, source)).split())


@lru_cache(maxsize=8192)
def _fold(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Zs":
        return " "
    if category == "Pd":
        return "-"
    if category == "Cf":
        return ""
    # Compatibility forms come apart, so that "①", "²" or "½" are read as the figures that a person sees.
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(_SPECIAL.get(part, part) for part in parts if unicodedata.category(part) not in {"Mn", "Me"})
