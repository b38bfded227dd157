"""Trains the language identifier's n-gram model and writes ``triage/detection/data/language.npz``.

    TRIAGE_CORPORA=… python -m training.language

Deterministic for a seed and a number of threads; about eight minutes on one core. Needs the ``train`` extra.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.corpora import corpora_folder
from training.language_samples import LATIN, NEIGHBOURS, OTHER_SCRIPT, draw, read_pools
from training.roughening import noise
from triage.detection.ngrams import FORMAT, features
from triage.detection.script import code_points, lowered, matrix_script, only, scripts_of, words_of

TARGET = Path(__file__).parents[1] / "triage" / "detection" / "data" / "language.npz"
NOISE = "zz"
# Training texts a class. Together they are also the prior: a short text is rarely Slovak, and more rarely still Basque.
DRAWS = dict.fromkeys(LATIN, 45_000) | dict.fromkeys(OTHER_SCRIPT, 20_000) | dict.fromkeys(NEIGHBOURS, 7_000)
DRAWS |= {
    "en": 60_000,
    "id": 56_000,
    "ms": 54_000,
    "pl": 52_000,
    "ar": 50_000,
    "ru": 45_000,
    "uk": 40_000,
    "zh": 26_000,
}
DRAWS |= {"sk": 15_000, "hr": 16_000, "ca": 9_000, "ar@latn": 26_000, "hi@latn": 4_000}
DRAWS |= {"el@latn": 12_000, "ru@latn": 10_000, NOISE: 12_000}
DROPPED = 0.3
"""Share of a text's features left out, anew in every epoch: no message needs all of them."""


@dataclass(frozen=True, kw_only=True)
class Items:
    """Texts as features: text i has ``values[offsets[i]:offsets[i + 1]]`` and class ``labels[i]``."""

    values: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int64]


def text_features(text: str) -> NDArray[np.uint32]:
    """The features that serving would read from a text."""
    words = words_of(text)
    codes = code_points(lowered(words))
    scripts = scripts_of(codes)
    return features(only(codes, scripts, matrix_script(words, scripts)))


def gather(texts: Iterable[tuple[int, str]]) -> Items:
    """Texts that have at least one feature."""
    arrays, labels, lengths = [], [], []
    for label, text in texts:
        values = text_features(text)
        if len(values):
            arrays.append(values)
            labels.append(label)
            lengths.append(len(values))
    return Items(
        values=np.concatenate(arrays), offsets=np.concatenate(([0], np.cumsum(lengths))), labels=np.array(labels)
    )


def choose_keys(items: Items, classes: int, count: int, least: int) -> NDArray[np.uint32]:
    """The ``count`` features that tell most of the class.

    A feature's worth is its frequency times the divergence of p(class | feature) from the prior.
    """
    tables = []
    for label in range(classes):
        rows = np.flatnonzero(items.labels == label)
        values = np.concatenate([items.values[items.offsets[i] : items.offsets[i + 1]] for i in rows])
        keys, counts = np.unique(values, return_counts=True)
        frequent = counts >= 2
        tables.append((keys[frequent], counts[frequent]))
    keys = np.unique(np.concatenate([k for k, _ in tables]))
    totals = np.zeros(len(keys))
    for some, counts in tables:
        totals[np.searchsorted(keys, some)] += counts
    keys, totals = keys[totals >= least], totals[totals >= least]
    prior = np.array([counts.sum() for _, counts in tables], float)
    prior /= prior.sum()
    score = np.zeros(len(keys))
    for label, (some, counts) in enumerate(tables):
        places = np.searchsorted(keys, some)
        places[places == len(keys)] = 0
        hit = keys[places] == some
        places, share = places[hit], counts[hit] / totals[places[hit]]
        score[places] += counts[hit] * np.log(share / prior[label])
    return np.sort(keys[np.argsort(-score, kind="stable")[:count]])


def known(items: Items, keys: NDArray[np.uint32]) -> Items:
    """The items with features replaced by their rows; unknown features and texts left without any are dropped."""
    places = np.searchsorted(keys, items.values)
    places[places == len(keys)] = 0
    hit = keys[places] == items.values
    ends = np.concatenate(([0], np.cumsum(hit)))[items.offsets]
    lengths = np.diff(ends)
    kept = lengths > 0
    return Items(
        values=places[hit].astype(np.uint32),
        offsets=np.concatenate(([0], np.cumsum(lengths[kept]))),
        labels=items.labels[kept],
    )


@dataclass(frozen=True, kw_only=True)
class Weights:
    """float32: vectors (K, D), layer (D, C), bias (C,)."""

    vectors: NDArray[np.float32]
    layer: NDArray[np.float32]
    bias: NDArray[np.float32]


