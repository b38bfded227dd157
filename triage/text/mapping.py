"""Text that remembers where each of its characters came from."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedText:
    """A text and the way back to the raw one it was made from. All positions are code points.

    Attributes:
        text: what a person sees.
        offsets: ``len(text) + 1`` raw positions, never falling: where character ``i`` begins in the raw text; the last
            entry is where the last character ends (0 for an empty text).
        truncated: the raw text held more than was kept.
        ends: ``len(text)`` raw positions: where character ``i`` ends. A character put in for layout (the line break of
            a ``<br>``, a quotation mark) has no width; a decoded ``&amp;`` has five.
    """

    text: str
    offsets: Sequence[int]
    truncated: bool
    ends: Sequence[int] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of ``text[start:end]``, without markup before or after it; clipped to the text as a slice is."""
        start = min(max(start, 0), len(self.text))
        end = min(max(end, start), len(self.text))
        if start == end or not self.ends:
            return self.offsets[start], self.offsets[end]
        return self.offsets[start], self.ends[end - 1]


def identity(raw: str) -> MappedText:
    """``raw`` itself; two ranges, so that nothing is paid by the character."""
    return MappedText(text=raw, offsets=range(len(raw) + 1), truncated=False, ends=range(1, len(raw) + 1))


class MapBuilder:
    """Puts a mapped text together from left to right."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self._parts: list[str] = []
        self._starts = array("I")
        self._ends = array("I")

    def __bool__(self) -> bool:
        """Whether there is any text yet."""
        return bool(self._starts)

    def copy(self, source: MappedText, start: int, end: int) -> None:
        """Appends ``source.text[start:end]`` with its positions."""
        if start < end:
            self._parts.append(source.text[start:end])
            self._starts.extend(source.offsets[start:end])
            self._ends.extend(source.ends[start:end])

    def put(self, text: str, start: int, end: int) -> None:
        """Appends ``text``, every character of which stands for the raw span ``start:end``."""
        if text:
            self._parts.append(text)
            self._starts.extend((start,) * len(text))
            self._ends.extend((end,) * len(text))

    def build(self) -> MappedText:
        """What was put together so far."""
        offsets = self._starts[:]
        offsets.append(self._ends[-1] if self._ends else 0)
        return MappedText(text="".join(self._parts), offsets=offsets, truncated=False, ends=self._ends)


def rewrite(source: MappedText, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]) -> MappedText:
    """``re.sub`` that keeps the positions; no match may be empty."""
    builder = MapBuilder()
    at = 0
    for match in pattern.finditer(source.text):
        builder.copy(source, at, match.start())
        builder.put(replacement(match), source.offsets[match.start()], source.ends[match.end() - 1])
        at = match.end()
    if at == 0:
        return source
    builder.copy(source, at, len(source.text))
    return builder.build()


def cut(source: MappedText, start: int, end: int, *, truncated: bool) -> MappedText:
    """``source.text[start:end]`` with its positions."""
    if start >= end:
        return MappedText(text="", offsets=(0,), truncated=truncated)
    if isinstance(source.offsets, range):
        offsets: Sequence[int] = source.offsets[start : end + 1]
    else:
        offsets = array("I", source.offsets[start:end])
        offsets.append(source.ends[end - 1])
    return MappedText(text=source.text[start:end], offsets=offsets, truncated=truncated, ends=source.ends[start:end])
