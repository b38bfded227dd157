"""Promise 13: a key never reaches another workspace's data, whatever operation it calls with whatever ids."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.integration.promises.conftest import Figure
from tests.integration.promises.world import complete, name_of
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import rows
from tests.integration.test_desk import until
from triage.settings import Settings
from triage.storage import inbounds, jobs, keys, schema, webhooks
from triage.storage.database import Database

CANARY = "kanarienvogel"
OF_THE_INSTALLATION = frozenset({"/v1/articles"})
"""Not a workspace's: one knowledge base serves a process, and its articles are written to be read by customers."""
WITHOUT_KEY = frozenset({"/v1/channels"})
"""A provider signs; without a signature nothing is told."""
NAMED_BY_THE_SHOP = frozenset({"/v1/orders"})
"""Two shops may have orders of one number, so that a call with a foreign one may make or find the caller's own."""

Ids = Mapping[str, str]


@pytest.fixture
def client(database_url: str) -> Iterator[TestClient]:
    app = complete(Settings(), lambda: Database(database_url), worker=True)
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


def test_no_operation_gives_or_changes_anything_of_another_workspace(
    client: TestClient, database: Database, figure: Figure
) -> None:
    theirs = _furnish(client, database, "shop", CANARY)
    mine = _furnish(client, database, "other", "mine")
    until(lambda: database.read(jobs.waiting) == 0)
    before = _everything(database)
    operations = [
        (method, path, operation)
        for path, methods in client.app.openapi()["paths"].items()  # type: ignore[attr-defined]
        for method, operation in methods.items()
        if path.startswith("/v1/") and not _one_of(path, OF_THE_INSTALLATION)
    ]
    assert len(operations) > 20
    calls = leaks = 0
    for method, path, operation in operations:
        for ids in _mixtures(path, theirs, mine):
            answer = _call(client, "other", method, path, operation, ids)
            calls += 1
            assert answer.status_code < 500, (method, path, answer.text)
            leaks += CANARY in answer.text.lower()
            assert CANARY not in answer.text.lower(), (method, path)
            if ids is theirs and "{" in path and not _one_of(path, NAMED_BY_THE_SHOP):
                expected = 401 if _one_of(path, WITHOUT_KEY) else 404
                assert answer.status_code == expected, (method, path, answer.text[:200])
    assert _everything(database) == before  # nothing of theirs was changed either
    # The ids were good ones: their owner finds something under each of them.
    found = 0
    for method, path, operation in sorted(operations, key=lambda one: one[0] == "delete"):
        if "{" in path and method == "get":
            answer = _call(client, "shop", method, path, operation, theirs)
            assert answer.status_code == 200, (path, answer.text[:200])
            found += CANARY in answer.text.lower()
    assert found > 5
    figure(
        f"13  {len(operations)} operations × foreign ids ({name_of(database)}): {calls} calls, {leaks} leaks, "
        "0 changes; the owner's key finds the canary"
    )


def test_a_search_finds_nothing_of_another_workspace(client: TestClient, database: Database) -> None:
    theirs = _furnish(client, database, "shop", CANARY)
    for query in ({"q": CANARY}, {"customer": theirs["customer_id"]}, {"channel": "chat"}, {}):
        answer = client.get("/v1/conversations", params=query, headers={"Authorization": "Bearer other"})
        assert answer.json()["conversations"] == []
        own = client.get("/v1/conversations", params=query, headers={"Authorization": "Bearer shop"})
        assert len(own.json()["conversations"]) >= 1


def _furnish(client: TestClient, database: Database, workspace: str, word: str) -> dict[str, str]:
    """One of everything, with ``word`` in its texts; the ids by the names that operations have for them."""
    headers = {"Authorization": f"Bearer {workspace}"}
    number = f"TM-{'10428' if workspace == 'shop' else '99999'}"

    def message(key: str, handle: str) -> dict[str, Any]:
        return {
            "text": f"Where is my {word} parcel, order {number}?", "channel": "chat", "external_id": f"{workspace}-{key}",
            "sender": {"handle": f"{workspace}-{handle}", "name": word, "phone": "+4930123456"},
            "order": {"id": number, "status": "dispatched", "carrier": word},
        }  # fmt: skip

    first = client.post("/v1/messages?wait=true", json=message("m1", "anna"), headers=headers).json()
    second = client.post("/v1/messages?wait=true", json=message("m2", "bo"), headers=headers).json()
    third = client.post("/v1/messages?wait=true", json=message("m3", "cy"), headers=headers).json()
    merged = client.post(
        f"/v1/customers/{first['customer_id']}/merge", json={"customer_id": third["customer_id"]}, headers=headers
    )
    assert merged.status_code == 200, merged.text

    def rest(connection: Any) -> tuple[str, str, str]:
        from triage.storage.events import emit
        from triage.storage.workspace import Workspace

        scoped = Workspace(connection, workspace)
        hook = webhooks.create(scoped, url=f"https://{word}.example/", types=["anomaly.detected"], now=NOW)
        emit(scoped, "anomaly.detected", {}, now=NOW)
        settings = {"reply_url": f"https://{word}.example/"}
        inbound = inbounds.create(
            scoped, channel="chat", adapter="webhook", secret="x" * 20, settings=settings, now=NOW
        )
        scoped.insert(
            schema.raw_deliveries, id=f"raw_{workspace}", inbound_id=inbound, channel="chat", sha256=word, headers={},
            body=word.encode(), reason=word, received_at=NOW,
        )  # fmt: skip
        scoped.insert(
            schema.attachments, id=f"att_{workspace}", message_id=first["id"], name=f"{word}.txt", media_type="text/plain",
            size=len(word), sha256=sha256(word.encode()).hexdigest(), content=word.encode(),
        )  # fmt: skip
        key = keys.create(
            scoped, name=word, scopes=["read"], sha256=sha256(word.encode()).hexdigest(), actor=word, now=NOW
        )
        return hook.id, inbound, key

    hook, inbound, key = database.write(rest)
    (delivery,) = [row["id"] for row in rows(database, schema.deliveries, workspace)]
    (raw,) = [row["id"] for row in rows(database, schema.raw_deliveries, workspace)]
    return {
        "message_id": first["id"], "conversation_id": first["conversation_id"], "customer_id": first["customer_id"],
        "draft_id": first["draft"]["id"], "order_id": number, "webhook_id": hook, "delivery_id": delivery,
        "inbound_id": inbound, "raw_id": raw, "merge_id": merged.json()["merge_id"], "channel": "chat",
        "other_customer_id": second["customer_id"], "key_id": key, "attachment_id": f"att_{workspace}",
    }  # fmt: skip


