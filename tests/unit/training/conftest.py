"""A tiny encoder made in the test: the real classes with two layers of 32 numbers and a tokenizer trained on a few lines."""

from __future__ import annotations

import importlib.util
import os

import pytest

# Read when the hub library is imported: no test may wait for a network.
os.environ["HF_HUB_OFFLINE"] = "1"

if importlib.util.find_spec("torch") is None:
    # `make test` needs no torch; `make test-training` runs these.
    collect_ignore_glob = ["test_*.py"]
else:
    import torch
    from transformers import BertConfig, BertModel

    from training.text_encoder import TextEncoder
    from training.tokenizer import train_tokenizer

    torch.set_num_threads(1)

LINES = (
    "where is my parcel", "the kettle arrived broken", "please cancel my order", "how do I return these shoes",
    "gdzie jest moja paczka", "czajnik przyszedł zbity", "proszę anulować zamówienie", "jak zwrócić te buty",
    "أين طردي", "وصلت الغلاية مكسورة", "أرجو إلغاء طلبي", "كيف أعيد هذا الحذاء",
)  # fmt: skip


@pytest.fixture
def lines() -> tuple[str, ...]:
    return LINES


@pytest.fixture
def tiny_encoder() -> TextEncoder:
    """Deterministic; every test gets its own, so that training in one does not show in another."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer(LINES * 4, 300)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=66, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )  # fmt: skip
    return TextEncoder(
        model=BertModel(config, add_pooling_layer=False).eval(), tokenizer=tokenizer,
        cls=tokenizer.token_to_id("[CLS]"), sep=tokenizer.token_to_id("[SEP]"),
    )  # fmt: skip
