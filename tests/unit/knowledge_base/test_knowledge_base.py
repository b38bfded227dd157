from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.errors import IndexUnavailable
from triage.knowledge_base.base import KnowledgeBase
from triage.knowledge_base.live import LATE_PASSAGES, POLL_SECONDS
from triage.knowledge_base.retriever import HybridRetriever
from triage.protocols import Query, Vectors
from triage.testing import HashingEncoder
from triage.types import Article, Retrieval

TODAY = date(2026, 11, 22)
INTENTS = {"return_item": 1.0, "delivery_late": 0.3}


class Ticking:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Killed(BaseException):
    """The process ends here."""


class Steps:
    """Lets ``os.fsync`` and ``os.replace`` pass until a step, and fails at that one and after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken, self.last, self.error = 0, 10**9, Killed()
        for name in ("fsync", "replace"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, real: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: object) -> None:
            self.taken += 1
            if self.taken >= self.last:
                raise self.error
            real(*arguments)

        return step

    def fail_at(self, step: int, error: BaseException) -> None:
        self.taken, self.last, self.error = 0, step, error

    def pass_all(self) -> None:
        self.taken, self.last = 0, 10**9


def _article(article_id: str, body: str, language: str = "en", **fields: object) -> Article:
    return Article(id=article_id, language=language, title=f"About {article_id}", body=body, **fields)  # type: ignore[arg-type]


RETURNS = _article("returns", "You can return any item within 30 days.", intents=("return_item",))
LATE = _article("late", "If the parcel is late we ask the carrier.", intents=("delivery_late",))
KETTLE = _article("kettle", "Descale the KT-210 kettle once a month.")
SEED = (RETURNS, LATE)


def _base(folder: Path, seed: Sequence[Article] = SEED, **options: object) -> KnowledgeBase:
    return KnowledgeBase(folder, HashingEncoder(), seed=seed, today=lambda: TODAY, **options)  # type: ignore[arg-type]


def _search(base: KnowledgeBase | HybridRetriever, query: str, language: str = "en", **options: object) -> Retrieval:
    vector = HashingEncoder().encode([query])[0]
    return base.search(Query(text=query, vector=vector, language=language, **options))  # type: ignore[arg-type]


def _found(base: KnowledgeBase, query: str, language: str = "en") -> list[str]:
    return [passage.article_id for passage in _search(base, query, language).passages]


def _evidence(
    base: KnowledgeBase | HybridRetriever, query: str, vector: Vectors, language: str, intents: dict[str, float]
) -> list[str]:
    return sorted(map(repr, base.evidence(Query(text=query, vector=vector, language=language, intents=intents))))


def _fresh(articles: Sequence[Article]) -> HybridRetriever:
    return HybridRetriever(articles, HashingEncoder(), today=lambda: TODAY)


def _many(count: int) -> list[Article]:
    return [_article(f"m{number:04}", f"Saved reply {number} about gadget {number * 7}.") for number in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_the_seed_is_searchable_and_is_not_needed_again(folder: Path) -> None:
    assert _found(_base(folder), "return an item within 30 days")[0] == "returns"
    encoder = HashingEncoder()
    again = KnowledgeBase(folder, encoder, seed=[KETTLE])
    assert again.articles == (LATE, RETURNS)
    assert encoder.calls == []


def test_a_put_is_searchable_and_kept_when_it_returns(folder: Path) -> None:
    base = _base(folder)
    assert base.put(KETTLE) == "new"
    assert _found(base, "KT-210 kettle")[0] == "kettle"
    assert base.get("kettle", "en") == KETTLE
    assert _base(folder).articles == base.articles == (KETTLE, LATE, RETURNS)


def test_a_changed_article_replaces_the_former(folder: Path) -> None:
    base, changed = _base(folder), replace(RETURNS, body="Bring the zebra back within 99 weeks.")
    assert base.put(changed) == "changed"
    assert base.put(changed) == "same"
    assert _search(base, "zebra 99 weeks").passages[0].text == changed.body
    assert all(passage.text != RETURNS.body for passage in _search(base, RETURNS.body).passages)
    assert len(base) == 2


def test_a_deleted_article_is_never_found_again(folder: Path) -> None:
    base = _base(folder)
    base.put(_article("late", "Paczka się spóźnia.", "pl"))
    assert base.delete("late", "pl") == 1
    assert base.delete("late", "pl") == 0
    assert base.put(replace(LATE, language="de")) == "new"
    assert base.delete("late") == 2
    assert base.delete("never-there") == 0
    for opened in (base, _base(folder)):
        assert opened.get("late", "en") is None
        assert "late" not in _found(opened, LATE.body)


def test_what_did_not_change_is_not_encoded_again(folder: Path) -> None:
    encoder = HashingEncoder()
    base = KnowledgeBase(folder, encoder, seed=[replace(RETURNS, body="First part.\n\n## Two\n\nSecond part.")])
    encoder.calls.clear()
    base.put(replace(RETURNS, body="First part.\n\n## Two\n\nAnother part."))
    assert sum(encoder.calls) == 1
    base.build()
    assert sum(encoder.calls) == 1


def test_the_version_follows_the_articles_alone(folder: Path) -> None:
    base = _base(folder)
    first = base.version
    base.put(KETTLE)
    second = base.version
    base.build()
    assert base.version == second == _base(folder).version == _fresh(base.articles).version
    base.delete("kettle")
    assert base.version == first != second


def test_a_language_that_is_added_is_preferred_and_one_that_is_deleted_is_not(folder: Path) -> None:
    base = _base(folder)
    query = "late parcel carrier, paczka"
    assert _search(base, query, "pl").passages[0].language == "en"
    base.put(_article("late", "Paczka: late parcel carrier.", "pl"))
    assert {p.language for p in _search(base, query, "pl").passages if p.article_id == "late"} == {"pl"}
    base.delete("late", "pl")
    assert {p.language for p in _search(base, query, "pl").passages if p.article_id == "late"} == {"en"}


def test_an_article_counts_only_from_its_first_to_its_last_day(folder: Path) -> None:
    days = [TODAY]
    base = KnowledgeBase(folder, HashingEncoder(), seed=SEED, today=lambda: days[0])
    base.put(_article("sale", "The winter sale runs now.", valid_from=date(2026, 12, 1), valid_to=date(2026, 12, 31)))
    seen = []
    for day in (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 1)):
        days[0] = day
        seen.append("sale" in _found(base, "winter sale"))
    assert seen == [False, True, True, False]


def test_a_translation_that_expired_leaves_its_place_to_english(folder: Path) -> None:
    base = _base(folder)
    base.put(_article("late", "late parcel carrier", "pl", valid_to=date(2026, 1, 1)))
    assert _search(base, "late parcel carrier", "pl").passages[0].language == "en"


def test_another_process_sees_a_change_after_the_poll_interval(folder: Path) -> None:
    clock = Ticking()
    first, second = _base(folder), _base(folder, clock=clock)
    first.put(KETTLE)
    first.delete("returns")
    assert "kettle" not in _found(second, "KT-210 kettle")
    clock.seconds += POLL_SECONDS
    assert _found(second, "KT-210 kettle")[0] == "kettle"
    assert second.get("returns", "en") is None
    assert second.version == first.version


def test_two_processes_change_in_turn_without_polling(folder: Path) -> None:
    first, second = _base(folder, clock=Ticking()), _base(folder, clock=Ticking())
    for number, article in enumerate(_many(8)):
        (first, second)[number % 2].put(article)
    assert second.put(_many(8)[0]) == "same"
    assert first.put(_many(8)[7]) == "same"
    assert first.articles == second.articles == _base(folder).articles


def test_another_process_takes_over_a_new_index(folder: Path) -> None:
    clock = Ticking()
    first, second = _base(folder), _base(folder, clock=clock)
    second.put(KETTLE)
    first.put(_article("more", "Something about lanterns."))
    first.build()
    second.put(_article("yet-more", "Something about tents."))  # written behind the new generation
    clock.seconds += POLL_SECONDS
    second.get("kettle", "en")
    second.settle()
    assert second._live.state.number == first._live.state.number
    assert [change.key[0] for change in second._live.state.since(0)] == ["yet-more"]
    assert second.articles == _base(folder).articles
    assert second.version == _fresh(second.articles).version


def test_an_import_of_many_reaches_another_process(folder: Path) -> None:
    clock = Ticking()
    first, second = _base(folder), _base(folder, clock=clock)
    second.put(KETTLE)
    assert set(first.put_many(_many(LATE_PASSAGES + 1))) == {"new"}
    clock.seconds += POLL_SECONDS
    second.get("kettle", "en")
    second.settle()
    assert len(second.articles) == LATE_PASSAGES + 4
    assert second.put(_many(1)[0]) == "same"
    assert first.articles == second.articles == _base(folder).articles


def test_a_change_behind_an_import_of_another_process_is_not_lost(folder: Path) -> None:
    first, second = _base(folder, clock=Ticking()), _base(folder, clock=Ticking())
    first.put_many(_many(LATE_PASSAGES + 1))
    assert second.put(KETTLE) == "new"  # without having polled
    assert len(_base(folder).articles) == LATE_PASSAGES + 4


def test_a_process_that_slept_through_several_generations_catches_up(folder: Path) -> None:
    first, second = _base(folder), _base(folder, clock=Ticking())
    for article in _many(4):
        first.put(article)
        first.build()
    assert second.put(KETTLE) == "new"
    assert second.articles == _base(folder).articles
    assert len(second.articles) == 7


def test_an_import_says_what_became_of_each_and_how_far_it_is(folder: Path) -> None:
    base, seen = _base(folder), list[tuple[int, int]]()
    twice = replace(KETTLE, title="Twice")
    outcomes = base.put_many([RETURNS, replace(LATE, title="T"), KETTLE, twice, twice], lambda *at: seen.append(at))
    assert outcomes == ["same", "changed", "new", "changed", "same"]
    assert base.get("kettle", "en") == twice
    assert seen[-1] == (3, 3)
    assert base.put_many([]) == []


def test_many_at_once_are_written_by_one_flush(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, steps = _base(folder), Steps(monkeypatch)
    base.put_many(_many(50))
    assert steps.taken == 1


def test_progress_counts_up_to_all_passages(folder: Path) -> None:
    base, seen = _base(folder, seed=()), list[tuple[int, int]]()
    base.put_many(_many(300), lambda *at: seen.append(at))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 300), (300, 300))
    seen.clear()
    base.build(lambda *at: seen.append(at))
    assert seen == [(300, 300)]


def test_a_new_index_is_made_in_the_background_once_much_changed(folder: Path) -> None:
    base = _base(folder)
    number = base._live.state.number
    articles = _many(LATE_PASSAGES + 1)
    base.put_many(articles[:-1])
    base.settle()
    assert base._live.state.number == number
    base.put(articles[-1])
    base.settle()
    assert base._live.state.number > number
    assert base._live.state.late == {}
    assert len(base.articles) == LATE_PASSAGES + 3


class Waiting(HashingEncoder):
    """Stops before it encodes a batch of many texts, until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> Vectors:
        if len(texts) > 20:
            self.reached.set()
            assert self.go.wait(30)
        return super().encode(texts)


