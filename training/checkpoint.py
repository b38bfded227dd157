"""Encoders to train from: a work folder of ours, an exported model, the teacher, any checkpoint of a hub.

    python -m training.checkpoint ENCODER [--only matching,similarity,transfer]

measures one on the benchmarks of ``eval.encoder``. ENCODER is a work folder of ``triage train encoder`` (as far as its run
has come), a model folder, ``teacher``, or the name or path of a sentence-transformers or transformers checkpoint.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from eval.encoder import show
from training.distillation import student_model
from training.export import CONFIG, restore_state
from training.teacher import teacher_folder
from training.text_encoder import TextEncoder
from triage.errors import ModelError
from triage.models.manifest import Manifest
from triage.protocols import Vectors


def load_encoder(name: str) -> TextEncoder:
    """The encoder that ``name`` names; see the module's text for what it may be.

    Raises:
        ModelError: nothing of that name can be loaded, or it is of a kind that cannot be trained here.
    """
    folder = Path(name)
    if name == "teacher":
        return load_teacher()
    if (folder / "matrix.npy").exists():
        return load_student(folder)
    if (folder / "manifest.json").exists():
        return load_exported(folder)
    return load_hub(name)


def _ours(model: BertModel, tokenizer: Tokenizer) -> TextEncoder:
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return TextEncoder(
        model=model, tokenizer=tokenizer, cls=tokenizer.token_to_id("[CLS]"), sep=tokenizer.token_to_id("[SEP]")
    )


def load_student(work: Path) -> TextEncoder:
    """The encoder of a work folder of ``training.encoder``, as distilled so far.

    Raises:
        ModelError: a file of the folder is missing, cut short or of another shape.
    """
    try:
        matrix = np.load(work / "matrix.npy", allow_pickle=False)
        model = student_model(teacher_folder(), matrix)
        checkpoint = work / "distillation" / "checkpoint.safetensors"
        if checkpoint.exists():
            state = load_file(checkpoint)
            model.load_state_dict({k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")})
        return _ours(model, Tokenizer.from_file(str(work / "tokenizer.json")))
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"cannot load the encoder in {work}: {error}") from error
    except Exception as error:  # tokenizers raises a bare Exception
        raise ModelError(f"cannot load {work / 'tokenizer.json'}: {error}") from error


def load_teacher() -> TextEncoder:
    """all-MiniLM-L6-v2."""
    tokenizer = Tokenizer.from_file(str(teacher_folder() / "tokenizer.json"))
    return _ours(BertModel.from_pretrained(teacher_folder(), add_pooling_layer=False), tokenizer)


def load_exported(folder: Path) -> TextEncoder:
    """A model folder's encoder back in torch, so that the shipped weights can be fine-tuned further.

    Its matrices come from their 8-bit form: what training starts from is as good as what serving runs.

    Raises:
        ModelError: a file is missing or does not match the manifest.
    """
    Manifest.read(folder)
    try:
        kept = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config = BertConfig if kept["config"]["model_type"] == "bert" else None
        state = restore_state(folder / "encoder.onnx")
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"cannot restore the encoder in {folder}: {error}") from error
    if config is None:
        raise ModelError(f"{folder}: a {kept['config']['model_type']} graph; train from its original checkpoint")
    settings = config.from_dict(kept["config"])
    settings._attn_implementation = "eager"
    model = BertModel(settings, add_pooling_layer=False)
    missing = [name for name, _ in model.named_parameters() if name not in state]
    if missing:
        raise ModelError(f"{folder / 'encoder.onnx'}: lacks {missing[0]} and {len(missing) - 1} others")
    model.load_state_dict(state, strict=False)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return TextEncoder(model=model, tokenizer=tokenizer, **{k: kept[k] for k in ("cls", "sep", "fill", "pooling")})


def load_hub(name: str) -> TextEncoder:
    """A sentence-transformers or transformers checkpoint by name or path; one without a pooling layer is mean-pooled.

    Raises:
        ModelError: it cannot be loaded, has no fast tokenizer, or ends in layers beyond pooling and normalisation.
    """
    from sentence_transformers import SentenceTransformer

    try:
        loaded = SentenceTransformer(
            name, device="cpu", model_kwargs={"attn_implementation": "eager", "dtype": torch.float32}
        )
    except Exception as error:  # each library below raises its own
        raise ModelError(f"cannot load {name!r} as a work folder, a model folder or a checkpoint: {error}") from error
    kinds = [type(module).__name__ for module in loaded]
    further = [kind for kind in kinds[1:] if kind not in ("Pooling", "Normalize")]
    if kinds[0] != "Transformer" or further:
        raise ModelError(f"{name}: only transformers with mean or CLS pooling can be trained, not {' + '.join(kinds)}")
    pooling = _pooling_of(loaded[1]) if "Pooling" in kinds else "mean"
    if pooling not in ("mean", "cls"):
        raise ModelError(f"{name}: pooling {pooling!r} is not supported, mean and cls are")
    fast = loaded.tokenizer
    if not fast.is_fast or fast.cls_token_id is None or fast.sep_token_id is None:
        raise ModelError(f"{name}: needs a fast tokenizer with a first and a last special token")
    tokenizer = Tokenizer.from_str(fast.backend_tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return TextEncoder(
        model=loaded[0].auto_model, tokenizer=tokenizer, cls=fast.cls_token_id, sep=fast.sep_token_id,
        fill=fast.pad_token_id or 0, pooling=pooling,
    )  # fmt: skip


def _pooling_of(module: object) -> object:
    if hasattr(module, "get_pooling_mode_str"):  # sentence-transformers before 5.4
        return module.get_pooling_mode_str()
    return module.pooling_mode  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder")
    parser.add_argument("--only", default="matching")
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = load_encoder(options.encoder)

    def vectors(texts: Sequence[str]) -> Vectors:
        return encoder.encode(encoder.tokens(texts, most=128))

    show(vectors, options.only.split(","))


if __name__ == "__main__":
    main()
