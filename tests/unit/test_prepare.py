"""What `make` says where it cannot go on: one line, and nothing is left half done."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "prepare.py"
Usage = namedtuple("Usage", "total used free")


def _prepare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    monkeypatch.setattr(sys, "argv", ["prepare.py", str(folder / "venv"), "serve"])
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert stopped.value.code == 1
    assert not (folder / "venv" / "serve.stamp").exists()
    return capsys.readouterr().err


def test_an_old_python_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    said = _prepare(monkeypatch, capsys, tmp_path)
    assert said.count("\n") == 1
    assert "Python 3.11 or newer is needed" in said
    assert not (tmp_path / "venv").exists()


def test_a_full_disk_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 5 * 2**20))
    said = _prepare(monkeypatch, capsys, tmp_path)
    assert said.count("\n") == 1
    assert "the disk is too full: 5 MB free" in said


@pytest.mark.parametrize(("fails_at", "complaint"), [(0, "virtual environment"), (1, "pip could not install")])
def test_a_step_that_fails_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, fails_at: int, complaint: str
) -> None:
    codes = iter([1 if step == fails_at else 0 for step in range(2)])
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], next(codes)))
    assert complaint in _prepare(monkeypatch, capsys, tmp_path)
