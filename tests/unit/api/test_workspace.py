from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth import Key, KeyRing, hash_key
from api.v1.workspace.endpoints import router
from tests.unit.api.conftest import pipeline
from triage.drafting.phrases import load_phrases
from triage.settings import Settings
from triage.storage import migrate, schema
from triage.storage.database import Database, sqlite_url
from triage.storage.workspace import Workspace, create_workspace
from triage.types import Draft

KEYS = KeyRing(
    {
        hash_key(name): Key(id=name, workspace=workspace, scopes=frozenset(scopes))
        for name, workspace, scopes in (
            ("boss", "shop", {"admin", "read", "triage"}), ("clerk", "shop", {"read"}),
            ("foreign", "other", {"admin", "read", "triage"}),
        )
    }
)  # fmt: skip
SETTINGS = "/v1/workspace/settings"
DEFAULTS = {"sla": None, "voice": None, "llm": True, "precision": None, "undo_seconds": 0}
SLA = {
    "calendar": {"time_zone": "Europe/Berlin", "hours": {"monday": ["09:00-17:00"]}, "holidays": ["2026-12-25"]},
    "channels": {"email": {"hours": 8, "count": "working"}},
    "urgency": {"critical": {"hours": 1, "count": "all"}},
    "warn_minutes": 30,
}


def _opened(path: Path) -> Database:
    database = Database(sqlite_url(path))
    migrate.upgrade(database)
    for name in ("shop", "other"):
        database.write(lambda c, name=name: create_workspace(c, name, brand=name, now=datetime.now(UTC)))
    return database


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    path, language = tmp_path / "triage.db", getattr(request, "param", "en")
    app = create_app(
        Settings(), keys=KEYS, load_pipeline=lambda: pipeline(language=language), open_database=lambda: _opened(path)
    )
    if not any(getattr(route, "path", "") == SETTINGS for route in app.routes):
        app.include_router(router)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def by(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def put(client: TestClient, body: Any, name: str = "boss") -> Any:
    return client.put(SETTINGS, json=body, headers=by(name))


def get(client: TestClient, name: str = "clerk") -> Any:
    return client.get(SETTINGS, headers=by(name)).json()


def test_settings_begin_with_their_defaults(shop: TestClient) -> None:
    assert get(shop) == {**DEFAULTS, "brand": "shop"}


def test_what_is_set_is_read_again_and_stays_in_its_workspace(shop: TestClient) -> None:
    answer = put(shop, {"brand": "Tamaro", "sla": SLA, "undo_seconds": 10})
    assert answer.status_code == 200
    assert answer.json() == get(shop) == {**DEFAULTS, "brand": "Tamaro", "sla": SLA, "undo_seconds": 10}
    assert get(shop, "foreign") == {
        "brand": "other",
        "sla": None,
        "voice": None,
        "llm": True,
        "precision": None,
        "undo_seconds": 0,
    }


def test_what_is_left_out_stays_and_null_is_the_default(shop: TestClient) -> None:
    put(shop, {"sla": SLA, "undo_seconds": 10})
    put(shop, {"brand": "Tamaro"})
    assert get(shop) == {
        "brand": "Tamaro",
        "sla": SLA,
        "voice": None,
        "llm": True,
        "precision": None,
        "undo_seconds": 10,
    }
    put(shop, {"sla": None, "undo_seconds": None})
    assert get(shop) == {
        "brand": "Tamaro",
        "sla": None,
        "voice": None,
        "llm": True,
        "precision": None,
        "undo_seconds": 0,
    }


def test_a_change_stands_in_the_audit_trail_without_its_values(shop: TestClient) -> None:
    put(shop, {"brand": "Tamaro"})
    database: Database = shop.app.state.database  # type: ignore[attr-defined]
    (row,) = database.read(lambda c: Workspace(c, "shop").rows(Workspace(c, "shop").select(schema.audit)))
    assert (row["actor"], row["action"], row["details"]) == ("key:boss", "workspace.changed", {"fields": ["brand"]})


@pytest.mark.parametrize(("name", "status"), [("clerk", 403), ("nobody", 401)])
def test_only_an_admin_changes_them(shop: TestClient, name: str, status: int) -> None:
    assert put(shop, {"brand": "x"}, name).status_code == status
    assert get(shop)["brand"] == "shop"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"brand": " "}, "brand"),
        ({"colour": "red"}, "colour"),
        ({"precision": "50"}, "precision"),
        ({"voice": {"address": "rude"}}, "voice.address"),
        ({"voice": {"signatures": {"German": "x"}}}, "voice.signatures.German.[key]"),
        ({"voice": {"signatures": {"de": " "}}}, "voice.signatures.de"),
        ({"undo_seconds": -1}, "undo_seconds"),
        ({"sla": {"channels": {"email": {"hours": -1}}}}, "sla.channels.email.hours"),
        ({"sla": {"channels": {"email": {"hours": 8, "count": "working"}}}}, "sla.channels.email.count"),
        ({"sla": {"channels": {"amazon": {"hours": 48}}}}, "sla.channels.amazon.hours"),
        ({"sla": {"channels": {"pigeon": {"hours": 48}}}}, "sla.channels.pigeon"),
        ({"sla": {"calendar": {"time_zone": "Mars/Base", "hours": {}}}}, "sla.calendar.time_zone"),
        ({"sla": {"calendar": {"time_zone": "UTC", "hours": {}}}}, "sla.calendar.hours"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_changed(shop: TestClient, body: Any, field: str) -> None:
    answer = put(shop, body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert get(shop) == {**DEFAULTS, "brand": "shop"}


class Shouting:
    """A language model that can do one thing."""

    def rewrite(self, draft: Draft, **_: Any) -> Draft:
        return replace(draft, text=draft.text.upper())


def test_a_workspace_keeps_the_language_model_from_its_drafts(tmp_path: Path) -> None:
    path = tmp_path / "triage.db"
    app = create_app(
        Settings(), keys=KEYS, load_pipeline=lambda: pipeline(rewriter=Shouting()), open_database=lambda: _opened(path)
    )
    with TestClient(app) as client:
        assert put(client, {"llm": False}).json()["llm"] is False

        def draft(caller: str) -> str:
            answer = client.post(
                "/v1/triage", json={"text": "Where is my parcel?", "channel": "chat"}, headers=by(caller)
            )
            return str(answer.json()["draft"]["text"])

        assert draft("foreign").isupper()
        assert not draft("boss").isupper()


@pytest.mark.parametrize("shop", ["de"], indirect=True)
def test_drafts_speak_in_the_workspace_s_voice(shop: TestClient) -> None:
    voice = {"address": "informal", "signatures": {"": "The Tamaro team", "de": "Dein Tamaro-Team"}}
    assert put(shop, {"voice": voice}).json()["voice"] == voice

    def draft(caller: str) -> str:
        body = {"text": "Wo bleibt mein Paket?", "channel": "email"}
        return str(shop.post("/v1/triage", json=body, headers=by(caller)).json()["draft"]["text"])

    friendly, polite = load_phrases("de", informal=True), load_phrases("de")
    assert friendly is not None
    assert polite is not None
    assert draft("boss").startswith(friendly.greeting["unnamed"])
    assert draft("boss").endswith(f"{friendly.signoff}\nDein Tamaro-Team")
    assert draft("foreign").startswith(polite.greeting["unnamed"])
    assert draft("foreign").endswith(f"{polite.signoff}\nother")
