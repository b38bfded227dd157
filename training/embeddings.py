"""A multilingual embedding matrix in the teacher's input space, made before any transformer pass.

1. Alignment: IBM Model 1 (Brown et al. 1993) over the parallel text gives, for each student piece, the English word
   pieces it stands for; the piece starts as their weighted mean (after WECHSEL, Minixhofer et al. 2022).
2. Bag: the matrix alone is trained so that the idf-weighted mean of a foreign sentence's pieces equals that of its
   English side. No transformer runs, so an epoch over a million sentences takes minutes on one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Ids = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """Token ids of many sentences in one flat array; sentence i is ``ids[starts[i]:starts[i + 1]]``, no specials."""

    ids: Ids
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def gather(self, rows: NDArray[np.int64]) -> Sentences:
        """The sentences at ``rows``, in that order."""
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        offset = np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Sentences(ids=self.ids[np.arange(starts[-1]) + offset], starts=starts)

    @classmethod
    def join(cls, parts: list[Sentences]) -> Sentences:
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(ids=np.concatenate([part.ids for part in parts]), starts=np.concatenate([[0], np.cumsum(lengths)]))


def encode_sentences(tokenizer: object, texts: list[str], *, most: int, chunk: int = 20000) -> Sentences:
    """Token ids of ``texts`` with a ``tokenizers.Tokenizer``, at most ``most`` a sentence, without special tokens."""
    ids: list[Ids] = []
    lengths: list[int] = []
    for start in range(0, len(texts), chunk):
        for encoding in tokenizer.encode_batch(texts[start : start + chunk], add_special_tokens=False):  # type: ignore[attr-defined]
            row = encoding.ids[:most]
            ids.append(np.asarray(row, dtype=np.int32))
            lengths.append(len(row))
    flat = np.concatenate(ids) if ids else np.zeros(0, dtype=np.int32)
    return Sentences(ids=flat, starts=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64))


def align(
    foreign: Sentences, english: Sentences, *, english_size: int, rounds: int = 4
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Expected link counts of IBM Model 1 between the sides of the same row.

    Returns:
        keys (K,), each ``piece * english_size + word_piece``, sorted; and their expected counts (K,).
    """
    n, m = foreign.lengths, english.lengths
    # Every (foreign position, English position) pair of a sentence, sentence by sentence, foreign position outermost.
    per_position = np.repeat(m, n)
    first_english = np.repeat(np.repeat(english.starts[:-1], n), per_position)
    group = np.repeat(np.arange(len(foreign.ids)), per_position)
    group_start = np.concatenate([[0], np.cumsum(per_position)])[:-1]
    within = np.arange(len(group)) - np.repeat(group_start, per_position)
    keys = foreign.ids[group].astype(np.int64) * english_size + english.ids[first_english + within]
    unique, inverse = np.unique(keys, return_inverse=True)
    english_of = unique % english_size
    probability = np.ones(len(unique), dtype=np.float64)
    counts = probability
    for _ in range(rounds):
        link = probability[inverse]
        total = np.bincount(group, weights=link, minlength=len(foreign.ids))
        counts = np.bincount(inverse, weights=link / total[group], minlength=len(unique))
        by_english = np.bincount(english_of, weights=counts, minlength=english_size)
        probability = counts / by_english[english_of]
    return unique, counts.astype(np.float32)


