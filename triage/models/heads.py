"""The heads: small networks in numpy that read the encoder's features.

One hidden layer shared by all heads, then one linear layer a head. They live beside the encoder in ``heads.npz``, so that
a user's own tickets can retrain them in seconds, over our encoder or any other.

intent: softmax over the primary; present: every intent that the message carries; urgency; reply: whether one is needed;
reason: why it is urgent.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage.errors import ModelError
from triage.protocols import Vectors


@dataclass(frozen=True, kw_only=True)
class Heads:
    """``hidden`` maps (D,) to (H,); each entry of ``outputs`` maps (H,) to its head's logits. Weights are (in, out)."""

    hidden: tuple[Vectors, Vectors]
    outputs: dict[str, tuple[Vectors, Vectors]]

    def logits(self, features: Vectors) -> dict[str, Vectors]:
        """Logits of every head for one text's features (D,) or many (N, D)."""
        weight, bias = self.hidden
        hidden = _gelu(features @ weight + bias)
        return {name: hidden @ w + b for name, (w, b) in self.outputs.items()}

    def save(self, path: Path) -> None:
        arrays = {"hidden.weight": self.hidden[0], "hidden.bias": self.hidden[1]}
        for name, (weight, bias) in self.outputs.items():
            arrays |= {f"{name}.weight": weight, f"{name}.bias": bias}
        half: dict[str, NDArray[np.float16]] = {name: array.astype(np.float16) for name, array in arrays.items()}
        np.savez(path, allow_pickle=False, **half)

    @classmethod
    def load(cls, path: Path) -> Heads:
        """Reads ``heads.npz``.

        Raises:
            ModelError: missing, damaged, or a head lacks its weights.
        """
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name].astype(np.float32) for name in file.files}
            names = sorted({name.split(".")[0] for name in arrays} - {"hidden"})
            return cls(
                hidden=(arrays["hidden.weight"], arrays["hidden.bias"]),
                outputs={name: (arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in names},
            )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(f"cannot load the heads in {path}: {error}") from error


def _gelu(x: Vectors) -> Vectors:
    """The tanh form, the same in training, so that both sides agree to rounding."""
    return np.asarray(0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3))), dtype=np.float32)


def softmax(logits: Vectors, temperature: float = 1.0) -> Vectors:
    scaled = (logits - logits.max(axis=-1, keepdims=True)) / temperature
    exponential = np.exp(scaled)
    return np.asarray(exponential / exponential.sum(axis=-1, keepdims=True), dtype=np.float32)


def sigmoid(logits: Vectors) -> Vectors:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -40, 40))), dtype=np.float32)
