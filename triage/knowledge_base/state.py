"""What the knowledge base holds at one moment: a large index, the small one of later changes, both immutable.

A search takes one state and is not disturbed by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from triage.knowledge_base.corpus import Corpus
from triage.knowledge_base.generation import Origin
from triage.knowledge_base.journal import Change
from triage.knowledge_base.passages import Key, PassageIndex, PreparedArticle, key_of
from triage.knowledge_base.serialisation import fingerprint, version_of
from triage.types import Article


@dataclass(frozen=True, kw_only=True)
class Late:
    """A change that the large index does not hold; ``prepared`` is None where it deletes."""

    seq: int
    prepared: PreparedArticle | None


@dataclass(frozen=True, kw_only=True)
class State:
    """A moment of the knowledge base.

    Attributes:
        main: the index of generation ``number``, which holds the changes up to ``origin``.
        late: every key changed since; ``late_index`` is the index of those not deleted.
        seq: the last change.
        total: sum of the fingerprints of all articles.
        version: what results carry.
    """

    main: PassageIndex
    number: int
    origin: Origin
    encoder_version: str
    late: Mapping[Key, Late]
    late_index: PassageIndex
    corpus: Corpus
    seq: int
    total: int
    version: str

    @classmethod
    def of(cls, main: PassageIndex, number: int, origin: Origin, encoder_version: str) -> State:
        """The state right after a generation was made."""
        total = sum(map(fingerprint, main.articles.values()))
        return cls(
            main=main, number=number, origin=origin, encoder_version=encoder_version, late={},
            late_index=PassageIndex.of((), main.vectors.shape[1]), corpus=Corpus(main), seq=origin.seq, total=total,
            version=version_of(total, encoder_version),
        )  # fmt: skip

    def after(self, changes: Iterable[tuple[Change, PreparedArticle | None]]) -> State:
        """This state with ``changes`` made, in order."""
        late, seq, total = dict(self.late), self.seq, self.total
        for change, prepared in changes:
            before = late.get(change.key)
            old = _article(before.prepared) if before else self.main.articles.get(change.key)
            total += (fingerprint(prepared.article) if prepared else 0) - (fingerprint(old) if old else 0)
            late[change.key], seq = Late(seq=change.seq, prepared=prepared), change.seq
        return self._with_late(self.main, late, seq=seq, total=total)

    def on(self, main: PassageIndex, number: int, origin: Origin) -> State:
        """The same articles on a newer index, whose changes up to ``origin`` need no small index any more.

        A newer index of another lineage holds further articles, and the later changes stand above them.
        """
        late = {key: change for key, change in self.late.items() if change.seq > origin.seq}
        total = self.total
        if origin.lineage != self.origin.lineage:
            articles = dict(main.articles)
            for key, change in late.items():
                articles.pop(key, None)
                if change.prepared is not None:
                    articles[key] = change.prepared.article
            total = sum(map(fingerprint, articles.values()))
        return replace(self, number=number, origin=origin)._with_late(main, late, seq=self.seq, total=total)

    def _with_late(self, main: PassageIndex, late: Mapping[Key, Late], *, seq: int, total: int) -> State:
        prepared = [change.prepared for change in late.values() if change.prepared is not None]
        late_index = PassageIndex.of(prepared, main.vectors.shape[1], keep_words=True)
        return replace(
            self, main=main, late=late, late_index=late_index, corpus=Corpus(main, late_index, late.keys()),
            seq=seq, total=total, version=version_of(total, self.encoder_version),
        )  # fmt: skip

    def since(self, seq: int) -> list[Change]:
        """The last change of each key after ``seq``, in order."""
        later = [(change.seq, key, change.prepared) for key, change in self.late.items() if change.seq > seq]
        later.sort(key=lambda entry: entry[0])
        return [Change(seq=number, key=key, article=_article(prepared)) for number, key, prepared in later]

    def prepared(self, key: Key) -> PreparedArticle | None:
        """The article ``key`` with its passages and vectors."""
        return self.late[key].prepared if key in self.late else self.main.prepared(key)

    def get(self, key: Key) -> Article | None:
        return _article(self.late[key].prepared) if key in self.late else self.main.articles.get(key)

    def articles(self) -> tuple[Article, ...]:
        """Every article, by id and language."""
        kept = [article for key, article in self.main.articles.items() if key not in self.late]
        return tuple(sorted([*kept, *self.late_index.articles.values()], key=key_of))

    def languages(self, article_id: str) -> Sequence[str]:
        """The languages in which the article ``article_id`` exists."""
        found = (*self.main.variants.get(article_id, ()), *self.late_index.variants.get(article_id, ()))
        languages = dict.fromkeys(article.language for article in found)
        return [language for language in languages if self.get((article_id, language)) is not None]

    @property
    def superseded(self) -> int:
        """How much the large index lags: passages changed since, or passages no longer in force."""
        return max(len(self.late_index), len(self.main) + len(self.late_index) - len(self.corpus))


def _article(prepared: PreparedArticle | None) -> Article | None:
    return prepared.article if prepared else None
