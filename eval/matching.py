"""Translation matching: the share of sentences whose nearest neighbour across languages is their translation.

    python -m eval.matching ENCODER_FOLDER [--set tatoeba_laser_v1] [--languages ar,id,pl,de,es,fr]

Reads ``bench/`` of the folder that TRIAGE_CORPORA names. Reports both directions and their mean, as LASER does
(Artetxe & Schwenk 2019). ENCODER_FOLDER holds an exported ONNX graph; ``python -m training.checkpoint`` measures a run under way.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.corpora import corpora_folder
from triage.models.encoder import OnnxEncoder
from triage.protocols import Vectors

FIRST_SIX = ("ar", "id", "pl", "de", "es", "fr")


def read_bench(folder: Path, name: str, language: str) -> tuple[list[str], list[str]]:
    """English and foreign sentences, row by row."""
    with gzip.open(folder / "bench" / name / f"{language}.tsv.gz", "rt", encoding="utf-8") as handle:
        rows = [line.rstrip("\n").split("\t") for line in handle]
    return [row[0] for row in rows[1:]], [row[1] for row in rows[1:]]


def matching_accuracy(english: Vectors, foreign: Vectors) -> tuple[float, float]:
    """Share of rows matched (foreign to English, English to foreign); both (N, D) unit vectors, row i translates row i."""
    similarity = foreign @ english.T
    rows = np.arange(len(english))
    return float((similarity.argmax(1) == rows).mean()), float((similarity.argmax(0) == rows).mean())


def measure(
    encode: Callable[[Sequence[str]], Vectors], languages: Sequence[str] = FIRST_SIX, *, name: str = "tatoeba_laser_v1"
) -> dict[str, tuple[float, float]]:
    """Accuracy by language: (to English, from English)."""
    scores = {}
    for language in languages:
        english, foreign = read_bench(corpora_folder(), name, language)
        scores[language] = matching_accuracy(encode(english), encode(foreign))
    return scores


def show(scores: dict[str, tuple[float, float]]) -> None:
    """Prints a line a language and the mean."""
    for language, (there, back) in scores.items():
        print(f"{language}  to English {there:.3f}  from English {back:.3f}  mean {(there + back) / 2:.3f}")
    print(f"mean of {len(scores)}: {np.mean([sum(pair) / 2 for pair in scores.values()]):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", default="tatoeba_laser_v1")
    parser.add_argument("--languages", default=",".join(FIRST_SIX))
    options = parser.parse_args()
    encoder = OnnxEncoder(options.folder, version="evaluated")
    show(measure(encoder.encode, options.languages.split(","), name=options.set))


if __name__ == "__main__":
    main()
