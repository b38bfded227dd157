"""Hybrid retrieval over a fixed set of articles: dense and lexical rankings fused, with a prior for the intents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

from triage.knowledge_base.chunking import chunk
from triage.knowledge_base.corpus import Corpus
from triage.knowledge_base.evidence import Evidence, Findings, RetrievalWeights
from triage.knowledge_base.passages import PassageIndex, key_of
from triage.knowledge_base.reranker import Reranker
from triage.knowledge_base.serialisation import fingerprint, version_of
from triage.knowledge_base.vectors import VectorStore
from triage.protocols import Encoder, Query
from triage.types import Article, Retrieval

__all__ = ["Evidence", "HybridRetriever", "RetrievalWeights", "this_day"]


def this_day() -> date:
    """Today in UTC."""
    return datetime.now(UTC).date()


class HybridRetriever:
    """Searches the passages of a fixed set of articles; build a new one to change the set.

    Args:
        articles: every language variant; ids may repeat across languages.
        encoder: the same encoder that makes the query vectors.
        today: decides which articles are valid.
        reranker: reads the leading passages once more.
    """

    def __init__(
        self,
        articles: Iterable[Article],
        encoder: Encoder,
        *,
        weights: RetrievalWeights | None = None,
        store: VectorStore | None = None,
        today: Callable[[], date] = this_day,
        reranker: Reranker | None = None,
    ) -> None:
        by_key = {key_of(article): article for article in articles}
        self._articles = tuple(by_key[key] for key in sorted(by_key))
        self._weights = weights or RetrievalWeights()
        self._today, self._reranker = today, reranker
        chunks = [part for article in self._articles for part in chunk(article)]
        vectors = (store or VectorStore(None)).embed(encoder, [part.indexed for part in chunks])
        self._corpus = Corpus(PassageIndex(self._articles, chunks, vectors))
        self._version = version_of(sum(map(fingerprint, self._articles)), encoder.version)

    @property
    def version(self) -> str:
        return self._version

    def __len__(self) -> int:
        return len(self._corpus)

    @property
    def articles(self) -> tuple[Article, ...]:
        """Every article in the index, by id and language."""
        return self._articles

    def search(self, query: Query) -> Retrieval:
        passages = self._corpus.offer(self._find(query), self._weights, query, self._reranker)
        return Retrieval(passages=passages, index_version=self._version)

    def evidence(self, query: Query) -> list[Evidence]:
        """The best passage of each candidate article, in no order."""
        return self._corpus.rows(self._find(query))

    def _find(self, query: Query) -> Findings:
        return self._corpus.find(query, self._today(), self._weights)
