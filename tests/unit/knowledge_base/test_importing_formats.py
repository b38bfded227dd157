from __future__ import annotations

import json
from pathlib import Path

import pytest

from triage.errors import ArticleError
from triage.knowledge_base.importing import Skipped, read_source
from triage.types import Article


def _read(folder: Path, name: str, content: str | bytes | object, **options: str) -> list[Article | Skipped]:
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return list(read_source(path, **options))


def _articles(found: list[Article | Skipped]) -> list[Article]:
    return [item for item in found if isinstance(item, Article)]


def _reasons(found: list[Article | Skipped]) -> dict[str, str]:
    return {item.where: item.reason for item in found if isinstance(item, Skipped)}


ZENDESK = {
    "count": 3,
    "next_page": None,
    "sections": [{"id": 7, "locale": "en-us", "name": "Orders", "body": "not an article"}],
    "articles": [
        {
            "id": 360001,
            "title": "Returns",
            "locale": "en-us",
            "source_locale": "en-us",
            "draft": False,
            "label_names": ["returns", "refund"],
            "section_id": 7,
            "body": "<h2>How</h2><ol><li>Pack it.</li><li>Send it.</li></ol>",
            "translations": [
                {
                    "id": 1,
                    "source_id": 360001,
                    "locale": "en-us",
                    "title": "Returns",
                    "body": "<p>x</p>",
                    "draft": False,
                },
                {"id": 2, "source_id": 360001, "locale": "pt-br", "title": "Devoluções", "body": "<p>Embale.</p>"},
                {"id": 3, "source_id": 360001, "locale": "de", "title": "Rückgabe", "body": "<p>x</p>", "draft": True},
            ],
        },
        {"id": 360002, "title": "Draft", "locale": "en-us", "draft": True, "section_id": 7, "body": "<p>x</p>"},
        {"id": 360003, "title": "Empty", "locale": "en-us", "draft": False, "section_id": 7, "body": ""},
    ],
}


def test_zendesk_articles_come_in_every_published_translation(tmp_path: Path) -> None:
    found = _read(tmp_path, "zendesk.json", ZENDESK)
    first, second = _articles(found)
    assert first == Article(
        id="360001",
        language="en-US",
        title="Returns",
        body="## How\n\n1. Pack it.\n2. Send it.",
        tags=("returns", "refund"),
    )
    assert (second.id, second.language, second.body) == ("360001", "pt-BR", "Embale.")
    assert _reasons(found) == {
        "zendesk.json: record 1, de": "a draft",
        "zendesk.json: record 2": "a draft",
        "zendesk.json: record 3": "the article has no body",
    }


def test_one_zendesk_article_and_its_list_of_translations_are_read(tmp_path: Path) -> None:
    assert len(_articles(_read(tmp_path, "one.json", {"article": ZENDESK["articles"][0]}))) == 2  # type: ignore[index]
    listed = {"translations": ZENDESK["articles"][0]["translations"]}  # type: ignore[index]
    found = _articles(_read(tmp_path, "translations.json", listed))
    assert [(article.id, article.language) for article in found] == [("360001", "en-US"), ("360001", "pt-BR")]


FRESHDESK = [
    {
        "id": 2,
        "type": 1,
        "category_id": 3,
        "folder_id": 4,
        "hierarchy": [{"level": 0, "type": "category", "data": {"id": 3, "name": "c", "language": "es-LA"}}],
        "seo_data": {"meta_keywords": "envío, plazo"},
        "tags": ["plazo"],
        "title": "Plazos",
        "description": "<div>Dos <b>días</b>.</div>",
        "description_text": "Dos días.",
        "status": 2,
    },
    {"id": 3, "folder_id": 4, "title": "Draft", "description": "x", "status": 1},
]


