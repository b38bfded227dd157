"""HTML to the Markdown that articles are written in: headings, lists, links, rows of a table; everything else is text.

Not a sanitiser for showing HTML: what comes out is text, whose angle brackets a page has to escape like any other's.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

MAX_HTML_BYTES = 256 * 1024
_DEEPEST_LIST = 6


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HEADINGS = _names("h1 h2 h3 h4 h5 h6")
_PARAGRAPHS = _HEADINGS | _names("p ul ol dl blockquote pre table details")
_BLOCKS = _PARAGRAPHS | _names(
    "address article body caption center dd div dt fieldset figcaption figure form header html label legend li main "
    "section summary tbody tfoot thead tr"
)
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
# Navigation and footers of a saved page are not the article; the rest cannot be seen or is not text. A button is text
# where it is a heading's, as in the questions that unfold.
_UNSEEN = _names("audio canvas datalist dialog footer map nav object picture select svg template video")
_CLOSES_ITSELF = _names("dd dt li option p td th tr")

# Each alternative matches whatever follows, to the end of the text if need be, so that none is tried twice and the
# parser below never meets a construct that it would search for in vain from every later position.
_RAW = re.compile(
    r"<!---?>|<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)"
    r"|<(script|style|iframe|noembed|noframes|noscript|template|textarea|xmp|plaintext)(?=[\s/>])"
    r".*?(?:</\1(?=[\s/>])[^<>]*>?|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(r"<title(?=[\s>])[^<>]*>([^<]*)(?:</title[^<>]*>)?", re.IGNORECASE)
# Far beyond Unicode; int() refuses thousands of digits with an error.
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_GONE = "\0"
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*+)[^<>]*+>")
_HTML = re.compile(
    r"</?(?:p|br|div|span|ul|ol|li|h[1-6]|table|tr|td|th|pre|blockquote|strong|em|b|i|u|html|body|hr)(?=[\s/>])[^<>]*+>"
    r"|</a\s*+>|<a\s++href[^<>]*+>|<img\s[^<>]*+>",
    re.IGNORECASE,
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity)\s*:\s*0(?:\.0+)?(?:px|pt|em|%)?\s*"
    r"(?:[;!]|$)|mso-hide\s*:\s*all",
    re.IGNORECASE,
)
_HREF = re.compile(r"(?:https?://|mailto:|tel:)[^\s<>\[\]]{1,2000}", re.IGNORECASE)


def looks_like_html(text: str) -> bool:
    """Whether ``text`` holds tags that editors write; ``<3``, ``a < b`` and ``<order number>`` are not."""
    return "<" in text and _HTML.search(text) is not None


def html_to_markdown(html: str) -> str:
    """The Markdown of an HTML fragment; see ``read_page``."""
    return read_page(html).markdown


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page holds. ``title`` is of ``<title>``, ``heading`` of the first ``<h1>``, ``language`` of ``<html>``."""

    markdown: str
    title: str
    heading: str
    language: str


def read_page(html: str) -> Page:
    """A page or fragment as Markdown, in time linear to its length, for any text.

    Scripts, styles, frames, comments, hidden elements, navigation and footers go. Of a page with ``<main>`` only that
    is read. Beyond ``MAX_HTML_BYTES`` the structure is given up and the tags alone are taken out.
    """
    source = _HUGE_REFERENCE.sub("\ufffd", _RAW.sub(_GONE, html))
    title = _TITLE.search(source)
    source = _TITLE.sub(_GONE, source)
    shown_title = " ".join(unescape(title[1]).replace(_GONE, "").split()) if title else ""
    if len(source.encode("utf-8", "surrogatepass")) > MAX_HTML_BYTES:
        return Page(markdown=_flat(source), title=shown_title, heading="", language="")
    # A tag that is never closed is text; the parser would look for its end from each "<" anew.
    closed = source.rfind(">") + 1
    converter = _Converter()
    converter.feed(source[:closed] + source[closed:].replace("<", "&lt;"))
    converter.close()
    return Page(
        markdown=converter.markdown(), title=shown_title, heading=converter.heading, language=converter.language
    )


def _flat(source: str) -> str:
    """The text between the tags of a page too large to follow."""
    broken = _TAG.sub(lambda tag: "\n\n" if tag[1].lower() in _BLOCKS or tag[1].lower() == "br" else "", source)
    lines = (" ".join(line.split()) for line in unescape(broken).replace(_GONE, "").split("\n"))
    return "\n\n".join(line for line in lines if line)


class _Element(NamedTuple):
    name: str
    hidden: bool


class _Cell(Enum):
    """Where in a table's row the text stands: outside, in a cell, in a further cell with nothing written yet."""

    NONE = 0
    OPEN = 1
    NEXT = 2


class _Link(NamedTuple):
    href: str
    at: int


