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
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from eval.help_centres import HelpCentre
from eval.messages import LabelledMessage
from training.auxiliary import AuxiliaryExample
from training.distillation import distillation_loss
from training.embeddings import Sentences
from training.passages import PassageTask
from training.text_encoder import TextEncoder, length_batches, without_dropout
from triage.models.heads import Heads
from triage.models.taxonomy import INTENTS, REASONS
from triage.types import URGENCIES

MOST_TOKENS = 160
"""Read of a message during training; serving reads more, but long ones are rare and slow."""
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
    retrieval: float = 0.6
    present: float = 3.0
    noise: float = 0.25


class AttentionPool(nn.Module):
    """Features for the heads: learned queries that each gather a part of the token states, (B, T, D) to (B, D).

    The mean of all tokens serves retrieval, but dilutes the one clause of a long message that decides its intent or its
    urgency; the queries look for such clauses (as the pooling by multi-head attention of Lee et al. 2019).
    """

    def __init__(self, width: int, queries: int) -> None:
        super().__init__()
        self.queries = queries
        self.score = nn.Linear(width, queries)
        self.value = nn.Linear(width, width)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        batch, length, width = hidden.shape
        scores = self.score(hidden).masked_fill(mask.unsqueeze(-1) == 0, -1e4)
        share = functional.softmax(scores, dim=1)
        value = self.value(hidden).view(batch, length, self.queries, width // self.queries)
        return (share.unsqueeze(-1) * value).sum(1).reshape(batch, width)


class MultiTaskHeads(nn.Module):
    """The torch twin of ``triage.models.heads.Heads``, with the pooling that makes its input."""

    VECTOR_SCALE = 8.0
    """Unit vectors of 384 numbers are small; scaled up, the first layer starts where GELU is not linear."""

    def __init__(self, width: int, hidden: int, dropout: float, queries: int = 8) -> None:
        super().__init__()
        self.pool = AttentionPool(width, queries)
        self.hidden = nn.Linear(2 * width, hidden)
        self.dropout = nn.Dropout(dropout)
        sizes = {
            "intent": len(INTENTS), "present": len(INTENTS), "urgency": len(URGENCIES), "reply": 2,
            "reason": len(REASON_NAMES),
        }  # fmt: skip
        self.outputs = nn.ModuleDict({name: nn.Linear(hidden, size) for name, size in sizes.items()})

    def features(self, vector: torch.Tensor, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, D) sentence vectors and (B, T, D) token states to (B, 2 D): the vector, and what the queries gathered."""
        return torch.cat([vector * self.VECTOR_SCALE, self.pool(states, mask)], dim=1)

    def forward(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = self.dropout(functional.gelu(self.hidden(self.dropout(features)), approximate="tanh"))
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
    encoder: TextEncoder,
    messages: Sequence[LabelledMessage],
    config: FineTuningConfig,
    *,
    parallel: Callable[[int], tuple[Sentences, NDArray[np.float16]]] | None = None,
    auxiliary: Mapping[str, Sequence[AuxiliaryExample]] | None = None,
    help_centres: Sequence[HelpCentre] = (),
    report: Callable[[str], None] = print,
) -> MultiTaskHeads:
    """Fine-tunes ``encoder`` in place and returns its heads.

    Each step trains the heads on labelled messages and, in turn, one of the tasks that keep or make the vectors good
    for retrieval.

    Args:
        parallel: block ``i`` of sentences with teacher vectors, for the distillation loss.
        auxiliary: public intent sets.
        help_centres: messages and the articles that answer them.
    """
    # Heads begin alike whatever the seed: only then can the weights of several runs be averaged.
    torch.manual_seed(1)
    heads = MultiTaskHeads(encoder.width, config.hidden, config.dropout)
    torch.manual_seed(config.seed)
    rng = random.Random(config.seed)
    labels = targets(messages)
    tasks = [AuxiliaryTask(name, rows, encoder) for name, rows in (auxiliary or {}).items()]
    passages = PassageTask(help_centres, encoder) if help_centres else None
    without_dropout(encoder.model)
    dense, sparse = _optimisers(encoder.model, [heads, *(task.head for task in tasks)], config)
    steps = total_steps = 0
    for epoch in range(config.epochs):
        sentences = encoder.tokens([augment(m.text, rng, config.noise) for m in messages], most=MOST_TOKENS)
        shuffle = np.random.default_rng([config.seed, epoch])
        batches = list(length_batches(sentences.lengths, tokens=config.tokens, rng=shuffle))
        total_steps = total_steps or len(batches) * config.epochs
        seed = [config.seed, epoch]
        further: dict[str, Iterator[torch.Tensor]] = {}
        if parallel:
            further["distillation"] = _distillation(encoder, *parallel(epoch), config, rng=shuffle)
        if passages:
            further["retrieval"] = _scaled(config.retrieval, passages.losses(seed=seed))
        for task in tasks:
            further[task.name] = _scaled(config.auxiliary, task.losses(tokens=config.tokens // 2, seed=seed))
        turns = turn_order(list(further))
        encoder.model.train()
        heads.train()
        sums: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for rows in batches:
            _set_rates((dense, sparse), steps, total_steps)
            states, mask = encoder.states(sentences.gather(rows))
            loss = task_loss(heads(heads.features(encoder.pool(states, mask), states, mask)), labels.take(rows), config)
            dense.zero_grad()
            sparse.zero_grad()
            losses = {"labels": loss}
            if turns:
                name = turns[steps % len(turns)]
                losses[name] = next(further[name])
            for name, value in losses.items():
                value.backward()  # type: ignore[no-untyped-call]
                sums[name] += float(value.detach())  # type: ignore[assignment]
                counts[name] += 1
            torch.nn.utils.clip_grad_norm_([p for group in dense.param_groups for p in group["params"]], 1.0)
            dense.step()
            sparse.step()
            steps += 1
        shown = " ".join(f"{name} {sums[name] / counts[name]:.3f}" for name in sums)
        report(f"epoch {epoch + 1}/{config.epochs}: {shown}")
    encoder.model.eval()
    return heads.eval()


def turn_order(names: Sequence[str]) -> list[str]:
    """Whose turn it is, repeated: the first task has every second, the second task every second of the others, and so on.

    Distillation and retrieval keep the vectors good for search, which the heads would otherwise pull to pieces; the public
    intent sets only add variety.
    """
    if len(names) < 2:
        return list(names)
    first, *others = names
    rest = [name for pair in zip([others[0]] * len(others[1:]), others[1:], strict=True) for name in pair] or others
    return [name for other in rest for name in (first, other)]


def _scaled(weight: float, losses: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    return (weight * loss for loss in losses)


def _distillation(
    encoder: TextEncoder, sentences: Sentences, vectors: NDArray[np.float16], config: FineTuningConfig,
    *, rng: np.random.Generator,
) -> Iterator[torch.Tensor]:  # fmt: skip
    """Endless losses against the teacher's vectors."""
    while True:
        for rows in length_batches(sentences.lengths, tokens=config.tokens // 2, rng=rng):
            wanted = torch.from_numpy(vectors[rows].astype(np.float32))
            found = encoder.vectors(sentences.gather(rows))
            yield config.distillation * distillation_loss(found, wanted, temperature=0.05, contrast=0.3)


class AuxiliaryTask:
    """A public intent set with a linear head of its own."""

    SCALE = 12.0
    """Unit vectors are scaled before the linear head, as in ``MultiTaskHeads``."""

    def __init__(self, name: str, rows: Sequence[AuxiliaryExample], encoder: TextEncoder) -> None:
        self.name, self._rows, self._encoder = name, rows, encoder
        names = sorted({row.label for row in rows})
        self._index = {label: i for i, label in enumerate(names)}
        self.head = nn.Linear(encoder.width, len(names))

    def losses(self, *, tokens: int, seed: Sequence[int], block: int = 6000) -> Iterator[torch.Tensor]:
        """Endless cross-entropies over batches of a sample that changes with the seed."""
        rng = np.random.default_rng([*seed, len(self._index)])
        while True:
            chosen = [
                self._rows[i] for i in rng.choice(len(self._rows), size=min(block, len(self._rows)), replace=False)
            ]
            sentences = self._encoder.tokens([row.text for row in chosen], most=64)
            labels = torch.tensor([self._index[row.label] for row in chosen])
            for rows in length_batches(sentences.lengths, tokens=tokens, rng=rng):
                logits = self.head(self._encoder.vectors(sentences.gather(rows)) * self.SCALE)
                yield functional.cross_entropy(logits, labels[torch.from_numpy(rows)])


def layers_of(model: PreTrainedModel) -> nn.ModuleList:
    """The stack of transformer layers: the longest list of modules in the model."""
    stacks = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(stacks, key=len)


def _optimisers(
    model: PreTrainedModel, heads: Sequence[nn.Module], config: FineTuningConfig
) -> tuple[torch.optim.AdamW, torch.optim.SparseAdam]:
    embedding = model.get_input_embeddings()
    embedding.sparse = True  # a batch touches few of the pieces
    words = embedding.weight
    layers = layers_of(model)
    groups = [{"params": [p for head in heads for p in head.parameters()], "lr": config.rate_heads}]
    taken = {id(words)}
    for depth, layer in enumerate(layers):
        rate = config.rate_layers * config.layer_decay ** (len(layers) - 1 - depth)
        groups.append({"params": list(layer.parameters()), "lr": rate})
        taken |= {id(parameter) for parameter in layer.parameters()}
    others = [p for p in model.parameters() if id(p) not in taken]
    groups.append({"params": others, "lr": config.rate_layers * config.layer_decay ** len(layers)})
    for group in groups:
        group["peak"] = group["lr"]
    sparse = torch.optim.SparseAdam([words], lr=config.rate_embeddings)
    sparse.param_groups[0]["peak"] = config.rate_embeddings
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=True), sparse


def _set_rates(optimisers: tuple[torch.optim.Optimizer, ...], step: int, steps: int) -> None:
    warm = max(1, steps // 12)
    factor = (step + 1) / warm if step < warm else max(0.05, 1 - (step - warm) / max(1, steps - warm))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * factor