def initial_matrix(
    links: list[tuple[NDArray[np.int64], NDArray[np.float32]]],
    *,
    pieces: int,
    teacher_embeddings: NDArray[np.float32],
    top: int = 5,
) -> NDArray[np.float32]:
    """Each piece as the weighted mean of the ``top`` English word pieces it links to most.

    Args:
        links: what ``align`` returned, one entry a language.
        teacher_embeddings: (V, D) input embeddings of the teacher.

    Returns:
        (pieces, D); a piece without links gets the teacher's mean embedding.
    """
    english_size, width = teacher_embeddings.shape
    keys = np.concatenate([k for k, _ in links])
    counts = np.concatenate([c for _, c in links])
    unique, inverse = np.unique(keys, return_inverse=True)
    summed = np.bincount(inverse, weights=counts)
    piece, word = unique // english_size, unique % english_size
    order = np.lexsort((-summed, piece))
    piece, word, summed = piece[order], word[order], summed[order]
    first = np.concatenate([[True], piece[1:] != piece[:-1]])
    rank = np.arange(len(piece)) - np.maximum.accumulate(np.where(first, np.arange(len(piece)), 0))
    keep = rank < top
    piece, word, weight = piece[keep], word[keep], summed[keep] ** 1.5  # sharpened: the best link should lead
    matrix = np.zeros((pieces, width), dtype=np.float64)
    np.add.at(matrix, piece, weight[:, None] * teacher_embeddings[word])
    total = np.bincount(piece, weights=weight, minlength=pieces)
    known = total > 0
    matrix[known] /= total[known, None]
    matrix[~known] = teacher_embeddings.mean(axis=0)
    return matrix.astype(np.float32)


def inverse_document_frequency(sentences: Sentences, size: int) -> NDArray[np.float32]:
    """log(N / df) of every id, at least 0.2, shape (size,)."""
    rows = np.repeat(np.arange(len(sentences)), sentences.lengths)
    pairs = np.unique(rows.astype(np.int64) * size + sentences.ids)
    frequency = np.bincount(pairs % size, minlength=size)
    return np.maximum(np.log(len(sentences) / np.maximum(frequency, 1)), 0.2).astype(np.float32)


def train_bag(
    matrix: NDArray[np.float32],
    teacher_embeddings: NDArray[np.float32],
    batches: Callable[[int], Iterator[tuple[Sentences, Sentences]]],
    *,
    foreign_idf: NDArray[np.float32],
    english_idf: NDArray[np.float32],
    epochs: int,
    rate: float = 2e-3,
    report: Callable[[str], None] = print,
) -> NDArray[np.float32]:
    """Trains ``matrix`` so that weighted means of translations agree; ``batches(epoch)`` yields (foreign, English)."""
    student = torch.nn.Embedding.from_pretrained(torch.from_numpy(matrix.copy()), freeze=False, sparse=True)
    teacher = torch.from_numpy(teacher_embeddings)
    weight_f, weight_e = torch.from_numpy(foreign_idf), torch.from_numpy(english_idf)
    optimiser = torch.optim.SparseAdam(student.parameters(), lr=rate)
    scale = float(teacher.norm(dim=1).mean()) ** -2
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = rate * (1 - epoch / epochs)
        total = steps = 0.0
        for foreign, english in batches(epoch):
            with torch.no_grad():
                target = _weighted_mean(teacher, english, weight_e)
            mean = _weighted_mean(student, foreign, weight_f)
            loss = ((mean - target) ** 2).sum(dim=1).mean() * scale
            # A small contrast keeps distinct sentences apart; squared distance alone pulls all to the centre.
            logits = functional.normalize(mean, dim=1) @ functional.normalize(target, dim=1).T / 0.1
            loss = loss + 0.1 * functional.cross_entropy(logits, torch.arange(len(logits)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
            steps += 1
        report(f"bag epoch {epoch + 1}/{epochs}: loss {total / max(steps, 1):.4f}")
    return student.weight.detach().numpy()


def _weighted_mean(
    source: torch.nn.Embedding | torch.Tensor, sentences: Sentences, weight: torch.Tensor
) -> torch.Tensor:
    ids = torch.from_numpy(sentences.ids.astype(np.int64))
    rows = torch.repeat_interleave(torch.from_numpy(sentences.lengths))
    vectors = source(ids) if isinstance(source, torch.nn.Embedding) else source[ids]
    w = weight[ids][:, None]
    width = vectors.shape[1]
    total = torch.zeros(len(sentences), width).index_add(0, rows, vectors * w)
    return total / torch.zeros(len(sentences), 1).index_add(0, rows, w).clamp(min=1e-6)
