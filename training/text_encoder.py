"""A trainable text encoder: a transformer, its tokenizer, and how a sentence vector is read off its states.

One class for the student, the teacher and any checkpoint of a hub, so that every stage trains any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.utils import logging

from training.embeddings import Sentences, encode_sentences

# Loading a model prints a progress bar and a table of parts that are not needed; a run's own lines would drown in them.
logging.set_verbosity_error()
logging.disable_progress_bar()

MOST_TOKENS = 256


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Normalised mean of the token states: (B, T, D) and (B, T) to (B, D), as all-MiniLM-L6-v2 pools."""
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return functional.normalize((hidden * weight).sum(1) / weight.sum(1).clamp(min=1), dim=1)


def first_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Normalised state of the first token: (B, T, D) to (B, D), as checkpoints with CLS pooling do."""
    return functional.normalize(hidden[:, 0], dim=1)


POOLS = {"mean": mean_pool, "cls": first_pool}


def pad(sentences: Sentences, *, cls: int, sep: int, most: int, fill: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (B, T) with the special tokens, padded with ``fill``, and the attention mask (B, T)."""
    lengths = np.minimum(sentences.lengths, most - 2)
    width = int(lengths.max()) + 2
    ids = np.full((len(sentences), width), fill, dtype=np.int64)
    ids[:, 0] = cls
    for row, (start, length) in enumerate(zip(sentences.starts[:-1], lengths, strict=True)):
        ids[row, 1 : length + 1] = sentences.ids[start : start + length]
        ids[row, length + 1] = sep
    mask = np.arange(width)[None, :] < (lengths + 2)[:, None]
    return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))


def length_batches(lengths: NDArray[np.int64], *, tokens: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Rows grouped by similar length so that padding is small; batches of about ``tokens`` padded tokens, shuffled."""
    order = np.argsort(lengths + rng.random(len(lengths)), kind="stable")
    batches: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        size = max(8, tokens // (int(lengths[order[min(start + 64, len(order) - 1)]]) + 2))
        batches.append(order[start : start + size])
        start += size
    for index in rng.permutation(len(batches)):
        yield batches[index]


def without_dropout(model: PreTrainedModel) -> None:
    """Turns off the dropout between layers: runs this short underfit, and drawing it costs a quarter of a CPU step."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


@dataclass(frozen=True, kw_only=True)
class TextEncoder:
    """``cls``, ``sep`` and ``fill`` are token ids: of the first and the last token of each sentence, and of padding."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    cls: int
    sep: int
    fill: int = 0
    pooling: Literal["mean", "cls"] = "mean"

    @property
    def width(self) -> int:
        return int(self.model.config.hidden_size)

    @property
    def most_tokens(self) -> int:
        """Longest input, special tokens included."""
        # RoBERTa's family counts positions from the padding index, so two of its positions are never used.
        return min(MOST_TOKENS, int(self.model.config.max_position_embeddings) - 2)

    def tokens(self, texts: Sequence[str], *, most: int | None = None) -> Sentences:
        """Token ids without special tokens, cut so that with them a text has at most ``most`` tokens."""
        most = min(most or self.most_tokens, self.most_tokens)
        return encode_sentences(self.tokenizer, list(texts), most=most - 2)

    def states(self, sentences: Sentences) -> tuple[torch.Tensor, torch.Tensor]:
        """Last states (B, T, D), float32, and the attention mask (B, T)."""
        ids, mask = pad(sentences, cls=self.cls, sep=self.sep, most=self.most_tokens, fill=self.fill)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden.float(), mask

    def pool(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, D)."""
        return POOLS[self.pooling](states, mask)

    def vectors(self, sentences: Sentences) -> torch.Tensor:
        """Unit vectors (B, D) of one batch, with gradients."""
        return self.pool(*self.states(sentences))

    @torch.no_grad()
    def encode(self, sentences: Sentences, *, tokens: int = 8192) -> NDArray[np.float32]:
        """Unit vectors (N, D) of many sentences, in order."""
        self.model.eval()
        output = np.zeros((len(sentences), self.width), dtype=np.float32)
        for rows in length_batches(sentences.lengths, tokens=tokens, rng=np.random.default_rng(0)):
            output[rows] = self.vectors(sentences.gather(rows)).numpy()
        return output