def test_freshdesk_solutions_take_their_language_from_the_folder(tmp_path: Path) -> None:
    found = _read(tmp_path, "freshdesk.json", FRESHDESK, language="fr")
    assert _articles(found) == [
        Article(id="2", language="es-LA", title="Plazos", body="Dos días.", tags=("plazo", "envío"))
    ]
    assert _reasons(found) == {"freshdesk.json: record 2": "a draft"}


CHATWOOT = {
    "payload": [
        {
            "id": 11,
            "slug": "1700-versand",
            "title": "Versand",
            "content": "**Zwei** Tage.\n\n- A\n- B",
            "status": "published",
            "category": {"id": 1, "name": "Lieferung", "slug": "lieferung", "locale": "de"},
        },
        {"id": 12, "slug": "b", "title": "B", "content": "b", "status": "archived", "locale": "pt_BR"},
        {"id": 13, "slug": "c", "title": "C", "content": "c", "status": "published", "locale": "pt_BR"},
    ],
    "meta": {"articles_count": 3, "current_page": "1"},
}


def test_chatwoot_articles_keep_their_markdown(tmp_path: Path) -> None:
    found = _read(tmp_path, "chatwoot.json", CHATWOOT)
    first, second = _articles(found)
    assert first == Article(
        id="11", language="de", title="Versand", body="**Zwei** Tage.\n\n- A\n- B", tags=("Lieferung",)
    )
    assert (second.id, second.language) == ("13", "pt-BR")
    assert _reasons(found) == {"chatwoot.json: record 2": "archived"}


INTERCOM = {
    "type": "list",
    "pages": {"type": "pages", "page": 1},
    "total_count": 3,
    "data": [
        {
            "id": "6871119",
            "type": "article",
            "workspace_id": "w",
            "title": "Refunds",
            "description": "",
            "body": '<p class="no-margin">Five days.</p>',
            "state": "published",
            "default_locale": "en",
            "translated_content": {
                "type": "article_translated_content",
                "en": {
                    "type": "article_content",
                    "title": "Refunds",
                    "body": "<p>Five days.</p>",
                    "state": "published",
                },
                "fr": {
                    "type": "article_content",
                    "title": "Remboursements",
                    "body": "<p>Cinq jours.</p>",
                    "state": "published",
                },
                "zh-TW": {"type": "article_content", "title": "退款", "body": "<p>五天。</p>", "state": "draft"},
                "ar": None,
            },
        },
        {"id": "2", "type": "article", "workspace_id": "w", "title": "D", "body": "<p>x</p>", "state": "draft"},
        {"id": "3", "type": "internal_article", "title": "I", "body": "<p>x</p>", "state": "published"},
    ],
}


def test_intercom_articles_come_in_every_published_language(tmp_path: Path) -> None:
    found = _read(tmp_path, "intercom.json", INTERCOM)
    assert [(article.id, article.language, article.body) for article in _articles(found)] == [
        ("6871119", "en", "Five days."),
        ("6871119", "fr", "Cinq jours."),
    ]
    assert _reasons(found) == {
        "intercom.json: record 1, zh-TW": "a draft",
        "intercom.json: record 2": "a draft",
        "intercom.json: record 3": "internal",
    }


def test_the_results_of_an_intercom_search_are_read(tmp_path: Path) -> None:
    found = _read(tmp_path, "search.json", {"type": "list", "data": {"articles": INTERCOM["data"], "highlights": []}})
    assert len(_articles(found)) == 2


