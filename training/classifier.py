"""``triage train classifier``: fine-tunes the encoder with its heads, calibrates them, exports what serving needs.

    python -m training.classifier --encoder ENCODER --out FOLDER [--data FOLDER] [--epochs N]

ENCODER: a work folder of ``triage train encoder``, a model folder (the shipped one, to go on from it), or the name or path
of any sentence-transformers or transformers checkpoint. Without ``TRIAGE_CORPORA`` the public sets and the distillation
are left out, and labelled messages and help centres alone train.

Calibration uses predictions for batches that a model did not see: one model is trained per left-out group of batches, so
temperatures and thresholds are fitted on other writers and other shops than the training messages. The model that ships
is then trained on every training batch. Test batches under ``eval/data`` are read for one
purpose: a training message whose text also stands there is dropped.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from eval.calibration import Predictions, calibrate
from eval.classifier import DATA as TEST
from eval.corpora import corpora_folder
from eval.help_centres import HelpCentre, read_help_centre
from eval.messages import LabelError, LabelledMessage, read_messages
from training import corpora
from training.auxiliary import AuxiliaryExample, auxiliary_sets, bitext_messages
from training.averaging import load_mean, save_member
from training.checkpoint import load_encoder, load_teacher
from training.embeddings import Sentences
from training.export import CONFIG, agreement, export_onnx, write_config, write_half
from training.finetuning import REASON_NAMES, FineTuningConfig, MultiTaskHeads, fit, targets
from training.relevance import as_manifest, evidence, fit_relevance, join
from training.text_encoder import TextEncoder, length_batches
from triage.models.manifest import Calibration, Manifest, sha256
from triage.models.taxonomy import INTENTS
from triage.protocols import Vectors
from triage.types import URGENCIES

DATA = Path(__file__).parent / "data" / "messages"
HELP_CENTRES = Path(__file__).parent / "data" / "help_centres"
FULL = "full"
"""Name of the run on every training batch."""

Parallel = Callable[[int], tuple[Sentences, NDArray[np.float16]]]


def _log(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)


def parallel_sample(
    encoder: TextEncoder, teacher: Callable[[list[str]], Vectors], *, size: int, cache: Path | None
) -> Parallel:
    """Blocks of ``size`` sentences of natural prose with the vectors they should keep, for the distillation loss.

    Args:
        teacher: vectors of English sentences.
        cache: where the sample is kept, because reading all corpora for it takes minutes.
    """
    if cache is None or not cache.exists():
        pairs = corpora.load_pairs(corpora_folder())
        natural = [p for rows in pairs.values() for p in rows if p.tier in ("O", "A")]
        rng = np.random.default_rng(11)
        chosen = [natural[i] for i in rng.choice(len(natural), size=min(len(natural), 3 * size), replace=False)]
        # English anchors every other language, so a quarter of the sample is the English sides.
        english = rng.random(len(chosen)) < 0.25
        texts = [p.english if side else p.foreign for p, side in zip(chosen, english, strict=True)]
        sentences = encoder.tokens(texts, most=64)
        wanted = teacher([p.english for p in chosen]).astype(np.float16)
        if cache is not None:
            temporary = cache.with_suffix(".new.npz")
            np.savez(temporary, allow_pickle=False, ids=sentences.ids, starts=sentences.starts, wanted=wanted)
            temporary.replace(cache)
    else:
        with np.load(cache, allow_pickle=False) as file:
            sentences, wanted = Sentences(ids=file["ids"], starts=file["starts"]), file["wanted"]

    def block(index: int) -> tuple[Sentences, NDArray[np.float16]]:
        rows = np.random.default_rng([13, index]).choice(len(wanted), size=min(size, len(wanted)), replace=False)
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


@torch.no_grad()
def predict(encoder: TextEncoder, heads: MultiTaskHeads, messages: Sequence[LabelledMessage]) -> Predictions:
    """Logits of every head for ``messages``, beside their labels."""
    sentences = encoder.tokens([m.text for m in messages])
    features = np.zeros((len(messages), heads.hidden.in_features), dtype=np.float32)
    encoder.model.eval()
    for rows in length_batches(sentences.lengths, tokens=8192, rng=np.random.default_rng(0)):
        states, mask = encoder.states(sentences.gather(rows))
        features[rows] = heads.features(encoder.pool(states, mask), states, mask).numpy()
    labels = targets(messages)
    return Predictions(
        logits=heads.export().logits(features),
        labels={
            "intent": labels.intent.numpy(), "present": labels.present.numpy(), "urgency": labels.urgency.numpy(),
            "reply": labels.reply.numpy(), "reason": labels.reason.numpy(), "reason_known": labels.reason_known.numpy(),
        },
    )  # fmt: skip


def without_test_texts(messages: list[LabelledMessage]) -> list[LabelledMessage]:
    """Drops messages whose text is a test message too ("agent" is what many people write), so that none is measured twice."""
    tested = {_key(m.text) for m in read_messages(sorted(TEST.glob("*.jsonl")))}
    return [m for m in messages if _key(m.text) not in tested]


def in_batches(messages: list[LabelledMessage], folds: int) -> list[LabelledMessage]:
    """The messages, in batches of their own where they came in fewer files than there are folds."""
    if len({m.batch for m in messages}) >= folds:
        return messages
    return [replace(m, batch=f"{m.batch} {crc32(_key(m.text).encode()) % folds}") for m in messages]


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


@dataclass(frozen=True, kw_only=True)
class Run:
    """What every training of one run shares."""

    encoder: str
    out: Path
    messages: list[LabelledMessage]
    extra: list[LabelledMessage]
    auxiliary: dict[str, list[AuxiliaryExample]]
    help_centres: list[HelpCentre]
    parallel: Parallel | None
    config: FineTuningConfig
    average: int = 1

    def train(
        self, messages: list[LabelledMessage], help_centres: Sequence[HelpCentre], name: str
    ) -> tuple[TextEncoder, MultiTaskHeads]:
        """A fine-tuned copy of the encoder and its heads; the mean of ``average`` runs that differ by their seed alone.

        Args:
            name: of the run. Members of a mean are kept in files under it, so that a killed run goes on.
        """
        if self.average == 1:
            return self._fit(messages, help_centres, self.config.seed)
        for seed in range(1, self.average + 1):
            self.member(messages, help_centres, name, seed)
        encoder = load_encoder(self.encoder)
        heads = MultiTaskHeads(encoder.width, self.config.hidden, self.config.dropout)
        load_mean(encoder, heads, [self._path(name, seed) for seed in range(1, self.average + 1)])
        return encoder, heads

    def member(self, messages: list[LabelledMessage], help_centres: Sequence[HelpCentre], name: str, seed: int) -> None:
        """Trains one member of a mean, unless its file is there."""
        if not self._path(name, seed).exists():
            _log(f"{name}, seed {seed}")
            encoder, heads = self._fit(messages, help_centres, seed)
            save_member(encoder, heads, self._path(name, seed))

    def _fit(
        self, messages: list[LabelledMessage], help_centres: Sequence[HelpCentre], seed: int
    ) -> tuple[TextEncoder, MultiTaskHeads]:
        encoder = load_encoder(self.encoder)
        heads = fit(
            encoder,
            messages + self.extra,
            replace(self.config, seed=seed),
            parallel=self.parallel,
            auxiliary=self.auxiliary,
            help_centres=help_centres,
            report=_log,
        )
        return encoder, heads

    def _path(self, name: str, seed: int) -> Path:
        return self.out / "members" / f"{name}-seed-{seed}.safetensors"


def fold_name(fold: int, folds: int) -> str:
    return f"fold-{fold}-of-{folds}"


def held_batches(run: Run, fold: int, folds: int) -> set[str]:
    return set(sorted({m.batch for m in run.messages})[fold::folds])


def without_fold(run: Run, fold: int, folds: int) -> tuple[list[LabelledMessage], list[HelpCentre]]:
    """What a model that must not see the fold is trained on."""
    held, centres = held_batches(run, fold, folds), run.help_centres[fold::folds]
    return [m for m in run.messages if m.batch not in held], [c for c in run.help_centres if c not in centres]


def fold_predictions(run: Run, fold: int, folds: int) -> tuple[Predictions, NDArray[np.float32]]:
    """What a model says of the batches and the help centres of one fold, of which it saw none.

    Kept in files, so that a killed run goes on.
    """
    path = run.out / f"{fold_name(fold, folds)}.npz"
    evidence_path = run.out / f"evidence-{fold}-of-{folds}.npy"
    if path.exists() and evidence_path.exists():
        return Predictions.load(path), np.load(evidence_path, allow_pickle=False)
    held = held_batches(run, fold, folds)
    centres = run.help_centres[fold::folds]
    encoder, heads = run.train(*without_fold(run, fold, folds), fold_name(fold, folds))
    part = predict(encoder, heads, [m for m in run.messages if m.batch in held])
    right = (part.logits["intent"].argmax(1) == part.labels["intent"]).mean()
    _log(f"fold {fold + 1}/{folds} without {', '.join(sorted(held))}: intent {right:.3f}")
    rows = evidence(centres, encoder, heads, describe(Calibration(), {}, [], {}))
    part.save(path)
    np.save(evidence_path, rows)
    return part, rows


def describe(
    calibration: Calibration, files: dict[str, str], trained_on: Sequence[str], retrieval: dict[str, float]
) -> Manifest:
    """The manifest of a model made now."""
    return Manifest(
        version=f"{datetime.now(UTC):%Y%m%d}-{files.get('encoder.onnx', 'training')[:8]}",
        created=datetime.now(UTC).isoformat("T", "seconds"), intents=INTENTS, urgencies=tuple(URGENCIES),
        reasons=REASON_NAMES, calibration=calibration, files=files, trained_on=tuple(trained_on), retrieval=retrieval,
    )  # fmt: skip


def write_model(
    out: Path, encoder: TextEncoder, heads: MultiTaskHeads, calibration: Calibration, trained_on: Sequence[str],
    retrieval: dict[str, float],
) -> None:  # fmt: skip
    """Writes graph, tokenizer, heads, configuration and, last, the manifest: without it the folder is no model."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "manifest.json").unlink(missing_ok=True)
    export_onnx(encoder, heads, out / "encoder.onnx")
    heads.export().save(out / "heads.npz")
    write_config(encoder, out)
    tokenizer = Tokenizer.from_str(encoder.tokenizer.to_str())
    tokenizer.enable_truncation(encoder.most_tokens)
    tokenizer.save(str(out / "tokenizer.json"))
    ids = np.random.default_rng(0).integers(5, encoder.model.config.vocab_size, (16, 24))
    for name, value in agreement(encoder, heads, out / "encoder.onnx", ids).items():
        _log(f"int8 graph against torch, cosine of {name}: {value:.4f}")
    files = {name: sha256(out / name) for name in ("encoder.onnx", "tokenizer.json", "heads.npz", CONFIG)}
    manifest = describe(calibration, files, trained_on, retrieval)
    _write_manifest(out, manifest)


