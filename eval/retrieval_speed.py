"""How much the whole hybrid search costs beside bare faiss on the same vectors.

    python -m eval.retrieval_speed [--passages 1000 10000 100000] [--calls 400]

The passages are the demo shop's, their sentences mixed anew and given product names and model numbers of their own; a
vector lies near that of a real passage. Queries are the sample messages, encoded and classified once beforehand: both
sides get the finished vector, as in serving. Bare faiss runs the same kind of index, and an exact one, on one thread.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import faiss
import numpy as np

from triage.bootstrap import model_folder
from triage.knowledge_base.chunking import chunk
from triage.knowledge_base.corpus import CANDIDATES
from triage.knowledge_base.dense import DenseIndex
from triage.knowledge_base.retriever import HybridRetriever
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Manifest
from triage.protocols import Encoding, Query, Vectors
from triage.sample.data import sample_articles, sample_messages
from triage.sentences import sentences
from triage.settings import Settings
from triage.text.reader import Reader
from triage.types import Article

SPREAD = 0.4
"""Length of the step from a real passage's vector to that of a made one; cosines between the two are about 0.93."""


class NearRealEncoder:
    """Gives each made passage a vector near that of the real article whose title it bears."""

    version = "near-real"

    def __init__(self, titles: Sequence[str], real: Vectors, seed: int = 0) -> None:
        self._row = {title: row for row, title in enumerate(titles)}
        self._real, self._chance = real, np.random.default_rng(seed)
        self.width = real.shape[1]
        self.vectors = real[:0]

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = self._real[[self._row[text.split("\n", 1)[0].rsplit(": ", 1)[0]] for text in texts]]
        vectors = vectors + self._chance.standard_normal(vectors.shape, dtype=np.float32) * (SPREAD / self.width**0.5)
        self.vectors = np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
        return self.vectors

    def read(self, texts: Sequence[str]) -> list[Encoding]:
        raise NotImplementedError

    def truncates(self, text: str) -> bool:
        return False


def made_articles(passages: int, seed: int = 0) -> Iterator[Article]:
    """Articles of one passage each: a title of the demo shop, sentences of its articles in that language, and a model."""
    chance = random.Random(seed)  # noqa: S311 - the same passages at every run
    real = sample_articles()
    pool: dict[str, list[str]] = {}
    for article in real:
        pool.setdefault(article.language, []).extend(sentences(article.body))
    syllables = (
        "ka",
        "lo",
        "mi",
        "ren",
        "ta",
        "vo",
        "zu",
        "bel",
        "dor",
        "fin",
        "gra",
        "hes",
        "jul",
        "nor",
        "pex",
        "sti",
    )
    for number in range(passages):
        base = chance.choice(real)
        name = "".join(chance.choices(syllables, k=3)).capitalize()
        model = f"{chance.choice('ABCDEFGHKLMNPRSTVXZ')}{chance.randrange(100, 10_000)}"
        body = " ".join(chance.choices(pool[base.language], k=5))
        yield Article(
            id=f"a{number:06}", language=base.language, title=f"{base.title}: {name} {model}",
            body=f"{name} {model}. {body}"[:690], intents=base.intents, tags=base.tags,
        )  # fmt: skip


def sample_queries(folder: Path) -> tuple[list[Query], NearRealEncoder]:
    """The sample messages as serving asks for them, and the encoder of the made passages."""
    manifest = Manifest.read(folder)
    encoder, reader = OnnxEncoder(folder, version=manifest.version), Reader()
    classifier = HeadClassifier(Heads.load(folder / "heads.npz"), manifest)
    rows = list(sample_messages())
    texts = [reader.read(row["text"]).model_text for row in rows]
    queries = [
        Query(
            text=text, vector=encoding.vector, language=row["expected"]["language"], channel=row["channel"],
            intents=classifier.predict(encoding.features).intent_weights,
        )
        for row, text, encoding in zip(rows, texts, encoder.read(texts), strict=True)
    ]  # fmt: skip
    opening = {article.title: chunk(article)[0].indexed for article in sample_articles()}
    return queries, NearRealEncoder(list(opening), encoder.encode(list(opening.values())))


def medians_ms(calls: Sequence[Callable[[Query], object]], queries: Sequence[Query], count: int) -> list[float]:
    """Median milliseconds of each of ``calls``, taken in turns of 50 queries so that what else runs slows all alike."""
    times: list[list[float]] = [[] for _ in calls]
    for start in range(0, count, 50):
        for call, found in zip(calls, times, strict=True):
            for number in range(start - 10, start + 50):
                query = queries[number % len(queries)]
                begun = time.perf_counter()
                call(query)
                if number >= start:  # the ten before only warm the caches
                    found.append(time.perf_counter() - begun)
    return [1000 * float(np.median(found)) for found in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--passages", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--calls", type=int, default=1000)
    options = parser.parse_args()
    folder = options.model or model_folder(Settings())
    queries, made = sample_queries(folder)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; p50 of {options.calls} calls"
    )
    for passages in options.passages:
        retriever = HybridRetriever(made_articles(passages), made)
        same, exact = DenseIndex(made.vectors), faiss.IndexFlatIP(made.width)
        exact.add(made.vectors)
        whole, bare, flat = medians_ms(
            [
                retriever.search,
                lambda query, index=same: index.search(query.vector, CANDIDATES),  # type: ignore[misc]
                lambda query, index=exact: index.search(query.vector[None], CANDIDATES),  # type: ignore[misc]
            ],
            queries,
            options.calls,
        )
        found = np.mean(
            [np.isin(exact.search(q.vector[None], 10)[1], same.search(q.vector, CANDIDATES)[0]).mean() for q in queries]
        )
        print(
            f"{passages:7} passages  whole search {whole:.3f} ms  bare faiss, the same index {bare:.3f} ms "
            f"({whole / bare:.2f} times)  exact {flat:.3f} ms ({whole / flat:.2f} times)  {found:.1%} of the 10 nearest found"
        )


if __name__ == "__main__":
    main()
