"""The measures of the encoder, out-of-scope detection and retrieval."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.corpora import CorpusError
from eval.encoder import few_shot_draws, ranks, read_labels, spearman
from eval.help_centres import Question, read_help_centre
from eval.messages import LabelError
from eval.out_of_scope import recall_at_false_alarm, scores
from eval.retrieval import Answer, figures
from triage.types import Passage


def test_ties_share_their_mean_rank() -> None:
    assert ranks(np.asarray([10.0, 20.0, 20.0, 30.0])).tolist() == [0, 1.5, 1.5, 3]


@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=30, unique=True))
def test_a_monotone_series_correlates_fully(values: list[int]) -> None:
    series = np.asarray(values, dtype=np.float64)
    assert spearman(series, np.arctan(series / 1e3) * 2 + 1) == pytest.approx(1)
    assert spearman(series, -series) == pytest.approx(-1)


def test_each_draw_has_so_many_of_every_label() -> None:
    labels = ["a"] * 20 + ["b"] * 20 + ["c"] * 3
    draws = few_shot_draws(labels, shots=8, draws=4)
    for draw in draws:
        counts = [sum(labels[row] == name for row in draw) for name in "abc"]
        assert counts == [8, 8, 3]
        assert len(set(draw.tolist())) == len(draw)
    assert any((draws[0] != draw).any() for draw in draws[1:])


def test_a_damaged_benchmark_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "a", "label": "b"}\n{"text": "a"}\n'))
    with pytest.raises(CorpusError, match=r"x\.jsonl\.gz:2"):
        read_labels(path)
    with pytest.raises(CorpusError, match="missing"):
        read_labels(tmp_path / "y.jsonl.gz")


def test_recall_counts_what_lies_above_the_false_alarms() -> None:
    inside = np.linspace(0, 1, 101).astype(np.float32)
    assert recall_at_false_alarm(inside, np.asarray([0.99, 0.97, 0.5, 0.2], dtype=np.float32)) == 0.5


def test_every_score_puts_the_strange_above_the_known() -> None:
    known = np.asarray([[9.0, 0.0, 0.0]], dtype=np.float32)
    strange = np.asarray([[0.5, 0.4, 3.0]], dtype=np.float32)
    for method, value in scores(np.concatenate([known, strange]), place=2).items():
        assert value[1] > value[0], method


def passage(article: str, score: float) -> Passage:
    return Passage(article_id=article, language="en", title="t", text="x", score=score, lead="x", intents=())


def question(*articles: str) -> Question:
    return Question(text="?", language="en", channel="chat", intents=("product_question",), articles=articles)


def test_retrieval_figures_count_hits_offers_and_drafts() -> None:
    answers = [
        Answer(question=question("a"), same_language=True, passages=(passage("a", 0.9), passage("b", 0.2))),
        Answer(question=question("a"), same_language=False, passages=(passage("b", 0.4), passage("a", 0.3))),
        Answer(question=question(), same_language=False, passages=(passage("b", 0.95),)),
        Answer(question=question(), same_language=False, passages=()),
    ]
    found = figures(answers, offer=0.6)
    assert found["right at 1, same language"] == 1
    assert found["right at 1, across languages"] == 0
    assert found["right at 3, across languages"] == 1
    assert found["something listed for them"] == 0.5
    assert found["drafted though none answers"] == 0.5
    assert found["right among these"] == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"articles": ["gone"]}, r"messages\.jsonl:1: no article 'gone'"),
        ({"intents": ["nonsense"]}, r"messages\.jsonl:1: unknown intent 'nonsense'"),
        ({"articles": None}, r"messages\.jsonl:1"),
    ],
)
def test_a_help_centre_s_mistakes_are_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    article = {"id": "a", "language": "en", "title": "t", "body": "b", "intents": ["return_item"]}
    row = {"text": "?", "language": "en", "channel": "chat", "intents": ["return_item"], "articles": ["a"]} | change
    (tmp_path / "articles.jsonl").write_text(json.dumps(article) + "\n")
    (tmp_path / "messages.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(LabelError, match=message):
        read_help_centre(tmp_path)


def test_the_shipped_help_centres_can_be_read() -> None:
    root = Path(__file__).parents[3]
    folders = sorted(root.glob("training/data/help_centres/*/")) + sorted(root.glob("eval/data/help_centres/*/"))
    assert len(folders) >= 5
    for folder in folders:
        centre = read_help_centre(folder)
        assert len(centre.articles) >= 40
        assert len(centre.questions) >= 250
    texts = [q.text for folder in folders for q in read_help_centre(folder).questions if len(q.text) > 40]
    assert len(texts) == len(set(texts)), "a question stands in two help centres"
