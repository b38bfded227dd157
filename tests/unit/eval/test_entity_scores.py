from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.entities import evaluate, main
from eval.messages import LabelError, read_messages, strip_markup


def _write(folder: Path, *rows: object) -> Path:
    path = folder / "w99.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _row(text: str, **changes: object) -> dict[str, object]:
    return {"text": text, "language": "en", "intents": ["track_order"], "urgency": "normal", **changes}


def test_markup_is_taken_out_and_offsets_fit_the_plain_text() -> None:
    text, entities = strip_markup("a [[order_number:55190]], b [[date:3 May]].")
    assert text == "a 55190, b 3 May."
    assert [(e.type, text[e.start : e.end]) for e in entities] == [("order_number", "55190"), ("date", "3 May")]


def test_scores_count_exact_matches_only(tmp_path: Path) -> None:
    messages = read_messages([_write(tmp_path, _row("order [[order_number:55190]] for [[amount:5]] euro"))])
    scores, errors = evaluate(messages)
    assert scores["order_number"].f1 == 1
    assert scores["amount"].f1 == 0
    assert scores["micro"].precision == scores["micro"].recall == 0.5
    assert len(errors) == 2


def test_prints_a_table_and_the_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(_write(tmp_path, _row("see [[sku:a blue one]]"))), "--errors"])
    printed = capsys.readouterr().out
    assert "micro" in printed
    assert "missed sku" in printed


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (_row("x", intents=["track_ordr"]), "track_ordr is not in the taxonomy"),
        (_row("x", urgency="urgent"), "urgent is not in the taxonomy"),
        (_row("x", intents=[]), "no intent"),
        ({"text": "x"}, "'language'"),
    ],
)
def test_a_wrong_label_is_named_with_file_and_line(tmp_path: Path, row: object, complaint: str) -> None:
    path = _write(tmp_path, _row("fine"), row)
    with pytest.raises(LabelError, match=rf"w99\.jsonl:2: .*{complaint}"):
        read_messages([path])
