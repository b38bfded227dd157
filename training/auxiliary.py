"""Public intent sets as further tasks during fine-tuning: they teach the encoder what an intent is, in many languages.

MASSIVE (60 intents, parallel locales), Banking77 in English and Arabic (77 intents, one label set) and Bitext's customer
support intents keep label sets of their own, each with a head that is thrown away; Bitext's labels that mean the same as
ours are mapped instead (``BITEXT``) and train the shipped heads. Only train rows are read.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.messages import LabelledMessage
from training.corpora import MASSIVE_LOCALES

BITEXT = {
    "cancel_order": "cancel_order",
    "change_order": "change_order",
    "change_shipping_address": "change_delivery",
    "complaint": "complaint",
    "contact_human_agent": "human_agent",
    "delete_account": "account_change",
    "delivery_options": "shipping_options",
    "edit_account": "account_change",
    "get_invoice": "invoice_request",
    "get_refund": "refund_request",
    "newsletter_subscription": "account_change",
    "payment_issue": "payment_problem",
    "place_order": "place_order",
    "recover_password": "account_access",
    "registration_problems": "account_access",
    "track_order": "track_order",
    "track_refund": "refund_status",
}
"""Bitext's label: ours. The others (payment methods, delivery period, account switching, …) have no single counterpart."""

_URGENCY = {"payment_problem": "high", "refund_status": "normal"}
_SLOT = re.compile(r"\{\{.*?\}\}")
_FILLERS = {
    "{{Order Number}}": ("TM-10428", "302-4471908-6625313", "#11873", "88213", "00123842"),
    "{{Person Name}}": ("Anna", "Mr. Silva", "Yusuf", "my wife"),
    "{{Account Type}}": ("premium", "pro", "standard"),
    "{{Account Category}}": ("gold", "business", "free"),
    "{{Refund Amount}}": ("49", "120", "15.90"),
    "{{Currency Symbol}}": ("$", "€", "£"),
    "{{Delivery City}}": ("Leeds", "Austin", "Lyon"),
    "{{Delivery Country}}": ("Poland", "Canada", "Spain"),
    "{{Invoice Number}}": ("INV-2041", "88412"),
}


@dataclass(frozen=True, kw_only=True)
class AuxiliaryExample:
    """One text of a public set and its label there."""

    text: str
    label: str


def _rows(path: Path) -> Iterator[dict[str, object]]:
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            yield json.loads(line)


def bitext_messages(folder: Path, *, per_intent: int, seed: int = 5) -> list[LabelledMessage]:
    """Mapped English messages with filled slots, at most ``per_intent`` a label of ours."""
    rng = random.Random(seed)
    by_intent: dict[str, dict[str, None]] = {}
    for row in _rows(folder / "intents/bitext/train_27k_2023.jsonl.gz"):
        intent = BITEXT.get(str(row["label"]))
        if intent:
            by_intent.setdefault(intent, {})[str(row["text"])] = None
    messages = []
    for intent, texts in sorted(by_intent.items()):
        for text in rng.sample(sorted(texts), min(per_intent, len(texts))):
            filled = _SLOT.sub(lambda slot: rng.choice(_FILLERS.get(slot[0], ("this",))), text)
            messages.append(
                LabelledMessage(
                    text=filled,
                    language="en",
                    channel="chat",
                    intents=(intent,),
                    urgency=_URGENCY.get(intent, "normal"),
                    needs_reply=True,
                    reasons=(),
                    entities=(),
                    batch="bitext",
                )
            )
    return messages


def auxiliary_sets(folder: Path) -> dict[str, list[AuxiliaryExample]]:
    """Texts and labels by set: ``massive`` in the configured languages, ``banking`` in English and Arabic."""
    massive = [
        AuxiliaryExample(text=str(row["text"]), label=str(row["label"]))
        for locale in ("en-US", *MASSIVE_LOCALES.values())
        for row in _rows(folder / f"intents/massive/{locale}.jsonl.gz")
        if row["split"] == "train"
    ]
    banking = [
        AuxiliaryExample(text=str(row["text"]), label=str(row["label"]).lower())
        for name in ("banking77/train", "arbanking77/msa_pal_train")
        for row in _rows(folder / f"intents/{name}.jsonl.gz")
    ]
    return {"massive": massive, "banking": banking}
