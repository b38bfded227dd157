"""Saved replies without the placeholders that only the system they come from can fill.

A name that addresses the customer can go from a sentence, and so can a reference such as an order's number in its
middle. A sentence that says an amount, a date or a link says nothing true without it, and goes as a whole. So do the
greeting and the sign-off around a name: a draft has its own.
"""

from __future__ import annotations

import re

from triage.errors import ArticleError
from triage.sentences import sentences

# Zendesk, Freshdesk, Chatwoot, Intercom, Gorgias, Front: {{ a.b | filter }}; Help Scout: {%a.b,fallback=c%};
# Salesforce: {!a.b} and {{{a.b}}}; Zoho: ${a.b}; Intercom's older {a | fallback: "b"}; LiveChat: %a%.
_PLACEHOLDER = re.compile(
    r"\{\{\{(?P<triple>[^{}]{0,300})\}\}\}|\{\{(?P<double>[^{}]{0,300})\}\}|\{%(?P<percent>[^{}%]{0,300})%\}"
    r"|[$!]\{(?P<dollar>[^{}]{0,300})\}|\{!(?P<bang>[^{}]{0,300})\}"
    r"|\{(?P<single>[^\W\d][\w.]{0,100}(?:\s{0,9}\|[^{}]{0,200})?)\}"
    r"|\[\[(?P<square>[^\W\d][\w. ]{0,100})\]\]|<<(?P<angle>[^\W\d][\w. ]{0,100})>>"
    r"|(?<![\w%/=&?.-])%(?P<sign>[A-Za-z][A-Za-z_.]{0,100}[A-Za-z])%(?!\w)"
)
_LOGIC = re.compile(
    r"\{%-?\s{0,9}(?:if|elsif|else|unless|case|when|for|assign|capture|comment|raw|cycle|tablerow|increment|decrement"
    r"|include|render|end\w{1,20})\b|\{\{\s{0,9}[#/^]",
    re.IGNORECASE,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Noncharacters of Unicode, which no text holds, stand for a placeholder while sentences are cut.
_NAME, _REFERENCE, _VALUE = "\ufdd0", "\ufdd1", "\ufdd2"
_ANY = f"[{_NAME}{_REFERENCE}{_VALUE}]"
_ANY_FOUND = re.compile(_ANY)
_VALUE_FOUND = re.compile(
    rf"{_VALUE}|(?:https?://|www\.)[^\s{_REFERENCE}]{{0,300}}{_ANY}|\]\([^()\s]{{0,300}}{_ANY}", re.IGNORECASE
)
_ASIDE = re.compile(rf"(?<!\])\s?\([^()]{{0,200}}{_VALUE}[^()]{{0,200}}\)")

_PERSONS = _words(
    "admin agent assignee author buyer client contact customer display family first full given guest last member "
    "operator recipient requester sender shopper teammate user visitor"
)
_NAMES = _words("firstname fullname lastname nickname surname forename")
_REFERENCES = _words("code id key no nr num number ref reference subject title")
_NUMBERED = _words("case conversation order ticket")

_WORD = re.compile(r"\w+")
_MARK = re.compile(r"\s{0,20}(?:(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s+|>\s?)?")
_GREETING = re.compile(rf"(?P<before>[^{_NAME}{_VALUE}{_REFERENCE}]*){_ANY}(?:[ .]*{_ANY})*(?P<after>.*)", re.DOTALL)
_COMMA = ",،，、"
_GREETING_END = re.compile(rf"\s*\w{{0,5}}\s*(?P<end>[{_COMMA}!:！：.…–—-]*)[^\w]*")
_GREETING_BEGIN = re.compile(rf"(?:\w+[.'’]?\s+){{0,2}}{_NAME}(?: {_NAME})*\s*\w{{0,3}}\s*[{_COMMA}!！]\s*(?=\S)")
_BEFORE_PLACEHOLDER = re.compile(rf"(?<=[.!?…。！？])(?<!\b[Nn][or]\.)\s+(?={_ANY})")

_TIDYING = (
    (re.compile(rf"(?:[#№]|\b[Nn](?:[º°]|[or]\.))\s?{_ANY}"), "\ufdd0"),
    (re.compile(rf"\(\W{{0,4}}{_ANY}\W{{0,4}}\)|\[\W{{0,4}}{_ANY}\W{{0,4}}\]"), "\ufdd0"),
    (re.compile(rf"([\"“„«'‘*_`]{{1,2}})[#№]?{_ANY}[\"”“»'’*_`]{{1,2}}"), "\ufdd0"),
    (re.compile(rf"{_ANY}['’]\w{{0,2}}(?=\s)"), "\ufdd0"),
    (re.compile(rf"(?:{_ANY} ?)+"), lambda match: _NAME + " " * match[0].endswith(" ")),
    (re.compile(rf"^{_NAME}\s*[{_COMMA}:–—-]?\s*"), ""),
    (re.compile(rf"([{_COMMA}])\s?{_NAME}\s?[{_COMMA}]"), r"\1"),
    (re.compile(rf"[{_COMMA}]?\s?{_NAME}(?=\s?[.!?…。！？;:]|$)"), ""),
    (re.compile(rf"\s?{_NAME}(?=\s?[{_COMMA})])"), ""),
    (re.compile(rf"\s?{_NAME}\s|\s{_NAME}"), " "),
    (re.compile(_NAME), ""),
)


def without_placeholders(body: str) -> str:
    """``body`` as it reads without placeholders; unchanged where it holds none.

    Raises:
        ArticleError: conditions or loops, whose branches cannot all be true; nothing is left, or a step would be missing.
    """
    if _LOGIC.search(body):
        raise ArticleError("holds conditions or loops of a template language")
    marked = _PLACEHOLDER.sub(_stand_in, _ANY_FOUND.sub("", body))
    if not _ANY_FOUND.search(marked):
        return body
    kept: list[str] = []
    begun = False
    for line in marked.split("\n"):
        if not _ANY_FOUND.search(line):
            kept.append(line)
        elif rest := _line(line, first=not begun):
            kept.append(rest)
        else:
            _drop_signoff(kept)
        begun = begun or bool(line.strip())
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    if not _WORD.search(text):
        raise ArticleError("nothing is left without its placeholders")
    return text


def _stand_in(placeholder: re.Match[str]) -> str:
    """The character that stands for a placeholder of its kind."""
    path = re.split(r"[|,]", placeholder[placeholder.lastgroup or 0], maxsplit=1)[0]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", path).lower().replace("_", " ").replace(".", " ").split()
    last, outer = (words[-1], words[:-1]) if words else ("", [])
    if last in _NAMES or (last == "name" and (not outer or outer[-1] in _PERSONS)) or words == ["salutation"]:
        return _NAME
    if last in _REFERENCES or (last == "name" and outer and outer[-1] in _NUMBERED):
        return _REFERENCE
    return _VALUE


def _line(line: str, *, first: bool) -> str:
    """What is left of a line, or nothing."""
    mark = _MARK.match(line)
    lead = mark[0] if mark else ""
    text = " ".join(line[len(lead) :].split())
    if first and not lead:
        if _is_greeting(text):
            return ""
        if begin := _GREETING_BEGIN.match(text):
            text = _capital(text, text[begin.end() :])
    parts = [part for sentence in sentences(text) for part in _BEFORE_PLACEHOLDER.split(sentence)]
    left = ""
    for part in filter(None, map(_sentence, parts)):
        left += ("" if not left or left[-1] in "。！？" else " ") + part
    if not left and lead.strip()[:1].isdigit():
        raise ArticleError("a numbered step says nothing without its placeholder")
    return lead + left if left else ""


def _is_greeting(text: str) -> bool:
    """A short line that addresses somebody: ``Dear {{name}},``, ``{{name}}様``."""
    matched = _GREETING.fullmatch(text) if len(text) <= 100 else None
    if matched is None or _REFERENCE in text:
        return False
    before, end = matched["before"], _GREETING_END.fullmatch(matched["after"])
    addressed = _NAME in text or (end is not None and end["end"][:1] in tuple(_COMMA))
    return end is not None and addressed and len(_WORD.findall(before)) <= 4 and len(before) <= 40


def _drop_signoff(kept: list[str]) -> None:
    """Takes the last line away where it leads to a name that has gone: ``Kind regards,``."""
    last = next((number for number in range(len(kept) - 1, -1, -1) if kept[number].strip()), None)
    if last is None:
        return
    line = kept[last].rstrip()
    if line.endswith(tuple(_COMMA)) and len(line) <= 40 and len(_WORD.findall(line)) <= 4:
        del kept[last:]


def _sentence(sentence: str) -> str:
    if not _ANY_FOUND.search(sentence):
        return sentence
    text = _ASIDE.sub("", sentence)
    if _VALUE_FOUND.search(text) or _REFERENCE in text[_last_word_end(text) :]:
        return ""
    for pattern, replacement in _TIDYING:
        text = pattern.sub(replacement, text)
    text = text.strip()
    return _capital(sentence, text) if _WORD.search(text) else ""


def _last_word_end(text: str) -> int:
    return next((end for end in range(len(text), 0, -1) if text[end - 1].isalnum()), 0)


def _capital(before: str, after: str) -> str:
    """``after``, with a capital letter where its beginning has gone."""
    return after if not after or before.startswith(after[0]) else after[0].upper() + after[1:]
