"""The student's tokenizer: Unigram over text without case and without diacritics.

Customers type Polish, Spanish or Czech with and without diacritics, and Arabic with and without hamza or vowel marks.
Folding both spellings to one makes them the same input at no cost in model size.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

# Letters that Unicode does not decompose, and Arabic letters that are written interchangeably.
_FOLDED = {
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th",
    "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ـ": "", "ٱ": "ا",
    "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
}  # fmt: skip


def _normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            *[normalizers.Replace(old, new) for old, new in _FOLDED.items()],
            normalizers.Replace(Regex(r"\p{Cf}|\p{Cc}"), " "),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )


def train_tokenizer(lines: Iterable[str], vocabulary: int) -> Tokenizer:
    """A Unigram tokenizer of ``vocabulary`` pieces; `▁` marks the start of a word, punctuation stands alone."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="always"), pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        unk_token="[UNK]",  # noqa: S106 - a vocabulary entry, no secret
        max_piece_length=14,
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    return Tokenizer.from_file(str(path))
