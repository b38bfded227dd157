"""Fine-tuning, export and the way back, over a tiny encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from eval.help_centres import HelpCentre, Question
from eval.messages import LabelledMessage
from training.averaging import load_mean, save_member
from training.checkpoint import load_encoder, load_exported
from training.classifier import main, parallel_sample, predict, write_model
from training.corpora import Pair
from training.export import restore_state, write_half
from training.finetuning import FineTuningConfig, MultiTaskHeads, fit
from training.passages import retrieval_loss
from training.text_encoder import TextEncoder
from triage.errors import ModelError
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Calibration, Manifest
from triage.types import Article

INTENTS = {"where is my parcel": "track_order", "the kettle arrived broken": "damaged_item",
           "please cancel my order": "cancel_order", "how do I return these shoes": "return_item"}  # fmt: skip


def message(text: str, intent: str) -> LabelledMessage:
    return LabelledMessage(
        text=text, language="en", channel="chat", intents=(intent,), urgency="normal", needs_reply=True, reasons=(),
        entities=(), batch="t",
    )  # fmt: skip


MESSAGES = [message(text, intent) for text, intent in INTENTS.items()] * 8
CENTRE = HelpCentre(
    name="t",
    articles=(
        Article(id="track", language="en", title="Where is it", body="The link shows where your parcel is."),
        Article(
            id="return", language="en", title="Returns",
            body="You can return shoes for thirty days.\n\n## How\n\nPrint the label.",
        ),
    ),
    questions=tuple(
        Question(text=text, language="en", channel="chat", intents=(intent,), articles=articles)
        for text, intent, articles in (
            ("where is my parcel", "track_order", ("track",)),
            ("how do I return these shoes", "return_item", ("return",)),
            ("thanks", "praise", ()),
        )
    ),
)  # fmt: skip


@pytest.fixture
def trained(tiny_encoder: TextEncoder) -> tuple[TextEncoder, MultiTaskHeads]:
    config = FineTuningConfig(epochs=6, rate_layers=3e-3, rate_heads=1e-2, rate_embeddings=1e-2, noise=0.0, dropout=0.0)
    heads = fit(tiny_encoder, MESSAGES, config, help_centres=[CENTRE], report=lambda _: None)
    return tiny_encoder, heads


def test_training_learns_what_it_was_shown(trained: tuple[TextEncoder, MultiTaskHeads]) -> None:
    found = predict(*trained, MESSAGES[:4])
    assert (found.logits["intent"].argmax(1) == found.labels["intent"]).all()


def test_the_exported_graph_answers_as_torch_does(trained: tuple[TextEncoder, MultiTaskHeads], tmp_path: Path) -> None:
    encoder, heads = trained
    write_model(tmp_path, encoder, heads, Calibration(), ["a test"], {})
    manifest = Manifest.read(tmp_path)
    served = OnnxEncoder(tmp_path, version=manifest.version)
    texts = list(INTENTS)
    encodings = served.read(texts)
    with torch.no_grad():
        reference = encoder.encode(encoder.tokens(texts))
    cosine = (np.stack([e.vector for e in encodings]) * reference).sum(1)
    assert cosine.min() > 0.98
    classifier = HeadClassifier(Heads.load(tmp_path / "heads.npz"), manifest)
    assert [classifier.predict(e.features).primary.name for e in encodings] == list(INTENTS.values())


def test_an_exported_model_can_be_trained_further(
    trained: tuple[TextEncoder, MultiTaskHeads], tmp_path: Path, lines: tuple[str, ...]
) -> None:
    encoder, heads = trained
    write_model(tmp_path, encoder, heads, Calibration(), ["a test"], {})
    restored = load_encoder(str(tmp_path))
    left, right = encoder.encode(encoder.tokens(lines)), restored.encode(restored.tokens(lines))
    assert (left * right).sum(1).min() > 0.995
    state = restore_state(tmp_path / "encoder.onnx")
    for name, value in encoder.model.named_parameters():
        assert state[name].shape == value.shape, name


def test_every_damage_to_a_model_folder_is_named(trained: tuple[TextEncoder, MultiTaskHeads], tmp_path: Path) -> None:
    write_model(tmp_path, *trained, Calibration(), ["a test"], {})
    whole = (tmp_path / "encoder.onnx").read_bytes()
    (tmp_path / "encoder.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"encoder\.onnx: does not match its hash"):
        load_exported(tmp_path)


def test_a_write_that_fails_leaves_no_manifest(
    trained: tuple[TextEncoder, MultiTaskHeads], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path, *trained, Calibration(), ["a test"], {})
    monkeypatch.setattr("training.classifier.export_onnx", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_model(tmp_path, *trained, Calibration(), ["a test"], {})
    assert not (tmp_path / "manifest.json").exists()


def test_a_sentence_transformers_checkpoint_trains_and_serves(
    tiny_encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of a user with a hub: a checkpoint made by the library itself goes in, a served model comes out."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=tiny_encoder.tokenizer, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
        unk_token="[UNK]", mask_token="[MASK]",
    )  # fmt: skip
    plain = tmp_path / "plain"
    tiny_encoder.model.save_pretrained(plain)
    fast.save_pretrained(plain)
    transformer = Transformer(str(plain), max_seq_length=64)
    checkpoint = tmp_path / "checkpoint"
    SentenceTransformer(modules=[transformer, Pooling(tiny_encoder.width, pooling_mode="cls")], device="cpu").save(
        str(checkpoint)
    )
    assert load_encoder(str(checkpoint)).pooling == "cls"
    assert load_encoder(str(plain)).pooling == "mean"

    data = tmp_path / "data"
    data.mkdir()
    rows = [
        {"text": f"{text} {number}", "language": "en", "channel": "chat", "intents": [intent], "urgency": "normal"}
        for number in range(4) for text, intent in INTENTS.items()
    ]  # fmt: skip
    (data / "b1.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.delenv("TRIAGE_CORPORA", raising=False)
    out = tmp_path / "out"
    main(
        ["--encoder", str(checkpoint), "--out", str(out), "--data", str(data), "--help-centres", str(tmp_path / "none"),
         "--folds", "2", "--epochs", "1", "--torch"]
    )  # fmt: skip
    served = OnnxEncoder(out, version="x")
    vectors = served.encode(["where is my parcel"])
    assert vectors.shape == (1, 32)
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-3)
    assert (
        HeadClassifier(Heads.load(out / "heads.npz"), Manifest.read(out))
        .predict(served.read(["where is my parcel"])[0].features)
        .primary.name
    )
    half = load_encoder(str(out / "torch"))  # 16 bits on disk, trained and run in 32
    assert half.encode(half.tokens(["where is my parcel"])).shape == (1, 32)
    manifest = Manifest.read(out)
    assert manifest.calibration.temperatures.keys() == {"intent", "urgency", "reply"}

    (out / "manifest.json").write_text(manifest.model_copy(update={"calibration": Calibration()}).model_dump_json())
    main(["--encoder", str(checkpoint), "--out", str(out), "--data", str(data), "--folds", "2", "--recalibrate"])
    assert Manifest.read(out) == manifest  # from the folds' files, without training again


@pytest.mark.parametrize("name", ["no-such-folder/no-such-model", "."])
def test_what_is_no_encoder_is_refused_in_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="cannot load"):
        load_encoder(name)


def test_half_precision_keeps_the_vectors(
    trained: tuple[TextEncoder, MultiTaskHeads], tmp_path: Path, lines: tuple[str, ...]
) -> None:
    encoder, heads = trained
    write_half(encoder, heads, tmp_path)
    restored = load_encoder(str(tmp_path))
    assert restored.pooling == encoder.pooling
    np.testing.assert_array_equal(restored.tokens(lines).ids, encoder.tokens(lines).ids)
    assert (encoder.encode(encoder.tokens(lines)) * restored.encode(restored.tokens(lines))).sum(1).min() > 0.999


def test_the_retrieval_loss_falls_when_the_right_passage_comes_near() -> None:
    passages = torch.eye(4)
    right = torch.tensor([[True, True, False, False]])
    near = retrieval_loss(torch.tensor([[0.9, 0.1, 0.1, 0.0]]), passages, right)
    far = retrieval_loss(torch.tensor([[0.1, 0.1, 0.9, 0.0]]), passages, right)
    assert near < 0.01 < far


def test_the_sample_of_prose_is_the_same_from_its_cache(
    tiny_encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [Pair(language="pl", english=f"sentence {n}", foreign=f"zdanie {n}", tier="A") for n in range(9)]
    monkeypatch.setattr("training.classifier.corpora.load_pairs", lambda _: {"pl": pairs})
    monkeypatch.setenv("TRIAGE_CORPORA", str(tmp_path))

    def teacher(texts: list[str]) -> np.ndarray:
        return tiny_encoder.encode(tiny_encoder.tokens(texts))

    cache = tmp_path / "natural.npz"
    first, kept = (parallel_sample(tiny_encoder, teacher, size=4, cache=cache)(1) for _ in range(2))
    assert cache.exists()
    assert len(first[0]) == 4
    np.testing.assert_array_equal(first[0].ids, kept[0].ids)
    np.testing.assert_array_equal(first[1], kept[1])


def test_runs_that_differ_by_seed_begin_with_the_same_heads(tiny_encoder: TextEncoder) -> None:
    still = {"epochs": 1, "rate_layers": 1e-9, "rate_heads": 1e-9, "rate_embeddings": 1e-9}
    first, second = (
        fit(tiny_encoder, MESSAGES, FineTuningConfig(seed=seed, **still), report=lambda _: None) for seed in (1, 2)
    )
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, atol=1e-6, rtol=0)


def test_the_mean_of_two_runs_ships_and_its_members_are_not_trained_twice(
    trained: tuple[TextEncoder, MultiTaskHeads], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRIAGE_CORPORA", raising=False)
    start, data, out = tmp_path / "start", tmp_path / "data", tmp_path / "out"
    data.mkdir()
    rows = [
        {"text": f"{text} {number}", "language": "en", "channel": "chat", "intents": [intent], "urgency": "normal"}
        for number in range(4) for text, intent in INTENTS.items()
    ]  # fmt: skip
    (data / "b1.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write_model(start, *trained, Calibration(), ["a test"], {})
    command = ["--encoder", str(start), "--out", str(out), "--data", str(data), "--help-centres", str(tmp_path / "none"),
               "--folds", "2", "--epochs", "1", "--average", "2"]  # fmt: skip
    main([*command, "--member", "2"])
    assert [path.name for path in (out / "members").iterdir()] == ["full-seed-2.safetensors"]
    made = (out / "members" / "full-seed-2.safetensors").stat().st_mtime_ns
    main(command)
    names = {f"{run}-seed-{seed}.safetensors" for run in ("full", "fold-0-of-2", "fold-1-of-2") for seed in (1, 2)}
    assert {path.name for path in (out / "members").iterdir()} == names
    assert (out / "members" / "full-seed-2.safetensors").stat().st_mtime_ns == made

    members = [load_file(out / "members" / f"full-seed-{seed}.safetensors") for seed in (1, 2)]
    first, second = (state["heads.hidden.weight"].float() for state in members)
    assert not torch.equal(first, second)
    np.testing.assert_allclose(Heads.load(out / "heads.npz").hidden[0].T, ((first + second) / 2).numpy(), atol=1e-3)


def test_a_member_cut_short_or_of_another_model_is_refused(tiny_encoder: TextEncoder, tmp_path: Path) -> None:
    small, large = (MultiTaskHeads(tiny_encoder.width, hidden, 0.0) for hidden in (8, 16))
    save_member(tiny_encoder, small, tmp_path / "a")
    save_member(tiny_encoder, large, tmp_path / "b")
    with pytest.raises(ModelError, match="b: of another model than"):
        load_mean(tiny_encoder, small, [tmp_path / "a", tmp_path / "b"])
    with pytest.raises(ModelError, match="not of this encoder"):
        load_mean(tiny_encoder, small, [tmp_path / "b"])
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:100])
    with pytest.raises(ModelError, match="cannot load"):
        load_mean(tiny_encoder, small, [tmp_path / "a"])
