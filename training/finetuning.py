"""Multi-task fine-tuning: one encoder, and heads that read its sentence vector.

Losses: primary intent (softmax), intents present (sigmoid), urgency (softmax with a distance term, it is ordinal),
needs-reply, reasons; and, so that retrieval does not rot, the distillation loss on parallel sentences with the teacher's
vectors in every step.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import BertModel

from eval.messages import LabelledMessage
from training.auxiliary import AuxiliaryExample
from training.distillation import distillation_loss, length_batches, mean_pool, pad
from training.embeddings import Sentences, encode_sentences
from triage.models.heads import Heads
from triage.models.taxonomy import INTENTS, REASONS
from triage.types import URGENCIES

MOST_TOKENS = 160
REASON_NAMES = tuple(REASONS)


@dataclass(frozen=True, kw_only=True)
class FineTuningConfig:
    """Rates fall linearly to a tenth after the warm-up; lower layers move less (``layer_decay`` a layer)."""

    seed: int = 1
    epochs: int = 8
    tokens: int = 1024
    rate_heads: float = 2e-3
    rate_layers: float = 1.5e-4
    rate_embeddings: float = 3e-4
    layer_decay: float = 0.9
    hidden: int = 384
    dropout: float = 0.15
    smoothing: float = 0.05
    distillation: float = 2.0
    auxiliary: float = 0.6
    present: float = 3.0
    noise: float = 0.25


class MultiTaskHeads(nn.Module):
    """The torch twin of ``triage.models.heads.Heads``."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        self.dropout = nn.Dropout(dropout)
        sizes = {
            "intent": len(INTENTS), "present": len(INTENTS), "urgency": len(URGENCIES), "reply": 2,
            "reason": len(REASON_NAMES),
        }  # fmt: skip
        self.outputs = nn.ModuleDict({name: nn.Linear(hidden, size) for name, size in sizes.items()})
        # Unit vectors of 384 numbers are small; scaled up, the first layer starts where GELU is not linear.
        with torch.no_grad():
            self.hidden.weight.mul_(8.0)

    def forward(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = self.dropout(functional.gelu(self.hidden(self.dropout(vector)), approximate="tanh"))
        return {name: layer(hidden) for name, layer in self.outputs.items()}

    def export(self) -> Heads:
        def arrays(layer: nn.Linear) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            return layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()

        return Heads(
            hidden=arrays(self.hidden),
            outputs={name: arrays(layer) for name, layer in self.outputs.items()},  # type: ignore[arg-type]
        )


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Label arrays of N messages."""

    intent: torch.Tensor
    present: torch.Tensor
    urgency: torch.Tensor
    reply: torch.Tensor
    reason: torch.Tensor
    reason_known: torch.Tensor
    weight: torch.Tensor

    def take(self, rows: NDArray[np.int64]) -> Targets:
        index = torch.from_numpy(rows)
        return Targets(**{name: value[index] for name, value in vars(self).items()})


def targets(messages: Sequence[LabelledMessage]) -> Targets:
    """Labels as tensors; languages and intents with few messages weigh more (by the root of their frequency)."""
    languages = Counter(m.language for m in messages)
    intents = Counter(m.intents[0] for m in messages)
    weight = np.asarray([(languages[m.language] * intents[m.intents[0]]) ** -0.25 for m in messages])
    urgent = [m.urgency in ("high", "critical") for m in messages]
    return Targets(
        intent=torch.tensor([INTENTS.index(m.intents[0]) for m in messages]),
        present=torch.tensor([[float(name in m.intents) for name in INTENTS] for m in messages]),
        urgency=torch.tensor([URGENCIES.index(m.urgency) for m in messages]),  # type: ignore[arg-type]
        reply=torch.tensor([int(m.needs_reply) for m in messages]),
        reason=torch.tensor([[float(name in m.reasons) for name in REASON_NAMES] for m in messages]),
        reason_known=torch.tensor(
            [float(known and bool(m.reasons)) for known, m in zip(urgent, messages, strict=True)]
        ),
        weight=torch.from_numpy((weight / weight.mean()).astype(np.float32)),
    )


def task_loss(logits: dict[str, torch.Tensor], y: Targets, config: FineTuningConfig) -> torch.Tensor:
    """Weighted mean of the heads' losses over a batch."""
    intent = functional.cross_entropy(logits["intent"], y.intent, reduction="none", label_smoothing=config.smoothing)
    present = functional.binary_cross_entropy_with_logits(logits["present"], y.present, reduction="none").mean(1)
    urgency = functional.cross_entropy(logits["urgency"], y.urgency, reduction="none", label_smoothing=config.smoothing)
    levels = torch.arange(len(URGENCIES), dtype=torch.float32)
    expected = (functional.softmax(logits["urgency"], dim=1) * levels).sum(1)
    distance = (expected - y.urgency.float()) ** 2
    reply = functional.cross_entropy(logits["reply"], y.reply, reduction="none")
    reason = functional.binary_cross_entropy_with_logits(logits["reason"], y.reason, reduction="none").mean(1)
    total = intent + config.present * present + urgency + 0.5 * distance + 0.5 * reply + y.reason_known * reason
    return (total * y.weight).mean()


_DIGIT = re.compile(r"\d")


def augment(text: str, rng: random.Random, noise: float) -> str:
    """A variant of ``text``: other digits; sometimes typos, a lost end mark, a lost line break."""
    if rng.random() < 0.6:
        text = _DIGIT.sub(lambda _: str(rng.randrange(10)), text)
    if rng.random() >= noise:
        return text
    kind = rng.randrange(4)
    if kind == 0:
        return re.sub(r"[.,!?؟]+", "", text)
    if kind == 1:
        return " ".join(text.split())
    characters = list(text)
    for _ in range(max(1, len(characters) // 25)):
        place = rng.randrange(len(characters))
        if not characters[place].isalpha():
            continue
        action = rng.randrange(3)
        if action == 0 and place + 1 < len(characters):
            characters[place], characters[place + 1] = characters[place + 1], characters[place]
        elif action == 1:
            characters[place] = ""
        else:
            characters[place] *= 2
    return "".join(characters)


def fit(
    model: BertModel,
    tokenizer: Tokenizer,
    messages: Sequence[LabelledMessage],
    parallel: Callable[[int], tuple[Sentences, NDArray[np.float16]]],
    config: FineTuningConfig,
    *,
    auxiliary: Mapping[str, Sequence[AuxiliaryExample]] | None = None,
    report: Callable[[str], None] = print,
) -> MultiTaskHeads:
    """Fine-tunes ``model`` in place and returns its heads.

    Args:
        parallel: block ``i`` of sentences with teacher vectors, for the distillation loss.
        auxiliary: public intent sets; every other step trains one of them instead of the distillation.
    """
    torch.manual_seed(config.seed)
    rng = random.Random(config.seed)
    heads = MultiTaskHeads(model.config.hidden_size, config.hidden, config.dropout)
    labels = targets(messages)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tasks = [AuxiliaryTask(name, rows, model.config.hidden_size) for name, rows in (auxiliary or {}).items()]
    dense, sparse = _optimisers(model, [heads, *(task.head for task in tasks)], config)
    steps = total_steps = 0
    for epoch in range(config.epochs):
        sentences = encode_sentences(
            tokenizer, [augment(m.text, rng, config.noise) for m in messages], most=MOST_TOKENS - 2
        )
        shuffle = np.random.default_rng([config.seed, epoch])
        batches = list(length_batches(sentences.lengths, tokens=config.tokens, rng=shuffle))
        total_steps = total_steps or len(batches) * config.epochs
        extra, vectors = parallel(epoch)
        extra_batches = _endless(extra, vectors, tokens=config.tokens // 2, rng=shuffle)
        streams = [task.batches(tokenizer, tokens=config.tokens // 2, seed=[config.seed, epoch]) for task in tasks]
        model.train()
        heads.train()
        sums = np.zeros(2)
        for rows in batches:
            _set_rates((dense, sparse), steps, total_steps)
            vector = _vectors(model, sentences.gather(rows), cls, sep)
            task = task_loss(heads(vector), labels.take(rows), config)
            if tasks and steps % 2:
                chosen = steps // 2 % len(tasks)
                further, truth = next(streams[chosen])
                logits = tasks[chosen].head(_vectors(model, further, cls, sep) * AuxiliaryTask.SCALE)
                keep = config.auxiliary / config.distillation * functional.cross_entropy(logits, truth)
            else:
                further, wanted = next(extra_batches)
                keep = distillation_loss(_vectors(model, further, cls, sep), wanted, temperature=0.05, contrast=0.3)
            dense.zero_grad()
            sparse.zero_grad()
            (task + config.distillation * keep).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_([p for group in dense.param_groups for p in group["params"]], 1.0)
            dense.step()
            sparse.step()
            steps += 1
            sums += (float(task.detach()), float(keep.detach()))
        report(
            f"epoch {epoch + 1}/{config.epochs}: task {sums[0] / len(batches):.3f} distillation {sums[1] / len(batches):.3f}"
        )
    return heads.eval()


class AuxiliaryTask:
    """A public intent set with a linear head of its own."""

    SCALE = 12.0
    """Unit vectors are scaled before the linear head, as in ``MultiTaskHeads``."""

    def __init__(self, name: str, rows: Sequence[AuxiliaryExample], width: int) -> None:
        self.name, self._rows = name, rows
        names = sorted({row.label for row in rows})
        self._index = {label: i for i, label in enumerate(names)}
        self.head = nn.Linear(width, len(names))

    def batches(
        self, tokenizer: Tokenizer, *, tokens: int, seed: Sequence[int], block: int = 6000
    ) -> Iterator[tuple[Sentences, torch.Tensor]]:
        """Endless batches of a sample that changes with the seed, with their label indices."""
        rng = np.random.default_rng([*seed, len(self._index)])
        while True:
            chosen = [
                self._rows[i] for i in rng.choice(len(self._rows), size=min(block, len(self._rows)), replace=False)
            ]
            sentences = encode_sentences(tokenizer, [row.text for row in chosen], most=62)
            labels = torch.tensor([self._index[row.label] for row in chosen])
            for rows in length_batches(sentences.lengths, tokens=tokens, rng=rng):
                yield sentences.gather(rows), labels[torch.from_numpy(rows)]


def _vectors(model: BertModel, sentences: Sentences, cls: int, sep: int) -> torch.Tensor:
    ids, mask = pad(sentences, cls=cls, sep=sep, most=MOST_TOKENS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    return mean_pool(hidden.float(), mask)


def _optimisers(
    model: BertModel, heads: Sequence[nn.Module], config: FineTuningConfig
) -> tuple[torch.optim.AdamW, torch.optim.SparseAdam]:
    words = model.embeddings.word_embeddings.weight
    layers = model.encoder.layer
    groups = [{"params": [p for head in heads for p in head.parameters()], "lr": config.rate_heads}]
    for depth, layer in enumerate(layers):
        rate = config.rate_layers * config.layer_decay ** (len(layers) - 1 - depth)
        groups.append({"params": list(layer.parameters()), "lr": rate})
    others = [p for p in model.embeddings.parameters() if p is not words]
    groups.append({"params": others, "lr": config.rate_layers * config.layer_decay ** len(layers)})
    for group in groups:
        group["peak"] = group["lr"]
    sparse = torch.optim.SparseAdam([words], lr=config.rate_embeddings)
    sparse.param_groups[0]["peak"] = config.rate_embeddings
    return torch.optim.AdamW(groups, weight_decay=0.01), sparse


def _set_rates(optimisers: tuple[torch.optim.Optimizer, ...], step: int, steps: int) -> None:
    warm = max(1, steps // 12)
    factor = (step + 1) / warm if step < warm else max(0.05, 1 - (step - warm) / max(1, steps - warm))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * factor


def _endless(
    sentences: Sentences, vectors: NDArray[np.float16], *, tokens: int, rng: np.random.Generator
) -> Iterator[tuple[Sentences, torch.Tensor]]:
    while True:
        for rows in length_batches(sentences.lengths, tokens=tokens, rng=rng):
            yield sentences.gather(rows), torch.from_numpy(vectors[rows].astype(np.float32))