class _Converter(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.language = ""
        self.heading = ""
        self._out: list[str] = []
        self._stack = [_Element("", False)]
        self._open: Counter[str] = Counter()
        self._lists: list[int | None] = []
        self._link: _Link | None = None
        self._heading_at = -1
        self._heading_parts: list[str] = []
        self._main_at = self._main_end = -1
        self._breaks = 0
        self._space = False
        self._mark = ""
        self._cell = _Cell.NONE
        self._row_at = 0

    def markdown(self) -> str:
        self._end_link()
        main = self._out[self._main_at : self._main_end if self._main_end >= 0 else None] if self._main_at >= 0 else []
        return "".join(main).strip() or "".join(self._out).strip()

    # Structure

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # As browsers do: only a void element closes itself.
        self.handle_starttag(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html" and not self.language:
            self.language = dict(attrs).get("lang") or ""
        if tag in _VOID:
            if tag in ("br", "hr") and not self._hidden:
                self._break(1 if tag == "br" else 2)
            return
        if self._stack[-1].name == tag and tag in _CLOSES_ITSELF:
            self.handle_endtag(tag)
        elif self._stack[-1].name == "p" and tag in _BLOCKS:
            self.handle_endtag("p")
        hidden = self._hidden or tag in _UNSEEN or _is_hidden(attrs) or (tag == "button" and not self._in_heading)
        self._stack.append(_Element(tag, hidden))
        self._open[tag] += 1
        if not hidden:
            self._opened(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open[tag]:
            if tag == "p" and not self._hidden:
                self._break(2)
            return
        while True:
            element = self._stack.pop()
            self._open[element.name] -= 1
            if not element.hidden:
                self._closed(element.name)
            if element.name == tag:
                return

    def _opened(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._break(2 if tag in _PARAGRAPHS else 1)
        if tag == "main" and self._main_at < 0:
            self._end_link()
            self._main_at = len(self._out)
        elif tag in ("ul", "ol"):
            self._lists.append(_first_number(attrs) if tag == "ol" else None)
        elif tag == "li":
            self._item()
        elif tag in _HEADINGS and not self._lists and self._cell is _Cell.NONE:
            self._mark = "#" * int(tag[1]) + " "
            self._heading_at = len(self._out)
        elif tag in ("td", "th"):
            self._cell_begins()
        elif tag == "tr":
            self._cell = _Cell.NONE
        elif tag == "a":
            self._end_link()
            self._link = _Link((dict(attrs).get("href") or "").strip(), len(self._out))

    def _closed(self, tag: str) -> None:
        if tag in ("a", "li", "td", "th", "main") or tag in _HEADINGS:
            self._end_link()
        if tag in _HEADINGS:
            self._heading_at = -1
            self.heading = self.heading or " ".join(self._heading_parts)
        if tag in _HEADINGS or tag == "li":
            self._mark = ""
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "table":
            self._cell = _Cell.NONE
        elif tag == "main" and self._main_end < 0:
            self._main_end = len(self._out)
        if tag in _BLOCKS:
            self._break(2 if tag in _PARAGRAPHS else 1)

    def _cell_begins(self) -> None:
        if self._cell is _Cell.NONE:
            self._cell, self._row_at = _Cell.OPEN, len(self._out)
        elif len(self._out) > self._row_at:
            # The paragraphs that cells are wrapped in must not break the row.
            self._cell, self._breaks, self._space = _Cell.NEXT, 0, False

    def _item(self) -> None:
        depth = min(len(self._lists), _DEEPEST_LIST)
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        self._mark = "   " * (depth - 1) + ("- " if number is None else f"{number}. ")

    # Text

    @property
    def _hidden(self) -> bool:
        return self._stack[-1].hidden

    @property
    def _in_heading(self) -> bool:
        return any(self._open[name] for name in _HEADINGS)

    def _break(self, count: int) -> None:
        if self._cell is _Cell.NEXT:
            return
        if self._heading_at >= 0 and len(self._out) > self._heading_at:
            # A heading is one line.
            self._space = True
            return
        # The items of a list, and the paragraphs of an item or cell, stay one block: chunks keep blocks whole.
        nested = self._lists or self._cell is _Cell.OPEN
        self._breaks = max(self._breaks, 1 if nested else count)

    def handle_data(self, data: str) -> None:
        text = data.replace(_GONE, "")
        if self._hidden or not text:
            return
        if self._open["pre"]:
            for number, line in enumerate(text.split("\n")):
                if number:
                    self._break(1)
                if line.strip():
                    self._write(line)
                else:
                    self._space = self._space or bool(line)
            return
        words = " ".join(text.split())
        self._space = self._space or text[0].isspace()
        if words:
            self._write(words)
            self._space = text[-1].isspace()

    def _write(self, text: str) -> None:
        if self._cell is _Cell.NEXT:
            self._out.append(" | ")
            self._cell = _Cell.OPEN
        elif self._breaks:
            indent = "   " * min(len(self._lists), _DEEPEST_LIST) if self._open["li"] and not self._mark else ""
            self._out.append("\n" * self._breaks + indent if self._out else "")
        elif self._space and self._out:
            self._out.append(" ")
        self._breaks, self._space = 0, False
        if self._mark:
            self._out.append(self._mark)
            self._mark = ""
        self._out.append(text)
        if self._open["h1"] and not self.heading:
            self._heading_parts.append(text)

    def _end_link(self) -> None:
        if self._link is None:
            return
        href, at = self._link
        self._link = None
        raw = "".join(self._out[at:])
        text = raw.strip()
        if not text or "\n" in text or not _HREF.fullmatch(href) or "[" in text or "]" in text:
            return
        if text in (href, href.partition(":")[2], href.partition("://")[2].rstrip("/")):
            return
        mark = re.match(r"\s*(?:(?:[-#]+|\d+\.|\|) )*", raw)
        lead = mark[0] if mark else ""
        target = href.replace("(", "%28").replace(")", "%29")
        self._out[at:] = [f"{lead}[{raw[len(lead) :].strip()}]({target})"]


def _first_number(attrs: list[tuple[str, str | None]]) -> int:
    start = dict(attrs).get("start") or ""
    return int(start) if re.fullmatch("[0-9]{1,3}", start) else 1


def _is_hidden(attrs: list[tuple[str, str | None]]) -> bool:
    return any(
        name == "hidden"
        or (name == "aria-hidden" and (value or "").strip().lower() == "true")
        or (name == "style" and value is not None and _HIDDEN_STYLE.search(value) is not None)
        for name, value in attrs
    )
