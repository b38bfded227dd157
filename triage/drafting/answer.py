"""The answer: sentences and list items of retrieved passages, as an agent would send them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.sentences import sentences

_ITEM = re.compile(r"^\s*(?P<mark>[-*+•]|\d{1,3}[.)])\s+(?P<text>.*)$")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_EMPHASIS = re.compile(r"(\*\*|__|`)(?=\S)(.+?)(?<=\S)\1")
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """The smallest thing a draft repeats or leaves out: one sentence, or one list item with its ``mark``."""

    text: str
    mark: str | None
    begins_paragraph: bool

    @property
    def shown(self) -> str:
        return f"{self.mark} {self.text}" if self.mark else self.text


def units(markdown: str, *, links: bool) -> tuple[Unit, ...]:
    """The sentences and list items of a passage, in order, without markup.

    Args:
        links: whether a URL may stand in the text; without, a unit that holds one is left out.
    """
    found: list[Unit] = []
    for block in re.split(r"\n\s*\n", markdown):
        begins = True
        for line in block.splitlines():
            item = _ITEM.match(line)
            mark = _shown_mark(item["mark"]) if item else None
            plain = _plain(item["text"] if item else line, links=links)
            for text in [plain] if item else sentences(plain):
                if text and (links or not _URL.search(text)):
                    found.append(Unit(text=text, mark=mark, begins_paragraph=begins and not item))
                    begins = False
    return tuple(found)


def _shown_mark(mark: str) -> str:
    return f"{mark[:-1]}." if mark[:-1].isdigit() else "-"


def _plain(line: str, *, links: bool) -> str:
    line = _LINK.sub(r"\1 (\2)" if links else r"\1", line)
    return _EMPHASIS.sub(r"\2", line).strip()
