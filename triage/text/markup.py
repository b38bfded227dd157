"""HTML mail to text, by one pass over the markup.

Not a sanitiser for showing HTML: nothing but text comes out. A scanner of our own because it has to keep positions
and stay linear on hostile input: every character is read once, a search that failed is never repeated.
"""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from typing import NamedTuple

from triage.text.mapping import MapBuilder, MappedText

MAX_HTML_BYTES = 256 * 1024
MAX_DEPTH = 1_000
_DEEPEST_QUOTE = 8

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARAGRAPHS = _names("p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre")
_BLOCKS = _PARAGRAPHS | _names(
    "address article aside body caption center dd details div dt fieldset figcaption figure footer form header html "
    "legend li main nav option section summary table tbody tfoot thead tr"
)
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_INLINE = _names(
    "a abbr acronym audio b bdi bdo big button canvas cite code colgroup data del dfn dir em font frame frameset "
    "head i iframe ins kbd label map mark marquee meter noscript object optgroup output picture progress q rp rt "
    "ruby s samp script select slot small span strike strong style sub sup svg td template textarea th time title "
    "tt u var video"
)
_KNOWN = _BLOCKS | _VOID | _INLINE
_RAW_TEXT = frozenset(("script", "style", "title", "iframe"))
_UNSEEN = _names("audio canvas object svg template video")
_CLOSES_ITSELF = _names("dd dt li option p td th tr")

_BLOCK_MARKUP = re.compile(
    r"<(?:!doctype\s+html|/?(?:html|head|body|div|p|br|hr|table|tbody|tr|td|th|blockquote|ul|ol|li|h[1-6]|pre|center|section"
    r"|article|style|script|meta)(?=[\s/>]))[^<>]*>",
    re.IGNORECASE,
)
_INLINE_MARKUP = re.compile(
    r"</(?:a|b|i|u|s|em|strong|span|font|small|big|sub|sup|code)\s*>|<(?:a\s+href|span\s|font\s|img\s)[^<>]*>",
    re.IGNORECASE,
)
_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:_-]*)(?=[\s/>])")
_TAG_STOP = re.compile(r"[\"'<>]")
_TOKEN = re.compile(rf"[ \t\r\n\f]+|{ENTITY.pattern}|&nbsp|[^ \t\r\n\f&]+|&")
_LINE = re.compile(r"\r\n?|\n|[ \t\f]+")
_QUOTED_VALUE = re.compile(r"\"[^\"]*\"|'[^']*'")
_STYLE = re.compile(r"[\s\"'/]style\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)", re.IGNORECASE)
_HIDDEN_ATTRIBUTE = re.compile(r"\shidden(?=[\s=/]|$)", re.IGNORECASE)
_END = r"(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:[;!\"']|$)"
_HIDDEN_STYLE = re.compile(
    rf"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0{_END}|mso-hide\s*:\s*all", re.IGNORECASE
)
_NO_HEIGHT = re.compile(rf"max-height\s*:\s*0{_END}", re.IGNORECASE)
_OVERFLOW = re.compile(r"overflow\s*:\s*hidden", re.IGNORECASE)
_FONT_SIZE = re.compile(r"font-size\s*:", re.IGNORECASE)
_NO_FONT_SIZE = re.compile(rf"font-size\s*:\s*0{_END}", re.IGNORECASE)
_PRE_STYLE = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)


def looks_like_html(raw: str) -> bool:
    """Whether ``raw`` holds tags that mail programs write; ``<3``, ``a < b`` and ``<order 5>`` are not."""
    return bool(_BLOCK_MARKUP.search(raw) or _INLINE_MARKUP.search(raw))


def html_to_text(source: MappedText) -> MappedText:
    """The text of the HTML in ``source``: a line for a block, a quoted ``> `` line for a line of a blockquote.

    Scripts, styles, comments and hidden elements go. Beyond ``MAX_HTML_BYTES`` or ``MAX_DEPTH`` nested elements the
    structure is given up (no hidden elements, no quotation) and the tags alone are taken out.
    """
    flat = len(source.text.encode("utf-8", "surrogatepass")) > MAX_HTML_BYTES
    try:
        return _Scanner(source, flat=flat).scan()
    except _TooDeep:
        return _Scanner(source, flat=True).scan()


class _TooDeep(Exception):
    """More nested elements than are followed; never leaves this module."""


class _Element(NamedTuple):
    name: str
    hidden: bool
    tiny: bool
    quotes: int
    preformatted: bool