def fit(items: Items, *, keys: int, classes: int, width: int, epochs: int, rate: float, seed: int) -> Weights:
    """Fits the vectors and the layer with Adam, the rate falling to zero."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    bag = torch.nn.EmbeddingBag(keys, width, mode="sum", sparse=True)
    torch.nn.init.normal_(bag.weight, std=0.05)
    layer = torch.nn.Linear(width, classes)
    sparse = torch.optim.SparseAdam(list(bag.parameters()), lr=rate)
    dense = torch.optim.Adam(layer.parameters(), lr=rate)
    values, labels = torch.from_numpy(items.values.astype(np.int64)), torch.from_numpy(items.labels)
    batch = 512
    steps, step = epochs * (len(labels) // batch), 0
    for epoch in range(epochs):
        rng = np.random.default_rng(seed + epoch)
        order = rng.permutation(len(labels))
        losses = 0.0
        for at in range(0, len(order) - batch + 1, batch):
            inside, lengths = _thinned(items, order[at : at + batch], rng)
            weights = torch.from_numpy(np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(np.float32))
            begins = torch.from_numpy(np.cumsum(lengths) - lengths)
            hidden = bag(values[inside], begins, per_sample_weights=weights)
            loss = torch.nn.functional.cross_entropy(layer(hidden), labels[order[at : at + batch]])
            for optimiser in (sparse, dense):
                optimiser.zero_grad()
            loss.backward()
            for optimiser in (sparse, dense):
                optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
                optimiser.step()
            losses, step = losses + loss.item(), step + 1
        print(f"epoch {epoch + 1}: loss {losses / (len(order) // batch):.4f}", flush=True)
    return Weights(
        vectors=bag.weight.detach().numpy(), layer=layer.weight.detach().numpy().T, bias=layer.bias.detach().numpy()
    )


def _thinned(
    items: Items, chosen: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in ``items.values`` of the chosen texts' features but for those dropped, and how many each text keeps."""
    starts, lengths = items.offsets[chosen], items.offsets[chosen + 1] - items.offsets[chosen]
    ends = np.cumsum(lengths)
    inside = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + np.repeat(starts, lengths)
    kept = rng.random(len(inside)) >= DROPPED
    return inside[kept], np.bincount(np.repeat(np.arange(len(chosen)), lengths)[kept], minlength=len(chosen))


def quantise(weights: Weights) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 vectors, and the layer with their scale in it. The few largest entries are clipped."""
    scale = np.quantile(np.abs(weights.vectors), 0.9999, axis=0) / 127
    vectors = np.clip(np.rint(weights.vectors / scale), -127, 127).astype(np.int8)
    return vectors, (weights.layer * scale[:, None]).astype(np.float32)


def scores(
    items: Items, vectors: NDArray[np.int8], layer: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(N, C) raw scores as serving computes them."""
    sums = np.stack(
        [
            vectors[items.values[a:b]].sum(axis=0, dtype=np.int32)
            for a, b in zip(items.offsets, items.offsets[1:], strict=False)
        ]
    )
    raw: NDArray[np.float64] = (sums / np.sqrt(np.diff(items.offsets))[:, None]) @ layer.astype(float) + bias
    return raw


def calibrate(raw: NDArray[np.float64], items: Items) -> tuple[float, float]:
    """Intercept and slope of log(scale) over log(number of features) with the least log loss on held-out texts."""
    lengths = np.log(np.diff(items.offsets))
    best = (np.inf, 0.0, 0.0)
    for intercept in np.linspace(-1.5, 1.0, 26):
        for slope in np.linspace(-0.3, 0.4, 15):
            scaled = raw * np.exp(intercept + slope * lengths)[:, None]
            scaled -= scaled.max(axis=1, keepdims=True)
            loss = float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(raw)), items.labels]))
            best = min(best, (loss, float(intercept), float(slope)))
    print(f"held-out log loss {best[0]:.4f} at scale exp({best[1]:.2f} + {best[2]:.2f} log n)")
    return best[1], best[2]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=88_000, help="features kept")
    parser.add_argument("--width", type=int, default=32, help="numbers a feature")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--share", type=float, default=1.0, help="share of the draws, for a quick trial")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path, default=TARGET)
    options = parser.parse_args()
    began = time.monotonic()
    pools = read_pools(corpora_folder())
    classes = [pool.name for pool in pools] + [NOISE]
    print(
        f"read {sum(len(rows) for pool in pools for rows in pool.texts.values()):,} texts, {len(classes)} classes",
        flush=True,
    )

    def texts(measuring: bool) -> Iterable[tuple[int, str]]:
        for label, name in enumerate(classes):
            rng = random.Random(f"{options.seed} {name} {measuring}")
            count = max(40, int(DRAWS[name] * (0.02 if measuring else options.share)))
            drawn = (
                (noise(rng) for _ in range(count))
                if name == NOISE
                else draw(pools[label], count, rng, measuring=measuring)
            )
            yield from ((label, text) for text in drawn)

    train, held = gather(texts(False)), gather(texts(True))
    print(f"{len(train.labels):,} texts, {len(train.values):,} features, {time.monotonic() - began:.0f} s", flush=True)
    keys = choose_keys(train, len(classes), options.keys, least=8)
    train, held = known(train, keys), known(held, keys)
    print(
        f"{len(keys):,} keys, {len(train.values) / len(train.labels):.0f} known features a text, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    weights = fit(
        train,
        keys=len(keys),
        classes=len(classes),
        width=options.width,
        epochs=options.epochs,
        rate=options.rate,
        seed=options.seed,
    )
    vectors, layer = quantise(weights)
    raw = scores(held, vectors, layer, weights.bias)
    calibration = calibrate(raw, held)
    print(
        f"held-out accuracy {np.mean(raw.argmax(axis=1) == held.labels):.4f} over {len(held.labels):,} roughened texts"
    )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        options.output, format=FORMAT, keys=keys, vectors=vectors, weights=layer.astype(np.float16), bias=weights.bias,
        classes=np.array(classes), calibration=np.array(calibration), version="ngrams-1",
    )  # fmt: skip
    print(f"{options.output.name}: {options.output.stat().st_size / 1e6:.2f} MB, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
