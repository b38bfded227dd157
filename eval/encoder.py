"""The encoder alone on public benchmarks: translation matching, sentence similarity, transfer to intents from few examples.

    python -m eval.encoder ENCODER_FOLDER [--only matching,similarity,transfer]

Reads the folder that TRIAGE_CORPORA names. Matching: Tatoeba, as in ``eval.matching``. Similarity: Spearman correlation on
the test part of STS-B (``bench/stsb_multi_mt``). Transfer: MASSIVE, the protocol of MTEB (Muennighoff et al. 2023):
8 examples per intent, ten draws, logistic regression over frozen vectors, accuracy on the whole test split.
ENCODER_FOLDER holds an exported ONNX graph; ``python -m training.checkpoint`` measures a run under way, or the teacher.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval import matching
from eval.corpora import CorpusError, corpora_folder
from triage.models.encoder import OnnxEncoder
from triage.protocols import Vectors

Encode = Callable[[Sequence[str]], Vectors]

TRANSFER_LOCALES = {
    "en": "en-US", "pl": "pl-PL", "id": "id-ID", "ar": "ar-SA", "de": "de-DE", "es": "es-ES", "fr": "fr-FR",
}  # fmt: skip
TRANSFER_AIMS = {"en": 0.669, "pl": 0.595, "id": 0.599, "ar": 0.452, "de": 0.507, "es": 0.597, "fr": 0.602}
"""paraphrase-multilingual-MiniLM-L12-v2 under the same protocol."""
SIMILARITY_LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pl", "pt", "ru")


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0, ties share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts + 1) / 2)[inverse], dtype=np.float64)


def spearman(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Rank correlation of two series (N,)."""
    return float(np.corrcoef(ranks(left), ranks(right))[0, 1])


def similarity(encode: Encode, language: str) -> float:
    """Spearman correlation of cosine and human score on STS-B test in one language."""
    path = corpora_folder() / "bench/stsb_multi_mt" / f"{language}.test.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        rows = [line.rstrip("\n").split("\t") for line in handle][1:]
    left, right = encode([row[0] for row in rows]), encode([row[1] for row in rows])
    return spearman((left * right).sum(1).astype(np.float64), np.asarray([float(row[2]) for row in rows]))


def read_labels(path: Path, split: str | None = None) -> tuple[list[str], list[str]]:
    """Texts and labels of a JSONL.gz file, of one split where the file holds several.

    Raises:
        CorpusError: missing, or a line is no JSON object with ``text``, ``label`` and, where asked for, ``split``.
    """
    texts, labels = [], []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as handle:
            for number, line in enumerate(handle, 1):
                try:
                    row = json.loads(line)
                    if split is None or row["split"] == split:
                        texts.append(row["text"])
                        labels.append(row["label"])
                except (ValueError, KeyError) as error:
                    raise CorpusError(f"{path}:{number}: {error!r}") from error
    except FileNotFoundError as error:
        raise CorpusError(f"{path}: missing") from error
    return texts, labels


def few_shot_draws(labels: Sequence[str], *, shots: int, draws: int, seed: int = 42) -> list[NDArray[np.int64]]:
    """Row indices of each draw: up to ``shots`` of every label, shuffled."""
    rng = np.random.default_rng(seed)
    by_label = {label: np.flatnonzero(np.asarray(labels) == label) for label in sorted(set(labels))}
    return [
        rng.permutation(np.concatenate([rng.permutation(rows)[:shots] for rows in by_label.values()]))
        for _ in range(draws)
    ]


def transfer(encode: Encode, locale: str, *, shots: int = 8, draws: int = 10) -> tuple[float, float]:
    """Mean accuracy and its standard deviation over the draws."""
    from sklearn.linear_model import LogisticRegression

    path = corpora_folder() / "intents/massive" / f"{locale}.jsonl.gz"
    texts, labels = read_labels(path, "train")
    test_texts, test_labels = read_labels(path, "test")
    chosen = few_shot_draws(labels, shots=shots, draws=draws)
    rows = np.unique(np.concatenate(chosen))
    vectors = dict(zip(rows.tolist(), encode([texts[row] for row in rows]), strict=True))
    test, truth = encode(test_texts), np.asarray(test_labels)
    scores = []
    for draw in chosen:
        model = LogisticRegression(max_iter=100, random_state=42)
        model.fit(np.stack([vectors[row] for row in draw.tolist()]), [labels[row] for row in draw])
        scores.append(float((model.predict(test) == truth).mean()))
    return float(np.mean(scores)), float(np.std(scores))


def show(encode: Encode, parts: Sequence[str]) -> None:
    """Prints the figures of each part asked for."""
    if "matching" in parts:
        print("translation matching, Tatoeba (both directions)")
        matching.show(matching.measure(encode))
    if "similarity" in parts:
        print("sentence similarity, STS-B test (Spearman)")
        for language in SIMILARITY_LANGUAGES:
            print(f"{language}  {similarity(encode, language):.3f}")
    if "transfer" in parts:
        print("transfer, MASSIVE intents, 8 examples each, 10 draws")
        for language, locale in TRANSFER_LOCALES.items():
            mean, deviation = transfer(encode, locale)
            print(f"{language}  {mean:.3f} ± {deviation:.3f}  (aim {TRANSFER_AIMS[language]:.3f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="matching,similarity,transfer")
    options = parser.parse_args()
    show(OnnxEncoder(options.folder, version="evaluated").encode, options.only.split(","))


if __name__ == "__main__":
    main()
