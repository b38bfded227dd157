"""The mean of several fine-tuned models' weights, which answers better than any of them and costs no more to serve.

Runs that begin from the same weights and differ in the order of their data end in one basin, and the mean of their weights
lies nearer its middle (Wortsman et al. 2022, "Model soups").
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from training.finetuning import MultiTaskHeads
from training.text_encoder import TextEncoder
from triage.errors import ModelError


def save_member(encoder: TextEncoder, heads: MultiTaskHeads, path: Path) -> None:
    """Encoder and heads in 16 bits, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    state = {
        f"{part}.{name}": value.half().contiguous()
        for part, module in (("encoder", encoder.model), ("heads", heads))
        for name, value in module.state_dict().items()
    }
    save_file(state, temporary)
    temporary.replace(path)


def load_mean(encoder: TextEncoder, heads: MultiTaskHeads, paths: Sequence[Path]) -> None:
    """Loads the mean of the members' weights into ``encoder`` and ``heads``.

    Raises:
        ModelError: a file is missing, cut short, or of another model.
    """
    total: dict[str, torch.Tensor] = {}
    for path in paths:
        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"cannot load {path}: {error}") from error
        if total and (state.keys() != total.keys() or any(state[n].shape != total[n].shape for n in state)):
            raise ModelError(f"{path}: of another model than {paths[0]}")
        total = {name: value.float() + total.get(name, 0.0) for name, value in state.items()}
    for part, module in (("encoder", encoder.model), ("heads", heads)):
        mean = {n.removeprefix(f"{part}."): v / len(paths) for n, v in total.items() if n.startswith(f"{part}.")}
        try:
            module.load_state_dict(mean)
        except RuntimeError as error:
            raise ModelError(f"{paths[0]}: not of this encoder: {error}") from error
    encoder.model.eval()
    heads.eval()
