"""A process with everything imported and no threads: what it forks begins at once, and may be killed at any moment.

It takes commands as lines of JSON on standard input, and answers each with one line on standard output.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, NoReturn

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.auth import Key, KeyRing, hash_key
from tests.unit.api.conftest import pipeline
from triage.contract import Bands
from triage.jobs import triage_job
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.protocols import Clock
from triage.settings import Settings
from triage.storage import intake, matters, outbox
from triage.storage.database import Database
from triage.testing import FixedClock
from triage.types import Arrival, InboundMessage, Reply, Sender, Sent

KEYS = KeyRing({hash_key("shop"): Key(id="shop", workspace="shop", scopes=frozenset({"read", "write", "approve"}))})
STEPS = ("after the claim", "after the triage", "while writing", "after writing")
SENDING_STEPS = ("after the reply's claim", "while the provider takes it", "after the provider took it")


def chat(key: str, writer: str, text: str = "Where is my parcel?") -> Arrival:
    return Arrival(
        external_id=key, message=InboundMessage(text=f"{text} {key}", channel="chat"), sender=Sender(handle=writer)
    )


def build_app(url: str, clock: Clock, *, worker: bool) -> FastAPI:
    def start(database: Database, made: Any) -> Worker:
        return Worker(database, TriageJob(database, made, Bands(high=0.8, medium=0.5), clock), {}, clock)

    return create_app(
        Settings(), keys=KEYS, load_pipeline=pipeline, open_database=lambda: Database(url),
        start_worker=start if worker else None,
    )  # fmt: skip


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def serve(url: str, listening: socket.socket, *, worker: bool, most_bytes: int | None = None) -> None:
    if most_bytes is not None:  # no file may grow beyond: as good as a full disk
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    config = uvicorn.Config(build_app(url, RealClock(), worker=worker), log_level="critical", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


def _forked(work: Callable[[], None]) -> int:
    pid = os.fork()
    if not pid:
        _only(work)
    return pid


def _only(work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        os.dup2(2, 1)  # answers are the parent's alone
        work()
        code = 0
    except BaseException as error:
        sys.stderr.write(f"nursery: {type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def receive(url: str, kills: int, seed: int) -> Any:
    """Kills a receiving process so many times; the ids that were acknowledged before."""
    random, acknowledged = Random(seed), b""
    for life in range(kills):
        reading, writing = os.pipe()
        pid = _forked(lambda life=life, writing=writing: _receive_for_ever(url, life, writing))
        os.close(writing)
        if random.random() < 0.8:
            acknowledged += os.read(reading, 65536)  # it has begun; the others are killed at their start
        time.sleep(random.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while part := os.read(reading, 65536):
            acknowledged += part
        os.close(reading)
    return acknowledged.decode().split()


def _receive_for_ever(url: str, life: int, writing: int) -> None:
    database = Database(url)

    def deliver(lane: int) -> None:
        for number in itertools.count():
            key = f"{life}-{lane}-{number}"
            intake.receive(database, "shop", chat(key, f"w{lane}"), now=datetime.now(UTC))
            os.write(writing, f"{key}\n".encode())

    for lane in range(2):
        threading.Thread(target=deliver, args=(lane,), daemon=True).start()
    deliver(2)


def deliver(url: str, ids: int, threads: int, seed: int) -> None:
    """Each thread delivers every id, in an order of its own."""
    database = Database(url)
    failures: list[str] = []

    def run(lane: int) -> None:
        keys = list(range(ids))
        Random(seed + lane).shuffle(keys)
        for key in keys:
            try:
                intake.receive(database, "shop", chat(f"id-{key}", f"w{key % 10}"), now=datetime.now(UTC))
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}")

    lanes = [threading.Thread(target=run, args=(lane,)) for lane in range(threads)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    database.close()
    if failures:
        raise RuntimeError(f"{len(failures)} deliveries failed: {failures[0][:300]}")


class Provider:
    """Takes replies into a file, one line each, and may kill the process that sends."""

    name = "fake"

    def __init__(self, taken: str, step: str | None) -> None:
        self._taken, self._step = taken, step

    def send(self, reply: Reply, *, settings: Any) -> Sent:
        if self._step == "while the provider takes it":
            _die()
        with open(self._taken, "a", encoding="utf-8") as file:
            file.write(reply.id + "\n")
        if self._step == "after the provider took it":
            _die()
        return Sent(provider_id=reply.id)


def work(url: str, now: str, step: str | None, taken: str) -> None:
    """One worker until there is nothing to do, or until it kills itself at ``step``."""
    clock, database = FixedClock(datetime.fromisoformat(now)), Database(url)
    job = TriageJob(database, pipeline(), Bands(high=0.8, medium=0.5), clock)
    worker = Worker(database, job, {"fake": Provider(taken, step)}, clock)
    if step == "at deadly":
        load = matters.load
        matters.load = lambda workspace, message: _unless_deadly(load(workspace, message))
    elif step == "after the claim":
        job.run = lambda claim: _die()
    elif step == "after the triage":
        job._write = lambda *everything: _die()
    elif step == "while writing":
        triage_job.settle = lambda *everything, **values: _die()
    elif step == "after writing":
        write = job._write
        job._write = lambda *everything: (write(*everything), _die())
    elif step == "after the reply's claim":
        outbox.reply_of = lambda *everything: _die()
    while worker.round():
        pass
    database.close()


def _unless_deadly(matter: matters.Matter) -> matters.Matter:
    if "deadly" in matter.message.text:
        _die()
    return matter


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    for line in sys.stdin:
        command = json.loads(line)
        do, answer = command.pop("do"), None
        if do == "receive":
            answer = receive(**command)
        elif do == "serve":
            pid = _forked(lambda c=command: serve(c.pop("url"), listening, **c))
            answer = {"pid": pid, "port": listening.getsockname()[1]}
        elif do == "deliver":
            answer = _forked(lambda c=command: deliver(**c))
        elif do == "work":
            answer = _forked(lambda c=command: work(**c))
        elif do == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(command["pid"], 0)[1])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
