"""An optional cross-encoder that reads message and passage together, from a folder on this machine. No torch."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from triage.errors import ConfigurationError

logger = logging.getLogger(__name__)

MOST_RERANKED = 20
"""Passages that the cross-encoder reads for one message."""

MOST_TOKENS = 512
GRAPHS = ("model.onnx", "onnx/model.onnx")
"""Where exporters put the graph: Optimum beside the tokenizer, sentence-transformers in a folder of its own."""


class Reranker(Protocol):
    """Tells how well passages answer a message."""

    def probabilities(self, text: str, passages: Sequence[str]) -> NDArray[np.float64] | None:
        """(K,) between 0 and 1; None where it cannot tell, which must not keep a search from answering."""


class CrossEncoder:
    """Runs a sequence classifier over pairs of message and passage, as sentence-transformers and Optimum export it.

    Args:
        folder: holds ``tokenizer.json`` and ``model.onnx`` (or ``onnx/model.onnx``), with one logit a pair, or two of
            which the second speaks for the passage.

    Raises:
        ConfigurationError: a file is missing or cannot be read, or the graph is of another kind.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        graph = next((folder / name for name in GRAPHS if (folder / name).is_file()), None)
        if graph is None:
            raise ConfigurationError(f"TRIAGE_RERANKER: {folder} holds no {' or '.join(GRAPHS)}")
        if not (folder / "tokenizer.json").is_file():
            raise ConfigurationError(f"TRIAGE_RERANKER: {folder} holds no tokenizer.json")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # both libraries raise their own untyped exceptions
            raise ConfigurationError(f"TRIAGE_RERANKER: cannot load {folder}: {error}") from error
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        shape = self._session.get_outputs()[0].shape
        if "input_ids" not in self._inputs or self._inputs - {"input_ids", "attention_mask", "token_type_ids"}:
            raise ConfigurationError(f"TRIAGE_RERANKER: {graph} takes {', '.join(sorted(self._inputs))}")
        if len(shape) != 2 or shape[1] not in (1, 2):
            raise ConfigurationError(f"TRIAGE_RERANKER: {graph} gives {shape}, not one or two logits a pair")
        self._tokenizer.enable_truncation(
            min(MOST_TOKENS, (self._tokenizer.truncation or {}).get("max_length", MOST_TOKENS))
        )
        padding = self._tokenizer.padding or {}
        if not padding:
            known = (self._tokenizer.token_to_id(name) for name in ("[PAD]", "<pad>"))
            padding = {"pad_id": next((number for number in known if number is not None), 0)}
        self._tokenizer.enable_padding(pad_id=padding["pad_id"])
        self._free = threading.BoundedSemaphore(os.cpu_count() or 1)

    def probabilities(self, text: str, passages: Sequence[str]) -> NDArray[np.float64] | None:
        if not passages:
            return np.zeros(0)
        try:
            logits = self._logits(text, passages)
        except Exception as error:  # onnxruntime raises its own untyped exceptions
            logger.warning("the cross-encoder failed, passages stay as they ranked: %s", error)
            return None
        odds = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        if not np.isfinite(odds).all():
            logger.warning("the cross-encoder gave no numbers, passages stay as they ranked")
            return None
        return np.asarray((1 + np.tanh(odds / 2)) / 2, dtype=np.float64)

    def _logits(self, text: str, passages: Sequence[str]) -> NDArray[Any]:
        pairs = self._tokenizer.encode_batch([(text, passage) for passage in passages])
        columns = {
            "input_ids": [pair.ids for pair in pairs],
            "attention_mask": [pair.attention_mask for pair in pairs],
            "token_type_ids": [pair.type_ids for pair in pairs],
        }
        feed = {name: np.asarray(rows, dtype=np.int64) for name, rows in columns.items() if name in self._inputs}
        with self._free:
            return np.asarray(self._session.run(None, feed)[0], dtype=np.float64)