def test_searches_and_changes_go_on_while_an_index_is_made(folder: Path) -> None:
    encoder = Waiting()
    base = KnowledgeBase(folder, encoder, seed=SEED)
    importing = threading.Thread(target=base.put_many, args=(_many(LATE_PASSAGES + 1),))
    importing.start()
    assert encoder.reached.wait(30)
    base.put(KETTLE)
    base.put(replace(_many(1)[0], body="Changed during the import."))
    base.delete("late")
    assert _found(base, "KT-210 kettle")[0] == "kettle"
    assert _base(folder).put(_article("more", "Another process wrote about lanterns.")) == "new"
    encoder.go.set()
    importing.join(30)
    assert _found(base, "KT-210 kettle")[0] == "kettle"
    assert len(base.articles) == LATE_PASSAGES + 4
    assert base.articles == _base(folder).articles
    assert base.get("m0000", "en") == replace(_many(1)[0], body="Changed during the import.")
    assert base.get("late", "en") is None


def test_many_threads_change_and_search_at_once(folder: Path) -> None:
    bases = [_base(folder), _base(folder)]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(10):
                base = bases[(number + step) % 2]
                article = _article(f"t{number}", f"Thread {number} wrote zebra{number}x{step}.")
                base.put(article)
                assert base.get(article.id, "en") == article
                assert _search(base, article.body).passages[0].text == article.body
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    bases[0].build()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(_base(folder).articles) == 6


