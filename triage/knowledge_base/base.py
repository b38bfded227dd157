"""The knowledge base that changes while it serves, shared by several processes through one folder.

A change is on disk and searchable when the call returns. Searches never wait: they use the state of the moment, and what
takes long, a new large index or that of another process, is made in the background beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from triage.errors import Conflict, IndexUnavailable
from triage.knowledge_base.chunking import MOST_CHARACTERS
from triage.knowledge_base.evidence import Evidence, RetrievalWeights
from triage.knowledge_base.journal import Change
from triage.knowledge_base.live import LiveIndex
from triage.knowledge_base.passages import Key, PreparedArticle, Progress, key_of, prepare
from triage.knowledge_base.reranker import Reranker
from triage.knowledge_base.retriever import this_day
from triage.knowledge_base.serialisation import stamp
from triage.knowledge_base.state import State
from triage.protocols import Encoder, Query
from triage.types import Article, Retrieval

Outcome = Literal["new", "changed", "same"]


class KnowledgeBase:
    """Searches, and changes, the articles of one workspace. A ``Retriever``; safe to use from many threads.

    Args:
        folder: what the processes that serve the workspace share; made where it is missing.
        encoder: the same encoder that makes the query vectors.
        seed: the articles to begin with where the folder holds none that can be read.
        clock: seconds that never run backwards.
        today: decides which articles are valid.
        reranker: reads the leading passages once more.
    """

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        *,
        seed: Iterable[Article] = (),
        weights: RetrievalWeights | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = this_day,
        reranker: Reranker | None = None,
    ) -> None:
        self._encoder = encoder
        self._weights = weights or RetrievalWeights()
        self._today, self._reranker = today, reranker
        self._live = LiveIndex(folder, encoder, seed=seed, clock=clock)

    def beside(self, folder: Path) -> KnowledgeBase:
        """Another knowledge base, with the same encoder and rules, in a folder of its own; empty where it is new."""
        return KnowledgeBase(folder, self._encoder, weights=self._weights, today=self._today, reranker=self._reranker)

    @property
    def version(self) -> str:
        """Names the set of articles and the encoder; changes with every change."""
        return self._live.state.version

    @property
    def weights(self) -> RetrievalWeights:
        """What counts how much, and from which score on a passage is listed and built upon."""
        return self._weights

    def __len__(self) -> int:
        """Passages."""
        return len(self._live.state.corpus)

    @property
    def articles(self) -> tuple[Article, ...]:
        """Every article, by id and language."""
        self._live.look()
        return self._live.state.articles()

    def get(self, article_id: str, language: str) -> Article | None:
        """One article; None where it does not exist in ``language``."""
        self._live.look()
        return self._live.state.get((article_id, language))

    def search(self, query: Query) -> Retrieval:
        self._live.look()
        return self._search(self._live.state, query)

    def supposing(self, article: Article) -> Supposed:
        """These articles as they would be with ``article`` among them; nothing is kept."""
        self._live.look()
        state = self._live.state
        (prepared,) = prepare([article], self._encoder, known=state.prepared)
        change = Change(seq=state.seq + 1, key=key_of(article), article=article)
        return Supposed(state.after([(change, prepared)]), self._search)

    def _search(self, state: State, query: Query) -> Retrieval:
        found = state.corpus.find(query, self._today(), self._weights)
        passages = state.corpus.offer(found, self._weights, query, self._reranker)
        return Retrieval(passages=passages, index_version=state.version)

    def evidence(self, query: Query) -> list[Evidence]:
        """The best passage of each candidate article, in no order."""
        self._live.look()
        corpus = self._live.state.corpus
        return corpus.rows(corpus.find(query, self._today(), self._weights))

    def put(self, article: Article) -> Outcome:
        """Creates ``article``, or replaces the one of its id and language.

        Raises:
            IndexUnavailable: it could not be kept; nothing changed.
        """
        return self.put_many([article])[0]

    def delete(self, article_id: str, language: str | None = None) -> int:
        """Removes the article in ``language``, in every language where none is named; how many there were.

        Raises:
            IndexUnavailable: it could not be kept; nothing changed.
        """
        removed: list[Key] = []

        def edits(state: State) -> Mapping[Key, PreparedArticle | None]:
            languages = state.languages(article_id) if language is None else [language]
            keys = [(article_id, found) for found in languages]
            removed[:] = [key for key in keys if state.get(key) is not None]
            return dict.fromkeys(removed)

        self._live.commit(edits)
        return len(removed)

    def change(self, edits: Mapping[Key, Article | None], *, expected: Mapping[Key, str]) -> None:
        """Puts articles, or deletes those that are None, all or none, if nobody changed them meanwhile.

        Args:
            expected: ``serialisation.stamp`` of each article as it was read, whether it is edited or not.

        Raises:
            Conflict: ``article_changed``; nothing changed.
            IndexUnavailable: it could not be kept; nothing changed.
        """
        wanted = [article for article in edits.values() if article is not None]
        prepared = prepare(wanted, self._encoder, known=self._live.state.prepared)
        made = {key_of(item.article): item for item in prepared}

        def checked(state: State) -> Mapping[Key, PreparedArticle | None]:
            if any(stamp(state.get(key)) != seen for key, seen in expected.items()):
                raise Conflict("somebody else changed the article meanwhile", reason="article_changed")
            return {key: made.get(key) for key, article in edits.items() if state.get(key) != article}

        self._live.commit(checked)

    def put_many(self, articles: Iterable[Article], progress: Progress | None = None) -> list[Outcome]:
        """Creates or replaces many articles, all or none; of two with one id and language the later stays.

        Few go to the journal of changes in one write; many go straight into a new large index.

        Args:
            progress: told how many passages of how many are encoded.

        Returns:
            What became of each, in order.

        Raises:
            IndexUnavailable: they could not be kept; nothing changed.
        """
        wanted = list(articles)
        state = self._live.state
        fresh = [article for article in wanted if state.get(key_of(article)) != article]
        if sum(1 + len(article.body) // MOST_CHARACTERS for article in fresh) > self._live.most_late:
            return self._put_all(wanted, progress)
        latest = {key_of(article): article for article in wanted}
        prepared = prepare(list(latest.values()), self._encoder, known=state.prepared, progress=progress)
        outcomes: list[Outcome] = []

        def edits(state: State) -> Mapping[Key, PreparedArticle | None]:
            outcomes[:] = _outcomes(state, wanted)
            return {key: item for key, item in zip(latest, prepared, strict=True) if state.get(key) != item.article}

        self._live.commit(edits)
        return outcomes

    def build(self, progress: Progress | None = None) -> None:
        """Makes the large index anew, with all changes in it; searches and changes go on meanwhile.

        Args:
            progress: told how many passages of how many are encoded; those that did not change count at once.

        Raises:
            IndexUnavailable: it could not be written; the former one stays in force.
        """
        self._put_all([], progress)

    def settle(self, timeout: float | None = None) -> None:
        """Waits, at most ``timeout`` seconds, for what goes on in the background."""
        self._live.settle(timeout)

    def _put_all(self, wanted: list[Article], progress: Progress | None) -> list[Outcome]:
        try:
            state = self._live.make(progress=progress, further=wanted)
        except OSError as error:
            raise IndexUnavailable(f"the index could not be made: {error.strerror}") from error
        return _outcomes(state, wanted) if state else []


class Supposed:
    """The knowledge base at one moment, with a change that was never made. A ``Retriever``."""

    def __init__(self, state: State, search: Callable[[State, Query], Retrieval]) -> None:
        self._state, self._do = state, search

    @property
    def version(self) -> str:
        return self._state.version

    def search(self, query: Query) -> Retrieval:
        return self._do(self._state, query)


def _outcomes(state: State, articles: Iterable[Article]) -> list[Outcome]:
    """What becomes of each of ``articles``, put one after the other."""
    put: dict[Key, Article] = {}
    outcomes: list[Outcome] = []
    for article in articles:
        key = key_of(article)
        before = put.get(key) or state.get(key)
        outcomes.append("new" if before is None else "same" if before == article else "changed")
        put[key] = article
    return outcomes
