"""Promise 1: what was acknowledged is found again, whatever happens to the process right after."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.integration.promises.conftest import Figure, Nursery
from tests.integration.storage.test_spine import rows
from triage.storage import schema
from triage.storage.database import Database, sqlite_url

KILLS, SERVER_KILLS = 100, 10
SYNC = re.compile(r"(?:fdatasync|fsync)\(\d+<[^>]*triage\.db-wal>")


@pytest.fixture
def file(empty_sqlite: Path, tmp_path: Path) -> Path:
    path = tmp_path / "triage.db"
    shutil.copy(empty_sqlite, path)
    return path


def test_a_receiver_that_is_killed_loses_nothing_that_it_acknowledged(
    file: Path, nursery: Nursery, figure: Figure
) -> None:
    acknowledged = nursery("receive", url=sqlite_url(file), kills=KILLS, seed=5)
    _check(file, acknowledged)
    figure(f" 1  intake killed {KILLS} times (SQLite): acknowledged {len(acknowledged)}, lost 0")


def test_a_server_that_is_killed_loses_nothing_that_it_acknowledged(
    file: Path, nursery: Nursery, figure: Figure
) -> None:
    random, acknowledged = Random(6), list[str]()
    for life in range(SERVER_KILLS):
        started = nursery("serve", url=sqlite_url(file), worker=True)
        before = len(acknowledged)
        clients = [
            threading.Thread(target=_post_until_it_dies, args=(started["port"], f"{life}-{lane}", acknowledged.append))
            for lane in range(3)
        ]
        for client in clients:
            client.start()
        while len(acknowledged) == before:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.05))
        os.kill(started["pid"], signal.SIGKILL)
        assert nursery("wait", pid=started["pid"]) == -signal.SIGKILL
        for client in clients:
            client.join()
    _check(file, acknowledged)
    figure(f" 1  server killed {SERVER_KILLS} times (HTTP, SQLite): acknowledged {len(acknowledged)}, lost 0")


def test_the_log_is_on_disk_before_the_answer_is_written(file: Path, tmp_path: Path, figure: Figure) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed, so nobody looked whether the disk was told before the answer")
    trace = tmp_path / "trace"
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [strace, "-f", "-y", "-s", "32", "-o", str(trace), "-e", "trace=fdatasync,fsync,pwrite64,sendto",
         sys.executable, "-m", "tests.integration.promises.nursery"],
        cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    messages = 10
    with process:
        nursery = Nursery(process)
        started = nursery("serve", url=sqlite_url(file), worker=False)
        connection = http.client.HTTPConnection("127.0.0.1", started["port"])
        for number in range(messages):
            assert _post(connection, f"m{number}") == 201
        connection.close()
        os.kill(started["pid"], signal.SIGTERM)
        nursery("wait", pid=started["pid"])
        assert process.stdin is not None
        process.stdin.close()
    synced = _answers_after_a_sync(trace.read_text(encoding="utf-8", errors="replace"))
    assert synced == [True] * messages
    figure(f" 1  strace: of {messages} answers 201, {sum(synced)} were written after fdatasync of the log had returned")


def _answers_after_a_sync(trace: str) -> list[bool]:
    """For each answer 201, whether the log was written since the answer before it, and all of that synced."""
    answers, wrote, synced = list[bool](), False, False
    waiting: set[str] = set()
    for line in trace.splitlines():
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.startswith("pwrite64(") and "triage.db-wal>" in call:
            wrote, synced = True, False
        elif SYNC.match(call):
            if "unfinished" in call:
                waiting.add(thread)
            else:
                synced = call.endswith("= 0")
        elif "sync resumed>" in call and thread in waiting:
            waiting.remove(thread)
            synced = call.endswith("= 0")
        elif call.startswith("sendto(") and "HTTP/1.1 201" in call:
            answers.append(wrote and synced)
            wrote = synced = False
    return answers


def _post(connection: http.client.HTTPConnection, key: str) -> int:
    body = {"text": "Where is my parcel?", "channel": "chat", "external_id": key, "sender": {"handle": "anna"}}
    headers = {"Authorization": "Bearer shop", "Content-Type": "application/json"}
    connection.request("POST", "/v1/messages", json.dumps(body), headers)
    response = connection.getresponse()
    response.read()
    return response.status


def _post_until_it_dies(port: int, prefix: str, acknowledge: Callable[[str], None]) -> None:
    connection, number = http.client.HTTPConnection("127.0.0.1", port), 0
    try:
        while True:
            key = f"{prefix}-{number}"
            assert _post(connection, key) == 201
            acknowledge(key)
            number += 1
    except (OSError, http.client.HTTPException):
        pass  # it was killed
    finally:
        connection.close()


def _check(file: Path, acknowledged: list[str]) -> None:
    """Everything acknowledged is there, once, with its job; the file is whole."""
    database = Database(sqlite_url(file))
    kept = {row["external_id"]: row["id"] for row in rows(database, schema.messages)}
    jobs = {row["subject_id"] for row in rows(database, schema.jobs)}
    whole = database.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one())
    dangling = database.read(lambda c: c.exec_driver_sql("PRAGMA foreign_key_check").all())
    database.close()
    assert len(acknowledged) > 0
    assert set(acknowledged) - kept.keys() == set()
    assert set(kept.values()) == jobs  # what was cut off half-way left nothing behind either
    assert (whole, dangling) == ("ok", [])
