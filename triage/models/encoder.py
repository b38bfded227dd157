"""The encoder at serving time: an ONNX graph and a tokenizer, no torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triage.errors import ModelError
from triage.protocols import Encoder, Vectors

MOST_TOKENS = 256
"""Tokens the model reads of one text; what lies beyond is not read, and the result says ``truncated``."""


class OnnxEncoder:
    """Runs ``encoder.onnx`` (input_ids, attention_mask -> vector) on one thread.

    A single inference thread and small batches gave more messages a second on two cores than parallel sessions did.

    Args:
        folder: holds ``encoder.onnx`` and ``tokenizer.json``.
        version: what results carry.

    Raises:
        ModelError: a file is missing or cannot be read.
    """

    def __init__(self, folder: Path, *, version: str, threads: int = 1) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session = onnxruntime.InferenceSession(
                str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise their own untyped exceptions
            raise ModelError(f"cannot load the encoder in {folder}: {error}") from error
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding(pad_id=self._tokenizer.token_to_id("[PAD]") or 0)
        self._version = version
        self._width = int(self._session.get_outputs()[0].shape[1])

    @property
    def version(self) -> str:
        return self._version

    @property
    def width(self) -> int:
        return self._width

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self._width), dtype=np.float32)
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = np.asarray([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.asarray([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        (vectors,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors, dtype=np.float32)

    def truncates(self, text: str) -> bool:
        """Whether the model reads only the beginning of ``text``."""
        # A token is at least one character, so most texts need no second look.
        return len(text) > MOST_TOKENS and bool(self._tokenizer.encode(text).overflowing)


@dataclass(frozen=True)
class _Waiting:
    text: str
    result: Future[Vectors]


class BatchingEncoder:
    """Puts texts that wait at the same time into one pass: greedy, at most ``most``, never a timed wait.

    The first caller encodes; callers that arrive meanwhile queue up and are encoded together by whoever is free next.
    Alone, a call costs one uncontended lock more than the bare encoder.
    """

    def __init__(self, inner: Encoder, *, most: int = 16) -> None:
        self._inner = inner
        self._most = most
        self._queue: list[_Waiting] = []
        self._guard = threading.Lock()
        self._running = threading.Lock()

    @property
    def version(self) -> str:
        return self._inner.version

    @property
    def width(self) -> int:
        return self._inner.width

    def encode(self, texts: Sequence[str]) -> Vectors:
        if len(texts) != 1:
            return self._in_batches(texts)
        waiting = _Waiting(texts[0], Future())
        with self._guard:
            self._queue.append(waiting)
        with self._running:
            while not waiting.result.done():
                self._run_next()
        return waiting.result.result()

    def _in_batches(self, texts: Sequence[str]) -> Vectors:
        parts = [np.zeros((0, self.width), dtype=np.float32)]
        for start in range(0, len(texts), self._most):
            with self._running:
                parts.append(self._inner.encode(texts[start : start + self._most]))
        return np.concatenate(parts)

    def _run_next(self) -> None:
        with self._guard:
            batch, self._queue = self._queue[: self._most], self._queue[self._most :]
        try:
            vectors = self._inner.encode([waiting.text for waiting in batch])
        except Exception as error:
            for waiting in batch:
                waiting.result.set_exception(error)
            return
        for row, waiting in enumerate(batch):
            waiting.result.set_result(vectors[row : row + 1])
