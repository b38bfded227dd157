"""``triage train encoder``: from parallel text to a multilingual encoder, in stages that each leave their result.

    tokenizer -> ids -> teacher vectors -> alignment -> bag -> distillation

Every stage writes into the work folder and is skipped when its result is there, so that a killed run continues where
it was. ``python -m training.encoder --help``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from eval.corpora import corpora_folder
from training import corpora, embeddings
from training.checkpoint import load_teacher
from training.corpora import Pair
from training.distillation import DistillationConfig, Distiller, student_model
from training.embeddings import Sentences, encode_sentences
from training.roughening import hasten
from training.teacher import teacher_folder
from training.text_encoder import TextEncoder
from training.tokenizer import load_tokenizer, train_tokenizer

MOST_PIECES = 62
CHUNK = 50_000
ROUGH_SHARE = 0.12
"""Share of each language's items that are typed in haste (no diacritics, typos, shorthand, Arabizi)."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Items of one language: student ids, the English sentence each translates, and sampling weights that sum to 1."""

    sentences: Sentences
    english: NDArray[np.int64]
    weights: NDArray[np.float64]


def _log(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)


def prepare_tokenizer(work: Path, pairs: dict[str, list[Pair]], *, vocabulary: int, per_language: int) -> Tokenizer:
    path = work / "tokenizer.json"
    if not path.exists():
        _log("tokenizer: training")
        lines = corpora.tokenizer_sample(pairs, per_language, seed=1)
        train_tokenizer(lines, vocabulary).save(str(path))
    return load_tokenizer(path)


def teacher_vectors(work: Path, english: list[str], teacher: TextEncoder) -> NDArray[np.float16]:
    """(N, 384) half-precision vectors of every English sentence; computed once, in blocks that survive a kill."""
    path, record = work / "teacher.npy", work / "teacher.json"
    known = 0
    if path.exists() and record.exists():
        known = json.loads(record.read_text())["sentences"]
        if known > len(english) or json.loads(record.read_text()) != _sentences_record(english[:known]):
            known = 0
    if known == len(english):
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]
    blocks = work / "teacher"
    blocks.mkdir(exist_ok=True)
    parts = [np.load(path)[:known]] if known else []
    for start in range(known, len(english), 50_000):
        texts = english[start : start + 50_000]
        block = blocks / f"{_sentences_record(texts)['sha256'][:16]}.npy"
        if not block.exists():
            vectors = teacher.encode(teacher.tokens(texts, most=128))
            temporary = block.with_suffix(".new.npy")
            np.save(temporary, vectors.astype(np.float16))
            temporary.replace(block)
            _log(f"teacher: {start + len(texts)}/{len(english)} sentences")
        parts.append(np.load(block))
    np.save(path, np.concatenate(parts))
    record.write_text(json.dumps(_sentences_record(english)))
    shutil.rmtree(blocks)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def _sentences_record(sentences: list[str]) -> dict[str, object]:
    return {"sentences": len(sentences), "sha256": hashlib.sha256("\n".join(sentences).encode()).hexdigest()}


def build_rows(
    pairs: dict[str, list[Pair]], english: list[str], position: dict[str, int], tokenizer: Tokenizer
) -> dict[str, Rows]:
    weights = corpora.sample_weights(pairs)
    lengths = np.asarray([min(1.0, len(text) / 24) for text in english])
    natural = np.zeros(len(english))  # the best tier of the pairs that a sentence stands in
    rows = {}
    for language, items in pairs.items():
        weight = np.asarray(weights[language])
        weight /= weight.sum()
        hasty = np.random.default_rng([11, len(items)]).choice(len(items), size=min(25_000, len(items)), p=weight)
        rng = random.Random(f"hasty {language}")
        texts = [pair.foreign for pair in items]
        texts += [hasten(language, texts[row], rng) for row in hasty]
        positions = [position[pair.english] for pair in items]
        np.maximum.at(natural, positions, [corpora.TIER_WEIGHT[pair.tier] for pair in items])
        rows[language] = Rows(
            sentences=encode_sentences(tokenizer, texts, most=MOST_PIECES),
            english=np.asarray(positions + [positions[row] for row in hasty], dtype=np.int64),
            weights=np.concatenate([weight * (1 - ROUGH_SHARE), np.full(len(hasty), ROUGH_SHARE / len(hasty))]),
        )
    lengths *= natural
    rows["en"] = Rows(
        sentences=encode_sentences(tokenizer, english, most=MOST_PIECES),
        english=np.arange(len(english)),
        weights=lengths / lengths.sum(),
    )
    return rows


def draw(rows: dict[str, Rows], index: int, *, seed: int, size: int) -> tuple[Sentences, NDArray[np.int64]]:
    """Block ``index`` of training items: languages by their share, pairs by their weight."""
    rng = np.random.default_rng([seed, 7, index])
    shares = corpora.language_shares()
    total = sum(shares[language] for language in rows)
    parts, english = [], []
    for language, row in rows.items():
        count = round(size * shares[language] / total)
        chosen = rng.choice(len(row.weights), size=count, p=row.weights)
        parts.append(row.sentences.gather(chosen))
        english.append(row.english[chosen])
    return Sentences.join(parts), np.concatenate(english)


