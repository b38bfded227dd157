"""The articles as the list shows them: one entry an article, with its languages; narrowed, searched and sorted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Literal

from api.inbox.i18n import N_
from triage.knowledge_base.scope import best_languages, same_language
from triage.types import Article

Sort = Literal["match", "title", "reviewed"]
SORTS: Mapping[Sort, str] = {
    "match": N_("best match"),
    "title": N_("title"),
    "reviewed": N_("longest not reviewed"),
}
USUAL = 0.2
"""Where a workspace names no languages, those count as its own that at least this share of its articles have."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One article in all its languages, ``variants`` by their order; never empty."""

    variants: tuple[Article, ...]

    @property
    def id(self) -> str:
        return self.variants[0].id

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(article.language for article in self.variants)

    @property
    def reviewed(self) -> date | None:
        """When the variant was reviewed that waits longest; None where one never was."""
        days = [reviewed_on(article) for article in self.variants]
        return None if None in days else min(day for day in days if day is not None)

    def shown(self, language: str) -> Article:
        """The variant that a reader of ``language`` is shown."""
        best = best_languages(self.languages, language)
        return next(article for article in self.variants if article.language in best)

    def gaps(self, wanted: Iterable[str]) -> list[str]:
        """Those of ``wanted`` in which it does not exist."""
        return [tag for tag in wanted if not any(same_language(tag, own) for own in self.languages)]

    def gathered(self, name: str) -> tuple[str, ...]:
        """The values of a list of the articles, of every variant, each once."""
        return tuple(dict.fromkeys(value for article in self.variants for value in getattr(article, name)))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the list is narrowed to; an empty text leaves it wide."""

    q: str = ""
    language: str = ""
    missing: str = ""
    kind: str = ""
    tag: str = ""
    intent: str = ""
    market: str = ""
    product: str = ""
    channel: str = ""
    stale: str = ""
    sort: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """An entry of the list; ``score`` where the search found it by its meaning."""

    entry: Entry
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the filters offer, each in the order of its list."""

    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """All articles of a workspace."""

    entries: tuple[Entry, ...]
    by_id: Mapping[str, Entry]
    choices: Choices

    def usual_languages(self, named: object = None) -> tuple[str, ...]:
        """The workspace's languages: those that it names, else those that most of its articles have."""
        if isinstance(named, list) and named and all(isinstance(tag, str) for tag in named):
            return tuple(dict.fromkeys(named))
        counts = Counter(language for entry in self.entries for language in entry.languages)
        return tuple(sorted(tag for tag, count in counts.items() if count >= USUAL * len(self.entries)))


def shelf_of(articles: Iterable[Article]) -> Shelf:
    """``articles`` by id; they come sorted by id and language."""
    entries = tuple(Entry(variants=tuple(group)) for _, group in groupby(articles, key=lambda article: article.id))

    def every(name: str) -> tuple[str, ...]:
        return tuple(sorted({value for entry in entries for value in entry.gathered(name)}, key=str.casefold))

    return Shelf(
        entries=entries,
        by_id={entry.id: entry for entry in entries},
        choices=Choices(
            languages=tuple(sorted({tag for entry in entries for tag in entry.languages})),
            tags=every("tags"), markets=every("markets"), products=every("products"), channels=every("channels"),
        ),
    )  # fmt: skip


def find(
    shelf: Shelf, wanted: Wanted, *, near: Mapping[str, float], language: str, today: date, review_days: int
) -> list[Found]:
    """The entries that ``wanted`` asks for, in its order.

    Args:
        near: articles by id that answer ``wanted.q`` by their meaning, with their scores.
        language: the reader's, for the titles.
    """
    words = wanted.q.casefold().split()
    found = [
        Found(entry=entry, score=near.get(entry.id))
        for entry in shelf.entries
        if _fits(entry, wanted, today, review_days) and (not words or entry.id in near or _says(entry, words))
    ]
    sort = wanted.sort or ("match" if words else "title")
    titles = {item.entry.id: item.entry.shown(language).title.casefold() for item in found}
    found.sort(key=lambda item: (titles[item.entry.id], item.entry.id))
    if sort == "match":
        found.sort(key=lambda item: (_in_title(item.entry, words), item.score or 0.0), reverse=True)
    elif sort == "reviewed":
        found.sort(key=lambda item: item.entry.reviewed or date.min)
    return found


def reviewed_on(article: Article) -> date | None:
    """The day of the last review; None where it never was, or where no day was written."""
    try:
        return date.fromisoformat((article.last_reviewed or "")[:10])
    except ValueError:
        return None


def outdated(article: Article, today: date, review_days: int) -> bool:
    """Whether nobody reviewed it for ``review_days``, or its last day is over."""
    reviewed = reviewed_on(article)
    late = reviewed is None or today - reviewed > timedelta(days=review_days)
    return late or (article.valid_to is not None and article.valid_to < today)


def _fits(entry: Entry, wanted: Wanted, today: date, review_days: int) -> bool:
    if wanted.missing and not entry.gaps([wanted.missing]):
        return False
    variants: Collection[Article] = entry.variants
    if wanted.language:
        variants = [article for article in variants if article.language == wanted.language]
    if wanted.stale:
        variants = [article for article in variants if outdated(article, today, review_days)]
    return any(_holds(article, wanted) for article in variants)


def _holds(article: Article, wanted: Wanted) -> bool:
    """Scopes that an article does not name are no bounds: it holds in every market, for every product and channel."""
    named = (
        (wanted.kind, (article.kind,), False), (wanted.tag, article.tags, False), (wanted.intent, article.intents, False),
        (wanted.market, article.markets, True), (wanted.product, article.products, True),
        (wanted.channel, article.channels, True),
    )  # fmt: skip
    return all(not value or value in values or (wide and not values) for value, values, wide in named)


def _says(entry: Entry, words: Sequence[str]) -> bool:
    """Whether one variant holds all the words."""
    for article in entry.variants:
        text = "\n".join((article.id, article.title, article.body, *article.tags)).casefold()
        if all(word in text for word in words):
            return True
    return False


def _in_title(entry: Entry, words: Sequence[str]) -> bool:
    return any(all(word in article.title.casefold() for word in words) for article in entry.variants)
