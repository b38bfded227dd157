"""``PATCH /v1/conversations/{id}`` and ``GET /v1/attachments/{id}``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from api.auth import Key, KeyRing, hash_key
from tests.unit.api.shop import *  # noqa: F403 - the fixtures
from tests.unit.api.shop import Shop
from triage.storage import schema
from triage.types import Attachment


@pytest.fixture
def call(shop: Shop) -> Callable[..., tuple[int, dict]]:
    keys = {name: Key(id=name, workspace="demo", scopes=frozenset({name})) for name in ("read", "write")}
    shop.browser.app.state.keys = KeyRing({hash_key(name): key for name, key in keys.items()})

    def ask(conversation: str, body: object, key: str = "write") -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {key}"}
        answer = shop.browser.patch(f"/v1/conversations/{conversation}", json=body, headers=headers)
        return answer.status_code, answer.json()

    return ask


def test_a_helpdesk_assigns_and_closes(shop: Shop, call: Callable[..., tuple[int, dict]]) -> None:
    conversation = shop.received("My parcel is late")
    status, found = call(conversation, {"assignee": "agent", "status": "closed"})
    assert (status, found["assignee"], found["status"], found["sla"]["due_at"]) == (200, "agent", "closed", None)
    status, found = call(conversation, {"status": "open"})
    assert (status, found["assignee"], found["status"]) == (200, "agent", "open")
    assert found["sla"]["due_at"] is not None
    assert call(conversation, {"assignee": None})[1]["assignee"] is None
    assert call(conversation, {})[0] == 200
    done = [row["action"] for row in shop.rows(schema.audit) if row["actor"] == "key:write"]
    assert done == ["conversation.assigned", "conversation.closed", "conversation.reopened", "conversation.assigned"]


def test_what_cannot_be_done_changes_nothing(shop: Shop, call: Callable[..., tuple[int, dict]]) -> None:
    conversation = shop.received("My parcel is late")
    before = shop.state(conversation)
    status, problem = call(conversation, {"status": "closed", "assignee": "ghost"})
    assert (status, problem["field"]) == (422, "assignee")
    for body in ({"status": "waiting"}, {"assignee": ""}, {"assignee": "x" * 81}, {"owner": "agent"}):
        assert call(conversation, body)[0] == 422
    assert call(conversation, {"status": "closed"}, key="read")[0] == 403
    assert call("none", {"status": "closed"})[0] == 404
    assert shop.state(conversation) == before


def test_a_file_is_fetched_with_a_key(shop: Shop, call: object) -> None:
    file = Attachment(name="photo.png", media_type="image/png", content=b"\x89PNG")
    shop.received("See the photo", attachments=(file,))
    (row,) = shop.rows(schema.attachments)
    headers = {"Authorization": "Bearer read"}
    answer = shop.browser.get(f"/v1/attachments/{row['id']}", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"\x89PNG")
    assert answer.headers["content-disposition"].startswith('attachment; filename="photo.png"')
    assert shop.browser.get("/v1/attachments/none", headers=headers).status_code == 404
    assert shop.browser.get(f"/v1/attachments/{row['id']}", headers={"Authorization": ""}).status_code == 401