def test_a_deleted_folder_is_made_anew_by_the_next_change(folder: Path) -> None:
    clock = Ticking()
    base = _base(folder, clock=clock)
    base.put(KETTLE)
    shutil.rmtree(folder)
    clock.seconds += POLL_SECONDS
    assert _found(base, "KT-210 kettle")[0] == "kettle"
    more = _article("more", "Something about lanterns.")
    assert base.put(more) == "new"
    assert _base(folder, seed=()).articles == base.articles == (KETTLE, LATE, more, RETURNS)


@pytest.mark.parametrize("part", ["generations", "current", "journal-1.ndjson", "generations/1/vectors.npy"])
def test_a_part_deleted_while_serving_is_made_anew_by_the_next_change(folder: Path, part: str) -> None:
    base = _base(folder)
    base.put(KETTLE)
    shutil.rmtree(folder / part) if (folder / part).is_dir() else (folder / part).unlink()
    base.delete("late")
    assert _base(folder, seed=()).articles == base.articles == (KETTLE, RETURNS)


def test_what_another_process_wrote_before_the_pointer_was_lost_is_kept(folder: Path) -> None:
    first, second = _base(folder, clock=Ticking()), _base(folder, clock=Ticking())
    first.put(KETTLE)
    (folder / "current").unlink()
    second.delete("late")
    assert second.articles == _base(folder, seed=()).articles == (KETTLE, RETURNS)


