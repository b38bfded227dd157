"""Which articles a reader may be offered, and in which language (BCP 47; RFC 4647 calls the matching a lookup)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from triage.protocols import Query
from triage.types import Article

STAND_IN = "en"
"""The language offered where the reader's is not to be had."""


@lru_cache(maxsize=1024)
def subtags(tag: str) -> tuple[str, ...]:
    """The lower-case subtags of a language tag, the language itself first."""
    return tuple(tag.replace("_", "-").casefold().split("-"))


def same_language(first: str, second: str) -> bool:
    """Whether two tags name one language, of whatever region."""
    return subtags(first)[0] == subtags(second)[0]


def best_languages(available: Iterable[str], wanted: str) -> frozenset[str]:
    """Those of ``available`` that serve a reader of ``wanted`` best, all where none does.

    The very tag is best, then the language without a region, then that of any region, then English likewise.
    """
    found = frozenset(available)
    for language in (wanted, STAND_IN):
        own = [tag for tag in found if same_language(tag, language)]
        for exact in (subtags(language), subtags(language)[:1]):
            same = frozenset(tag for tag in own if subtags(tag) == exact)
            if same:
                return same
        if own:
            return frozenset(own)
    return found


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where the reader is and when: decides which articles may be offered at all."""

    channel: str | None
    market: str | None
    today: date

    @classmethod
    def of(cls, query: Query, today: date) -> Scope:
        return cls(channel=query.channel, market=query.market, today=today)

    def covers(self, article: Article) -> bool:
        """Whether ``article`` holds on this channel, in this market and today."""
        if article.channels and self.channel not in article.channels:
            return False
        if article.markets and self.market is not None and self.market not in article.markets:
            return False
        if article.valid_from is not None and self.today < article.valid_from:
            return False
        return article.valid_to is None or self.today <= article.valid_to


def limited(article: Article) -> bool:
    """Whether ``article`` holds only somewhere or for some time."""
    return bool(article.channels or article.markets or article.valid_from or article.valid_to)
