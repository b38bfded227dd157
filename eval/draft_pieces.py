"""A draft taken apart by its text alone: which stretch is a fixed phrase, a fact of the order, or an article's sentence.

The article's own Markdown, the order and the phrase files are the only references.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_currency

from triage.drafting.phrases import FALLBACK, Phrases, load_phrases
from triage.types import Article, Draft, InboundMessage, Order

OWN = ("phrase", "ask", "order")
"""Sources of a piece that are no article."""

_MARK = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_END = re.compile(r"[.!?…؟۔][\"'”»)\]]*(?=\s+[^a-zà-öø-ÿа-яё\d]|$)|[。！？]")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a draft and where it comes from: ``phrase``, ``ask``, ``order``, an article's id, or None."""

    text: str
    source: str | None


def take_apart(
    draft: Draft, message: InboundMessage, articles: Sequence[Article], *, signature: str = ""
) -> Iterator[Piece]:
    """The draft as pieces in order: the longest phrase, order fact or run of whole article sentences at each place."""
    phrases = phrases_of(draft.language)
    known = [(text, "phrase") for text in _fixed(phrases, message, {a.language for a in articles})]
    known += [(text, "ask") for text in _asks(phrases, draft, message.customer.locale)]
    known += [(text, "order") for text in true_of(message.order, phrases, message.customer.locale)]
    known = sorted({(" ".join(text.split()), source) for text, source in known}, key=lambda pair: -len(pair[0]))
    blocks = [(block, article.id) for article in articles for block in _blocks(article.body)]
    for line in draft.text.splitlines():
        rest = " ".join(_MARK.sub("", line).split())
        if rest and rest in (phrases.signoff, signature):
            yield Piece(text=rest, source="phrase")
            continue
        while rest:
            text, source = _first(rest, known, blocks)
            yield Piece(text=text, source=source)
            rest = rest[len(text) :].lstrip()


def _first(rest: str, known: Sequence[tuple[str, str]], blocks: Sequence[tuple[str, str]]) -> tuple[str, str | None]:
    for text, source in known:
        if rest == text or rest.startswith(f"{text} "):
            return text, source
    best, owner = 0, None
    for block, article in blocks:
        if (length := _verbatim(rest, block)) > best:
            best, owner = length, article
    if owner is not None:
        return rest[:best], owner
    end = _END.search(rest)
    return rest[: end.end() if end else len(rest)], None


def _verbatim(rest: str, block: str) -> int:
    """How many characters at the start of ``rest`` are whole sentences of ``block``, one after the other."""
    ends = sorted({match.end() for match in _END.finditer(block)} | {len(block)})
    starts = [0, *(end + len(block[end:]) - len(block[end:].lstrip()) for end in ends[:-1])]
    longest = 0
    for start in starts:
        for end in ends:
            stretch = block[start:end]
            if end > start and len(stretch) > longest and (rest == stretch or rest.startswith(stretch)):
                follows = rest[len(stretch) : len(stretch) + 1]
                if not follows or follows.isspace() or stretch[-1] in "。！？":
                    longest = len(stretch)
    return longest


def _blocks(body: str) -> Iterator[str]:
    """Paragraphs, headings and list items of Markdown as one line each, as a reader would read them: links both ways."""
    current: list[str] = []
    for line in [*body.splitlines(), ""]:
        heading = re.match(r"^#{1,6}\s", line)
        if current and (not line.strip() or heading or _MARK.match(line)):
            yield from _readings(" ".join(current))
            current = []
        if heading:
            title = line.strip("# ")
            yield from _readings(title)
            yield from _readings(f"{title}:")  # as it stands above a list
        elif line.strip():
            current.append(_MARK.sub("", line))


def _readings(block: str) -> Iterator[str]:
    plain = re.sub(r"\*\*|__|`", "", block)
    for replacement in (r"\1 (\2)", r"\1"):
        yield " ".join(_LINK.sub(replacement, plain).split())


def phrases_of(language: str) -> Phrases:
    found = load_phrases(language) or load_phrases(FALLBACK)
    assert found is not None  # the package always ships the fallback
    return found


def _locales(phrases: Phrases, preferred: str | None) -> list[Locale]:
    found = [Locale.parse(phrases.language)]
    try:
        own = Locale.parse((preferred or phrases.language).replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return found
    return [*found, own] if own.language == phrases.language else found


def _fixed(phrases: Phrases, message: InboundMessage, languages: Collection[str]) -> Iterator[str]:
    yield phrases.greeting["unnamed"]
    yield phrases.greeting["named"].format(name=(message.customer.name or "").strip())
    yield from phrases.acknowledge.values()
    yield from phrases.next.values()
    yield phrases.also
    for locale in _locales(phrases, message.customer.locale):
        for language in languages:
            yield phrases.other_language.format(language=locale.languages.get(language, language))


def _asks(phrases: Phrases, draft: Draft, preferred: str | None) -> Iterator[str]:
    """Every way to ask for some of what the draft says is missing."""
    items = [phrases.items[item] for item in draft.missing if item in phrases.items]
    for locale in _locales(phrases, preferred):
        for size in range(1, len(items) + 1):
            for chosen in combinations(items, size):
                for ask in filter(None, (phrases.ask, phrases.ask_privately)):
                    yield ask.format(items=format_list(list(chosen), locale=locale))


def true_of(order: Order | None, phrases: Phrases, preferred: str | None) -> Iterator[str]:
    """The sentences that are true of ``order``."""
    if order is None:
        return
    if order.status and order.status in phrases.status:
        yield phrases.status[order.status].format(order=order.id)
    if order.carrier and order.tracking_number:
        yield phrases.facts["carrier"].format(carrier=order.carrier, tracking=order.tracking_number)
    if order.tracking_url:
        yield phrases.facts["tracking_link"].format(url=order.tracking_url)
    for locale in _locales(phrases, preferred):
        if order.promised_by:
            date = format_date(order.promised_by.date(), "long", locale=locale)
            yield phrases.facts["promised"].format(date=date)
            yield phrases.facts["promised_passed"].format(date=date)
        if order.refund and order.currency:
            amount = format_currency(order.refund.amount, order.currency, locale=locale)
            yield phrases.facts["refund_undated"].format(amount=amount)
            if order.refund.issued_at:
                date = format_date(order.refund.issued_at.date(), "long", locale=locale)
                yield phrases.facts["refund"].format(amount=amount, date=date)


def dangling(pieces: Sequence[Piece]) -> Iterator[str]:
    """Sentences of an article that announce something ("as follows:") where nothing of that article comes after."""
    for index, piece in enumerate(pieces):
        if piece.text.endswith((":", "：")) and piece.source not in (*OWN, None):
            after = pieces[index + 1] if index + 1 < len(pieces) else None
            if after is None or after.source != piece.source:
                yield piece.text