def _write_manifest(out: Path, manifest: Manifest) -> None:
    temporary = out / "manifest.json.new"
    temporary.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(out / "manifest.json")


def _teacher(name: str) -> Callable[[list[str]], Vectors]:
    """Vectors to keep: those of all-MiniLM-L6-v2 for an encoder distilled from it, its own first ones for any other."""
    folder = Path(name)
    ours = (folder / "matrix.npy").exists() or (folder / "manifest.json").exists()
    encoder = load_teacher() if ours else load_encoder(name)
    return lambda texts: encoder.encode(encoder.tokens(texts, most=128))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", required=True, help="what to fine-tune: a folder or a checkpoint's name")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", default=[DATA], help="folders of labelled batches (*.jsonl)")
    parser.add_argument("--help-centres", type=Path, default=HELP_CENTRES, help="folder of help centres")
    parser.add_argument("--share", type=float, default=1.0, help="train on this share of the messages (learning curve)")
    parser.add_argument("--torch", action="store_true", help="also write the encoder as a 16-bit checkpoint")
    parser.add_argument("--epochs", type=int, default=FineTuningConfig().epochs)
    parser.add_argument("--folds", type=int, default=4, help="groups of batches left out in turn for calibration")
    parser.add_argument(
        "--fold", type=int, default=None, help="train this fold alone and stop; folds may run side by side"
    )
    parser.add_argument("--calibration-folds", type=int, default=0, help="use only so many of the folds (0: all)")
    parser.add_argument(
        "--recalibrate",
        action="store_true",
        help="train no final model: calibrate the one in OUT from the folds' predictions",
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--average", type=int, default=1, help="ship the mean weights of so many runs (seeds 1, 2, ...)"
    )
    parser.add_argument(
        "--member",
        type=int,
        default=None,
        help="with --average: train this seed alone and stop; they may run side by side",
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    messages = without_test_texts(
        read_messages([path for folder in options.data for path in sorted(folder.glob("*.jsonl"))])
    )
    if not messages:
        raise LabelError(f"{', '.join(map(str, options.data))}: no labelled messages (*.jsonl)")
    messages = in_batches(messages, options.folds)
    if options.share < 1:
        chosen = np.random.default_rng([23, options.seed]).random(len(messages)) < options.share
        messages = [message for message, keep in zip(messages, chosen, strict=True) if keep]
    extra: list[LabelledMessage] = []
    auxiliary: dict[str, list[AuxiliaryExample]] = {}
    parallel = None
    trained_on = [f"labelled messages ({len(messages)})", "help centres"]
    if os.environ.get("TRIAGE_CORPORA"):
        extra = out_of_scope_messages(corpora_folder(), per_language=12)
        extra += bitext_messages(corpora_folder(), per_intent=80)
        auxiliary = auxiliary_sets(corpora_folder())
        work = Path(options.encoder)
        cache = work / "natural.npz" if (work / "matrix.npy").exists() else None
        parallel = parallel_sample(load_encoder(options.encoder), _teacher(options.encoder), size=20_000, cache=cache)
        trained_on += [
            "MASSIVE train (out of scope, auxiliary intents)",
            "Bitext train (17 mapped intents)",
            "Banking77 and ArBanking77 train (auxiliary intents)",
            "parallel corpora, see the model card",
        ]
    run = Run(
        encoder=options.encoder,
        out=options.out,
        messages=messages,
        extra=extra,
        auxiliary=auxiliary,
        help_centres=[read_help_centre(folder) for folder in sorted(options.help_centres.glob("*/"))],
        parallel=parallel,
        config=FineTuningConfig(epochs=options.epochs, seed=options.seed),
        average=options.average,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    _log(f"{len(messages)} messages in {len({m.batch for m in messages})} batches, {len(extra)} from public sets")
    if options.member is not None:
        if options.fold is None:
            run.member(messages, run.help_centres, FULL, options.member)
        else:
            part = without_fold(run, options.fold, options.folds)
            run.member(*part, fold_name(options.fold, options.folds), options.member)
        return
    if options.fold is not None:
        fold_predictions(run, options.fold, options.folds)
        return

    calibration, retrieval = Calibration(), {}
    if options.folds:
        parts = [
            fold_predictions(run, fold, options.folds) for fold in range(options.calibration_folds or options.folds)
        ]
        calibration = calibrate(Predictions.join([part for part, _ in parts]))
        _log(f"calibration: {calibration.model_dump_json()}")
        rows = join([rows for _, rows in parts])
        if len(rows):
            retrieval = as_manifest(fit_relevance(rows))
            _log(f"retrieval: {retrieval}")
    if options.recalibrate:
        known = Manifest.read(options.out)
        _write_manifest(options.out, known.model_copy(update={"calibration": calibration, "retrieval": retrieval}))
        return
    encoder, heads = run.train(messages, run.help_centres, FULL)
    write_model(options.out, encoder, heads, calibration, trained_on, retrieval)
    if options.torch:
        write_half(encoder, heads, options.out / "torch")
    _log(f"written to {options.out}")


if __name__ == "__main__":
    main()
