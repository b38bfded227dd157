"""Changes that are made only if nobody was faster, and changes that are only imagined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from triage.errors import Conflict
from triage.knowledge_base.base import KnowledgeBase
from triage.knowledge_base.retriever import HybridRetriever
from triage.knowledge_base.serialisation import stamp
from triage.protocols import Query
from triage.testing import HashingEncoder
from triage.types import Article

CARE = Article(id="care", language="en", title="Care", body="Wash wool at thirty degrees.")
SIZE = Article(id="size", language="en", title="Sizes", body="Measure your feet in the evening.")
KEY = ("care", "en")


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase(tmp_path, HashingEncoder(), seed=[CARE, SIZE])


def _query(text: str) -> Query:
    return Query(text=text, vector=HashingEncoder().encode([text])[0], language="en")


def test_a_change_is_made_where_the_article_is_as_it_was_seen(base: KnowledgeBase) -> None:
    changed = replace(CARE, body="Wash wool by hand.")
    base.change({KEY: changed}, expected={KEY: stamp(CARE)})
    assert base.get(*KEY) == changed
    with pytest.raises(Conflict) as refused:
        base.change({KEY: CARE}, expected={KEY: stamp(CARE)})
    assert refused.value.reason == "article_changed"
    assert base.get(*KEY) == changed


def test_what_should_be_new_must_not_exist(base: KnowledgeBase) -> None:
    with pytest.raises(Conflict):
        base.change({KEY: CARE}, expected={KEY: ""})
    new = replace(CARE, id="linen")
    base.change({("linen", "en"): new}, expected={("linen", "en"): stamp(None)})
    assert base.get("linen", "en") == new


def test_several_changes_are_made_together_or_not_at_all(base: KnowledgeBase) -> None:
    keys = {KEY: stamp(CARE), ("size", "en"): "0" * 32}
    with pytest.raises(Conflict):
        base.change(dict.fromkeys(keys), expected=keys)
    assert base.articles == (CARE, SIZE)
    keys["size", "en"] = stamp(SIZE)
    base.change(dict.fromkeys(keys), expected=keys)
    assert base.articles == ()


def test_another_process_is_seen(base: KnowledgeBase, tmp_path: Path) -> None:
    other = KnowledgeBase(tmp_path, HashingEncoder())
    other.put(replace(CARE, body="Another text."))
    with pytest.raises(Conflict):
        base.change({KEY: None}, expected={KEY: stamp(CARE)})


def test_a_stamp_tells_any_change_of_an_article() -> None:
    seen = {stamp(article) for article in (CARE, SIZE, replace(CARE, owner="x"), replace(CARE, tags=("x",)), None)}
    assert len(seen) == 5


@pytest.mark.parametrize("text", ["Wash wool by hand in cold water", "Measure your feet", "Silk"])
def test_a_supposed_article_ranks_as_a_saved_one(base: KnowledgeBase, text: str) -> None:
    for supposed in (replace(CARE, body="Wash wool by hand in cold water."), replace(CARE, id="silk", title="Silk")):
        articles = {article.id: article for article in (CARE, SIZE, supposed)}
        saved = HybridRetriever(articles.values(), HashingEncoder()).search(_query(text))
        assert base.supposing(supposed).search(_query(text)).passages == saved.passages
    assert base.articles == (CARE, SIZE)
