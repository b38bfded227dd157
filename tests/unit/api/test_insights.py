"""``/v1/insights`` over a real intake, triage and count."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth import Key, KeyRing, hash_key
from tests.unit.api.conftest import pipeline
from triage.contract import Bands
from triage.jobs.figures import Figures
from triage.jobs.triage_job import TriageJob
from triage.settings import Settings
from triage.storage import jobs, migrate
from triage.storage.database import Database, sqlite_url
from triage.storage.workspace import create_workspace
from triage.testing import FixedClock

KEYS = KeyRing(
    {
        hash_key(name): Key(id=name, workspace=workspace, scopes=frozenset(scopes))
        for name, workspace, scopes in (
            ("clerk", "shop", {"read", "triage", "write"}), ("blind", "shop", {"triage"}), ("foreign", "other", {"read"}),
        )
    }
)  # fmt: skip
NAMES = ("volume", "response", "backlog", "drafts", "model", "repeats", "anomalies", "suppliers")


class Shop:
    """A client, and what the worker does."""

    def __init__(self, client: TestClient, database: Database) -> None:
        self.client, self._database, self._clock = client, database, FixedClock()
        self._triage = TriageJob(database, pipeline(), Bands(high=0.8, medium=0.5), self._clock)
        self._figures = Figures(database, self._clock)

    def send(self, key: str, **more: Any) -> None:
        body = {"text": "Where is my parcel?", "channel": "chat", "external_id": key, "sender": {"handle": key}, **more}
        answer = self.client.post("/v1/messages", json=body, headers={"Authorization": "Bearer clerk"})
        assert answer.status_code == 201, answer.text

    def work(self) -> None:
        later = datetime.now(UTC) + timedelta(minutes=5)
        while claims := self._database.write(lambda c: jobs.claim_jobs(c, now=later, most=1)):
            self._triage.run(claims[0])
        self._figures.round(datetime.now(UTC))

    def get(self, name: str, key: str = "clerk", accept: str = "*/*", **query: str) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Accept": accept}
        return self.client.get(f"/v1/insights/{name}", params=query, headers=headers)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    database = Database(sqlite_url(tmp_path / "triage.db"))
    migrate.upgrade(database)
    for name in ("shop", "other"):
        database.write(lambda c, name=name: create_workspace(c, name, brand=name, now=datetime.now(UTC)))
    app = create_app(Settings(), keys=KEYS, load_pipeline=pipeline, open_database=lambda: database)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Shop(client, database)


def test_what_came_in_and_was_triaged_is_in_the_figures(shop: Shop) -> None:
    shop.send("m1")
    shop.send("m2", channel="email", sender={"email": "bo@shop.example"})
    shop.work()
    body = shop.get("volume").json()
    assert body["figures"]["contacts"] == 2
    assert body["figures"]["unread"] == 0  # the triage job marks what it read
    assert [row["value"] for row in body["figures"]["by"]["intent"]] == ["delivery_late"]
    assert body["definitions"]["contacts"]
    assert body["filters"]["from"] == body["filters"]["to"]  # since the first contact, which came today
    assert shop.get("volume", channel="chat").json()["figures"]["contacts"] == 1
    assert shop.get("drafts").json()["figures"]["counts"]["pending"] == 2
    assert shop.get("volume", key="foreign").json()["figures"]["contacts"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_json_and_csv_with_and_without_contacts(shop: Shop, name: str) -> None:
    for turn in range(2):
        answer = shop.get(name)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"filters", "definitions", "figures"}
        table = shop.get(name, accept="text/csv")
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.headers["content-disposition"].startswith(f'attachment; filename="{name}-')
        lines = list(csv.reader(io.StringIO(table.text)))
        assert len({len(line) for line in lines}) <= 1
        shop.send(f"{name}-{turn}")
        shop.work()


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("text/csv", True), ("application/json", False), ("*/*", False), ("", False), ("text/csv;q=0", False),
        ("application/json;q=0.5, text/csv;q=0.9", True), ("text/csv;q=0.1, application/json", False), ("text/csv;q=x", False),
    ],
)  # fmt: skip
def test_csv_comes_where_it_is_wanted(shop: Shop, accept: str, is_csv: bool) -> None:
    assert shop.get("volume", accept=accept).headers["content-type"].startswith("text/csv") is is_csv


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"), ({"from": "2026-05-05", "to": "2026-05-04"}, "to"), ({"bucket": "year"}, "bucket"),
        ({"from": "2000-01-01", "to": "2026-01-01"}, "from"), ({"to": "0001-01-02"}, "to"),
        ({"from": "2026-01-01", "to": "2026-05-01", "bucket": "hour"}, "bucket"), ({"chanel": "email"}, "chanel"),
        ({"product": "x" * 201}, "product"), ({"to": "9999-12-31"}, "from"),
    ],
)  # fmt: skip
def test_impossible_filters_are_named(shop: Shop, query: dict[str, str], field: str) -> None:
    answer = shop.get("volume", **query)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field


def test_figures_need_the_scope_read(shop: Shop) -> None:
    for name in NAMES:
        assert shop.get(name, key="blind").status_code == 403
        assert shop.get(name, key="nobody").status_code == 401


def test_the_examples_of_the_description_have_the_shape_of_the_answers(shop: Shop) -> None:
    paths = shop.client.get("/openapi.json").json()["paths"]
    for name in NAMES:
        example = paths[f"/v1/insights/{name}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        answer = shop.get(name).json()
        assert set(example["figures"]) == set(answer["figures"])
        assert set(example["filters"]) <= set(answer["filters"])  # the description leaves out what is null
        for part, value in answer["figures"].items():
            if isinstance(value, dict) and part not in ("by", "others"):
                assert set(value) == set(example["figures"][part])