@pytest.mark.parametrize(
    "document",
    [
        {
            "saved_replies": [
                {"id": "late", "name": "Late parcel", "text": "Hi {{name}},\nIt has left.", "locale": "en_GB"}
            ]
        },
        [{"short_code": "late", "title": "Late parcel", "content": "It has left.", "language": "en-GB"}],
        {
            "canned_responses": [
                {"id": "late", "title": "Late parcel", "content_html": "<p>It has left.</p>", "lang": "en-gb"}
            ]
        },
        {
            "macros": [
                {
                    "id": "late",
                    "title": "Late parcel",
                    "active": True,
                    "language": "en-GB",
                    "actions": [
                        {"field": "status", "value": "solved"},
                        {"field": "comment_value", "value": ["channel:all", "It has left."]},
                    ],
                }
            ]
        },
        {
            "data": [
                {
                    "id": "late",
                    "name": "Late parcel",
                    "language": "en-GB",
                    "actions": [{"name": "setResponseText", "arguments": {"body_html": "<div>It has left.</div>"}}],
                    "body": "",
                }
            ]
        },
        {"title": "Late parcel", "id": "late", "body": "It has left.", "language": "en-GB", "kind": "macro"},
    ],
)
def test_saved_replies_become_macros(tmp_path: Path, document: object) -> None:
    assert _read(tmp_path, "replies.json", document, format="json") == [
        Article(id="late", language="en-GB", title="Late parcel", body="It has left.", kind="macro")
    ]
    assert _read(tmp_path, "again.json", document) == _read(tmp_path, "replies.json", document, format="json")


def test_a_reply_that_says_nothing_or_is_switched_off_is_skipped(tmp_path: Path) -> None:
    macros = [
        {"id": 1, "title": "Close", "actions": [{"field": "status", "value": "solved"}], "active": True},
        {"id": 2, "title": "Old", "actions": [{"field": "comment_value", "value": "x"}], "active": False},
        {"id": 3, "title": "If", "actions": [{"field": "comment_value", "value": "{% if a %}b{% endif %}"}]},
    ]
    assert _reasons(_read(tmp_path, "m.json", {"macros": macros})) == {
        "m.json: record 1": "its actions hold no reply to the customer",
        "m.json: record 2": "not active",
        "m.json: record 3": "holds conditions or loops of a template language",
    }


def test_ndjson_takes_every_field_of_an_article(tmp_path: Path) -> None:
    line = {
        "id": "returns",
        "language": "en",
        "title": "Returns",
        "body": "Send it.",
        "intents": ["return_item"],
        "markets": ["PL"],
        "owner": None,
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
    }
    (article,) = _articles(_read(tmp_path, "a.ndjson", json.dumps(line)))
    assert (article.intents, article.markets, article.owner) == (("return_item",), ("PL",), None)
    assert article.valid_to is not None
    assert article.valid_to.isoformat() == "2026-12-31"


def test_every_bad_line_of_ndjson_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = '{"id": "%s", "language": "en", "title": "T", "body": "Text."}'
    lines: list[tuple[str, str]] = [
        (good % "a", ""),
        ("", ""),
        ("{broken", "not JSON at column 2"),
        ("[1]", "expected an object, found list"),
        ('{"id": "x", "language": "english", "title": "T", "body": "b"}', "'english' is not a language code"),
        ('{"id": "x", "title": "T", "body": "b", "intnts": []}', "field intnts"),
        ('{"id": "x", "title": "", "body": "b"}', "field title"),
        ('{"id": "x", "title": "T", "body": ["b"]}', "field body: expected text, found list"),
        ('{"id": true, "title": "T", "body": "b"}', "field id"),
        ('{"title": "T", "body": "b"}', "field id"),
        ('{"id": "x", "title": "T", "body": " \\u200b"}', "no body"),
        ('{"id": "x", "title": "T", "body": "%s"}' % ("b" * 1_000_001), "limit is 1000000"),
        ('{"id": "x", "title": "T", "body": "b", "kind": "note"}', "field kind"),
        ('{"id": "x", "title": "T", "body": "b", "tags": [1]}', "field tags"),
        ('{"id": "x", "title": "T", "body": "b", "valid_to": 20261231}', "field valid_to: expected a day"),
        (
            '{"id": "x", "title": "T", "body": "b", "valid_from": "2026-02-01", "valid_to": "2026-01-01"}',
            "before valid_from",
        ),
        (good % "a", "a second article 'a' in 'en'"),
        ("[" * 100_000, "not JSON"),
        ('{"id": %s}' % ("9" * 5000), "not JSON"),
        (good % "b", ""),
        ('{"id": "c", "title": "T", "bo', "breaks off here"),
    ]
    found = _read(tmp_path, "a.ndjson", "\n".join(line for line, _ in lines))
    assert [article.id for article in _articles(found)] == ["a", "b"]
    reasons = _reasons(found)
    for number, (_, reason) in enumerate(lines, 1):
        assert reason in reasons.get(f"a.ndjson:{number}", ""), number
    assert len(reasons) == sum(bool(reason) for _, reason in lines)


