"""The command line says what is wrong in one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from triage.cli import app


def run(*arguments: str) -> tuple[int, str]:
    argv = sys.argv
    try:
        result = CliRunner().invoke(app, list(arguments))
    finally:
        sys.argv = argv
    return result.exit_code, result.output


def test_a_label_outside_the_taxonomy_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "b1.jsonl"
    row = {"text": "hi", "language": "en", "intents": ["lost_parcel"], "urgency": "low"}
    path.write_text(json.dumps(row | {"intents": ["praise"]}) + "\n" + json.dumps(row) + "\n")
    code, output = run("evaluate", "classifier", str(path))
    assert code == 1
    assert "b1.jsonl:2: lost_parcel is not in the taxonomy" in output
    assert len(output.strip().splitlines()) == 1


def test_a_corpora_folder_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_CORPORA", str(tmp_path / "nowhere"))
    code, output = run("evaluate", "matching", str(tmp_path))
    assert code == 1
    assert len(output.strip().splitlines()) == 1


def test_an_unknown_evaluation_lists_the_known_ones() -> None:
    code, output = run("evaluate", "everything")
    assert code == 2
    assert "out_of_scope" in output
