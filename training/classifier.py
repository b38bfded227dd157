"""``triage train classifier``: fine-tunes the encoder with its heads, calibrates them, exports what serving needs.

    python -m training.classifier --encoder WORK --out FOLDER [--data FOLDER] [--epochs N]

Calibration uses predictions for batches that a model did not see: one model is trained per left-out group of batches, so
temperatures and thresholds are fitted on other writers and other shops than the training messages. The model that ships
is then trained on every training batch. Test batches under ``eval/data`` are read for one
purpose: a training message whose text also stands there is dropped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import BertModel

from eval.calibration import Predictions, calibrate
from eval.classifier import DATA as TEST
from eval.corpora import corpora_folder
from eval.messages import LabelledMessage, read_messages
from training import corpora
from training.auxiliary import AuxiliaryExample, auxiliary_sets, bitext_messages
from training.checkpoint import load_student
from training.distillation import encode
from training.embeddings import Sentences, encode_sentences
from training.export import agreement, export_onnx, quantise
from training.finetuning import REASON_NAMES, FineTuningConfig, MultiTaskHeads, fit, targets
from triage.models.manifest import Calibration, Manifest, sha256
from triage.models.taxonomy import INTENTS
from triage.types import URGENCIES

DATA = Path(__file__).parent / "data" / "messages"
Parallel = Callable[[int], tuple[Sentences, NDArray[np.float16]]]


def _log(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)


def parallel_sample(work: Path, tokenizer: Tokenizer, *, size: int) -> Parallel:
    """Blocks of ``size`` parallel sentences with the teacher's vectors, natural prose only, for the distillation loss."""
    folder = corpora_folder()
    pairs = corpora.load_pairs(folder)
    _, position = corpora.english_index(pairs)
    vectors = np.load(work / "teacher.npy", mmap_mode="r")
    natural = [p for rows in pairs.values() for p in rows if p.tier == "A"]
    rng = np.random.default_rng(11)
    chosen = [natural[i] for i in rng.choice(len(natural), size=min(len(natural), 6 * size), replace=False)]
    sentences = encode_sentences(tokenizer, [p.foreign for p in chosen], most=62)
    wanted = np.asarray(vectors[[position[p.english] for p in chosen]])

    def block(index: int) -> tuple[Sentences, NDArray[np.float16]]:
        rows = np.random.default_rng([13, index]).choice(len(chosen), size=min(size, len(chosen)), replace=False)
        return sentences.gather(rows), wanted[rows]

    return block


def out_of_scope_messages(folder: Path, *, per_language: int) -> list[LabelledMessage]:
    """MASSIVE's requests to a voice assistant (train rows) as out-of-scope traffic, in the configured languages."""
    rng = np.random.default_rng(17)
    messages = []
    for language, locale in {"en": "en-US", **corpora.MASSIVE_LOCALES}.items():
        rows = corpora.massive_texts(folder / "intents/massive" / f"{locale}.jsonl.gz", without=_NEAR_SHOP)
        messages += [_out_of_scope(rows[i], language) for i in rng.choice(len(rows), size=per_language, replace=False)]
    return messages


def _out_of_scope(text: str, language: str) -> LabelledMessage:
    return LabelledMessage(
        text=text,
        language=language,
        channel="chat",
        intents=("out_of_scope",),
        urgency="low",
        needs_reply=True,
        reasons=(),
        entities=(),
        batch="massive",
    )


# Scenarios of MASSIVE that a shop's customer could write too.
_NEAR_SHOP = ("takeaway", "email", "lists", "general", "social", "transport")


def predict(
    model: BertModel, heads: MultiTaskHeads, tokenizer: Tokenizer, messages: Sequence[LabelledMessage]
) -> Predictions:
    """Logits of every head for ``messages``, beside their labels."""
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    vectors = encode(
        model, encode_sentences(tokenizer, [m.text for m in messages], most=254), cls=cls, sep=sep, most=256
    )
    labels = targets(messages)
    return Predictions(
        logits=heads.export().logits(vectors),
        labels={
            "intent": labels.intent.numpy(), "present": labels.present.numpy(), "urgency": labels.urgency.numpy(),
            "reply": labels.reply.numpy(), "reason": labels.reason.numpy(), "reason_known": labels.reason_known.numpy(),
        },
    )  # fmt: skip


def without_test_texts(messages: list[LabelledMessage]) -> list[LabelledMessage]:
    """Drops messages whose text is a test message too ("agent" is what many people write), so that none is measured twice."""
    tested = {_key(m.text) for m in read_messages(sorted(TEST.glob("*.jsonl")))}
    return [m for m in messages if _key(m.text) not in tested]


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


