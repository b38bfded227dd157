from __future__ import annotations

import fcntl
import json
import logging
import random
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.knowledge_base.dense import FLAT_UP_TO, DenseIndex
from triage.knowledge_base.files import locked
from triage.knowledge_base.generation import Origin
from triage.knowledge_base.journal import Change, JournalStart, append, change_line, read_journal, write_journal
from triage.knowledge_base.passages import PassageIndex, prepare
from triage.knowledge_base.serialisation import article_of, article_record, canonical, fingerprint
from triage.knowledge_base.snapshots import Snapshot, SnapshotStore
from triage.testing import HashingEncoder
from triage.types import Article

ORIGIN = Origin(lineage="first", seq=0)
START = JournalStart(lineage="first", after=0)
WIDTH = 32
FILES = ("manifest.json", "articles.jsonl", "vectors.npy", "dense.faiss")


def _article(number: int, body: str = "You can return it within 30 days.") -> Article:
    return Article(
        id=f"a{number}", language="en", title=f"Article {number}", body=f"{body}\n\n## More\n\nCase {number}."
    )


def _index(articles: list[Article]) -> PassageIndex:
    return PassageIndex.of(prepare(articles, HashingEncoder(WIDTH), known=lambda key: None), WIDTH)


def _publish(store: SnapshotStore, articles: list[Article], seq: int = 0) -> int:
    origin = replace(ORIGIN, seq=seq)
    pointer = store.write(_index(articles), origin, encoder_version="hashing")
    store.publish(pointer, origin, [])
    return pointer.number


def _put(seq: int, article: Article) -> Change:
    return Change(seq=seq, key=(article.id, article.language), article=article)


def _loaded(store: SnapshotStore) -> Snapshot:
    snapshot = store.load("hashing", WIDTH)
    assert snapshot is not None
    return snapshot


def test_a_generation_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store, articles = SnapshotStore(tmp_path), [_article(1), _article(2)]
    number = _publish(store, articles)
    snapshot, written = _loaded(store), _index(articles)
    assert snapshot.pointer.number == number
    assert list(snapshot.index.articles.values()) == articles
    assert np.array_equal(snapshot.index.vectors, written.vectors)
    assert snapshot.index.dense.search(written.vectors[2], 1)[0].tolist() == [2]


def test_the_manifest_says_what_the_generation_holds(tmp_path: Path) -> None:
    number = _publish(SnapshotStore(tmp_path), [_article(1), _article(2)])
    manifest = json.loads((tmp_path / "generations" / str(number) / "manifest.json").read_bytes())
    assert (manifest["articles"], manifest["passages"], manifest["dimension"]) == (2, 4, WIDTH)
    assert manifest["encoder"] == "hashing"
    assert set(manifest["files"]) == set(FILES[1:])
    assert all(set(entry) == {"sha256", "size"} for entry in manifest["files"].values())


def test_an_empty_generation_is_one(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    _publish(store, [])
    assert len(_loaded(store).index) == 0


def test_only_the_generation_before_is_kept(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    numbers = [_publish(store, [_article(n)]) for n in range(4)]
    assert sorted(int(path.name) for path in (tmp_path / "generations").iterdir()) == numbers[-2:]
    assert len(list(tmp_path.glob("journal-*"))) == 2


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_never_read(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    store = SnapshotStore(tmp_path / "kept")
    number = _publish(store, [_article(1), _article(2)])
    chance = random.Random(name)
    for _ in range(40):
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "kept", copy)
        path = copy / "generations" / str(number) / name
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert SnapshotStore(copy).load("hashing", WIDTH) is None
        assert len(caplog.records) == 1
        assert "\n" not in caplog.records[0].getMessage()
        shutil.rmtree(copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "longer"])
def test_a_broken_file_is_never_read(tmp_path: Path, name: str, damage: str) -> None:
    store = SnapshotStore(tmp_path)
    path = tmp_path / "generations" / str(_publish(store, [_article(1)])) / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[:-1], "longer": content + b"\n"}[damage])
    assert store.load("hashing", WIDTH) is None


