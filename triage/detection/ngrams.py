"""A linear language model over character n-grams and words, in numpy alone.

Every n-gram (1 to 5 characters, inside a word and its blanks), word and pair of words of a text is hashed to 32 bits;
those that training kept have a small vector each. The vectors are summed, divided by the root of their number, and one
linear layer turns the sum into a score a class: the bag-of-tricks classifier (Joulin et al. 2016, arXiv:1607.01759)
with a kept vocabulary instead of hash buckets, so that an unknown product name adds nothing instead of noise.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage.detection.script import WINDOW, Codes
from triage.errors import ModelError

Hashes = NDArray[np.uint32]
Floats = NDArray[np.float32]

FORMAT = 1
LONGEST = 5
_SPACE = np.uint32(32)
_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xD6E8FEB86659FD93)
_WORD_SALT = np.uint64(0x5851F42D4C957F2D)
_PAIR_SALT = np.uint64(0x14057B7EF767814F)
_MASK = (1 << 64) - 1


@lru_cache(maxsize=1)
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Powers of the base and of its inverse modulo 2**64, for hashes of words anywhere in the window."""
    inverse = pow(_BASE, -1, 1 << 64)
    up, down = [1], [1]
    # Lower case is longer for a few letters, and blanks are added around words of another script.
    for _ in range(WINDOW * 3):
        up.append(up[-1] * _BASE & _MASK)
        down.append(down[-1] * inverse & _MASK)
    return np.array(up, np.uint64), np.array(down, np.uint64)


def features(codes: Codes) -> Hashes:
    """(F,) hashes of a text given as code points with single blanks between words and at both ends."""
    if len(codes) < 3:
        return np.empty(0, np.uint32)
    letters = codes.astype(np.uint64)
    base = np.uint64(_BASE)
    blank = codes == _SPACE
    blanks = np.concatenate(([0], np.cumsum(blank)))
    rolling = letters.copy()
    found = [rolling[~blank] * base + np.uint64(1)]
    for n in range(2, LONGEST + 1):
        if len(codes) < n:
            break
        rolling = rolling[:-1] * base + letters[n - 1 :]
        starts = len(rolling)
        inner = blanks[n - 1 : n - 1 + starts] - blanks[1 : 1 + starts]
        found.append(rolling[inner == 0] * base + np.uint64(n))
    found.extend(_words(letters, np.flatnonzero(blank)))
    hashes = np.concatenate(found)
    mixed: NDArray[np.uint64] = (hashes ^ (hashes >> np.uint64(29))) * _MIX
    return (mixed >> np.uint64(32)).astype(np.uint32)


def _words(letters: NDArray[np.uint64], blanks: NDArray[np.intp]) -> list[NDArray[np.uint64]]:
    up, down = _powers()
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(letters * up[: len(letters)], dtype=np.uint64)))
    starts, ends = blanks[:-1] + 1, blanks[1:]
    words = (sums[ends] - sums[starts]) * down[starts]
    long = words[ends - starts > LONGEST - 2] * _WORD_SALT
    pairs = (words[:-1] * _PAIR_SALT) ^ (words[1:] * _WORD_SALT + np.uint64(1))
    return [long, pairs]


@dataclass(frozen=True, kw_only=True)
class NgramModel:
    """Weights as they are stored.

    Attributes:
        keys: (K,) kept hashes, rising.
        vectors: (K, D) int8; their scale is in ``weights``.
        weights: (D, C) float32.
        bias: (C,) float32.
        classes: a language code each, or ``code@script`` for a second way of writing a language.
        calibration: intercept and slope of the log of the scores' scale over the log of the number of features.
    """

    keys: Hashes
    vectors: NDArray[np.int8]
    weights: Floats
    bias: Floats
    classes: tuple[str, ...]
    calibration: tuple[float, float]
    version: str

    def scores(self, codes: Codes) -> tuple[Floats, int]:
        """(C,) raw scores and the number of features that the model knows."""
        hashes = features(codes)
        places = np.searchsorted(self.keys, hashes)
        places[places == len(self.keys)] = 0
        rows = places[self.keys[places] == hashes]
        if not len(rows):
            return self.bias, 0
        total = self.vectors[rows].sum(axis=0, dtype=np.int32).astype(np.float32)
        return (total / np.float32(np.sqrt(len(rows)))) @ self.weights + self.bias, len(rows)

    def probabilities(self, codes: Codes, allowed: NDArray[np.bool_]) -> Floats:
        """(C,) calibrated probabilities over the ``allowed`` classes; all zero where no feature is known."""
        scores, known = self.scores(codes)
        if not known or not allowed.any():
            return np.zeros(len(self.classes), np.float32)
        intercept, slope = self.calibration
        scaled = np.where(allowed, scores, -np.inf) * np.exp(intercept + slope * np.log(known))
        exponents = np.exp(scaled - scaled.max())
        shares: Floats = (exponents / exponents.sum()).astype(np.float32)
        return shares


@lru_cache(maxsize=1)
def load_model() -> NgramModel:
    """The weights that ship with the package.

    Raises:
        ModelError: the file is missing, damaged or of another format.
    """
    with resources.as_file(resources.files("triage.detection") / "data" / "language.npz") as path:
        return read_model(path)


def read_model(path: Path) -> NgramModel:
    """Reads one file of weights.

    Raises:
        ModelError: the file is missing, damaged or of another format.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as data:
            if int(data["format"]) != FORMAT:
                raise ModelError(f"{path.name}: format {int(data['format'])}, this version reads {FORMAT}")
            model = NgramModel(
                keys=data["keys"],
                vectors=data["vectors"],
                weights=data["weights"].astype(np.float32),
                bias=data["bias"].astype(np.float32),
                classes=tuple(str(name) for name in data["classes"]),
                calibration=(float(data["calibration"][0]), float(data["calibration"][1])),
                version=str(data["version"]),
            )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path.name}: the language model cannot be read ({error})") from error
    width, names = model.weights.shape
    if model.vectors.shape != (len(model.keys), width) or model.bias.shape != (names,) or len(model.classes) != names:
        raise ModelError(f"{path.name}: the language model's arrays do not fit each other")
    return model
