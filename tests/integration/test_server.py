"""The real server in a process of its own, as `make run` starts it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Started:
    address: str
    printed: str
    process: subprocess.Popen[str]


def _command(environment: dict[str, str]) -> subprocess.Popen[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TRIAGE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "triage.cli", "serve"],
        env={**inherited, "HOST": "127.0.0.1", "PORT": "0", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def _server(data: Path, **environment: str) -> Iterator[Started]:
    process = _command({"TRIAGE_DATA": str(data), **environment})
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        printed = "".join(process.stdout.readline() for _ in range(3))
        address = re.search(r"http://[\d.:]+", printed)
        assert address, process.stderr.read()
        yield Started(address[0], printed, process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _post(address: str, key: str, body: object) -> dict[str, object]:
    request = urllib.request.Request(
        f"{address}/v1/triage", json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)  # type: ignore[no-any-return]


def test_a_first_start_prints_secrets_that_work_and_a_second_keeps_them(data_folder: Path, tmp_path: Path) -> None:
    with _server(tmp_path) as started:
        key = re.search(r"tk_\S+", started.printed)
        assert key
        body = _post(started.address, key[0], {"text": "Gdzie jest moja paczka?"})
        assert body["language"]["code"] == "pl"  # type: ignore[index]
    with _server(tmp_path) as again:
        assert "tk_" not in again.printed
        assert _post(again.address, key[0], {"text": "hello"})["model_version"] == body["model_version"]
    for path in tmp_path.rglob("*.json"):
        assert key[0] not in path.read_text(encoding="utf-8")
        assert path.stat().st_mode & 0o077 == 0


def test_an_agent_logs_in_reads_the_queue_and_tries_a_message(tmp_path: Path) -> None:
    with _server(tmp_path, TRIAGE_AGENT_PASSWORD="correct horse", TRIAGE_API_KEY="k") as started:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

        def visit(path: str, **form: str) -> str:
            data = urllib.parse.urlencode(form).encode() if form else None
            with browser.open(started.address + path, data, timeout=60) as response:
                assert "default-src 'none'" in response.headers.get("Content-Security-Policy", "")
                return response.read().decode()  # type: ignore[no-any-return]

        assert "Log in" in visit("/")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            visit("/login", name="agent", password="wrong")
        queue = visit("/login", name="agent", password="correct horse")
        assert len(set(re.findall(r"/conversations/\w+", queue))) == 50
        ends = time.monotonic() + 60
        while "draft ready" not in queue:
            assert time.monotonic() < ends, "no draft came"
            time.sleep(0.05)
            queue = visit("/")
        ready = next(row for row in queue.split("<tr")[1:] if "draft ready" in row)
        conversation = visit(re.findall(r"/conversations/\w+", ready)[0])
        assert "Approve and send" in conversation
        assert "Sources of the draft" in conversation
        token = re.search(r'name="token" value="(\w+)"', visit("/try"))
        assert token
        hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> where is TM-10428?"
        page = visit("/try", token=token[1], text=hostile, channel="email")
        assert "<script>" not in page
        assert "<img" not in page
        assert "TM-10428" in page
        with pytest.raises(urllib.error.HTTPError, match="403"):
            visit("/try", token="0" * 64, text="x", channel="email")


@pytest.mark.parametrize(("trusted", "cookie"), [("127.0.0.1", "__Host-triage="), ("192.0.2.1", "triage_session=")])
def test_only_a_trusted_proxy_says_that_it_is_https(tmp_path: Path, trusted: str, cookie: str) -> None:
    environment = {"TRIAGE_DEMO": "0", "TRIAGE_AGENT_PASSWORD": "correct horse", "TRIAGE_TRUSTED_PROXIES": trusted}
    with _server(tmp_path, **environment) as started:
        form = urllib.parse.urlencode({"name": "agent", "password": "correct horse"}).encode()
        request = urllib.request.Request(f"{started.address}/login", form, {"X-Forwarded-Proto": "https"})

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                return None

        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.build_opener(Stay()).open(request, timeout=60)
        assert answer.value.code == 303
        assert answer.value.headers["Set-Cookie"].startswith(cookie)
        answer.value.close()


def test_an_empty_workspace_starts_and_offers_nothing(tmp_path: Path) -> None:
    with _server(tmp_path, TRIAGE_DEMO="0", TRIAGE_API_KEY="k") as started:
        body = _post(started.address, "k", {"text": "Where is my order?"})
        assert body["articles"] == []


def test_answers_do_not_wait_for_acknowledgements() -> None:
    from api.server import _listen

    with _listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        out, err = _command({"TRIAGE_DATA": str(tmp_path), "PORT": port}).communicate(timeout=60)
    assert out == ""
    assert err.count("\n") == 1
    assert f"port {port} on 127.0.0.1 is taken" in err


def test_a_data_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    process = _command({"TRIAGE_DATA": str(tmp_path / "file" / "data")})
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.count("\n") == 1
    assert "cannot write to" in err


def test_the_command_line_triages_a_file_and_names_a_bad_line(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "Where is my parcel?"}\nnot json\n{"text": " "}\n{"txt": "x"}\n', encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-m", "triage.cli", "triage", "--file", str(source), "--out", str(out)],
        env={**os.environ, "TRIAGE_DATA": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert process.returncode == 1, process.stderr
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 4
    assert rows[0]["language"]["code"] == "en"
    assert [row.get("code") for row in rows[1:]] == ["invalid_message"] * 3
    assert "in.jsonl:2" in rows[1]["error"]
    assert "in.jsonl:4" in rows[3]["error"]


def test_the_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str], data_folder: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from triage import batch

    monkeypatch.setenv("TRIAGE_DATA", str(data_folder))
    monkeypatch.setenv("COLUMNS", "200")
    batch.triage_text("where is my parcel [bold]TM-10428[/bold] [/]", channel="email", as_json=False)
    printed = capsys.readouterr().out
    assert "[track-order, en]" in printed
    assert "TM-10428" in printed


def test_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    def doctor(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "triage.cli", "doctor"], env={**os.environ, "TRIAGE_DATA": str(tmp_path), **environment},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert doctor().returncode == 0
    broken = doctor(TRIAGE_MODEL=str(tmp_path / "nowhere"))
    assert broken.returncode == 1
    assert "FAIL weights" in broken.stdout
