from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import ArticleError
from triage.knowledge_base.articles import parse_article, read_articles
from triage.knowledge_base.chunking import MOST_CHARACTERS, chunk
from triage.sentences import sentences
from triage.types import Article

GOOD = """---
id: returns
language: en
title: "Returns: how"
intents: [return_item]
last_reviewed: 2026-10-12
---
Send it back within 30 days.

## Steps

1. Print the label.
2. Hand the parcel in.
"""


def test_an_article_is_read_with_every_field_as_typed() -> None:
    article = parse_article(GOOD, name="returns.md")
    assert article.title == "Returns: how"
    assert article.intents == ("return_item",)
    assert article.last_reviewed == "2026-10-12"
    assert article.body.startswith("Send it back")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("no header", r"a\.md:1: expected '---'"),
        ("---\nid: x\n", r"a\.md:1: .*never closed"),
        ("---\nid: [\n---\nbody", r"a\.md:\d+: "),
        ("---\nid: x\nlanguage: en\ntitle: t\nintnts: []\n---\nbody", "intnts"),
        ("---\nid: X Y\nlanguage: en\ntitle: t\n---\nbody", "field id"),
        ("---\nid: x\nlanguage: en\ntitle: t\n---\n\n", "no body"),
        ("---\n- a\n---\nbody", "header"),
    ],
)
def test_a_bad_article_is_named_with_its_fault(source: str, complaint: str) -> None:
    with pytest.raises(ArticleError, match=complaint):
        parse_article(source, name="a.md")


def test_duplicate_ids_in_one_language_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.md").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ArticleError, match=r"b\.md: a second article 'returns' in 'en'"):
        list(read_articles(tmp_path))


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"---\n\xff")
    with pytest.raises(ArticleError, match=r"a\.md: not UTF-8 at byte 4"):
        list(read_articles(tmp_path))


def _article(body: str) -> Article:
    return Article(id="x", language="en", title="Title", body=body)


def test_sections_become_passages_and_lists_stay_whole() -> None:
    first, second = chunk(parse_article(GOOD, name="a"))
    assert (first.heading, first.text) == (None, "Send it back within 30 days.")
    assert (second.heading, second.text) == ("Steps", "1. Print the label.\n2. Hand the parcel in.")
    assert second.indexed == "Returns: how\nSteps\n1. Print the label.\n2. Hand the parcel in."


def test_a_long_section_is_cut_between_sentences() -> None:
    body = " ".join(f"Sentence number {n} says something of use." for n in range(60))
    parts = chunk(_article(body))
    assert len(parts) > 2
    assert all(len(part.text) <= MOST_CHARACTERS for part in parts)
    assert " ".join(part.text for part in parts) == body


@given(st.text(max_size=3000))
def test_chunking_never_fails_and_never_loses_a_word(body: str) -> None:
    words = [w for line in body.splitlines() for w in line.lstrip("#").split() if not line.lstrip().startswith("#")]
    found = " ".join(part.text for part in chunk(_article(body)))
    assert [w for w in words if w not in found] == []


def test_sentences_end_at_marks_of_every_script_but_not_in_dates_or_abbreviations() -> None:
    assert sentences("Am 12. Mai z. B. kommt es. Danach nicht!") == ["Am 12. Mai z. B. kommt es.", "Danach nicht!"]
    assert len(sentences("هل وصل؟ نعم.")) == 2
    assert len(sentences("届きました。ありがとう。")) == 2
