"""``make bench``: how fast and how large, measured on this machine in one run.

    python -m eval.bench [--calls 300]

Starts the real server in a process of its own on a free port; the pipeline is timed in this process with the same
messages, so that the difference is what HTTP costs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import numpy as np

from triage.bootstrap import build_pipeline
from triage.sample.data import sample_inbox
from triage.settings import Settings
from triage.types import InboundMessage

KEY = "bench-key"
START_SECONDS = 120


def milliseconds(seconds: list[float]) -> str:
    p50, p95, p99 = (1000 * float(np.percentile(seconds, p)) for p in (50, 95, 99))
    return f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms ({len(seconds)} calls)"


@contextmanager
def server(folder: Path) -> Iterator[tuple[int, int, float]]:
    """(port, process id, seconds from start to ready) of a real server."""
    environment = {**os.environ, "TRIAGE_API_KEY": KEY, "TRIAGE_DATA": str(folder), "PORT": "0", "HOST": "127.0.0.1"}
    # The demo's messages would be triaged beside the calls that are timed.
    environment["TRIAGE_WORKER"] = "0"
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "triage.cli", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().rsplit(":", 1)[1].strip(" /\n"))
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=START_SECONDS).read()
        yield port, process.pid, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(30)


def resident_mib(pid: int) -> float:
    """Resident memory of a process on Linux, in MiB; NaN elsewhere."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        return float("nan")


def http_times(port: int, messages: list[InboundMessage], calls: int) -> list[float]:
    connection = HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    times = []
    for index in range(calls):
        message = messages[index % len(messages)]
        body = json.dumps({"text": message.text, "subject": message.subject, "channel": message.channel})
        begun = time.perf_counter()
        connection.request("POST", "/v1/triage", body.encode(), headers)
        response = connection.getresponse()
        response.read()
        times.append(time.perf_counter() - begun)
        if response.status != 200:
            raise RuntimeError(f"the server answered {response.status}")
    return times


def pipeline_times(messages: list[InboundMessage], calls: int) -> tuple[list[float], float]:
    """Seconds of each call, and messages a second of one batch."""
    pipeline = build_pipeline(Settings(data=Path(tempfile.mkdtemp())))
    bare = [InboundMessage(text=m.text, subject=m.subject, channel=m.channel) for m in messages]
    for message in bare[:20]:
        pipeline.triage(message)
    times = []
    for index in range(calls):
        begun = time.perf_counter()
        pipeline.triage(bare[index % len(bare)])
        times.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    pipeline.triage_many(bare)
    return times, len(bare) / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300)
    calls = parser.parse_args().calls
    messages = [message for _, message in sample_inbox()]
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    print(f"{len(messages)} sample messages in turn, drafts and five articles each")
    folder = Path(tempfile.mkdtemp())
    for start in ("first start (encodes the knowledge base)", "second start"):
        with server(folder) as (port, pid, seconds):
            print(f"{start}: ready after {seconds:.2f} s, {resident_mib(pid):.0f} MiB resident")
            if start == "second start":
                http_times(port, messages, 50)
                print(f"POST /v1/triage over loopback: {milliseconds(http_times(port, messages, calls))}")
                print(f"resident after {calls + 50} calls: {resident_mib(pid):.0f} MiB")
    times, rate = pipeline_times(messages, calls)
    print(f"pipeline in process: {milliseconds(times)}")
    print(f"pipeline in batches: {rate:.0f} messages/s; this process at most {_peak_mib():.0f} MiB")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
