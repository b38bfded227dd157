"""Personal data behind placeholders such as ``[[EMAIL_1]]``, and back.

What is hidden: the values that the caller knows (names, order and parcel numbers, entities of the message) and whatever
looks like an e-mail address, link, IBAN, card, phone or other long number. A name or street that nobody told us of
cannot be recognised by its form; leave the message out where that matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from triage.drafting.folding import Folded, fold
from triage.types import Customer, Entity, InboundMessage

PLACEHOLDER = re.compile(r"\[\[[A-Z]+_[0-9]+\]\]")
_REMAINS = re.compile(r"\[\[|\]\]|\b(?:EMAIL|LINK|IBAN|CARD|PHONE|NAME|ORDER|TRACKING|ADDRESS|NUMBER|TEXT)_[0-9]")

_ENTITY_KINDS = {
    "email": "EMAIL", "phone": "PHONE", "iban": "IBAN", "card_number": "CARD", "order_number": "ORDER",
    "tracking_number": "TRACKING", "name": "NAME",
}  # fmt: skip
_PUBLIC = frozenset({"amount", "date", "sku"})
"""Entity types that say nothing about a person. Every other type is hidden, ``address`` and ``postal_code`` among them."""

_TELLING = 5
"""So many characters give a value away even where it is glued to a word, as Arabic and hurried people write."""

_LETTER = r"[^\W\d_]"
_FORMS = (
    ("LINK", re.compile(r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")),
    ("EMAIL", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")),
    ("IBAN", re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,4})?(?![a-z0-9])")),
    ("CARD", re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?!\d)")),
    ("PHONE", re.compile(r"(?:\+|\b00|\(|\b0)\s?\(?\d(?:[ ()./-]{0,3}\d){6,14}")),
    ("NUMBER", re.compile(r"(?:[a-z]{1,4}-?)?\d(?:[ ./-]?\d){6,30}")),
)
_CALENDAR = re.compile(r"(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4})")


class UnknownPlaceholder(Exception):
    """A text holds a placeholder that stands for nothing, or what is left of one."""


class _Span(NamedTuple):
    start: int
    end: int
    kind: str


class Mask:
    """The placeholders of one request: the same value always gets the same one.

    Args:
        values: (kind, value) of what is known; each is found in any case, accents or separators.
        names: names of people, hidden where ``hide`` is asked to.
    """

    def __init__(self, values: Iterable[tuple[str, str]] = (), *, names: Iterable[str] = ()) -> None:
        self._known = [(kind, pattern) for kind, value in values if (pattern := _value_pattern(value))]
        self._names = [pattern for name in names for pattern in _name_patterns(name)]
        self._placeholders: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, text: str, *, names: bool = False) -> str:
        """``text`` with placeholders. With ``names``, words that contain a name go too, inflected or not."""
        shown, end = [], 0
        for span in _merged(self._spans(text, names)):
            shown += [text[end : span.start], self._placeholder(span.kind, text[span.start : span.end])]
            end = span.end
        return "".join([*shown, text[end:]])

    def reveal(self, text: str) -> str:
        """``text`` with every placeholder put back; the inverse of ``hide``.

        Raises:
            UnknownPlaceholder: one that ``hide`` never gave.
        """
        if not set(PLACEHOLDER.findall(text)) <= self._values.keys():
            raise UnknownPlaceholder
        return PLACEHOLDER.sub(lambda match: self._values[match.group()], text)

    def _placeholder(self, kind: str, value: str) -> str:
        if value not in self._placeholders:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            placeholder = f"[[{kind}_{self._counts[kind]}]]"
            self._placeholders[value], self._values[placeholder] = placeholder, value
        return self._placeholders[value]

    def _spans(self, text: str, names: bool) -> Iterator[_Span]:
        # What looks like a placeholder already would come back as another value.
        yield from (_Span(match.start(), match.end(), "TEXT") for match in PLACEHOLDER.finditer(text))
        folded = fold(text)
        for kind, pattern in self._known:
            yield from _found(kind, pattern, folded)
        for kind, pattern in _FORMS:
            yield from _found(kind, pattern, folded)
        for pattern in self._names if names else ():
            yield from _found("NAME", pattern, folded)


def placeholders(text: str) -> frozenset[str]:
    """The whole placeholders in ``text``."""
    return frozenset(PLACEHOLDER.findall(text))


def has_remains(text: str) -> bool:
    """Whether something of a placeholder stands in ``text`` beside the whole ones."""
    return _REMAINS.search(PLACEHOLDER.sub(" ", text)) is not None


def mask_for(message: InboundMessage, entities: Iterable[Entity]) -> Mask:
    """A mask that knows the message's customer, order and entities."""
    order = message.order
    values: list[tuple[str, str]] = []
    people: list[Customer] = [message.customer]
    if order is not None:
        values += [("LINK", order.tracking_url or ""), ("TRACKING", order.tracking_number or ""), ("ORDER", order.id)]
        people += [order.customer] if order.customer else []
    hidden = [entity for entity in entities if entity.type not in _PUBLIC]
    names = [person.name or "" for person in people] + [entity.value for entity in hidden if entity.type == "name"]
    values += [(_ENTITY_KINDS.get(entity.type, "ADDRESS"), entity.value) for entity in hidden if entity.type != "name"]
    return Mask(values, names=names)


def _found(kind: str, pattern: re.Pattern[str], folded: Folded) -> Iterator[_Span]:
    for match in pattern.finditer(folded.text):
        # Days are no secret, and a model may write them in the customer's own form.
        if kind in {"PHONE", "NUMBER"} and _CALENDAR.fullmatch(match.group()):
            continue
        start, end = folded.span(match.start(), match.end())
        yield _Span(start, end, kind)


def _merged(spans: Iterable[_Span]) -> Iterator[_Span]:
    """Spans in order, those that overlap as one of the kind of the first: nothing that any rule found stays visible."""
    current: _Span | None = None
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if current is None or span.start >= current.end:
            if current is not None:
                yield current
            current = span
        elif span.end > current.end:
            current = current._replace(end=span.end)
    if current is not None:
        yield current


def _value_pattern(value: str) -> re.Pattern[str] | None:
    """``value`` however its separators are written; a short one not as a part of a longer number or word."""
    characters = [character for character in fold(value).text if character.isalnum()]
    if not characters:
        return None
    pattern = r"[\W_]{0,3}".join(map(re.escape, characters))
    if len(characters) < _TELLING:
        before = r"(?<!\d)" if characters[0].isdigit() else rf"(?<!{_LETTER})"
        after = r"(?!\d)" if characters[-1].isdigit() else rf"(?!{_LETTER})"
        pattern = before + pattern + after
    return re.compile(pattern)


def _name_patterns(name: str) -> Iterator[re.Pattern[str]]:
    folded = fold(name).text.strip()
    if folded:
        yield re.compile(re.escape(folded))
    for part in re.findall(rf"{_LETTER}+", folded):
        if len(part) >= 4:
            # Without its last letter: "Kowalska" is "Kowalskiej" elsewhere in the sentence.
            yield re.compile(rf"(?<!{_LETTER}){_LETTER}*?{re.escape(part[:-1])}{_LETTER}*")
        elif len(part) >= 2:
            yield re.compile(rf"(?<!{_LETTER}){re.escape(part)}(?!{_LETTER})")
