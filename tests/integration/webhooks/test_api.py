"""``/v1/webhooks``: receivers, secrets, the log and replays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.integration.webhooks.conftest import Answers, Receiver, Ticking
from triage.jobs.deliveries import Deliveries
from triage.storage.database import Database
from triage.storage.events import emit
from triage.storage.workspace import Workspace

OTHER = {"Authorization": "Bearer other"}


@pytest.fixture
def anywhere(app: FastAPI) -> FastAPI:
    app.state.allow_private_webhooks = True
    return app


def create(client: TestClient, url: str, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/webhooks", json={"url": url, **body})
    assert response.status_code == 201, response.text
    return response.json()  # type: ignore[no-any-return]


def test_from_the_webhook_to_the_replayed_event(
    client: TestClient, anywhere: FastAPI, database: Database, make_receiver: Callable[..., Receiver]
) -> None:
    receiver = make_receiver(Answers(500))
    hook = create(client, receiver.url, types=["reply.sent"])
    assert hook["secret"].startswith("whsec_")
    clock = Ticking(datetime.now(UTC))
    event = database.write(lambda c: emit(Workspace(c, "shop"), "reply.sent", {"draft_id": "d"}, now=clock.now()))
    sender = Deliveries(database, clock, allow_private=True)
    sender.round()
    assert sender.drain(30)
    (failed,) = client.get(f"/v1/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    assert (failed["event_id"], failed["type"], failed["state"], failed["status"]) == (
        event,
        "reply.sent",
        "queued",
        500,
    )
    replayed = client.post(f"/v1/webhooks/{hook['id']}/deliveries/{failed['id']}/replay")
    assert replayed.status_code == 202
    assert anywhere.state.woken == 1
    clock.pass_by(seconds=1)
    sender.round()
    assert sender.drain(30)
    (sent,) = client.get(f"/v1/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    assert (sent["state"], sent["status"], sent["next_attempt_at"]) == ("delivered", 204, None)
    assert [seen.headers["webhook-id"] for seen in receiver.seen] == [event, event]
    sender.close()


def test_secrets_are_shown_when_made_and_rotated_only(client: TestClient, anywhere: FastAPI) -> None:
    hook = create(client, "https://127.0.0.1/hook")
    rotated = client.post(f"/v1/webhooks/{hook['id']}/rotate").json()
    again = client.post(f"/v1/webhooks/{hook['id']}/rotate", json={"keep_previous": False}).json()
    assert len({hook["secret"], rotated["secret"], again["secret"]}) == 3
    shown = client.get("/v1/webhooks").text + client.get(f"/v1/webhooks/{hook['id']}").text
    assert "whsec_" not in shown
    assert hook["id"] in shown


def test_the_log_has_pages(client: TestClient, anywhere: FastAPI, database: Database) -> None:
    hook = create(client, "https://127.0.0.1/hook")
    now = datetime.now(UTC)
    for _ in range(5):
        database.write(lambda c: emit(Workspace(c, "shop"), "draft.created", {}, now=now))
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/webhooks/{hook['id']}/deliveries?limit=2{cursor and f'&cursor={cursor}'}").json()
        seen += [one["id"] for one in page["deliveries"]]
        cursor = page["cursor"]
    assert len(seen) == len(set(seen)) == 5


def test_a_deleted_webhook_stays_in_the_list_and_gets_nothing(
    client: TestClient, anywhere: FastAPI, database: Database
) -> None:
    hook = create(client, "https://127.0.0.1/hook")
    database.write(lambda c: emit(Workspace(c, "shop"), "draft.created", {}, now=datetime.now(UTC)))
    for _ in range(2):
        assert client.delete(f"/v1/webhooks/{hook['id']}").status_code == 204
    assert client.get(f"/v1/webhooks/{hook['id']}").json()["disabled_at"] is not None
    (given_up,) = client.get(f"/v1/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    assert given_up["state"] == "failed"
    replay = client.post(f"/v1/webhooks/{hook['id']}/deliveries/{given_up['id']}/replay")
    assert (replay.status_code, replay.json()["code"]) == (409, "webhook_disabled")


def test_another_workspace_reaches_nothing(client: TestClient, anywhere: FastAPI, database: Database) -> None:
    hook = create(client, "https://127.0.0.1/hook")
    database.write(lambda c: emit(Workspace(c, "shop"), "draft.created", {}, now=datetime.now(UTC)))
    (logged,) = client.get(f"/v1/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    address = f"/v1/webhooks/{hook['id']}"
    for method, path in [
        ("GET", address), ("DELETE", address), ("POST", f"{address}/rotate"), ("GET", f"{address}/deliveries"),
        ("POST", f"{address}/deliveries/{logged['id']}/replay"),
    ]:  # fmt: skip
        assert client.request(method, path, headers=OTHER).status_code == 404
        assert client.request(method, path, headers={"Authorization": "Bearer weak"}).status_code == 403
        assert client.request(method, path, headers={"Authorization": ""}).status_code == 401
    assert client.get("/v1/webhooks", headers=OTHER).json() == {"webhooks": []}


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://10.0.0.8/", "https://0/",
     "https://169.254.169.254/latest", "https://[::ffff:127.0.0.1]/", "https://u:p@8.8.8.8/", "https://2130706433/", "x", ""],
)  # fmt: skip
def test_addresses_that_may_not_be_called_are_refused(client: TestClient, url: str) -> None:
    response = client.post("/v1/webhooks", json={"url": url})
    assert response.status_code == 422
    assert response.json()["field"] == "url"


def test_a_public_address_is_taken_and_an_unknown_type_is_not(client: TestClient) -> None:
    assert create(client, "https://8.8.8.8/hook", types=["draft.created"])["types"] == ["draft.created"]
    assert client.post("/v1/webhooks", json={"url": "https://8.8.8.8/", "types": ["x"]}).status_code == 422
    assert client.post("/v1/webhooks", json={"url": "https://8.8.8.8/", "colour": "red"}).status_code == 422
