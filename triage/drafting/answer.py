"""The answer: sentences and list items of retrieved passages, as an agent would send them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from triage.sentences import sentences

_ITEM = re.compile(r"^\s*(?P<mark>[-*+•]|\d{1,3}[.)])\s+(?P<text>.*)$")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)\s]+\)")
_EMPHASIS = re.compile(r"(\*\*|__|`)(?=\S)(.+?)(?<=\S)\1")
_LIGHT_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])([^*_]+?)(?<=\S)\1(?![\w*])")
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_ENDED = re.compile(r"[.!?…؟۔:：;。！？][\"'”»)\]]*$")
_WRAPPED = 60
"""From so many characters on a line without an end goes on in the next: editors wrap there."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """The smallest thing a draft repeats or leaves out: one sentence, one list item with its ``mark``, or a ``title``."""

    text: str
    mark: str | None
    begins_paragraph: bool
    title: bool = False

    @property
    def shown(self) -> str:
        if self.title and not _ENDED.search(self.text):
            return f"{self.text}:"
        return f"{self.mark} {self.text}" if self.mark else self.text

    @property
    def announces(self) -> bool:
        """Whether it says nothing without what follows it ("Please check:")."""
        return self.title or self.text.endswith((":", "："))


def units(markdown: str, *, links: bool) -> tuple[Unit, ...]:
    """The sentences and list items of a passage, in order, without markup.

    Args:
        links: whether a URL may stand in the text; without, a unit that holds one is left out.
    """
    found: list[Unit] = []
    for block in re.split(r"\n\s*\n", markdown):
        begins = True
        for line in _lines(block):
            item = _ITEM.match(line)
            mark = _shown_mark(item["mark"]) if item else None
            plain = _plain(item["text"] if item else line, links=links)
            for text in [plain] if item else sentences(plain):
                if text and (links or not _URL.search(text)):
                    found.append(Unit(text=text, mark=mark, begins_paragraph=begins and not item))
                    begins = False
    return tuple(found)


def titled(units: Sequence[Unit], heading: str | None) -> tuple[Unit, ...]:
    """``units`` of a section below its ``heading`` where they begin with a list, which says nothing of what it lists."""
    title = _plain(heading or "", links=False)
    if not title or not units or not units[0].mark or _URL.search(title):
        return tuple(units)
    return (Unit(text=title, mark=None, begins_paragraph=True, title=True), *units)


def _lines(block: str) -> list[str]:
    """The lines of a block with those put together that an editor wrapped in the middle of a sentence."""
    lines: list[str] = []
    for line in filter(str.strip, block.splitlines()):
        before = lines[-1].rstrip() if lines else ""
        text = line.strip()
        wrapped = before and not _ENDED.search(before) and (len(before) >= _WRAPPED or text[0].islower())
        if wrapped and not _ITEM.match(line):
            lines[-1] = f"{before} {text}"
        else:
            lines.append(line)
    return lines


def _shown_mark(mark: str) -> str:
    return f"{mark[:-1]}." if mark[:-1].isdigit() else "-"


def _plain(line: str, *, links: bool) -> str:
    line = _IMAGE.sub("", line)
    line = _LINK.sub(r"\1 (\2)" if links else r"\1", line)
    return _LIGHT_EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", line)).strip()