def test_the_file_of_another_generation_is_refused(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    first, second = _publish(store, [_article(1)]), _publish(store, [_article(2)])
    for name in FILES:
        shutil.copy(tmp_path / "generations" / str(first) / name, tmp_path / "generations" / str(second) / name)
        assert store.load("hashing", WIDTH) is None


def test_vectors_of_another_encoder_or_dimension_are_refused(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    _publish(store, [_article(1)])
    assert store.load("other", WIDTH) is None
    assert store.load("hashing", WIDTH + 1) is None


@pytest.mark.parametrize("content", ["", "1", "x\n", f"1 {'0' * 64}\n", f"99 {'0' * 64}\n"])
def test_a_damaged_pointer_is_not_followed(tmp_path: Path, content: str) -> None:
    store = SnapshotStore(tmp_path)
    _publish(store, [_article(1)])
    (tmp_path / "current").write_text(content)
    assert store.load("hashing", WIDTH) is None


def test_articles_and_vectors_survive_the_loss_of_the_rest(tmp_path: Path) -> None:
    store, articles = SnapshotStore(tmp_path), [_article(1), _article(2)]
    number = _publish(store, articles)
    append(store.journal(number), store.journal(number).stat().st_size, [_put(1, _article(3))])
    (tmp_path / "generations" / str(number) / "dense.faiss").unlink()
    recovered = store.recover("hashing", WIDTH)
    assert recovered.articles == (*articles, _article(3))
    assert (recovered.whole, recovered.origin.lineage, recovered.origin.seq) == (True, "first", 1)
    assert set(recovered.known) == {("a1", "en"), ("a2", "en")}


def test_lost_articles_come_from_the_generation_before_and_the_changes_since(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    first = _publish(store, [_article(1)])
    append(store.journal(first), store.journal(first).stat().st_size, [_put(1, _article(2))])
    second = _publish(store, [_article(1), _article(2)], seq=1)
    append(store.journal(second), store.journal(second).stat().st_size, [_put(2, _article(3))])
    (tmp_path / "generations" / str(second) / "articles.jsonl").write_bytes(b"")
    recovered = store.recover("hashing", WIDTH)
    assert recovered.articles == (_article(1), _article(2), _article(3))
    assert recovered.origin.lineage != "first"


def test_where_all_is_lost_the_seed_and_the_told_changes_stand(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    number = _publish(store, [_article(1)])
    append(store.journal(number), store.journal(number).stat().st_size, [_put(1, _article(3))])
    shutil.rmtree(tmp_path / "generations")
    assert store.recover("hashing", WIDTH, [_article(9)]).articles == (_article(9), _article(3))


def test_a_journal_tells_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    end = write_journal(path, START, [_put(1, _article(1))])
    deleted = Change(seq=2, key=("a1", "en"), article=None)
    assert append(path, end, [deleted]) == path.stat().st_size
    part = read_journal(path)
    assert (part.start, part.changes, part.damaged) == (START, (_put(1, _article(1)), deleted), False)
    assert read_journal(path, end).changes == (deleted,)


def test_a_line_that_broke_off_is_no_change_at_any_length(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    end = write_journal(path, START, [_put(1, _article(1))])
    kept, line = path.read_bytes(), change_line(_put(2, _article(2, "A longer line than the next.")))
    for length in range(len(line)):
        path.write_bytes(kept + line[:length])
        part = read_journal(path)
        assert (part.changes, part.end, part.damaged) == ((_put(1, _article(1)),), end, False)
    append(path, end, [_put(2, _article(3, "Short."))])
    assert read_journal(path).changes == (_put(1, _article(1)), _put(2, _article(3, "Short.")))
    assert path.stat().st_size == len(kept) + len(change_line(_put(2, _article(3, "Short."))))


def test_reading_stops_at_a_damaged_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    begin = write_journal(path, START, [])
    end = append(path, begin, [_put(1, _article(1))])
    append(path, end, [_put(2, _article(2)), _put(3, _article(3))])
    whole, chance = path.read_bytes(), random.Random(5)
    for _ in range(100):
        content = bytearray(whole)
        content[chance.randrange(begin, end)] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        part = read_journal(path)
        assert (part.changes, part.end, part.damaged) == ((), begin, True)


def test_nothing_stays_of_a_change_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    end = write_journal(path, START, [])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("triage.knowledge_base.journal.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        append(path, end, [_put(1, _article(1))])
    assert path.stat().st_size == end


_TEXT = st.text(st.characters(), max_size=20)  # lone surrogates too
_WORDS = st.lists(_TEXT, max_size=3).map(tuple)


@given(
    st.builds(
        Article, id=_TEXT, language=_TEXT, title=_TEXT, body=_TEXT, intents=_WORDS, channels=_WORDS, markets=_WORDS,
        tags=_WORDS, owner=st.none() | _TEXT, valid_from=st.none() | st.dates(), valid_to=st.none() | st.dates(),
    )
)  # fmt: skip
def test_every_article_comes_back_from_its_bytes(article: Article) -> None:
    content = canonical(article_record(article))
    assert b"\n" not in content
    assert article_of(json.loads(content)) == article


def test_a_field_of_a_later_release_is_left_out() -> None:
    assert article_of({**article_record(_article(1)), "colour": "red"}) == _article(1)
    with pytest.raises(TypeError):
        article_of({"id": "a"})


def test_the_fingerprint_follows_every_field() -> None:
    assert fingerprint(_article(1)) == fingerprint(_article(1))
    assert fingerprint(_article(1)) != fingerprint(replace(_article(1), valid_to=date(2026, 12, 31)))


@pytest.mark.parametrize("count", [0, 50, FLAT_UP_TO + 1])
def test_a_dense_index_comes_back_from_its_bytes(count: int) -> None:
    vectors = np.random.default_rng(1).normal(size=(count, 8)).astype(np.float32)
    index = DenseIndex(vectors)
    again = DenseIndex.load(index.dump())
    assert (len(again), again.width) == (count, 8)
    if count:
        assert again.search(vectors[7], 5)[0].tolist() == index.search(vectors[7], 5)[0].tolist()


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with locked(tmp_path / "sub" / "lock") as held:
        assert held
        with locked(tmp_path / "sub" / "lock", wait=False) as second:
            assert not second
    with locked(tmp_path / "sub" / "lock", wait=False) as later:
        assert later


def test_the_lock_of_a_file_that_was_deleted_meanwhile_is_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, calls = tmp_path / "lock", fcntl.flock, list[int]()

    def flock(descriptor: int, operation: int) -> None:
        if not calls:
            path.unlink()
            path.touch()  # another process made it anew
        calls.append(operation)
        real(descriptor, operation)

    monkeypatch.setattr("triage.knowledge_base.files.fcntl.flock", flock)
    with locked(path) as held:
        assert held
        with locked(path, wait=False) as second:
            assert not second
