"""Articles made searchable: cut, encoded, and indexed densely and lexically."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from triage.knowledge_base.chunking import Chunk, chunk
from triage.knowledge_base.dense import DenseIndex
from triage.knowledge_base.lexical import LexicalIndex, words
from triage.knowledge_base.scope import limited
from triage.protocols import Encoder, Vectors
from triage.types import Article

Key = tuple[str, str]
"""Id and language: what names one article."""

Progress = Callable[[int, int], None]
"""Told how many passages of how many are encoded."""

EMERGENCY_TAG = "emergency"
"""Tag of the articles that a critical message should get first: safety, fraud."""

ENCODED_AT_ONCE = 64
"""Passages between two reports of progress."""


def key_of(article: Article) -> Key:
    return (article.id, article.language)


@dataclass(frozen=True, kw_only=True)
class PreparedArticle:
    """An article with its P passages and their ``vectors`` (P, D)."""

    article: Article
    chunks: tuple[Chunk, ...]
    vectors: Vectors

    @cached_property
    def words(self) -> tuple[list[str], ...]:
        """The words of each passage; kept, for the index of late changes is made anew with every change."""
        return tuple(words(part.indexed) for part in self.chunks)


def prepare(
    articles: Sequence[Article],
    encoder: Encoder,
    *,
    known: Callable[[Key], PreparedArticle | None],
    progress: Progress | None = None,
) -> list[PreparedArticle]:
    """Cuts and encodes ``articles``, in order.

    Args:
        known: an article as it stands; what did not change in it is not encoded again.
    """
    cut: list[tuple[Article, tuple[Chunk, ...]]] = []
    rows: list[Vectors | None] = []
    for article in articles:
        before = known(key_of(article))
        if before is not None and before.article == article:
            cut.append((before.article, before.chunks))
            rows += list(before.vectors)
        else:
            cut.append((article, tuple(chunk(article))))
            kept = _by_text(before)
            rows += [kept.get(part.indexed) for part in cut[-1][1]]
    _encode([part for _, chunks in cut for part in chunks], rows, encoder, progress)
    vectors = np.asarray(rows, dtype=np.float32).reshape(len(rows), encoder.width)
    prepared, start = [], 0
    for article, chunks in cut:
        prepared.append(PreparedArticle(article=article, chunks=chunks, vectors=vectors[start : start + len(chunks)]))
        start += len(chunks)
    return prepared


def _by_text(prepared: PreparedArticle | None) -> dict[str, Vectors]:
    if prepared is None:
        return {}
    return {part.indexed: row for part, row in zip(prepared.chunks, prepared.vectors, strict=True)}


def _encode(parts: Sequence[Chunk], rows: list[Vectors | None], encoder: Encoder, progress: Progress | None) -> None:
    """Fills the rows that are None, with a report after each batch."""
    missing = [position for position, row in enumerate(rows) if row is None]
    for start in range(0, len(missing), ENCODED_AT_ONCE):
        batch = missing[start : start + ENCODED_AT_ONCE]
        if progress is not None:
            progress(len(rows) - len(missing) + start, len(rows))
        for position, vector in zip(batch, encoder.encode([parts[p].indexed for p in batch]), strict=True):
            rows[position] = vector
    if progress is not None:
        progress(len(rows), len(rows))


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What the articles of N passages say of themselves, in columns (N,), so that a search asks no article one by one.

    ``article``, ``language`` and ``intents`` are numbers; the dictionaries say of what, in the order of the numbers.
    """

    ids: Mapping[str, int]
    languages: Mapping[str, int]
    intent_sets: Mapping[tuple[str, ...], int]
    article: NDArray[np.int64]
    language: NDArray[np.int64]
    intents: NDArray[np.int64]
    emergency: NDArray[np.bool_]

    @classmethod
    def of(cls, chunks: Sequence[Chunk]) -> Traits:
        ids: dict[str, int] = {}
        languages: dict[str, int] = {}
        sets: dict[tuple[str, ...], int] = {}
        articles = [part.article for part in chunks]
        return cls(
            ids=ids, languages=languages, intent_sets=sets,
            article=np.asarray([ids.setdefault(a.id, len(ids)) for a in articles], dtype=np.int64),
            language=np.asarray([languages.setdefault(a.language, len(languages)) for a in articles], dtype=np.int64),
            intents=np.asarray([sets.setdefault(a.intents, len(sets)) for a in articles], dtype=np.int64),
            emergency=np.asarray([EMERGENCY_TAG in a.tags for a in articles], dtype=np.bool_),
        )  # fmt: skip

    def and_of(self, later: Traits) -> Traits:
        """These passages and those of ``later`` behind them."""
        ids, article = _joined(self.ids, self.article, later.ids, later.article)
        languages, language = _joined(self.languages, self.language, later.languages, later.language)
        sets, intents = _joined(self.intent_sets, self.intents, later.intent_sets, later.intents)
        return Traits(
            ids=ids, languages=languages, intent_sets=sets, article=article, language=language, intents=intents,
            emergency=np.concatenate([self.emergency, later.emergency]),
        )  # fmt: skip


