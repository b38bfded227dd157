"""Passages: an article cut along its own structure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.sentences import sentences
from triage.types import Article

MOST_CHARACTERS = 700
"""About what the encoder was trained to read; a longer section is cut between its blocks."""

_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A part of an article. ``heading`` is the section's heading, None before the first."""

    article: Article
    heading: str | None
    text: str

    @property
    def indexed(self) -> str:
        """What is embedded and searched: the title and heading say what the text is about."""
        parts = (self.article.title, self.heading or "", self.text)
        return "\n".join(part for part in parts if part)


def chunk(article: Article) -> list[Chunk]:
    """The passages of ``article`` in order: a section each, lists and paragraphs kept whole where they fit."""
    chunks = []
    for heading, blocks in _sections(article.body):
        chunks += [Chunk(article=article, heading=heading, text=text) for text in _pack(blocks)]
    return chunks


def _sections(body: str) -> list[tuple[str | None, list[str]]]:
    sections: list[tuple[str | None, list[str]]] = [(None, [])]
    block: list[str] = []

    def close() -> None:
        if block:
            sections[-1][1].append("\n".join(block))
            block.clear()

    for line in body.splitlines():
        heading = _HEADING.match(line)
        if heading:
            close()
            sections.append((heading.group(1), []))
        elif line.strip():
            block.append(line.rstrip())
        else:
            close()
    close()
    return [(heading, blocks) for heading, blocks in sections if blocks]


def _pack(blocks: list[str]) -> list[str]:
    packed: list[str] = []
    for block in blocks:
        for piece in _split(block):
            if packed and len(packed[-1]) + len(piece) + 2 <= MOST_CHARACTERS:
                packed[-1] += "\n\n" + piece
            else:
                packed.append(piece)
    return packed


def _split(block: str) -> list[str]:
    """A block over the limit, cut between list items or sentences; a single over-long sentence is left whole."""
    if len(block) <= MOST_CHARACTERS:
        return [block]
    lines = block.split("\n")
    parts = lines if any(_LIST_ITEM.match(line) for line in lines) else sentences(block)
    joint = "\n" if parts is lines else " "
    pieces: list[str] = []
    for part in parts:
        if pieces and len(pieces[-1]) + len(part) + 1 <= MOST_CHARACTERS:
            pieces[-1] += joint + part
        else:
            pieces.append(part)
    return pieces
