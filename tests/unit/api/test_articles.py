"""``/v1/articles``: read, change, import and search."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.unit.api.conftest import LATE, pipeline
from triage.knowledge_base.base import KnowledgeBase
from triage.testing import HashingEncoder

RETURNS = {"title": "Returning shoes", "body": "Shoes can be returned for 30 days.", "intents": ["return_item"]}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def editor(make_client: Callable[..., TestClient], tmp_path: Path) -> TestClient:
    base = KnowledgeBase(tmp_path / "kb", HashingEncoder(), seed=[LATE])
    client = make_client(lambda: pipeline(retriever=base))
    client.headers["Authorization"] = "Bearer editor"
    return client


def test_an_article_is_searchable_when_the_call_returns(editor: TestClient) -> None:
    created = editor.put("/v1/articles/return-shoes?language=en", json=RETURNS)
    assert created.status_code == 201
    assert created.json() | RETURNS == created.json()
    found = editor.get(
        "/v1/articles/search", params={"q": "Shoes can be returned for 30 days", "language": "en"}
    ).json()
    assert found["results"][0]["id"] == "return-shoes"
    assert found["index_version"] == created.json()["index_version"]
    triaged = editor.post("/v1/triage", json={"text": "Shoes can be returned for 30 days?"}).json()
    assert "return-shoes" in [article["id"] for article in triaged["articles"]]


def test_a_change_replaces_and_a_deletion_removes(editor: TestClient) -> None:
    editor.put("/v1/articles/return-shoes", json=RETURNS)
    changed = editor.put("/v1/articles/return-shoes", json=RETURNS | {"body": "Boots can be returned for 60 days."})
    assert changed.status_code == 200
    assert "Boots" in editor.get("/v1/articles/return-shoes").json()["body"]
    assert editor.delete("/v1/articles/return-shoes").status_code == 204
    assert editor.get("/v1/articles/return-shoes").status_code == 404
    assert editor.delete("/v1/articles/return-shoes").json()["code"] == "unknown_article"
    found = editor.get("/v1/articles/search", params={"q": "Boots can be returned"}).json()["results"]
    assert "return-shoes" not in [row["id"] for row in found]


def test_languages_are_deleted_one_by_one_or_together(editor: TestClient) -> None:
    for language in ("en", "de", "pl"):
        editor.put(f"/v1/articles/return-shoes?language={language}", json=RETURNS)
    assert editor.delete("/v1/articles/return-shoes?language=de").status_code == 204
    assert editor.get("/v1/articles/return-shoes?language=de").status_code == 404
    assert editor.get("/v1/articles/return-shoes?language=pl").status_code == 200
    editor.delete("/v1/articles/return-shoes")
    assert editor.get("/v1/articles/return-shoes?language=pl").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"intents": ["nonsense"]}, "intents.0"),
        ({"body": ""}, "body"),
        ({"markets": ["Poland"]}, "markets.0"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(editor: TestClient, change: dict[str, object], field: str) -> None:
    answer = editor.put("/v1/articles/return-shoes", json=RETURNS | change)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert editor.get("/v1/articles/return-shoes").status_code == 404


@pytest.mark.parametrize("path", ["/v1/articles/Not%20An%20Id", "/v1/articles/x?language=english"])
def test_a_wrong_address_is_refused(editor: TestClient, path: str) -> None:
    assert editor.put(path, json=RETURNS).status_code == 422


def test_an_import_takes_what_is_good_and_lists_the_rest(editor: TestClient) -> None:
    rows = [
        json.dumps({"id": "care", "language": "en", "title": "Care", "body": "Wash at 30 degrees."}),
        "{broken",
        json.dumps({"id": "care", "language": "en", "title": "Again", "body": "Twice."}),
        json.dumps({"id": "size", "language": "de", "title": "Gr\u00f6\u00dfen", "body": "Sie finden Ma\u00dfe hier."}),
        json.dumps({"id": "empty", "language": "en", "title": "Empty", "body": ""}),
    ]
    body = "\n".join(rows).encode()
    first = editor.post("/v1/articles/import", content=body, headers=NDJSON).json()
    assert (first["new"], first["changed"], first["same"]) == (2, 0, 0)
    assert [row["where"] for row in first["skipped"]] == ["body:2", "body:3", "body:5"]
    second = editor.post("/v1/articles/import", content=body, headers=NDJSON).json()
    assert (second["new"], second["same"]) == (0, 2)
    assert second["index_version"] == first["index_version"]
    assert editor.get("/v1/articles/size?language=de").json()["title"] == "Gr\u00f6\u00dfen"


def test_bytes_that_are_no_text_spoil_their_line_alone(editor: TestClient) -> None:
    good = json.dumps({"id": "care", "language": "en", "title": "Care", "body": "Wash."}).encode()
    answer = editor.post("/v1/articles/import", content=b"\xff\xfe{}\n" + good, headers=NDJSON).json()
    assert answer["new"] == 1
    assert len(answer["skipped"]) == 1


def test_an_import_must_say_what_it_is(editor: TestClient) -> None:
    assert editor.post("/v1/articles/import", json={}).status_code == 415
    assert editor.put("/v1/articles/x", content=b"{}", headers=NDJSON).status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/v1/articles/delivery-late", "weak", 200),
        ("PUT", "/v1/articles/x", "weak", 403),
        ("DELETE", "/v1/articles/delivery-late", "weak", 403),
        ("POST", "/v1/articles/import", "weak", 403),
        ("GET", "/v1/articles/delivery-late", "good", 403),
        ("GET", "/v1/articles/search?q=x", "unknown", 401),
    ],
)
def test_scopes_hold(editor: TestClient, method: str, path: str, key: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    if path.endswith("import"):
        headers |= NDJSON
    content = json.dumps(RETURNS) if method == "PUT" else None
    if method == "PUT":
        headers["Content-Type"] = "application/json"
    assert editor.request(method, path, headers=headers, content=content).status_code == status
