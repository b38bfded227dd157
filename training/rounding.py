"""What 16 bits and 8 bits cost: the torch model that ``triage train classifier --torch`` leaves, beside its int8 graph.

    python -m training.rounding MODEL_FOLDER

Accuracy of both on ``eval/data/messages``, and how often they agree.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from eval.classifier import DATA
from eval.messages import read_messages
from training.checkpoint import load_encoder
from training.classifier import predict
from training.finetuning import FineTuningConfig, MultiTaskHeads
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.text.reader import Reader


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    reader = Reader()
    messages = [replace(m, text=reader.read(m.text).model_text) for m in read_messages(sorted(DATA.glob("*.jsonl")))]
    encoder, config = load_encoder(str(folder / "torch")), FineTuningConfig()
    heads = MultiTaskHeads(encoder.width, config.hidden, config.dropout)
    heads.load_state_dict(
        {name: value.float() for name, value in load_file(folder / "torch/heads.safetensors").items()}
    )
    half = predict(encoder, heads.eval(), messages)
    served = OnnxEncoder(folder, version="evaluated")
    features = np.stack([encoding.features for encoding in served.read([m.text for m in messages])])
    int8 = Heads.load(folder / "heads.npz").logits(features)
    for head in ("intent", "urgency"):
        truth, left, right = half.labels[head], half.logits[head].argmax(1), int8[head].argmax(1)
        print(
            f"{head:8} 16 bits {np.mean(left == truth):.4f}  int8 {np.mean(right == truth):.4f}  "
            f"same answer {np.mean(left == right):.4f}"
        )


if __name__ == "__main__":
    main()
