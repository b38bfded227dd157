"""The text of an HTML mail: a line for a block, ``> `` for a quotation. A reader for text only, nothing to show HTML with.

Not ``html.parser``: before Python 3.11.14 it takes minutes for 128 KiB of ``<a `` (CVE-2025-6069). Here each attempt at a tag
ends at the next ``<``, so that every character is read a bounded number of times.
"""

from __future__ import annotations

import re
from html import unescape

MOST_CHARACTERS = 1024 * 1024
"""More HTML than this is not read."""
_DEEPEST_QUOTE = 8

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:_-]{0,40})((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>|<[/A-Za-z!?][^<>]*>")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_HIDDEN = re.compile(
    r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden|mso-hide\s{0,9}:\s{0,9}all|\shidden(?=[\s=]|$)",
    re.IGNORECASE,
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARAGRAPHS = _names("p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre table")
_BLOCKS = _PARAGRAPHS | _names(
    "address article aside body caption center dd details div dt fieldset figure footer form header hr html legend li main "
    "nav section summary tbody tfoot thead tr"
)
_HIDEABLE = (_BLOCKS | _names("a b em font i small span strong td th u")) - {"hr", "html", "body"}
_UNSEEN = _names("script style title template svg head noscript iframe object audio video")
_RAW = _names("script style title iframe noscript")


def html_text(html: str) -> str:
    """The words of ``html`` as a person would see them, blocks on lines of their own."""
    return _Reader(html[:MOST_CHARACTERS]).read()


class _Reader:
    def __init__(self, html: str) -> None:
        self._html = html
        self._lower = html.lower() if html.isascii() else "".join(c.lower() if c.isascii() else c for c in html)
        self._unclosed: set[str] = set()
        self._found: dict[str, tuple[int, int]] = {}
        self._out: list[str] = []
        self._line: list[str] = []
        self._quotes = self._quotes_before = self._preformatted = self._breaks = 0

    def read(self) -> str:
        at = 0
        while at < len(self._html):
            tag_at = self._html.find("<", at)
            if tag_at < 0:
                self._words(self._html[at:])
                break
            self._words(self._html[at:tag_at])
            at = self._tag(tag_at)
        self._end_line()
        return "".join(self._out).strip("\n")

    def _tag(self, at: int) -> int:
        """Acts on the tag at ``at``; the position after it."""
        if self._html.startswith("<!--", at):
            return self._after("-->", at + 4, otherwise=at + 4)
        found = _TAG.match(self._html, at)
        if found is None:
            self._words("<")
            return at + 1
        if found[2] is None:
            return found.end()
        name, closing = found[2].lower(), bool(found[1])
        unseen = name in _UNSEEN or (name in _HIDEABLE and _HIDDEN.search(found[3]) is not None)
        if unseen and not closing and not found[3].endswith("/"):
            return self._after_element(name, found.end())
        self._block(name, closing)
        return found.end()

    def _block(self, name: str, closing: bool) -> None:
        if name == "br":
            self._end_line(forced=True)
        elif name in ("td", "th") and not closing and self._line:
            self._line.append(" ")
        elif name in _BLOCKS:
            self._end_line()
            self._breaks = max(self._breaks, 2 if name in _PARAGRAPHS else 1)
            if name == "blockquote":
                self._quotes = max(0, self._quotes + (-1 if closing else 1))
            elif name == "pre":
                self._preformatted = max(0, self._preformatted + (-1 if closing else 1))
            elif name == "li" and not closing:
                self._line.append("- ")

    def _words(self, raw: str) -> None:
        if not raw:
            return
        text = _ENTITY.sub(lambda found: unescape(found[0]), raw)
        if self._preformatted:
            first, *more = text.replace("\r\n", "\n").split("\n")
            self._line.append(first)
            for line in more:
                self._end_line(forced=True)
                self._line.append(line)
            return
        text = _SPACE.sub(" ", text)
        if not self._line or self._line[-1].endswith(" "):
            text = text.removeprefix(" ")
        if text:
            self._line.append(text)

    def _end_line(self, *, forced: bool = False) -> None:
        text = "".join(self._line).rstrip()
        self._line.clear()
        if not text:
            if forced:
                self._breaks = min(3, self._breaks + 1)
            return
        quotes = min(self._quotes, _DEEPEST_QUOTE)
        if self._out:
            between = ("> " * min(quotes, self._quotes_before)).rstrip()
            self._out.append("\n" + f"{between}\n" * (max(1, self._breaks) - 1))
        self._out.append("> " * quotes + text)
        self._quotes_before = quotes
        self._breaks = 1 if forced else 0

    def _after_element(self, name: str, at: int) -> int:
        """The position after the element's end; where it never ends, the rest of raw text is unseen, other text is not."""
        end = at
        if name in _RAW:
            close = self._find(f"</{name}", at)
            return len(self._html) if close < 0 else self._after(">", close, otherwise=len(self._html))
        if name in self._unclosed:  # to look for the end again at each would take quadratic time
            return at
        depth = 1
        while depth:
            close = self._find(f"</{name}", end)
            if close < 0:
                self._unclosed.add(name)
                return at
            opened = self._find(f"<{name}", end)
            if 0 <= opened < close:
                depth, end = depth + 1, opened + 1
            else:
                depth, end = depth - 1, close + 2
        return self._after(">", end, otherwise=len(self._html))

    def _after(self, what: str, at: int, *, otherwise: int) -> int:
        found = self._find(what, at)
        return otherwise if found < 0 else found + len(what)

    def _find(self, what: str, at: int) -> int:
        """Position of ``what`` from ``at``. What a search has passed over once is not searched again."""
        since, found = self._found.get(what, (0, -2))
        if found == -1 and at >= since:
            return -1
        if not since <= at <= found:
            found = self._lower.find(what, at)
            self._found[what] = (at, found)
        return found