def _mixtures(path: str, theirs: Ids, mine: Ids) -> Iterator[Ids]:
    """All ids theirs; all mine, with theirs in query and body; and each in the path by turns theirs."""
    names = re.findall(r"{(\w+)", path)
    yield theirs
    yield {**theirs, **{name: mine[name] for name in names}, "": "mixed"}
    if len(names) > 1:
        for name in names:
            yield {**theirs, **{other: mine[other] for other in names if other != name}, "": "mixed"}


def _call(client: TestClient, key: str, method: str, path: str, operation: Mapping[str, Any], ids: Ids) -> Any:
    names = re.findall(r"{(\w+)", path)
    unknown = [name for name in names if name not in ids]
    assert not unknown, f"{path}: say in _furnish what {unknown} of another workspace is"
    url = re.sub(r"{(\w+)(?::\w+)?}", lambda found: ids[found[1]], path)
    params = {
        parameter["name"]: _of_query(parameter["name"], ids)
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and _of_query(parameter["name"], ids)
    }
    headers = {"Authorization": f"Bearer {key}"}
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return client.request(method, url, params=params, headers=headers)
    if "application/json" in content:
        return client.request(method, url, params=params, headers=headers, json=_body(path, ids))
    media = next(iter(content)).replace("*/*", "application/json")
    line = json.dumps({"id": ids["order_id"], "status": "delivered"})
    return client.request(method, url, params=params, headers={**headers, "content-type": media}, content=line)


def _of_query(name: str, ids: Ids) -> str:
    return {"customer": ids["customer_id"], "q": CANARY, "language": "en"}.get(name, "")


def _body(path: str, ids: Ids) -> dict[str, Any]:
    """A body that the operation takes, with the other workspace's ids where it takes ids."""
    bodies: dict[str, dict[str, Any]] = {
        "/v1/triage": {"text": "Hello, where is it?", "channel": "chat"},
        "/v1/triage/batch": {"messages": [{"text": "Hello, where is it?", "channel": "chat"}]},
        "/v1/messages": {
            "text": f"About {ids['order_id']}", "channel": "chat", "external_id": "shop-m1",
            "sender": {"handle": "shop-anna"}, "conversation_ref": ids["conversation_id"],
        },
        "/v1/messages/{message_id}/labels": {"urgency": "low"},
        "/v1/drafts/{draft_id}": {"text": "x", "revision": 1},
        "/v1/drafts/{draft_id}/approve": {"text": "x", "revision": 1},
        "/v1/drafts/{draft_id}/reject": {"reason": "wrong"},
        "/v1/drafts/{draft_id}/resolve": {"outcome": "again"},
        "/v1/conversations/{conversation_id}": {"assignee": None, "status": "closed"},
        "/v1/keys": {"name": "x", "scopes": ["read"]},
        "/v1/customers/{customer_id}/merge": {"customer_id": ids["other_customer_id"]},
        "/v1/customers/{customer_id}/unmerge": {"merge_id": ids["merge_id"]},
        "/v1/orders/{order_id}": {"status": "delivered"},
        "/v1/webhooks": {"url": "https://127.0.0.1/", "types": []},
        "/v1/webhooks/{webhook_id}/rotate": {},
        "/v1/inbounds": {"channel": "chat", "adapter": "webhook"},
        "/v1/workspace/settings": {"brand": "Other"},
    }  # fmt: skip
    assert path in bodies, f"{path}: say in _body what it takes"
    return bodies[path]


def _one_of(path: str, prefixes: frozenset[str]) -> bool:
    return any(path.startswith(prefix) for prefix in prefixes)


def _everything(database: Database) -> dict[str, list[str]]:
    """All rows of the shop's, but for how far its deliveries have come."""
    return {
        table.name: sorted(str(dict(row)) for row in rows(database, table))
        for table in schema.SCOPED
    }  # fmt: skip