def test_a_base_that_could_not_be_kept_takes_over_what_another_process_kept(folder: Path) -> None:
    folder.write_text("in the way")
    first = _base(folder, clock=Ticking())
    folder.unlink()
    _base(folder).put(KETTLE)
    assert first.put(KETTLE) == "same"
    assert first.articles == (KETTLE, LATE, RETURNS)


def test_an_article_that_changes_all_the_time_does_not_fill_the_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.knowledge_base.live.JOURNAL_BYTES", 20_000)
    base = _base(folder)
    for number in range(100):
        base.put(replace(RETURNS, title=f"Title {number}"))
        base.settle()
    assert sum(path.stat().st_size for path in folder.glob("journal-*")) < 50_000
    assert _base(folder).articles == base.articles


def test_an_index_folder_from_a_backup_is_taken_over(folder: Path, tmp_path: Path) -> None:
    base = _base(folder)
    shutil.copytree(folder, tmp_path / "backup")
    base.put(KETTLE)
    base.build()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    assert base.put(_article("more", "Something about lanterns.")) == "new"
    assert base.get("kettle", "en") is None
    assert _base(folder).articles == base.articles


def test_a_folder_that_cannot_be_written_serves_and_refuses_changes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    base = _base(tmp_path / "file" / "index")
    assert _found(base, RETURNS.body)[0] == "returns"
    with pytest.raises(IndexUnavailable):
        base.put(KETTLE)
    assert base.get("kettle", "en") is None


def test_another_encoder_encodes_the_kept_articles(folder: Path) -> None:
    _base(folder).put(KETTLE)
    other = KnowledgeBase(folder, HashingEncoder(64, version="other"))
    assert other.articles == (KETTLE, LATE, RETURNS)
    assert KnowledgeBase(folder, HashingEncoder(64, version="other")).version == other.version


def test_two_encoders_in_one_folder_see_each_others_changes(folder: Path) -> None:
    clock = Ticking()
    old = _base(folder, clock=clock)
    new = KnowledgeBase(folder, HashingEncoder(64, version="other"))
    new.put(KETTLE)
    clock.seconds += POLL_SECONDS
    assert old.get("kettle", "en") == KETTLE
    old.settle()
    assert old.put(_article("more", "Something about lanterns.")) == "new"
    assert new.put(_article("more", "Something about lanterns.")) == "same"
    new.put_many(_many(LATE_PASSAGES + 1))
    clock.seconds += POLL_SECONDS
    old.get("kettle", "en")
    old.settle()
    assert old.articles == new.articles


# Kills: the base opens with the old or the new state.


def test_a_kill_within_a_change_leaves_the_old_or_the_new_state(folder: Path) -> None:
    base = _base(folder)
    base.put(KETTLE)
    journal = folder / "journal-1.ndjson"
    before = journal.read_bytes()
    changed = replace(RETURNS, title="R")
    base.put(changed)
    after, new = journal.read_bytes(), base.articles
    assert after.startswith(before)
    for length in range(len(before), len(after) + 1):
        journal.write_bytes(after[:length])
        opened = _base(folder)
        assert opened.articles == (new if length == len(after) else (KETTLE, LATE, RETURNS))
        if length % 50 == 0:
            opened.put(changed)
            assert _base(folder).articles == new


def test_a_damaged_line_in_the_journal_stops_there_and_changes_go_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base, journal = _base(folder), folder / "journal-1.ndjson"
    base.put(KETTLE)
    end = journal.stat().st_size
    base.delete("late")
    base.delete("returns")
    content = bytearray(journal.read_bytes())
    content[end + 5] ^= 1
    journal.write_bytes(content)
    opened = _base(folder)
    assert opened.articles == (KETTLE, LATE, RETURNS)
    assert "damaged" in caplog.text
    opened.put(_article("more", "Something about lanterns."))
    assert _base(folder).articles == opened.articles
    assert base.put(KETTLE) == "same"
    assert base.articles == opened.articles