def test_bytes_that_are_not_utf8_spoil_their_line_alone(tmp_path: Path) -> None:
    content = (
        b'{"id":"a","title":"T","body":"b"}\n{"id":"b","title":"\xff","body":"b"}\n{"id":"c","title":"T","body":"b"}\n'
    )
    found = _read(tmp_path, "a.jsonl", content)
    assert [article.id for article in _articles(found)] == ["a", "c"]
    assert _reasons(found) == {"a.jsonl:2": "not UTF-8"}


def test_a_line_beyond_the_limit_is_skipped_without_holding_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.knowledge_base.importing.documents.MAX_LINE", 60)
    content = '{"id":"a","title":"T","body":"b"}\n' + "x" * 200 + '\n{"id":"c","title":"T","body":"b"}\n'
    found = _read(tmp_path, "a.ndjson", content)
    assert [article.id for article in _articles(found)] == ["a", "c"]
    assert list(_reasons(found)) == ["a.ndjson:2"]


CSV = (
    "Shortcut,Macro Name,Reply,Locale,Tags,Status\n"
    'late,Late parcel,"Hi {{name}},\n\nIt has ""left"", today.",pl,"parcel, late",published\n'
    "\n"
    'bold,Bold,"<p>One</p><ul><li>two</li></ul>",,,\n'
    "gone,Gone,Text,en,,draft\n"
    "short,Short\n"
    "late,Late again,Text,pl,,\n"
    'size,5" screen,A 5" screen,en,,\n'
    'cut,Cut,"never closed'
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_read_in_every_delimiter_to_where_it_breaks_off(tmp_path: Path, delimiter: str) -> None:
    text = CSV.replace(",,,\n", ",,,\n") if delimiter == "," else _with_delimiter(delimiter)
    found = _read(tmp_path, "r.csv", b"\xef\xbb\xbf" + text.encode())
    first, second, third = _articles(found)
    assert first == Article(
        id="late",
        language="pl",
        title="Late parcel",
        body='It has "left", today.',
        tags=("parcel", "late"),
        kind="macro",
    )
    assert (second.id, second.language, second.body) == ("bold", "en", "One\n\n- two")
    assert third.title == '5" screen'
    reasons = _reasons(found)
    assert reasons["r.csv:7"] == "a draft"
    assert reasons["r.csv:8"] == "2 cells where the header has 6"
    assert reasons["r.csv:9"] == "a second article 'late' in 'pl'"
    assert "breaks off in a quoted cell" in reasons["r.csv"]
    assert len(reasons) == 4


def _with_delimiter(delimiter: str) -> str:
    """``CSV`` with the commas outside quotes replaced."""
    parts = CSV.replace('5" screen', "@").split('"')
    swapped = [part.replace(",", delimiter) if number % 2 == 0 else part for number, part in enumerate(parts)]
    return '"'.join(swapped).replace("@", '5" screen')


def test_a_table_of_articles_holds_articles_and_a_placeholder_makes_a_macro(tmp_path: Path) -> None:
    content = (
        "sep=;\r\nid;title;content;intents;type\r\n"
        "a;A;Text;return_item, refund_request;\r\nb;B;Hi {{name}}, it left.;;\r\nc;C;Text;;macro\r\n"
    )
    first, second, third = _articles(_read(tmp_path, "a.csv", content.encode("utf-16")))
    assert (first.kind, first.intents) == ("article", ("return_item", "refund_request"))
    assert (second.kind, second.body) == ("macro", "It left.")
    assert third.kind == "macro"


def test_a_csv_without_ids_gets_stable_ones_from_its_titles(tmp_path: Path) -> None:
    content = "title,body\nLate parcel!,a\nLate Parcel,b\nПосылка,c\n"
    ids = [article.id for article in _articles(_read(tmp_path, "a.csv", content))]
    assert [value.rpartition("-")[0] for value in ids] == ["late-parcel", "late-parcel", "article"]
    assert len(set(ids)) == 3
    turned = "title,body\nПосылка,c\nLate Parcel,b\nLate parcel!,a\n"
    assert [article.id for article in _articles(_read(tmp_path, "a.csv", turned))] == ids[::-1]


def test_a_document_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    whole = json.dumps(ZENDESK, indent=1)
    found = _read(tmp_path, "z.json", whole[: whole.index('"Empty"')])
    assert len(_articles(found)) == 2
    (place,) = [where for where in _reasons(found) if "after" in where]
    assert place == "z.json: after record 2"
    assert "breaks off on line" in _reasons(found)[place] or "not JSON on line" in _reasons(found)[place]


def test_a_bad_byte_in_a_document_ends_it_there(tmp_path: Path) -> None:
    content = b'[{"short_code": "a", "content": "b"}, {"short_code": "\xff", "content": "b"}]'
    found = _read(tmp_path, "r.json", content)
    assert [article.id for article in _articles(found)] == ["a"]
    assert _reasons(found) == {"r.json: after record 1": "not UTF-8 at byte 54"}


def test_records_of_the_wrong_shape_are_skipped(tmp_path: Path) -> None:
    articles = [1, {"id": 1, "locale": "en", "section_id": 1, "title": "T", "body": 5}, None]
    translations = {"id": 2, "locale": "en", "section_id": 1, "title": "T", "body": "b", "translations": [3]}
    found = _read(tmp_path, "z.json", {"articles": [*articles, translations]})
    assert _reasons(found) == {
        "z.json: record 1": "expected an object, found int",
        "z.json: record 2": "field body: expected text, found int",
        "z.json: record 3": "expected an object, found NoneType",
        "z.json: record 4": "field translations: expected a list of objects",
    }
    assert len(_articles(found)) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b""),
        ("a.json", b"  \n"),
        ("a.json", b"\x00\x01\x02"),
        ("a.json", b'{"id": "a'),
        ("a.json", b"{}"),
        ("a.json", b'{"users": [{"name": "x"}]}'),
        ("a.json", b'[{"colour": "red"}]'),
        ("a.csv", b"just some prose, without a header"),
        ("a.txt", b"hello"),
        ("a.json", b"\xff"),
        ("a.json", b"[" * 100_000),
    ],
)
def test_a_source_that_is_nothing_known_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(ArticleError, match=name):
        _read(tmp_path, name, content)


def test_the_format_can_be_given(tmp_path: Path) -> None:
    record = {"id": 5, "title": "T", "body": "<p>x</p>", "locale": "en-gb"}
    (article,) = _articles(_read(tmp_path, "a.txt", {"articles": [record]}, format="zendesk"))
    assert (article.language, article.kind) == ("en-GB", "article")
    with pytest.raises(ArticleError, match="unknown format 'xml'"):
        _read(tmp_path, "a.txt", "x", format="xml")
    with pytest.raises(ArticleError, match="not a language code"):
        _read(tmp_path, "a.txt", "x", language="english")
    with pytest.raises(ArticleError, match=r"a\.txt"):
        _read(tmp_path, "a.txt", "id,title,body", format="zendesk")
