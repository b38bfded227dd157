"""Distillation resumes exactly after a kill, and says so when it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.distillation import DistillationConfig, Distiller, distillation_loss
from training.embeddings import Sentences
from training.text_encoder import TextEncoder, length_batches, pad
from triage.errors import ModelError


def distiller(encoder: TextEncoder, lines: tuple[str, ...]) -> Distiller:
    sentences = encoder.tokens(lines)
    vectors = torch.nn.functional.normalize(
        torch.randn(len(lines), 32, generator=torch.Generator().manual_seed(5)), dim=1
    )

    def chunk(index: int) -> tuple[Sentences, NDArray[np.float16]]:
        rows = np.random.default_rng(index).permutation(len(lines))
        return sentences.gather(rows), vectors.numpy().astype(np.float16)[rows]

    return Distiller(encoder, chunk, DistillationConfig(tokens=64, warm_up=2))


def run(subject: Distiller, chunks: int, folder: Path) -> None:
    """Trains until so many chunks are done in all; the clock is the chunk count, so that nothing depends on speed."""
    while subject.next_chunk < chunks:
        subject.train(seconds=subject.seconds + 1e-9, decay=lambda: 1.0, checkpoint=folder, report=lambda _: None)


def test_a_resumed_run_ends_where_an_unbroken_one_does(
    tiny_encoder: TextEncoder, lines: tuple[str, ...], tmp_path: Path
) -> None:
    start = {name: value.clone() for name, value in tiny_encoder.model.state_dict().items()}
    unbroken = distiller(tiny_encoder, lines)
    run(unbroken, 4, tmp_path / "a")
    expected = {name: value.clone() for name, value in tiny_encoder.model.state_dict().items()}

    tiny_encoder.model.load_state_dict(start)
    run(distiller(tiny_encoder, lines), 2, tmp_path / "b")
    tiny_encoder.model.load_state_dict(start)  # what a new process begins with
    second = distiller(tiny_encoder, lines)
    assert second.resume(tmp_path / "b")
    run(second, 4, tmp_path / "b")
    for name, value in tiny_encoder.model.state_dict().items():
        torch.testing.assert_close(value, expected[name], msg=name)


def test_distillation_brings_the_student_to_the_teacher(
    tiny_encoder: TextEncoder, lines: tuple[str, ...], tmp_path: Path
) -> None:
    subject = distiller(tiny_encoder, lines)
    sentences, vectors = subject.chunk(0)
    before = (tiny_encoder.encode(sentences) * vectors).sum(1).mean()
    run(subject, 30, tmp_path)
    assert (tiny_encoder.encode(sentences) * vectors).sum(1).mean() > before + 0.2


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_checkpoint_cut_short_is_refused(
    tiny_encoder: TextEncoder, lines: tuple[str, ...], tmp_path: Path, share: float
) -> None:
    subject = distiller(tiny_encoder, lines)
    run(subject, 1, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    before = {name: value.clone() for name, value in tiny_encoder.model.state_dict().items()}
    with pytest.raises(ModelError, match=r"checkpoint\.safetensors: cannot be resumed from"):
        distiller(tiny_encoder, lines).resume(tmp_path)
    assert all(torch.equal(value, before[name]) for name, value in tiny_encoder.model.state_dict().items())


def test_no_checkpoint_is_a_new_run(tiny_encoder: TextEncoder, lines: tuple[str, ...], tmp_path: Path) -> None:
    assert not distiller(tiny_encoder, lines).resume(tmp_path)


def test_the_loss_is_least_at_the_teacher() -> None:
    teacher = torch.nn.functional.normalize(torch.randn(6, 8, generator=torch.Generator().manual_seed(1)), dim=1)
    at = distillation_loss(teacher, teacher, temperature=0.05, contrast=0.3)
    off = distillation_loss(teacher.roll(1, 0), teacher, temperature=0.05, contrast=0.3)
    assert at < off


def test_batches_hold_every_row_once() -> None:
    lengths = np.asarray([3, 50, 7, 1, 20, 20, 4, 9, 2, 30])
    rows = np.concatenate(list(length_batches(lengths, tokens=64, rng=np.random.default_rng(0))))
    assert sorted(rows.tolist()) == list(range(10))


def test_padding_is_masked() -> None:
    sentences = Sentences(ids=np.asarray([7, 8, 9], dtype=np.int32), starts=np.asarray([0, 1, 3]))
    ids, mask = pad(sentences, cls=2, sep=3, most=8, fill=1)
    assert ids.tolist() == [[2, 7, 3, 1], [2, 8, 9, 3]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
