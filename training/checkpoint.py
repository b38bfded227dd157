"""A training run under way, measured: ``python -m training.checkpoint WORK [--languages ar,id,pl,de,es,fr]``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertModel

from eval.matching import FIRST_SIX, measure, show
from training.distillation import encode, student_model
from training.embeddings import encode_sentences
from training.teacher import teacher_folder


def load_student(work: Path) -> BertModel:
    """The encoder of a work folder of ``training.encoder``, as distilled so far."""
    model = student_model(teacher_folder(), np.load(work / "matrix.npy"))
    checkpoint = work / "distillation" / "checkpoint.safetensors"
    if checkpoint.exists():
        state = load_file(checkpoint)
        model.load_state_dict({k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")})
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--languages", default=",".join(FIRST_SIX))
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))
    model = load_student(options.work)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    show(
        measure(
            lambda texts: encode(model, encode_sentences(tokenizer, list(texts), most=126), cls=cls, sep=sep),
            options.languages.split(","),
        )
    )


if __name__ == "__main__":
    main()
