"""Out-of-scope detection: how much of what is not the shop's business is found, at 5 % of customers' messages wrongly so.

    python -m eval.out_of_scope [--model FOLDER]

In scope: the test messages of ``eval/data/messages`` with another primary intent. Out of scope: those that are out of
scope, and the ``oos`` test queries of CLINC150, which no training saw (needs TRIAGE_CORPORA). Compared: the probability of the
trained class, one less the highest probability of any other, and the energy of the others' logits (Liu et al. 2020).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.classifier import DATA
from eval.corpora import CorpusError, corpora_folder
from eval.encoder import read_labels
from eval.messages import read_messages
from triage.bootstrap import model_folder
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads, softmax
from triage.models.manifest import Manifest
from triage.protocols import Vectors
from triage.settings import Settings
from triage.text.reader import Reader


def scores(logits: Vectors, place: int, temperature: float = 1.0) -> dict[str, NDArray[np.float32]]:
    """Each method's score (N,) for intent logits (N, K); higher is farther out of scope. ``place``: the class's column."""
    probabilities = softmax(logits, temperature)
    others = np.delete(logits, place, axis=1) / temperature
    top = others.max(axis=1, keepdims=True)
    energy = np.asarray(-(top[:, 0] + np.log(np.exp(others - top).sum(axis=1))), dtype=np.float32)
    return {
        "trained class": probabilities[:, place],
        "one less the best other": 1 - np.delete(probabilities, place, axis=1).max(axis=1),
        "energy of the others": energy,
    }


def recall_at_false_alarm(inside: NDArray[np.float32], outside: NDArray[np.float32], rate: float = 0.05) -> float:
    """Share of ``outside`` above the threshold that ``rate`` of ``inside`` exceeds."""
    return float((outside > np.quantile(inside, 1 - rate)).mean())


def logits_of(texts: Sequence[str], folder: Path) -> Vectors:
    """Intent logits of the exported model, as serving reads the texts."""
    encoder, reader = OnnxEncoder(folder, version="evaluated"), Reader()
    features = np.stack([e.features for e in encoder.read([reader.read(text).model_text for text in texts])])
    return Heads.load(folder / "heads.npz").logits(features)["intent"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    folder = parser.parse_args().model or model_folder(Settings())
    manifest = Manifest.read(folder)
    place, temperature = manifest.intents.index("out_of_scope"), manifest.calibration.temperatures.get("intent", 1.0)
    messages = read_messages(sorted(DATA.glob("*.jsonl")))
    found = scores(logits_of([m.text for m in messages], folder), place, temperature)
    outside = np.asarray(["out_of_scope" in m.intents for m in messages])
    sets = {"test messages": {name: value[outside] for name, value in found.items()}}
    try:
        texts, labels = read_labels(corpora_folder() / "intents/clinc150/test.jsonl.gz")
        strange = [text for text, label in zip(texts, labels, strict=True) if label == "oos"]
        sets["CLINC150 oos"] = scores(logits_of(strange, folder), place, temperature)
    except CorpusError as error:
        print(f"CLINC150 left out: {error}")
    for name, values in sets.items():
        for method, value in values.items():
            recall = recall_at_false_alarm(found[method][~outside], value)
            print(f"{name:14} ({len(value)})  {method:26} recall at 5 % false {recall:.3f}")


if __name__ == "__main__":
    main()
