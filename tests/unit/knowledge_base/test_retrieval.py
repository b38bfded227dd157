from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from triage.knowledge_base.dense import FLAT_UP_TO, DenseIndex
from triage.knowledge_base.lexical import LexicalIndex, words
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.knowledge_base.vectors import VectorStore
from triage.protocols import Query
from triage.testing import HashingEncoder
from triage.types import Article, Retrieval

RETURNS = "You can return any item within 30 days with the free label in your account."
LATE = "If the parcel is late we ask the carrier and answer within three days."
KETTLE = "Descale the KT-210 kettle with citric acid once a month."


def _articles() -> list[Article]:
    return [
        Article(id="returns", language="en", title="Return an item", body=RETURNS, intents=("return_item",)),
        Article(id="late", language="en", title="Parcel is late", body=LATE, intents=("delivery_late",)),
        Article(id="late", language="pl", title="Paczka się spóźnia", body="Jeśli paczka się spóźnia, pytamy kuriera.",
                intents=("delivery_late",)),
        Article(id="kettle", language="en", title="Descaling", body=KETTLE, intents=("product_usage",)),
        Article(id="amazon-only", language="en", title="Return on Amazon", body=RETURNS, intents=("return_item",),
                channels=("amazon",)),
        Article(id="fire", language="en", title="Smoke or fire", body="Unplug it and move away.",
                intents=("product_usage",), tags=("emergency",)),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def retriever() -> HybridRetriever:
    return HybridRetriever(_articles(), HashingEncoder())


def _search(retriever: HybridRetriever, query: str, language: str = "en", **options: object) -> Retrieval:
    vector = HashingEncoder().encode([query])[0]
    return retriever.search(Query(text=query, vector=vector, language=language, **options))  # type: ignore[arg-type]


def test_the_fitting_article_comes_first(retriever: HybridRetriever) -> None:
    assert _search(retriever, "how do I return an item within 30 days").passages[0].article_id == "returns"


def test_a_model_number_finds_its_article(retriever: HybridRetriever) -> None:
    assert _search(retriever, "KT-210 kettle").passages[0].article_id == "kettle"


def test_the_intent_brings_its_article_though_no_word_is_shared(retriever: HybridRetriever) -> None:
    found = _search(retriever, "zzz qqq", intents={"delivery_late": 1.0})
    assert [p.article_id for p in found.passages][:1] == ["late"]


def test_nothing_is_offered_where_nothing_fits(retriever: HybridRetriever) -> None:
    assert _search(retriever, "xyzzy plugh").passages == ()


def test_the_customers_language_is_preferred_and_english_stands_in(retriever: HybridRetriever) -> None:
    assert _search(retriever, "paczka się spóźnia", "pl", intents={"delivery_late": 1.0}).passages[0].language == "pl"
    assert _search(retriever, "zwrot, return an item", "pl", intents={"return_item": 1.0}).passages[0].language == "en"


def test_an_article_for_one_channel_stays_there(retriever: HybridRetriever) -> None:
    query = "return an item within 30 days"
    assert "amazon-only" not in [p.article_id for p in _search(retriever, query, channel="email").passages]
    assert "amazon-only" in [p.article_id for p in _search(retriever, query, channel="amazon").passages]


def test_an_emergency_puts_its_article_first(retriever: HybridRetriever) -> None:
    query, intents = "the kettle smokes, how do I use it", {"product_usage": 1.0}
    assert _search(retriever, query, intents=intents, critical=True).passages[0].article_id == "fire"


def test_the_version_follows_the_articles_and_the_encoder() -> None:
    first = HybridRetriever(_articles(), HashingEncoder()).version
    assert first == HybridRetriever(reversed(_articles()), HashingEncoder()).version
    assert first != HybridRetriever(_articles()[1:], HashingEncoder()).version
    assert first != HybridRetriever(_articles(), HashingEncoder(version="other")).version


def test_an_empty_knowledge_base_answers_nothing() -> None:
    assert _search(HybridRetriever([], HashingEncoder()), "anything").passages == ()


def test_words_fold_case_diacritics_and_interchangeable_letters() -> None:
    assert words("Żółć PACZKA") == words("zolc paczka")
    assert words("شركة") == words("شركه")
    assert words("returned returning") == ["return", "return"]


def test_lexical_search_gives_only_documents_that_share_a_word() -> None:
    index = LexicalIndex([RETURNS, LATE, KETTLE])
    positions, scores = index.search("kettle", 10)
    assert positions.tolist() == [2]
    assert (scores > 0).all()
    assert LexicalIndex([]).search("kettle", 3)[0].tolist() == []


@pytest.mark.parametrize("count", [50, FLAT_UP_TO + 1])
def test_dense_search_finds_the_vector_itself(count: int) -> None:
    vectors = np.random.default_rng(1).normal(size=(count, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    positions, scores = DenseIndex(vectors).search(vectors[7], 3)
    assert positions[0] == 7
    assert scores[0] == pytest.approx(1, abs=1e-5)


def test_kept_vectors_are_not_encoded_again(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    first = VectorStore(tmp_path).embed(encoder, ["a", "b"])
    again = HashingEncoder()
    second = VectorStore(tmp_path).embed(again, ["b", "a", "c"])
    assert again.calls == [1]
    assert np.array_equal(first, second[[1, 0]])


def test_a_folder_that_cannot_be_written_costs_only_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert VectorStore(tmp_path / "file").embed(HashingEncoder(), ["a"]).shape == (1, 256)


@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_damaged_vectors_are_made_anew(tmp_path: Path, damage: str) -> None:
    encoder = HashingEncoder()
    expected = VectorStore(tmp_path).embed(encoder, ["a", "b"])
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 0x10
    path.write_bytes(bytes(content))
    assert np.array_equal(VectorStore(tmp_path).embed(encoder, ["a", "b"]), expected)


@pytest.mark.parametrize("count", [300, FLAT_UP_TO + 300])
def test_a_large_base_finds_by_vector_by_words_and_by_intent(count: int) -> None:
    articles = [
        Article(id=f"a{n:05}", language="en", title=f"Part {n}", body=f"Model X{n} of the common kettle.",
                intents=("product_usage",) if n % 3 else ("return_item",))
        for n in range(count)
    ]  # fmt: skip
    large = HybridRetriever(articles, HashingEncoder(32), weights=RetrievalWeights(threshold=0))
    vector = HashingEncoder(32).encode([f"Part {count // 2}\nModel X{count // 2} of the common kettle."])[0]
    query = Query(text=f"kettle X{count - 7}", vector=vector, language="en", intents={"return_item": 1.0})
    found = large.evidence(query)
    assert {f"a{count // 2:05}", f"a{count - 7:05}"} <= {item.chunk.article.id for item in found}
    assert any(item.intent == 1 for item in found)
