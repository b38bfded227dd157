"""The durable calls, from intake to the reply, over HTTP, on both databases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth import Key, KeyRing, hash_key
from tests.integration.storage.conftest import *  # noqa: F403 - the fixtures of both databases
from tests.unit.api.conftest import pipeline
from triage.bootstrap import SystemClock
from triage.contract import Bands
from triage.errors import StorageUnavailable
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.settings import Settings
from triage.storage.database import Database

EVERYTHING = frozenset({"triage", "read", "write", "approve", "articles", "admin"})
KEYS = KeyRing(
    {hash_key(name): Key(id=name, workspace=name, scopes=EVERYTHING) for name in ("shop", "other")}
    | {hash_key("reader"): Key(id="reader", workspace="shop", scopes=frozenset({"read"}))}
)
QUESTION = {
    "text": "Where is my order 302-4471908-6625313?", "channel": "chat", "external_id": "m1",
    "sender": {"handle": "anna"},
}  # fmt: skip


def start(database: Database, pipeline: Any) -> Worker:
    clock = SystemClock()
    return Worker(database, TriageJob(database, pipeline, Bands(high=0.8, medium=0.5), clock), {}, clock)


@pytest.fixture
def desk(database_url: str) -> Iterator[TestClient]:
    app = create_app(
        Settings(), keys=KEYS, load_pipeline=pipeline, open_database=lambda: Database(database_url), start_worker=start
    )
    with TestClient(app, headers={"Authorization": "Bearer shop"}, raise_server_exceptions=False) as client:
        yield client


def until(look: Callable[[], Any]) -> Any:
    """What ``look`` gives once it is true."""
    ends = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.01)
    return found


def test_a_message_is_kept_triaged_approved_and_answered(desk: TestClient) -> None:
    answer = desk.post("/v1/messages?wait=true", json=QUESTION)
    assert answer.status_code == 201
    body = answer.json()
    assert body["state"] == "triaged"
    assert body["triage"]["intent"]["name"] == "delivery_late"
    draft = body["draft"]
    assert (draft["state"], draft["revision"]) == ("pending", 1)
    text = draft["text"] + "\nBest wishes"
    approved = desk.post(f"/v1/drafts/{draft['id']}/approve", json={"text": text, "revision": 1})
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    until(lambda: desk.get(f"/v1/drafts/{draft['id']}").json()["state"] == "sent")
    conversation = desk.get(f"/v1/conversations/{body['conversation_id']}").json()
    assert [m["direction"] for m in conversation["messages"]] == ["in", "out"]
    assert conversation["messages"][1]["text"] == text
    assert (conversation["status"], conversation["sla"]["due_at"]) == ("waiting", None)


def test_a_repeat_is_answered_with_the_first(desk: TestClient) -> None:
    first, second = (desk.post("/v1/messages", json=QUESTION) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["duplicate"]
    assert second.json()["id"] == first.json()["id"]


def test_an_idempotency_key_repeats_the_answer_and_refuses_other_content(desk: TestClient) -> None:
    anonymous = {k: v for k, v in QUESTION.items() if k != "external_id"}
    headers = {"Idempotency-Key": "k1"}
    first, second = (desk.post("/v1/messages", json=anonymous, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert second.status_code == 201
    other = desk.post("/v1/messages", json={**anonymous, "text": "Something else"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_a_second_decision_is_a_conflict(desk: TestClient) -> None:
    draft = desk.post("/v1/messages?wait=true", json=QUESTION).json()["draft"]
    path = f"/v1/drafts/{draft['id']}"
    assert desk.post(f"{path}/reject", json={"reason": "wrong"}).json()["state"] == "rejected"
    late = desk.post(f"{path}/approve", json={"text": "x", "revision": 1})
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")


def test_a_newer_message_makes_the_draft_stale(desk: TestClient) -> None:
    draft = desk.post("/v1/messages?wait=true", json=QUESTION).json()["draft"]
    newer = desk.post(
        "/v1/messages?wait=true", json={**QUESTION, "external_id": "m2", "text": "Hello? Anybody?"}
    ).json()
    stale = desk.post(f"/v1/drafts/{draft['id']}/approve", json={"text": draft["text"], "revision": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "newer_message")
    assert newer["draft"]["state"] == "pending"


def test_a_key_sees_its_own_workspace_alone(desk: TestClient) -> None:
    kept = desk.post("/v1/messages?wait=true", json=QUESTION).json()
    foreign = {"Authorization": "Bearer other"}
    for path in (
        f"/v1/messages/{kept['id']}",
        f"/v1/conversations/{kept['conversation_id']}",
        f"/v1/drafts/{kept['draft']['id']}",
    ):
        assert desk.get(path).status_code == 200
        assert desk.get(path, headers=foreign).status_code == 404
    assert desk.get("/v1/conversations", headers=foreign).json()["conversations"] == []
    decision = {"text": "x", "revision": 1}
    assert desk.post(f"/v1/drafts/{kept['draft']['id']}/approve", json=decision, headers=foreign).status_code == 404


def test_a_scope_is_needed(desk: TestClient) -> None:
    reader = {"Authorization": "Bearer reader"}
    assert desk.post("/v1/messages", json=QUESTION, headers=reader).status_code == 403
    decision = {"text": "x", "revision": 1}
    assert desk.post("/v1/drafts/x/approve", json=decision, headers=reader).status_code == 403


def test_the_queue_pages_through_every_conversation_once(desk: TestClient) -> None:
    for number in range(7):
        message = {**QUESTION, "external_id": f"m{number}", "sender": {"handle": f"c{number}"}}
        desk.post("/v1/messages?wait=true", json=message)
    seen: list[str] = []
    cursor = ""
    while True:
        page = desk.get(f"/v1/conversations?limit=3{cursor}").json()
        seen += [row["id"] for row in page["conversations"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert len(seen) == len(set(seen)) == 7
    assert desk.get("/v1/conversations?cursor=nonsense").status_code == 422


def test_a_search_takes_its_words_literally(desk: TestClient) -> None:
    desk.post("/v1/messages", json={**QUESTION, "text": "100% cotton?"})
    assert len(desk.get("/v1/conversations", params={"q": "100% COT"}).json()["conversations"]) == 1
    assert desk.get("/v1/conversations", params={"q": "100_cot"}).json()["conversations"] == []


def test_a_correction_is_kept_and_shown(desk: TestClient) -> None:
    kept = desk.post("/v1/messages?wait=true", json=QUESTION).json()
    path = f"/v1/messages/{kept['id']}/labels"
    assert desk.post(path, json={"intent": "track_order", "urgency": "low"}).status_code == 201
    conversation = desk.get(f"/v1/conversations/{kept['conversation_id']}").json()
    assert (conversation["intent"], conversation["urgency"]) == ("track_order", "low")
    assert desk.post(path, json={"intent": "dance"}).status_code == 422
    assert desk.post(path, json={}).status_code == 422


def test_a_database_that_is_down_answers_503_and_keeps_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(database_url)
    app = create_app(Settings(), keys=KEYS, load_pipeline=pipeline, open_database=lambda: database)
    with TestClient(app, headers={"Authorization": "Bearer shop"}, raise_server_exceptions=False) as client:

        def down(work: object) -> None:
            raise StorageUnavailable("the database does not answer")

        with monkeypatch.context() as patch:
            patch.setattr(database, "write", down)
            patch.setattr(database, "read", down)
            refused = client.post("/v1/messages", json=QUESTION)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200
        assert client.post("/v1/messages", json=QUESTION).status_code == 201


def test_a_key_is_made_used_and_revoked(desk: TestClient) -> None:
    made = desk.post("/v1/keys", json={"name": "helpdesk", "scopes": ["read"]})
    assert made.status_code == 201
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    assert desk.get("/v1/conversations", headers=key).status_code == 200
    assert desk.post("/v1/messages", json=QUESTION, headers=key).status_code == 403
    assert made.json()["key"] not in desk.get("/v1/keys").text
    assert desk.delete(f"/v1/keys/{made.json()['id']}").status_code == 204
    assert desk.get("/v1/conversations", headers=key).status_code == 401
    assert desk.delete(f"/v1/keys/{made.json()['id']}").status_code == 404


def test_a_key_gives_no_more_than_it_has(desk: TestClient) -> None:
    assert desk.post("/v1/keys", json={"name": "x", "scopes": ["webhooks"]}).status_code == 403
    assert desk.post("/v1/keys", json={"name": "x", "scopes": ["dance"]}).status_code == 422


def test_an_order_is_told_to_its_buyer_alone(desk: TestClient) -> None:
    order = {
        "status": "in_transit", "carrier": "DPD", "tracking_number": "620014885213823", "placed_at": "2026-05-01T09:00:00Z",
        "promised_by": "2026-05-03T18:00:00Z", "customer": {"email": "anna@home.example"},
    }  # fmt: skip
    stored = desk.put("/v1/orders/TM-77001", json=order)
    assert stored.status_code == 201, stored.text
    question = {"text": "Where is my order TM-77001? It is late.", "channel": "chat"}
    hers = desk.post(
        "/v1/messages?wait=true", json={**question, "sender": {"handle": "anna", "email": "anna@home.example"}}
    ).json()["draft"]
    assert "DPD" in hers["text"]
    his = desk.post("/v1/messages?wait=true", json={**question, "sender": {"handle": "bob"}}).json()["draft"]
    assert "DPD" not in his["text"]
    assert "other_buyer" in [warning["rule"] for warning in his["policy_warnings"]]