def _steps_of(work: Callable[[KnowledgeBase], object], folder: Path, steps: Steps) -> int:
    shutil.copytree(folder, folder.with_name("counting"))
    base = _base(folder.with_name("counting"))
    steps.pass_all()
    work(base)
    return steps.taken


def _import(base: KnowledgeBase) -> object:
    return base.put_many([replace(RETURNS, title="New"), *_many(LATE_PASSAGES + 1)])


WORK: dict[str, Callable[[KnowledgeBase], object]] = {
    "put": lambda base: base.put(replace(RETURNS, title="New")),
    "delete": lambda base: base.delete("late"),
    "build": lambda base: base.build(),
    "import": _import,
}


@pytest.mark.parametrize("name", WORK)
def test_a_kill_at_any_step_leaves_the_old_or_the_new_state(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _base(folder).put(KETTLE)
    steps = Steps(monkeypatch)
    count, old = _steps_of(WORK[name], folder, steps), _base(folder).articles
    new = _base(folder.with_name("counting"), seed=()).articles
    assert count >= (8 if name in ("build", "import") else 1)
    for step in range(1, count + 1):
        copy = folder.with_name(f"copy{step}")
        shutil.copytree(folder, copy)
        base = _base(copy)
        steps.fail_at(step, Killed())
        with pytest.raises(Killed):
            WORK[name](base)
        steps.pass_all()
        opened = _base(copy, seed=())
        assert opened.articles in (old, new), step
        WORK[name](opened)
        assert _base(copy, seed=()).articles == new


@pytest.mark.parametrize("name", WORK)
def test_a_full_disk_at_any_step_is_said_and_the_next_change_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _base(folder).put(KETTLE)
    steps = Steps(monkeypatch)
    count, old = _steps_of(WORK[name], folder, steps), _base(folder).articles
    new = _base(folder.with_name("counting"), seed=()).articles
    for step in range(1, count + 1):
        copy = folder.with_name(f"copy{step}")
        shutil.copytree(folder, copy)
        base = _base(copy)
        steps.fail_at(step, OSError(28, "No space left on device"))
        with pytest.raises(IndexUnavailable, match="No space left"):
            WORK[name](base)
        assert base.articles == old
        steps.pass_all()
        assert _base(copy, seed=()).articles in (old, new), step
        WORK[name](base)
        assert base.articles == _base(copy, seed=()).articles == new


def test_a_kill_while_the_first_index_is_made_leaves_nothing_or_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    _base(folder.with_name("counting"))
    for step in range(1, steps.taken + 1):
        copy = folder.with_name(f"copy{step}")
        steps.fail_at(step, Killed())
        with pytest.raises(Killed):
            _base(copy)
        steps.pass_all()
        assert _base(copy).articles == (LATE, RETURNS)


def _damaged(folder: Path, name: str, rounds: int) -> Iterator[Path]:
    chance = random.Random(name)
    for _ in range(rounds):
        copy = folder.with_name("damaged")
        shutil.copytree(folder, copy)
        content = bytearray((copy / name).read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        (copy / name).write_bytes(content)
        yield copy
        shutil.rmtree(copy)


@pytest.mark.parametrize("name", ["manifest.json", "articles.jsonl", "vectors.npy", "dense.faiss"])
def test_after_a_flipped_bit_the_base_is_rebuilt_with_the_same_articles(folder: Path, name: str) -> None:
    base = _base(folder)
    base.put(KETTLE)
    base.build()
    base.delete("late")
    expected = _search(base, "return the kettle", intents=INTENTS)
    number = base._live.state.number
    for copy in _damaged(folder, f"generations/{number}/{name}", 15):
        opened = _base(copy, seed=())
        assert _search(opened, "return the kettle", intents=INTENTS) == expected
        assert opened.articles == base.articles
        assert opened._live.state.number > number
        encoder = HashingEncoder()
        assert KnowledgeBase(copy, encoder).articles == base.articles
        assert encoder.calls == []


def test_after_a_flipped_bit_in_the_pointer_nothing_is_lost(folder: Path) -> None:
    base = _base(folder)
    base.put(KETTLE)
    base.build()
    base.delete("late")
    for copy in _damaged(folder, "current", 15):
        assert _base(copy, seed=()).articles == base.articles


def test_without_an_intact_generation_the_seed_stands(folder: Path) -> None:
    _base(folder)
    for copy in _damaged(folder, "generations/1/articles.jsonl", 5):
        assert _base(copy, seed=[KETTLE]).articles == (KETTLE,)


def test_intact_vectors_are_used_though_the_rest_is_damaged(folder: Path) -> None:
    _base(folder)
    (folder / "generations" / "1" / "dense.faiss").write_bytes(b"")
    encoder = HashingEncoder()
    assert KnowledgeBase(folder, encoder).articles == (LATE, RETURNS)
    assert encoder.calls == []


# Equality: a base that changed answers as an index made anew.

_WORDS = ("kettle", "return", "parcel", "late", "carrier", "refund", "paczka", "zwrot", "30", "days")
_BODIES = st.lists(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=6).map(" ".join), max_size=3)
_ARTICLES = st.builds(
    Article,
    id=st.sampled_from("abcdef"),
    language=st.sampled_from(("en", "pl", "de")),
    title=st.sampled_from(_WORDS),
    body=_BODIES.map("\n\n## More\n\n".join),
    intents=st.sampled_from(((), ("return_item",), ("delivery_late", "return_item"))),
    tags=st.sampled_from(((), ("emergency",))),
    channels=st.sampled_from(((), (), ("amazon",))),
    valid_to=st.sampled_from((None, None, date(2026, 1, 1))),
)
_DELETED = st.tuples(st.sampled_from("abcdef"), st.sampled_from((None, "en", "pl")))
_STEPS = st.lists(
    st.one_of(_ARTICLES, _ARTICLES, _ARTICLES, _DELETED, st.just("build"), st.just("reopen")), max_size=12
)


@settings(max_examples=40)
@given(st.lists(_ARTICLES, max_size=6), _STEPS, st.lists(st.sampled_from(_WORDS), max_size=5).map(" ".join))
def test_a_changed_base_answers_as_an_index_made_anew(
    seed: list[Article], changes: list[Article | tuple[str, str | None] | str], query: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = _base(Path(name), seed=seed)
        kept = {(article.id, article.language): article for article in seed}
        for change in changes:
            if isinstance(change, Article):
                base.put(change)
                kept[(change.id, change.language)] = change
            elif isinstance(change, tuple):
                gone = [key for key in kept if key[0] == change[0] and change[1] in (None, key[1])]
                assert base.delete(*change) == len(gone)
                for key in gone:
                    del kept[key]
            elif change == "build":
                base.build()
            else:
                base = _base(Path(name), seed=())
        assert base.articles == tuple(kept[key] for key in sorted(kept))
        fresh = _fresh(base.articles)
        assert len(base) == len(fresh)
        vector = HashingEncoder().encode([query])[0]
        for language in ("en", "pl", "fr"):
            for intents in ({}, INTENTS):
                found = _search(base, query, language, intents=intents, critical=True, channel="email", limit=50)
                assert found == _search(
                    fresh, query, language, intents=intents, critical=True, channel="email", limit=50
                )
                assert _evidence(base, query, vector, language, intents) == _evidence(
                    fresh, query, vector, language, intents
                )


def test_a_large_changed_base_answers_as_an_index_made_anew(folder: Path) -> None:
    """More passages than candidates are gathered, so that the rankings of both indexes are cut together."""
    chance = random.Random(3)

    def text() -> str:
        return " ".join(chance.choices([*_WORDS, *(f"word{n}" for n in range(60))], k=chance.randint(3, 60)))

    seed = [_article(f"s{n:03}", text(), intents=("return_item",)) for n in range(300)]
    base = _base(folder, seed=seed)
    base.put_many([_article(f"s{n:03}", text(), intents=("return_item",)) for n in range(0, 300, 5)])
    base.put_many([_article(f"t{n:03}", f"{text()} {text()} {text()}", intents=("return_item",)) for n in range(40)])
    base.delete("s001")
    assert base._live.state.late
    fresh = _fresh(base.articles)
    for _ in range(40):
        query = text()
        assert _search(base, query, intents=INTENTS, limit=50) == _search(fresh, query, intents=INTENTS, limit=50)
        vector = HashingEncoder().encode([query])[0]
        assert _evidence(base, query, vector, "en", INTENTS) == _evidence(fresh, query, vector, "en", INTENTS)
