from __future__ import annotations

import json
from pathlib import Path

import pytest

from triage.bootstrap import load_reranker
from triage.errors import ConfigurationError
from triage.knowledge_base.reranker import CrossEncoder
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.protocols import Query
from triage.settings import Settings
from triage.testing import HashingEncoder
from triage.types import Article

WORDS = ("[PAD]", "[UNK]", "kettle", "lamp", "carafe", "treasure")


def _varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])


def _field(number: int, value: int | str | bytes) -> bytes:
    """A field of a protobuf message: the format of ONNX, for which the package is no dependency of the tests."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _value(name: str, kind: int, *sizes: int | str) -> bytes:
    shape = b"".join(_field(1, _field(1, s) if isinstance(s, int) else _field(2, s)) for s in sizes)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def _attribute(name: str, value: bytes, kind: int) -> bytes:
    return _field(5, _field(1, name) + value + _field(20, kind))


def _model(output: str = "logits", width: int = 1) -> bytes:
    """A graph that adds up the word numbers of each pair: the more of the last words, the higher the logit."""
    cast = _field(1, "input_ids") + _field(2, "numbers") + _field(4, "Cast") + _attribute("to", _field(3, 1), 2)
    total = (
        _field(1, "numbers") + _field(2, output) + _field(4, "ReduceMax")
        + _attribute("axes", _field(8, 1), 7) + _attribute("keepdims", _field(3, 1), 2)
    )  # fmt: skip
    graph = (
        _field(1, cast) + _field(1, total) + _field(2, "tiny")
        + _field(11, _value("input_ids", 7, "batch", "length")) + _field(11, _value("attention_mask", 7, "batch", "length"))
        + _field(12, _value(output, 1, "batch", width))
    )  # fmt: skip
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(_model())
    tokenizer: dict[str, object] = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: n for n, word in enumerate(WORDS)}, "unk_token": "[UNK]"},
    }  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    return tmp_path


ARTICLES = (
    Article(id="kettle", language="en", title="Kettle", body="How to descale the kettle once a month."),
    Article(id="treasure", language="en", title="Kettle treasure", body="How to descale a kettle, and treasure it."),
)


def _order(reranker: CrossEncoder | None) -> list[tuple[str, float]]:
    weights = RetrievalWeights(threshold=0)
    retriever = HybridRetriever(ARTICLES, HashingEncoder(), weights=weights, reranker=reranker)
    text = "how to descale the kettle once a month"
    found = retriever.search(Query(text=text, vector=HashingEncoder().encode([text])[0], language="en"))
    return [(passage.article_id, passage.score) for passage in found.passages]


def test_a_cross_encoder_tells_pairs_apart_and_pads_them(folder: Path) -> None:
    found = CrossEncoder(folder).probabilities("lamp", ["kettle", "a carafe and a treasure"])
    assert found is not None
    assert found.tolist() == pytest.approx([1 / (1 + 2.718281828**-3), 1 / (1 + 2.718281828**-5)])
    nothing = CrossEncoder(folder).probabilities("lamp", [])
    assert nothing is not None
    assert len(nothing) == 0


def test_reranking_joins_both_scores(folder: Path) -> None:
    plain, reranked = dict(_order(None)), _order(CrossEncoder(folder))
    told = {"kettle": 1 / (1 + 2.718281828**-2), "treasure": 1 / (1 + 2.718281828**-5)}
    assert dict(reranked) == pytest.approx({name: (plain[name] + told[name]) / 2 for name in plain}, abs=1e-4)
    assert [score for _, score in reranked] == sorted((score for _, score in reranked), reverse=True)


def test_a_cross_encoder_that_fails_leaves_the_ranking(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = CrossEncoder(folder)
    broken._session = None
    assert _order(broken) == _order(None)
    assert "failed" in caplog.text


def test_the_graph_may_lie_in_a_folder_of_its_own(folder: Path) -> None:
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    assert load_reranker(Settings(reranker=folder)) is not None
    assert load_reranker(Settings()) is None


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_missing_or_damaged_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\x00 no such thing")
    with pytest.raises(ConfigurationError, match="cannot load"):
        CrossEncoder(folder)
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match=name):
        CrossEncoder(folder)


def test_a_graph_of_another_kind_is_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(_model(width=7))
    with pytest.raises(ConfigurationError, match="logits"):
        CrossEncoder(folder)