_Name = TypeVar("_Name")


def _joined(
    names: Mapping[_Name, int], column: NDArray[np.int64], later: Mapping[_Name, int], behind: NDArray[np.int64]
) -> tuple[Mapping[_Name, int], NDArray[np.int64]]:
    joined = dict(names)
    numbers = np.asarray([joined.setdefault(name, len(joined)) for name in later], dtype=np.int64)
    return joined, np.concatenate([column, numbers[behind]])


class PassageIndex:
    """An immutable index over the passages of some articles.

    Args:
        articles: sorted by ``key_of``, none twice.
        chunks: the N passages, article by article in the same order.
        vectors: (N, D) unit vectors of ``chunks``.
        dense: the index over ``vectors`` where it is already there.
        documents: the words of each passage where they are already there.
    """

    def __init__(
        self,
        articles: Iterable[Article],
        chunks: Sequence[Chunk],
        vectors: Vectors,
        *,
        dense: DenseIndex | None = None,
        documents: Iterable[Sequence[str]] | None = None,
    ) -> None:
        self.articles = {key_of(article): article for article in articles}
        self.chunks = chunks
        self.vectors = vectors
        self.dense = DenseIndex(vectors) if dense is None else dense
        texts = (part.indexed for part in chunks)
        self.lexical = LexicalIndex(texts) if documents is None else LexicalIndex.of_words(documents)
        self.variants: dict[str, tuple[Article, ...]] = {}
        for article in self.articles.values():
            self.variants[article.id] = (*self.variants.get(article.id, ()), article)
        self.spans = _spans(chunks)
        self.traits = Traits.of(chunks)
        self.by_intent = _by_intent(chunks)
        sets: dict[frozenset[str], int] = {}
        self.language_set = np.asarray(
            [
                -1 if any(map(limited, found)) else sets.setdefault(frozenset(a.language for a in found), len(sets))
                for found in map(self.variants.__getitem__, self.traits.ids)
            ],
            dtype=np.int64,
        )
        """By the number of an article: the languages in which it exists, as an index of ``language_sets``; -1 where that
        depends on who asks and when."""
        self.language_sets = tuple(sets)

    @classmethod
    def of(cls, prepared: Sequence[PreparedArticle], width: int, *, keep_words: bool = False) -> PassageIndex:
        """An index over ``prepared``, in order of their keys.

        Args:
            keep_words: for a small index that is soon made anew with most of the same articles.
        """
        ordered = sorted(prepared, key=lambda item: key_of(item.article))
        return cls(
            (item.article for item in ordered),
            [part for item in ordered for part in item.chunks],
            np.concatenate([np.zeros((0, width), dtype=np.float32), *(item.vectors for item in ordered)]),
            documents=(found for item in ordered for found in item.words) if keep_words else None,
        )

    def __len__(self) -> int:
        return len(self.chunks)

    def prepared(self, key: Key) -> PreparedArticle | None:
        """The article ``key`` as it is indexed."""
        article = self.articles.get(key)
        if article is None:
            return None
        start, end = self.spans.get(key, (0, 0))
        return PreparedArticle(article=article, chunks=tuple(self.chunks[start:end]), vectors=self.vectors[start:end])


def texts_digest(chunks: Iterable[Chunk]) -> str:
    """SHA-256 over the texts of ``chunks``, in order."""
    digest = hashlib.sha256()
    for part in chunks:
        encoded = part.indexed.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()


def _spans(chunks: Sequence[Chunk]) -> Mapping[Key, tuple[int, int]]:
    spans: dict[Key, tuple[int, int]] = {}
    for position, part in enumerate(chunks):
        key = key_of(part.article)
        spans[key] = (spans.get(key, (position, 0))[0], position + 1)
    return spans


def _by_intent(chunks: Sequence[Chunk]) -> Mapping[str, NDArray[np.int64]]:
    positions: dict[str, list[int]] = {}
    for position, part in enumerate(chunks):
        for intent in dict.fromkeys(part.article.intents):
            positions.setdefault(intent, []).append(position)
    return {intent: np.asarray(found, dtype=np.int64) for intent, found in positions.items()}
