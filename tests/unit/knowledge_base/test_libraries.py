from __future__ import annotations

from pathlib import Path

from triage.knowledge_base.base import KnowledgeBase
from triage.knowledge_base.libraries import Libraries
from triage.testing import HashingEncoder
from triage.types import Article


def test_each_workspace_has_a_knowledge_base_of_its_own(tmp_path: Path) -> None:
    first = KnowledgeBase(
        tmp_path / "demo", HashingEncoder(), seed=[Article(id="a", language="en", title="A", body="A.")]
    )
    libraries = Libraries(lambda name: first.beside(tmp_path / name), first=("demo", first))
    other = libraries.of("kite")
    assert libraries.of("demo") is first
    assert libraries.of("kite") is other
    assert other.articles == ()
    other.put(Article(id="b", language="en", title="B", body="B."))
    assert first.get("b", "en") is None
    again = Libraries(lambda name: first.beside(tmp_path / name), first=("demo", first)).of("kite")
    assert [article.id for article in again.articles] == ["b"]