@dataclass(frozen=True, kw_only=True)
class Run:
    """What every training of one run shares."""

    encoder: Path
    out: Path
    tokenizer: Tokenizer
    messages: list[LabelledMessage]
    extra: list[LabelledMessage]
    auxiliary: dict[str, list[AuxiliaryExample]]
    parallel: Parallel
    config: FineTuningConfig

    def train(self, messages: list[LabelledMessage]) -> tuple[BertModel, MultiTaskHeads]:
        """A fine-tuned copy of the encoder and its heads."""
        model = load_student(self.encoder)
        heads = fit(
            model,
            self.tokenizer,
            messages + self.extra,
            self.parallel,
            self.config,
            auxiliary=self.auxiliary,
            report=_log,
        )
        return model, heads


def fold_predictions(run: Run, fold: int, folds: int) -> Predictions:
    """Predictions for the batches of one fold by a model that saw none of them; kept, so that a killed run goes on."""
    path = run.out / f"fold-{fold}-of-{folds}.npz"
    if path.exists():
        return Predictions.load(path)
    held = set(sorted({m.batch for m in run.messages})[fold::folds])
    model, heads = run.train([m for m in run.messages if m.batch not in held])
    part = predict(model, heads, run.tokenizer, [m for m in run.messages if m.batch in held])
    right = (part.logits["intent"].argmax(1) == part.labels["intent"]).mean()
    _log(f"fold {fold + 1}/{folds} without {', '.join(sorted(held))}: intent {right:.3f}")
    part.save(path)
    return part


def write_model(
    out: Path,
    model: BertModel,
    heads: MultiTaskHeads,
    tokenizer_path: Path,
    calibration: Calibration,
    trained_on: list[str],
) -> None:
    """Writes graph, tokenizer, heads and manifest."""
    out.mkdir(parents=True, exist_ok=True)
    export_onnx(model, out / "encoder.fp32.onnx")
    quantise(out / "encoder.fp32.onnx", out / "encoder.onnx")
    ids = np.random.default_rng(0).integers(5, model.config.vocab_size, (16, 24))
    mean, least = agreement(model, out / "encoder.onnx", ids, np.ones_like(ids))
    _log(f"int8 graph against torch: cosine mean {mean:.4f}, least {least:.4f}")
    (out / "encoder.fp32.onnx").unlink()
    (out / "tokenizer.json").write_bytes(tokenizer_path.read_bytes())
    heads.export().save(out / "heads.npz")
    files = {name: sha256(out / name) for name in ("encoder.onnx", "tokenizer.json", "heads.npz")}
    manifest = Manifest(
        version=f"{datetime.now(UTC):%Y%m%d}-{files['encoder.onnx'][:8]}", created=datetime.now(UTC).isoformat("T", "seconds"),
        intents=INTENTS, urgencies=tuple(URGENCIES), reasons=REASON_NAMES, calibration=calibration, files=files,
        trained_on=tuple(trained_on),
    )  # fmt: skip
    (out / "manifest.json").write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True, help="work folder of `triage train encoder`")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of labelled batches (*.jsonl)")
    parser.add_argument("--epochs", type=int, default=FineTuningConfig().epochs)
    parser.add_argument("--folds", type=int, default=4, help="groups of batches left out in turn for calibration")
    parser.add_argument(
        "--fold", type=int, default=None, help="train this fold alone and stop; folds may run side by side"
    )
    parser.add_argument("--calibration-folds", type=int, default=0, help="use only so many of the folds (0: all)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    tokenizer = Tokenizer.from_file(str(options.encoder / "tokenizer.json"))
    messages = without_test_texts(read_messages(sorted(options.data.glob("*.jsonl"))))
    extra = out_of_scope_messages(corpora_folder(), per_language=12)
    extra += bitext_messages(corpora_folder(), per_intent=80)
    run = Run(
        encoder=options.encoder,
        out=options.out,
        tokenizer=tokenizer,
        messages=messages,
        extra=extra,
        auxiliary=auxiliary_sets(corpora_folder()),
        parallel=parallel_sample(options.encoder, tokenizer, size=20_000),
        config=FineTuningConfig(epochs=options.epochs, seed=options.seed),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    _log(f"{len(messages)} messages in {len({m.batch for m in messages})} batches, {len(extra)} from public sets")
    if options.fold is not None:
        fold_predictions(run, options.fold, options.folds)
        return

    calibration = Calibration()
    if options.folds:
        parts = [
            fold_predictions(run, fold, options.folds) for fold in range(options.calibration_folds or options.folds)
        ]
        calibration = calibrate(Predictions.join(parts))
        _log(f"calibration: {calibration.model_dump_json()}")
    model, heads = run.train(messages)
    trained_on = [
        f"training/data/messages ({len(messages)})",
        "MASSIVE train (out of scope, auxiliary intents)",
        "Bitext train (17 mapped intents)",
        "Banking77 and ArBanking77 train (auxiliary intents)",
        "parallel corpora, see the model card",
    ]
    write_model(options.out, model, heads, options.encoder / "tokenizer.json", calibration, trained_on)
    _log(f"written to {options.out}")


if __name__ == "__main__":
    main()
