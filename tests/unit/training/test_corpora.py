"""What a corpus file may be wrong in, and what the trainer says of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from eval.corpora import CorpusError
from training.corpora import english_index, load_pairs, read_own, read_parallel
from training.roughening import hasten

PAIRS = [
    ("My parcel has been at the depot for three days now.", "Moja paczka od trzech dni leży w magazynie."),
    ("Could you send me another size of this jacket?", "Czy mogą mi państwo wysłać inny rozmiar tej kurtki?"),
    ("The lamp flickers whenever I switch it on at night.", "Lampa miga, kiedy tylko włączam ją w nocy."),
]


def write(path: Path, lines: list[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress(b"\n".join(lines) + b"\n"))
    return path


def line(english: str, foreign: str, source: str = "talk") -> bytes:
    return f"{source}\t{english}\t{foreign}".encode()


def test_pairs_carry_their_tier(tmp_path: Path) -> None:
    path = write(tmp_path / "en-pl.tsv.zst", [line(*PAIRS[0]), line(*PAIRS[1], source="app")])
    assert [p.tier for p in read_parallel(path, "pl", {"talk": "A"})] == ["A", "B"]


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"talk\tno second tab", r"en-pl\.tsv\.zst:2: 2 columns"),
        (b"", r"en-pl\.tsv\.zst:2: 1 columns"),
        ("talk\tHello\tCze\u015b\u0107".encode("iso-8859-2"), r"en-pl\.tsv\.zst:2: not UTF-8"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, damaged: bytes, message: str) -> None:
    path = write(tmp_path / "en-pl.tsv.zst", [line(*PAIRS[0]), damaged, line(*PAIRS[1])])
    with pytest.raises(CorpusError, match=message):
        list(read_parallel(path, "pl", {}))


def test_swapped_columns_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "en-pl.tsv.zst", [line(foreign, english) for english, foreign in PAIRS * 20])
    with pytest.raises(CorpusError, match="columns look swapped"):
        list(read_parallel(path, "pl", {}))


def test_a_few_odd_lines_are_no_swap(tmp_path: Path) -> None:
    lines = [line(*pair) for pair in PAIRS * 20]
    lines[3] = line(PAIRS[0][1], PAIRS[0][0])
    assert len(list(read_parallel(write(tmp_path / "en-pl.tsv.zst", lines), "pl", {}))) == 60


def test_a_language_without_pairs_is_named(tmp_path: Path) -> None:
    (tmp_path / "parallel").mkdir()
    (tmp_path / "parallel/sources.json").write_text(json.dumps({"talk": {"tier": "A"}}))
    write(tmp_path / "parallel/en-cs.tsv.zst", [line("OK", "OK")])
    with pytest.raises(CorpusError, match="no usable pairs for language 'cs'"):
        load_pairs(tmp_path, ("cs",), own=tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"en-cs\.tsv\.zst: missing"):
        list(read_parallel(tmp_path / "en-cs.tsv.zst", "cs", {}))


def test_own_pairs_come_last_in_the_index(tmp_path: Path) -> None:
    (tmp_path / "parallel").mkdir()
    (tmp_path / "parallel/sources.json").write_text(json.dumps({"talk": {"tier": "A"}}))
    write(tmp_path / "parallel/en-cs.tsv.zst", [line("Where is it?", "Kde to je?")])
    (tmp_path / "en-cs.tsv").write_text("Good morning\tDobr\u00e9 r\u00e1no\n", encoding="utf-8")
    pairs = load_pairs(tmp_path, ("cs",), own=tmp_path)
    assert english_index(pairs)[0] == ["Where is it?", "Good morning"]


def test_own_pairs_that_a_benchmark_holds_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "parallel").mkdir()
    (tmp_path / "parallel/sources.json").write_text(json.dumps({"talk": {"tier": "A"}}))
    write(tmp_path / "parallel/en-cs.tsv.zst", [line("Where is it?", "Kde to je?")])
    (tmp_path / "bench/talks").mkdir(parents=True)
    (tmp_path / "bench/talks/cs.tsv.gz").write_bytes(gzip.compress(b"English\tforeign\nGood night\tDobrou noc\n"))
    (tmp_path / "en-cs.tsv").write_text(
        "Good night!\tSpi sladce.\nGood morning\tDobr\u00e9 r\u00e1no\n", encoding="utf-8"
    )
    pairs = load_pairs(tmp_path, ("cs",), own=tmp_path)["cs"]
    assert [pair.english for pair in pairs] == ["Where is it?", "Good morning"]


def test_an_own_line_without_a_tab_is_named(tmp_path: Path) -> None:
    (tmp_path / "en-cs.tsv").write_text("Good morning\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"en-cs\.tsv:1: 1 columns"):
        list(read_own(tmp_path / "en-cs.tsv", "cs"))


def test_the_repository_s_own_pairs_can_be_read() -> None:
    from training.corpora import OWN

    files = sorted(OWN.glob("en-*.tsv"))
    assert files
    for path in files:
        assert sum(1 for _ in read_own(path, path.stem.removeprefix("en-"))) > 1000


@given(name=st.sampled_from(["pl", "ar", "id", "ru", "de"]), text=st.text(max_size=80), seed=st.integers(0, 99))
def test_haste_never_fails_and_never_empties_words(name: str, text: str, seed: int) -> None:
    import random

    found = hasten(name, text, random.Random(seed))
    assert isinstance(found, str)
    if any(character.isascii() and character.isalpha() for character in text):
        assert found
