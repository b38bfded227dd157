"""Distillation: the student's sentence vectors, in every language, follow the teacher's English vectors.

Reimers & Gurevych 2020 with one change that matters on a CPU: an item is one sentence of any language with its teacher
vector, so each step is a single student pass. The loss is the squared distance of the normalised vectors plus a
contrast whose targets are the teacher's own in-batch similarities (near-duplicates are no false negatives).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import BertConfig, BertModel

from training.embeddings import Sentences
from training.text_encoder import TextEncoder, length_batches, without_dropout
from triage.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """Rates are peak values; ``tokens`` is the size of a batch in padded tokens."""

    seed: int = 1
    tokens: int = 4096
    rate_embeddings: float = 1e-3
    rate_layers: float = 2e-4
    warm_up: int = 200
    temperature: float = 0.05
    contrast: float = 0.3


def student_model(teacher_folder: Path, matrix: NDArray[np.float32]) -> BertModel:
    """The teacher's layers over a new embedding matrix (pieces, 384); position and type embeddings are kept."""
    config = BertConfig.from_pretrained(teacher_folder)
    teacher = BertModel.from_pretrained(teacher_folder, add_pooling_layer=False)
    config.vocab_size = len(matrix)
    config.pad_token_id = 0
    # PyTorch's fused attention spends most of a CPU step in its backward pass at these sizes; plain attention is faster.
    config._attn_implementation = "eager"
    model = BertModel(config, add_pooling_layer=False)
    state = teacher.state_dict()
    state["embeddings.word_embeddings.weight"] = torch.from_numpy(matrix.copy())
    model.load_state_dict(state)
    return model


def distillation_loss(
    student: torch.Tensor, teacher: torch.Tensor, *, temperature: float, contrast: float
) -> torch.Tensor:
    """Mean squared distance plus cross-entropy to the teacher's in-batch similarity distribution. Both (B, D), unit."""
    distance = ((student - teacher) ** 2).sum(1).mean()
    with torch.no_grad():
        target = functional.softmax(teacher @ teacher.T / temperature, dim=1)
    logits = student @ teacher.T / temperature
    cross_entropy = -(target * functional.log_softmax(logits, dim=1)).sum(1).mean()
    return distance + contrast * cross_entropy


class Distiller:
    """Trains a student and can be stopped and resumed exactly: model, both optimisers and position are saved.

    Args:
        chunk: ``chunk(i)`` gives the i-th block of training items, sentences and (N, 384) teacher vectors; it must
            depend on i alone, so that a resumed run sees what the interrupted one would have seen.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        chunk: Callable[[int], tuple[Sentences, NDArray[np.float16]]],
        config: DistillationConfig,
    ) -> None:
        self.encoder, self.model, self.chunk, self.config = encoder, encoder.model, chunk, config
        self.step = self.next_chunk = self.items = 0
        self.seconds = 0.0
        embedding = self.model.get_input_embeddings()
        embedding.sparse = True  # a batch touches few of the pieces
        words = embedding.weight
        others = [parameter for parameter in self.model.parameters() if parameter is not words]
        self.sparse = torch.optim.SparseAdam([words], lr=config.rate_embeddings)
        self.dense = torch.optim.AdamW(others, lr=config.rate_layers, weight_decay=0.01, fused=True)

    def train(
        self, *, seconds: float, decay: Callable[[], float], checkpoint: Path, report: Callable[[str], None] = print
    ) -> None:
        """Trains until ``seconds`` of training have passed in all; saves after each chunk.

        Args:
            decay: factor on the learning rates now, read at each step (warm-up is applied on top).
        """
        self.model.train()
        without_dropout(self.model)
        while self.seconds < seconds:
            begun = time.perf_counter()
            rng = np.random.default_rng([self.config.seed, self.next_chunk])
            sentences, vectors = self.chunk(self.next_chunk)
            total = batches = 0.0
            for rows in length_batches(sentences.lengths, tokens=self.config.tokens, rng=rng):
                total += self._step(sentences.gather(rows), vectors[rows], decay())
                batches += 1
                self.items += len(rows)
            self.next_chunk += 1
            spent = time.perf_counter() - begun
            self.seconds += spent
            self.save(checkpoint)
            report(
                f"chunk {self.next_chunk} step {self.step} items {self.items} loss {total / batches:.4f} "
                f"{len(sentences) / spent:.0f} items/s rate x{decay():.2f} {self.seconds / 60:.1f} min"
            )

    def _step(self, sentences: Sentences, vectors: NDArray[np.float16], factor: float) -> float:
        factor *= min(1.0, (self.step + 1) / self.config.warm_up)
        for optimiser, rate in ((self.sparse, self.config.rate_embeddings), (self.dense, self.config.rate_layers)):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
        loss = distillation_loss(
            self.encoder.vectors(sentences),
            torch.from_numpy(vectors.astype(np.float32)),
            temperature=self.config.temperature,
            contrast=self.config.contrast,
        )
        self.sparse.zero_grad()
        self.dense.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.dense.param_groups[0]["params"], 1.0)
        self.sparse.step()
        self.dense.step()
        self.step += 1
        return float(loss.detach())

    def save(self, folder: Path) -> None:
        """Writes the checkpoint beside the old one and swaps it in, so that a kill never leaves half a file."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"model.{name}": value.contiguous() for name, value in self.model.state_dict().items()}
        for label, optimiser in (("sparse", self.sparse), ("dense", self.dense)):
            for index, state in optimiser.state_dict()["state"].items():
                for key, value in state.items():
                    tensors[f"{label}.{index}.{key}"] = torch.as_tensor(value, dtype=torch.float32).contiguous()
        position = {
            "step": self.step, "next_chunk": self.next_chunk, "items": self.items, "seconds": self.seconds,
            "config": asdict(self.config),
        }  # fmt: skip
        temporary = folder / "checkpoint.safetensors.new"
        save_file(tensors, temporary, metadata={"position": json.dumps(position)})
        os.replace(temporary, folder / "checkpoint.safetensors")

    def resume(self, folder: Path) -> bool:
        """Loads the checkpoint if there is one; True when it did.

        Raises:
            ModelError: the file is cut short or is no checkpoint of this kind; nothing was loaded.
        """
        path = folder / "checkpoint.safetensors"
        if not path.exists():
            return False
        try:
            with safe_open(path, "pt") as handle:
                position = json.loads(handle.metadata()["position"])
            tensors = load_file(path)
        except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
            raise ModelError(f"{path}: cannot be resumed from: {error}; delete it to begin again") from error
        self.model.load_state_dict(
            {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        )
        for label, optimiser in (("sparse", self.sparse), ("dense", self.dense)):
            current = optimiser.state_dict()
            state: dict[int, dict[str, object]] = {}
            for name, value in tensors.items():
                if name.startswith(f"{label}."):
                    _, index, key = name.split(".")
                    sparse_step = label == "sparse" and key == "step"
                    state.setdefault(int(index), {})[key] = int(value) if sparse_step else value
            optimiser.load_state_dict({"state": state, "param_groups": current["param_groups"]})
        self.step, self.next_chunk = position["step"], position["next_chunk"]
        self.items, self.seconds = position["items"], position["seconds"]
        return True
