"""The encoder at serving time: an ONNX graph and a tokenizer, no torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triage.errors import ModelError
from triage.protocols import Encoding, Vectors

MOST_TOKENS = 256
"""Tokens the model reads of one text; what lies beyond is not read, and the result says ``truncated``."""


class OnnxEncoder:
    """Runs ``encoder.onnx`` (input_ids, attention_mask -> vector, features), one text a pass.

    A graph without ``features`` lets the heads read the vector.

    Dynamic quantisation takes one scale for all activations of a pass, so texts encoded together change each other's
    vectors (least cosine 0.98 at a batch of 16), and a batch was no faster a text. See docs/decisions/0003.

    Args:
        folder: holds ``encoder.onnx`` and ``tokenizer.json``.
        version: what results carry.
        threads: of one pass; calls from several threads run beside each other, at most as many as there are cores.

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
        # A model that reads fewer tokens says so in its tokenizer.
        self._most = min(MOST_TOKENS, (self._tokenizer.truncation or {}).get("max_length", MOST_TOKENS))
        self._tokenizer.enable_truncation(self._most)
        self._version = version
        self._free = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._width = int(self._session.get_outputs()[0].shape[1])

    @property
    def version(self) -> str:
        return self._version

    @property
    def width(self) -> int:
        return self._width

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self._width), dtype=np.float32)
        for row, encoding in enumerate(self.read(texts)):
            vectors[row] = encoding.vector
        return vectors

    def read(self, texts: Sequence[str]) -> list[Encoding]:
        encodings = []
        for text in texts:
            ids = np.asarray([self._tokenizer.encode(text).ids], dtype=np.int64)
            with self._free:
                outputs = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
            encodings.append(Encoding(vector=outputs[0][0], features=outputs[-1][0]))
        return encodings

    def truncates(self, text: str) -> bool:
        """Whether the model reads only the beginning of ``text``."""
        # A token is at least one character, so most texts need no second look.
        return len(text) > self._most - 2 and bool(self._tokenizer.encode(text).overflowing)
