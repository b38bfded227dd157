"""What a person sees of a raw message: no markup, nothing invisible, one kind of space and line break.

Linear in the length of the message, and never raises on any string.
"""

from __future__ import annotations

import re
from html import unescape

from triage.text.mapping import MappedText, cut, identity, rewrite
from triage.text.markup import ENTITY, html_to_text, looks_like_html

__all__ = ["MAX_CHARACTERS", "MappedText", "visible_text"]

MAX_CHARACTERS = 64_000
"""Visible characters kept of one message."""

MAX_RAW_CHARACTERS = 2_000_000
"""Raw characters read of one message: bounds the memory that a hostile mail can take."""

_LINE_BREAKS = "\r\x0b\x0c\x85\u2028\u2029"
_SPACES = "\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
# Default_Ignorable_Code_Point of Unicode 15 with the control and interlinear characters, less the joiner U+200D and
# the variation selectors U+FE00..FE0F, which belong to emoji and are judged by their neighbours below.
_INVISIBLE = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_EMOJI = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_SURROGATES = "\ud800-\udfff"

_UNUSUAL = re.compile(f"[{_LINE_BREAKS}{_SPACES}{_INVISIBLE}{_SURROGATES}\u200d\ufe00-\ufe0f]")
_CHANGED = re.compile(
    f"(?P<line>\r\n|[{_LINE_BREAKS}])|(?P<space>[{_SPACES}])|(?P<surrogate>[{_SURROGATES}])|[{_INVISIBLE}]+"
    f"|(?<!{_EMOJI})(?<!{_EMOJI}\ufe0f)\u200d|\u200d(?!{_EMOJI})"
    f"|[\ufe00-\ufe0d]|(?<!{_EMOJI})(?<![0-9#*])[\ufe0e\ufe0f]|(?<=[0-9#*])[\ufe0e\ufe0f](?!\u20e3)"
)
_REPLACEMENTS = {"line": "\n", "space": " ", "surrogate": "\ufffd", None: ""}
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_BLANK = " \t\n"
_UNFINISHED = _BLANK + "\u200d\ufe0e\ufe0f"


def visible_text(raw: str) -> MappedText:
    """What a person would see of ``raw``, at most ``MAX_CHARACTERS``, with the way back to ``raw``.

    HTML mail becomes text (see ``triage.text.markup``); character references are decoded in plain text too, because
    relays escape it. Invisible and control characters go, emoji keep their joiners, unusual spaces become a space,
    every line break ``\\n``, a lone surrogate U+FFFD, two or more blank lines one.
    """
    source = raw[:MAX_RAW_CHARACTERS]
    mapped = identity(source)
    if "<" in source and looks_like_html(source):
        mapped = html_to_text(mapped)
    elif "&" in source:
        mapped = rewrite(mapped, ENTITY, lambda match: unescape(match[0]))
    if _UNUSUAL.search(mapped.text):
        mapped = rewrite(mapped, _CHANGED, lambda match: _REPLACEMENTS[match.lastgroup])
    mapped = rewrite(mapped, _BLANK_LINES, lambda match: "\n\n")
    return _trimmed(mapped, truncated=len(raw) > len(source))


def _trimmed(mapped: MappedText, *, truncated: bool) -> MappedText:
    text = mapped.text.rstrip(_BLANK)
    start = len(text) - len(text.lstrip(_BLANK))
    end = len(text)
    if end - start > MAX_CHARACTERS:
        # A cut inside an emoji must not leave its joiner behind.
        end = start + len(text[start : start + MAX_CHARACTERS].rstrip(_UNFINISHED))
        truncated = True
    return cut(mapped, start, end, truncated=truncated)
