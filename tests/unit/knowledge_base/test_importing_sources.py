from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage import sample
from triage.errors import ArticleError
from triage.knowledge_base.articles import read_articles
from triage.knowledge_base.importing import FORMATS, Skipped, changes, read_source
from triage.knowledge_base.importing.records import article_id, language_tag
from triage.types import Article

MARKDOWN = """---
id: returns
language: en
title: Returns
kind: {kind}
tags: [a]
valid_from: 2026-01-01
valid_to: {valid_to}
---
{body}
"""
PAGE = "<!doctype html><html lang=de><title>Rückgabe – Hilfe</title><h1>Rückgabe</h1><p>30 Tage.</p></html>"


def _markdown(kind: str = "article", valid_to: str = "", body: str = "Send it.") -> str:
    return MARKDOWN.format(kind=kind, valid_to=valid_to, body=body)


def _read(path: Path, **options: str) -> tuple[list[Article], dict[str, str]]:
    found = list(read_source(path, **options))
    reasons = {item.where: item.reason for item in found if isinstance(item, Skipped)}
    return [item for item in found if isinstance(item, Article)], reasons


def test_a_folder_of_markdown_is_read_with_kind_and_validity(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.md").write_text(_markdown("macro", "2026-12-31", "Hi {{name}},\nSend it."), encoding="utf-8")
    (tmp_path / "en" / "b.md").write_text(_markdown(), encoding="utf-8")
    (tmp_path / "en" / "c.md").write_text(_markdown(valid_to="soon").replace("returns", "c"), encoding="utf-8")
    (tmp_path / "en" / "d.md").write_text(_markdown(valid_to="2025-01-01"), encoding="utf-8")
    (tmp_path / "README.md").write_text("No front matter.", encoding="utf-8")
    (tmp_path / "e.md").write_bytes(b"---\n\xff")
    (tmp_path / "f.md").write_text("---\nid: " + "[" * 50_000 + "\n---\nb", encoding="utf-8")
    (tmp_path / ".hidden.md").write_text(_markdown(), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("ignored", encoding="utf-8")
    (article,), reasons = _read(tmp_path)
    assert (article.kind, article.body, str(article.valid_from), str(article.valid_to)) == (
        "macro",
        "Send it.",
        "2026-01-01",
        "2026-12-31",
    )
    assert reasons.pop("f.md:2")
    assert reasons == {
        "README.md:1": "expected '---', the start of the front matter",
        "e.md": "not UTF-8 at byte 4",
        "en/b.md": "a second article 'returns' in 'en'",
        "en/c.md": "field valid_to: expected a day such as 2026-12-31",
        "en/d.md": "field header: valid_to is before valid_from",
    }


def test_the_shipped_articles_are_read_as_they_are() -> None:
    folder = Path(sample.__file__).parent / "articles"
    assert list(read_source(folder)) == list(read_articles(folder))


def test_a_folder_of_pages_takes_ids_from_names_and_languages_from_the_pages(tmp_path: Path) -> None:
    (tmp_path / "returns").mkdir()
    (tmp_path / "returns" / "index.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "Über uns.htm").write_text("<h1>Wir</h1><title>Shop</title><p>Text", encoding="utf-8")
    (tmp_path / "latin.html").write_bytes('<meta charset="iso-8859-1"><title>Größe</title><p>Maß'.encode("latin-1"))
    (tmp_path / "bad.html").write_text('<html lang="klingon"><title>T</title><p>x', encoding="utf-8")
    (tmp_path / "script.html").write_text("<title>T</title><script>x()</script>", encoding="utf-8")
    articles, reasons = _read(tmp_path, language="nl")
    assert {article.title: (article.language, article.body) for article in articles} == {
        "Rückgabe": ("de", "30 Tage."),
        "Shop": ("nl", "# Wir\n\nText"),
        "Größe": ("nl", "Maß"),
    }
    assert {article.id.rpartition("-")[0] or article.id for article in articles} == {"returns", "uber-uns", "latin"}
    assert reasons == {
        "bad.html": "field language: 'klingon' is not a language code such as 'en' or 'pt-BR'",
        "script.html": "the article has no body",
    }


def test_a_folder_of_exported_pages_is_one_import(tmp_path: Path) -> None:
    for number in (1, 2):
        articles = [{"id": n, "locale": "en", "section_id": 1, "title": "T", "body": "b"} for n in (number, 9)]
        (tmp_path / f"page{number}.json").write_text(json.dumps({"articles": articles}), encoding="utf-8")
    (tmp_path / "page3.json").write_text('{"articles": [{"id"', encoding="utf-8")
    articles_found, reasons = _read(tmp_path, format="zendesk")
    assert [article.id for article in articles_found] == ["1", "9", "2"]
    assert reasons["page2.json: record 2"] == "a second article '9' in 'en'"
    assert "breaks off" in reasons["page3.json"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text(_markdown(), encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.md").symlink_to(tmp_path / "secret.md")
    assert _read(folder) == ([], {"a.md": "a link that leads out of the folder"})


def test_a_page_of_megabytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.html").write_text("<title>T</title>" + "<p>five million</p>" * 300_000, encoding="utf-8")
    (tmp_path / "huge.html").write_text(" <p>" + "x" * (17 * 1024 * 1024), encoding="utf-8")
    articles, reasons = _read(tmp_path)
    assert articles == []
    assert "the limit is 1000000" in reasons["big.html"]
    assert "the limit is 16777216" in reasons["huge.html"]


def test_sources_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match=r"gone\.json: cannot be read"):
        list(read_source(tmp_path / "gone.json"))
    with pytest.raises(ArticleError, match="file in this folder"):
        list(read_source(tmp_path))


def test_articles_come_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    line = '{"id": "%d", "title": "T", "body": "b"}\n'
    path.write_text("".join(line % number for number in range(5000)), encoding="utf-8")
    source = read_source(path)
    assert isinstance(next(source), Article)


@pytest.mark.parametrize(
    ("tag", "normal"),
    [
        ("en", "en"),
        ("PT-br", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("zh-Hant", "zh-TW"),
        ("zh-Hans-CN", "zh-CN"),
        ("es-419", "es"),
        ("sr-Latn", "sr"),
        ("iw", "he"),
        ("fil", "fil"),
        (" de ", "de"),
        ("de-form", "de"),
    ],
)
def test_language_tags_are_normalised(tag: str, normal: str) -> None:
    assert language_tag(tag) == normal


@pytest.mark.parametrize("tag", ["english", "", "e", "en us", "12", 5, None, True, "en-", "ｅｎ"])
def test_what_is_no_language_is_refused(tag: object) -> None:
    with pytest.raises(ArticleError, match="not a language code"):
        language_tag(tag)


def test_a_valid_id_stays_as_it_is() -> None:
    assert [article_id(value) for value in ("a.b_c-1", 360001, "late-parcel")] == ["a.b_c-1", "360001", "late-parcel"]


@given(st.text(min_size=1, max_size=200))
def test_ids_are_valid_and_stable(value: str) -> None:
    try:
        made = article_id(value)
    except ArticleError:
        return
    assert made == article_id(value) == article_id(made)
    assert len(made) <= 100


def test_changes_are_told_apart() -> None:
    same, changed, new = (Article(id=name, language="en", title="T", body="b") for name in ("same", "changed", "new"))
    known = {(article.id, article.language): article for article in (same, replace(changed, body="old"))}
    other = replace(same, language="pl")
    assert [status for status, _ in changes(known, [same, changed, new, other])] == ["same", "changed", "new", "new"]


PIECES = st.sampled_from(
    [
        '{"articles": [',
        '{"data": [',
        '{"payload": [',
        '{"macros": [',
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"id": 1',
        '"a"',
        "\n",
        '"title": "T"',
        '"body": "<p>b"',
        '"content": "{{name}}"',
        '"locale": "en-us"',
        '"section_id": 1',
        '"type": "article"',
        '"translated_content": {"fr": {}}',
        '"state": 1',
        '"folder_id": 2',
        '"description": "d"',
        '"status": 2',
        '"tags": 3',
        "id,title,body\n",
        'a,"b,c\n',
        "---\n",
        "id: a\n",
        "<html lang=x>",
        "<p>",
        "\ufeff",
        "null",
        "1e999",
        "\\ud800",
        "sep=;",
    ]
)
SOURCES = st.one_of(
    st.lists(PIECES, max_size=25).map("".join).map(str.encode),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=200),
)


def _attempt(path: Path, format: str | None) -> list[Article | Skipped] | str:
    try:
        return list(read_source(path, format=format))
    except ArticleError as error:
        return str(error)


@given(
    SOURCES, st.sampled_from((None, *FORMATS)), st.sampled_from(("a.json", "a.ndjson", "a.csv", "a.md", "a.html", "a"))
)
def test_no_source_raises_anything_but_an_article_error_and_twice_gives_the_same(
    content: bytes, format: str | None, name: str
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        once = _attempt(path, format)
        assert _attempt(path, format) == once
        if isinstance(once, str):
            assert once.startswith(name)
            return
        articles = [item for item in once if isinstance(item, Article)]
        existing: Mapping[tuple[str, str], Article] = {(article.id, article.language): article for article in articles}
        assert len(existing) == len(articles)
        assert {status for status, _ in changes(existing, articles)} <= {"same"}
        for article in articles:
            assert article.title
            assert article.body.strip()
            article.body.encode("utf-8")