class _Scanner:
    def __init__(self, source: MappedText, *, flat: bool) -> None:
        self._source = source
        self._raw = source.text
        self._flat = flat
        # Plain text with a bold word in it keeps its own lines.
        lines_count = not _BLOCK_MARKUP.search(source.text)
        self._stack = [_Element("", False, False, 0, lines_count)]
        self._open: Counter[str] = Counter()
        self._absent: set[str] = set()
        self._out = MapBuilder()
        self._breaks = 0
        self._breaks_at = 0
        self._space_at = -1
        self._line_start = True
        self._bullet = False

    def scan(self) -> MappedText:
        at = begin = 0
        while (at := self._raw.find("<", at)) >= 0:
            end = self._markup_end(at)
            if end < 0:
                at += 1
                continue
            self._text(begin, at)
            at = begin = self._markup(at, end)
        self._text(begin, len(self._raw))
        return self._out.build()

    # What is markup, and where it ends

    def _find(self, needle: str, at: int) -> int:
        """``str.find`` that remembers a failure: a later start cannot succeed."""
        if needle in self._absent:
            return -1
        found = self._raw.find(needle, at)
        if found < 0:
            self._absent.add(needle)
        return found

    def _markup_end(self, at: int) -> int:
        if self._raw.startswith("<!--", at) and (close := self._find("-->", at + 2)) >= 0:
            return close + 3
        if self._raw.startswith(("<!", "<?"), at):
            return self._find(">", at) + 1 or -1
        name = _NAME.match(self._raw, at)
        if name is None or not (name[2].lower() in _KNOWN or ":" in name[2] or "-" in name[2]):
            return -1
        return self._tag_end(name.end())

    def _tag_end(self, at: int) -> int:
        while stop := _TAG_STOP.search(self._raw, at):
            if stop[0] == ">":
                return stop.end()
            if stop[0] == "<":
                return -1
            at = stop.end()
            # Only a quote after "=" opens a value; elsewhere it is a slip that must not swallow the text.
            if self._raw[max(0, stop.start() - 4) : stop.start()].rstrip().endswith("="):
                at = self._find(stop[0], at) + 1 or at
        return -1

    def _markup(self, at: int, end: int) -> int:
        """Acts on the markup ``at:end``; returns where to read on."""
        tag = _NAME.match(self._raw, at)
        if tag is None:
            return end
        name = tag[2].lower()
        if tag[1]:
            self._close(name, at)
            return end
        if name in _RAW_TEXT:
            return self._raw_text_end(name, end)
        self._open_element(name, self._raw[tag.end() : end - 1], at)
        return end

    def _raw_text_end(self, name: str, at: int) -> int:
        if name in self._absent:
            return at
        close = re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE).search(self._raw, at)
        if close:
            return self._find(">", close.end()) + 1 or close.end()
        self._absent.add(name)
        # As browsers do: an unclosed style or script is never text.
        return len(self._raw) if name in ("script", "style") else at

    # Structure

    def _open_element(self, name: str, attributes: str, at: int) -> None:
        if name in _VOID:
            if name == "br":
                self._break(self._breaks + 1, at)
            elif name == "hr":
                self._break(2, at)
            return
        if not self._flat:
            top = self._stack[-1].name
            if (top == name and name in _CLOSES_ITSELF) or (top == "p" and name in _BLOCKS):
                self._pop()
            if not attributes.endswith("/") or ":" not in name:
                self._push(name, attributes)
        self._boundary(name, at)
        self._bullet = self._bullet or name == "li"

    def _push(self, name: str, attributes: str) -> None:
        if len(self._stack) > MAX_DEPTH:
            raise _TooDeep
        outer = self._stack[-1]
        hidden, tiny, preformatted = outer.hidden or name in _UNSEEN, outer.tiny, outer.preformatted or name == "pre"
        if attributes.strip("/ "):
            hidden = hidden or bool(_HIDDEN_ATTRIBUTE.search(_QUOTED_VALUE.sub("", attributes)))
            for style in _STYLE.findall(attributes):
                declared = unescape(style) if "&" in style else style
                hidden = hidden or _hides(declared)
                if _FONT_SIZE.search(declared):
                    tiny = bool(_NO_FONT_SIZE.search(declared))
                preformatted = preformatted or bool(_PRE_STYLE.search(declared))
        quotes = outer.quotes + (name == "blockquote")
        self._open[name] += 1
        self._stack.append(_Element(name, hidden, tiny, quotes, preformatted))

    def _pop(self) -> str:
        name = self._stack.pop().name
        self._open[name] -= 1
        return name

    def _close(self, name: str, at: int) -> None:
        hidden = self._stack[-1].hidden
        if self._open[name]:
            while self._pop() != name:
                pass
        self._boundary("div" if hidden and name in _BLOCKS else name, at)

    def _boundary(self, name: str, at: int) -> None:
        if name in _BLOCKS:
            self._break(max(self._breaks, 2 if name in _PARAGRAPHS else 1), at)
        elif name in ("td", "th") and self._space_at < 0:
            self._space_at = at

    # Text

    def _break(self, count: int, at: int) -> None:
        if not (self._stack[-1].hidden or self._stack[-1].tiny):
            self._breaks = min(count, 2)
            self._breaks_at = at

    def _text(self, start: int, end: int) -> None:
        if start == end or self._stack[-1].hidden or self._stack[-1].tiny:
            return
        for token in _TOKEN.finditer(self._raw, start, end):
            first = token[0][0]
            if first in " \t\r\n\f":
                self._white(token)
                continue
            self._gap(token.start())
            if first == "&" and len(token[0]) > 1:
                self._out.put(unescape(token[0]), token.start(), token.end())
            else:
                self._out.copy(self._source, token.start(), token.end())

    def _white(self, token: re.Match[str]) -> None:
        if not self._stack[-1].preformatted:
            if self._space_at < 0:
                self._space_at = token.start()
            return
        for part in _LINE.finditer(self._raw, token.start(), token.end()):
            if part[0][0] in "\r\n":
                self._break(self._breaks + 1, part.start())
            else:
                self._gap(part.start())
                self._out.copy(self._source, part.start(), part.end())

    def _gap(self, at: int) -> None:
        """Puts the line breaks or the space that is due before the character ``at``, and the marks of a new line."""
        quotes = min(self._stack[-1].quotes, _DEEPEST_QUOTE)
        if self._breaks and self._out:
            self._out.put("\n" * self._breaks, self._breaks_at, self._breaks_at)
            self._line_start = True
        elif self._space_at >= 0 and not self._line_start:
            width = self._raw[self._space_at] in " \t\r\n\f"
            self._out.put(" ", self._space_at, self._space_at + width)
        if self._line_start:
            self._out.put("> " * quotes + "- " * self._bullet, at, at)
        self._breaks = 0
        self._space_at = -1
        self._line_start = self._bullet = False


def _hides(style: str) -> bool:
    return bool(_HIDDEN_STYLE.search(style) or (_NO_HEIGHT.search(style) and _OVERFLOW.search(style)))
