from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.detection.folding import fold


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Zamówienie ŁÓDŹ", "zamowienie lodz"),
        ("١٢٣۴۵", "12345"),
        ("1\u00a0299\u202f‑\u200f5", "1 299 -5"),
        ("אֹ", "א"),
        ("ＡＢ１", "ab1"),
        ("1½", "1½"),
    ],
)
def test_reads_marks_digits_and_spaces_alike(written: str, read: str) -> None:
    assert fold(written).lower == read


@given(st.text(max_size=60))
def test_every_folded_character_leads_back(source: str) -> None:
    folded = fold(source)
    assert len(folded.text) == len(folded.lower) == len(folded.origin) - 1
    for index in range(len(folded.text)):
        start, end = folded.source_span(index, index + 1)
        assert 0 <= start < end <= len(source)