def first_matrix(
    work: Path, rows: dict[str, Rows], english: list[str], teacher: TextEncoder, tokenizer: Tokenizer, *, bag_epochs: int
) -> NDArray[np.float32]:  # fmt: skip
    """Alignment and bag stages: the embedding matrix (pieces, 384) that distillation starts from."""
    path = work / "matrix.npy"
    if path.exists():
        return np.load(path)  # type: ignore[no-any-return]
    words = teacher.model.get_input_embeddings().weight.detach().numpy().astype(np.float32)
    english_words = teacher.tokens(english, most=66)
    rng = np.random.default_rng(3)
    links = []
    for language, row in rows.items():
        most = min(len(row.weights), 120_000)
        chosen = rng.choice(len(row.weights), size=most, replace=False, p=row.weights)
        short = chosen[row.sentences.lengths[chosen] <= 30]
        short = short[row.sentences.lengths[short] > 0]
        links.append(
            embeddings.align(
                row.sentences.gather(short), english_words.gather(row.english[short]), english_size=len(words)
            )
        )
        _log(f"alignment: {language} {len(short)} pairs")
    matrix = embeddings.initial_matrix(links, pieces=tokenizer.get_vocab_size(), teacher_embeddings=words)
    for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"):
        matrix[tokenizer.token_to_id(name)] = words[teacher.tokenizer.token_to_id(name)]
    foreign_idf = embeddings.inverse_document_frequency(
        Sentences.join([row.sentences for row in rows.values()]), len(matrix)
    )
    english_idf = embeddings.inverse_document_frequency(english_words, len(words))

    def batches(epoch: int) -> Iterator[tuple[Sentences, Sentences]]:
        sentences, positions = draw(rows, 1_000_000 + epoch, seed=5, size=700_000)
        order = np.random.default_rng(epoch).permutation(len(sentences))
        usable = order[sentences.lengths[order] > 0]
        for start in range(0, len(usable) - 512, 512):
            chosen = usable[start : start + 512]
            yield sentences.gather(chosen), english_words.gather(positions[chosen])

    matrix = embeddings.train_bag(
        matrix, words, batches, foreign_idf=foreign_idf, english_idf=english_idf, epochs=bag_epochs, report=_log
    )
    np.save(path, matrix)
    return matrix


def decay_after(work: Path, seconds: float, share: float, spent: Callable[[], float]) -> Callable[[], float]:
    """Rate factor: 1 for most of the run, then linear to 0.02 over the last ``share`` (warm-up, stable, decay)."""

    def factor() -> float:
        left = 1 - spent() / seconds
        return 1.0 if left > share else max(0.02, left / share)

    return factor


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Distil the multilingual encoder from all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="folder for results and checkpoints")
    parser.add_argument("--minutes", type=float, default=120, help="minutes of distillation in all (default 120)")
    parser.add_argument("--vocabulary", type=int, default=56_000)
    parser.add_argument("--bag-epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--languages", default=",".join(corpora.LANGUAGES), help="comma-separated codes")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)

    pairs = corpora.load_pairs(corpora_folder(), tuple(options.languages.split(",")))
    english, position = corpora.english_index(pairs)
    _log(f"corpora: {sum(map(len, pairs.values()))} pairs, {len(english)} English sentences")
    tokenizer = prepare_tokenizer(work, pairs, vocabulary=options.vocabulary, per_language=40_000)
    teacher = load_teacher()
    rows = build_rows(pairs, english, position, tokenizer)
    del pairs
    _log("ids: done")
    matrix = first_matrix(work, rows, english, teacher, tokenizer, bag_epochs=options.bag_epochs)
    vectors = teacher_vectors(work, english, teacher)

    def chunk(index: int) -> tuple[Sentences, NDArray[np.float16]]:
        sentences, positions = draw(rows, index, seed=1, size=CHUNK)
        return sentences, np.asarray(vectors)[positions]

    student = TextEncoder(
        model=student_model(teacher_folder(), matrix), tokenizer=tokenizer,
        cls=tokenizer.token_to_id("[CLS]"), sep=tokenizer.token_to_id("[SEP]"),
    )  # fmt: skip
    distiller = Distiller(student, chunk, DistillationConfig())
    if distiller.resume(work / "distillation"):
        _log(f"resumed at step {distiller.step}")
    seconds = options.minutes * 60
    factor = decay_after(work, seconds, 0.15, lambda: distiller.seconds)
    distiller.train(seconds=seconds, decay=factor, checkpoint=work / "distillation", report=_log)
    (work / "encoder.json").write_text(
        json.dumps({"items": distiller.items, "steps": distiller.step, "minutes": distiller.seconds / 60})
    )


if __name__ == "__main__":
    main()
