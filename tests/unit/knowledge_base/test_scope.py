from __future__ import annotations

import pytest

from triage.knowledge_base.retriever import HybridRetriever
from triage.knowledge_base.scope import best_languages, same_language
from triage.protocols import Query
from triage.testing import HashingEncoder
from triage.types import Article


@pytest.mark.parametrize(
    ("available", "wanted", "expected"),
    [
        (("en-US", "pl"), "en", {"en-US"}),
        (("en", "en-US", "en-GB"), "en-GB", {"en-GB"}),
        (("en", "en-US"), "en-GB", {"en"}),
        (("en-US", "en-AU", "de"), "en-GB", {"en-US", "en-AU"}),
        (("pt-BR", "en"), "pt_br", {"pt-BR"}),
        (("en-US", "de"), "pl", {"en-US"}),
        (("de", "fr"), "pl", {"de", "fr"}),
        ((), "pl", set()),
    ],
)
def test_the_region_is_preferred_and_the_language_counts(
    available: tuple[str, ...], wanted: str, expected: set[str]
) -> None:
    assert best_languages(available, wanted) == expected


def test_languages_with_like_beginnings_differ() -> None:
    assert same_language("en-US", "EN_gb")
    assert not same_language("fi", "fil")


def test_an_article_of_a_region_counts_as_the_customers_language() -> None:
    body = "You can return any item within 30 days."
    articles = [
        Article(id="returns", language=tag, title="Return an item", body=body) for tag in ("en-US", "en-GB", "de")
    ]
    retriever = HybridRetriever(articles, HashingEncoder())
    text = "return an item"
    for language, offered in (("en", {"en-GB", "en-US"}), ("en-US", {"en-US"}), ("de-AT", {"de"})):
        query = Query(text=text, vector=HashingEncoder().encode([text])[0], language=language)
        (found,) = retriever.evidence(query)
        assert found.same_language == 1
        assert found.chunk.article.language in offered
    query = Query(text=text, vector=HashingEncoder().encode([text])[0], language="pl")
    assert all(found.same_language == 0 for found in retriever.evidence(query))
