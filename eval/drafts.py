"""Drafts of the whole pipeline on the test messages: cited, in the right language, within the channel, nothing asked twice.

    python -m eval.drafts [--model FOLDER] [--show N] [--failures N] [--every N]

Each message runs twice, on its own channel and on the next of all channels, so that every policy is met. Every third
carries an order, every fourth a thread in which the agent asked for the order number. ``eval/data/help_centres`` are
measured on their own articles, ``eval/data/messages`` on the sample shop's. ``eval.draft_checks`` says what is checked.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from eval.draft_cases import NOW, Case, cases
from eval.draft_checks import Verdict, examine
from eval.help_centres import HelpCentre, Question, read_help_centre
from eval.messages import LabelledMessage, read_messages
from triage.bootstrap import model_folder
from triage.channels.policies import ChannelPolicies
from triage.conversations.circumstances import circumstances
from triage.conversations.sla import sla
from triage.detection.entities import PatternRecogniser
from triage.detection.language import load_identifier
from triage.drafting.composer import Composer
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Manifest
from triage.pipeline import TriagePipeline
from triage.protocols import DraftGenerator, LanguageIdentifier
from triage.sample.data import sample_articles
from triage.settings import Settings
from triage.text.reader import Reader
from triage.types import (
    Article,
    ChannelPolicy,
    Draft,
    InboundMessage,
    Prediction,
    Retrieval,
    TriageResult,
    Voice,
)

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A case, what the pipeline made of it and what is wrong with the draft (None where there is no draft)."""

    case: Case
    result: TriageResult
    expected: str
    verdict: Verdict | None


@dataclass(kw_only=True)
class TimedComposer:
    """A ``DraftGenerator`` that notes how long another one takes, in ms of processor time: other work does not count."""

    composer: DraftGenerator
    milliseconds: list[float] = field(default_factory=list)

    def draft(
        self, message: InboundMessage, *, language: str, prediction: Prediction, known: Collection[str],
        retrieval: Retrieval, policy: ChannelPolicy, now: datetime, voice: Voice | None = None,
    ) -> Draft:  # fmt: skip
        begun = time.thread_time()
        draft = self.composer.draft(
            message, language=language, prediction=prediction, known=known, retrieval=retrieval, policy=policy, now=now,
            voice=voice,
        )  # fmt: skip
        self.milliseconds.append((time.thread_time() - begun) * 1000)
        return draft


class FixedClock:
    """The moment of the invented orders."""

    def now(self) -> datetime:
        return NOW


class Bench:
    """The pipeline as ``triage.bootstrap`` wires it, for one knowledge base after the other."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        manifest = Manifest.read(folder)
        self.policies = ChannelPolicies(settings.channel_policies)
        self.identifier: LanguageIdentifier = load_identifier(settings.language_backend, settings.languages)
        self.signature = settings.brand
        self._encoder = OnnxEncoder(folder, version=manifest.version)
        self._weights = RetrievalWeights(**manifest.retrieval)
        self.composer = TimedComposer(
            composer=Composer(
                Voice(signatures={"": settings.brand}), phrases_folder=settings.phrases, least_score=self._weights.offer
            )
        )
        self._classifier = HeadClassifier(Heads.load(folder / "heads.npz"), manifest, precision=settings.precision)

    def pipeline(self, articles: Sequence[Article]) -> TriagePipeline:
        return TriagePipeline(
            reader=Reader(), identifier=self.identifier, encoder=self._encoder, classifier=self._classifier,
            recogniser=PatternRecogniser(), drafter=self.composer, policies=self.policies, sla=sla,
            retriever=HybridRetriever(articles, self._encoder, weights=self._weights),
            circumstances=circumstances, clock=FixedClock(),
        )  # fmt: skip


def outcomes(
    pipeline: TriagePipeline,
    articles: Sequence[Article],
    wanted: Iterable[Case],
    *,
    policies: ChannelPolicies,
    identifier: LanguageIdentifier,
    signature: str = "",
) -> list[Outcome]:
    """What the pipeline drafts for each case, examined."""
    found = []
    for case in wanted:
        result = pipeline.triage(case.message)
        policy = policies[case.message.channel]
        expected = policy.language or case.language
        verdict = None
        if result.draft is not None:
            verdict = examine(
                result.draft, case.message, policy=policy, articles=articles, language=expected, identifier=identifier,
                signature=signature, entities=case.entities,
            )  # fmt: skip
        found.append(Outcome(case=case, result=result, expected=expected, verdict=verdict))
    return found


def shares(found: Sequence[Outcome]) -> dict[str, float]:
    """Of the drafts among ``found``: how many, and the share that passes each check."""
    verdicts = [o.verdict for o in found if o.verdict is not None]

    def share(rows: Sequence[object]) -> float:
        return sum(map(bool, rows)) / len(rows) if rows else float("nan")

    return {
        "drafts": float(len(verdicts)),
        "cited": share([not v.uncited for v in verdicts]),
        "misread": share([o.result.draft.language != o.expected for o in found if o.result.draft is not None]),
        "language": share([not v.language for v in verdicts if not v.translation]),
        "to translate": share([v.translation for v in verdicts]),
        "fixed parts": share([not v.language for v in verdicts if v.translation]),
        "in limits": share([not v.breaches for v in verdicts]),
        "asked, known": share([v.known for v in verdicts]),
        "asked twice": share([v.twice for v in verdicts]),
        "dangling": share([v.dangling for v in verdicts]),
    }


def answers(found: Sequence[Outcome]) -> dict[str, float]:
    """Of the messages with labelled articles: how often a draft offers one, and how often rightly. A message counts once."""
    once = [o for o in found if o.case.articles is not None and o.case.first]
    offered = [(o, o.result.draft.citations) for o in once if o.result.draft is not None]
    drafted = [
        (o.case.articles or (), articles)
        for o, citations in offered
        if (articles := [c.article_id for c in citations if not c.article_id.startswith("order:")])
    ]
    none = [o for o in once if not o.case.articles]
    return {
        "questions": float(len(once)),
        "draft with an article": len(drafted) / max(len(once), 1),
        "right article among these": sum(a[0] in right for right, a in drafted) / max(len(drafted), 1),
        "questions that no article answers": float(len(none)),
        "draft with an article though none answers": sum(not right for right, _ in drafted) / max(len(none), 1),
    }


def table(found: Sequence[Outcome]) -> Iterator[str]:
    """The shares overall, by language and by channel, a line each."""
    groups: dict[str, list[Outcome]] = {"all": list(found)}
    for outcome in sorted(found, key=lambda o: o.case.language):
        groups.setdefault(outcome.case.language, []).append(outcome)
    for outcome in sorted(found, key=lambda o: o.case.message.channel):
        groups.setdefault(outcome.case.message.channel, []).append(outcome)
    for index, (name, rows) in enumerate(groups.items()):
        figures = shares(rows)
        if not index:
            yield f"{'':11}" + "".join(f"{key:>13}" for key in figures)
        yield f"{name:11}" + "".join(
            f"{value:13.0f}" if key == "drafts" else f"{'-' if value != value else f'{value:.4f}':>13}"
            for key, value in figures.items()
        )


def spread(found: Sequence[Outcome], most: int) -> list[Outcome]:
    """Drafts of as many languages and channels as possible, in a fixed order."""
    left = [o for o in found if o.verdict is not None]
    chosen: list[Outcome] = []
    seen: Counter[str] = Counter()
    while left and len(chosen) < most:
        best = min(left, key=lambda o: seen[o.case.language] * 2 + seen[o.case.message.channel] + seen[_kind(o)] / 8)
        chosen.append(best)
        left.remove(best)
        seen.update((best.case.language, best.case.message.channel, _kind(best)))
    return chosen


def _kind(outcome: Outcome) -> str:
    citations = outcome.result.draft.citations if outcome.result.draft else ()
    return "with citations" if citations else "without citations"


def show(outcome: Outcome) -> None:
    """Prints one message with its whole draft."""
    draft, message = outcome.result.draft, outcome.case.message
    assert draft is not None  # only outcomes with a draft are shown
    order = f", order {message.order.id} {message.order.status}" if message.order else ""
    print(f"--- {message.channel}, {outcome.case.language}{order}, thread of {len(message.thread)}")
    intents = ", ".join(outcome.result.prediction.intents)
    print(f"{message.text}\n>>> {intents}; reply in {draft.language}\n{draft.text}")
    cited = Counter(citation.article_id for citation in draft.citations)
    print(f"<<< cited: {', '.join(f'{name} ({times})' for name, times in cited.items()) or 'nothing'}")
    print(f"    missing: {', '.join(draft.missing) or 'nothing'}")
    print(f"    warnings: {'; '.join(f'{w.rule}: {w.detail}' for w in draft.policy_warnings) or 'none'}")
    if outcome.verdict != Verdict(translation=outcome.verdict is not None and outcome.verdict.translation):
        print(f"    !!! {outcome.verdict}")


def failed(outcome: Outcome) -> bool:
    """Whether any check of the draft failed."""
    return outcome.verdict is not None and replace(outcome.verdict, translation=False) != Verdict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--show", type=int, default=0, help="print so many whole drafts")
    parser.add_argument("--failures", type=int, default=0, help="print so many drafts that fail a check")
    parser.add_argument("--every", type=int, default=1, help="take every n-th message only")
    options = parser.parse_args()
    settings = Settings()
    bench = Bench(options.model or model_folder(settings), settings)
    sets: list[tuple[HelpCentre, Sequence[Question | LabelledMessage]]] = []
    for folder in sorted((DATA / "help_centres").glob("*/")):
        centre = read_help_centre(folder)
        sets.append((centre, centre.questions))
    sample = HelpCentre(name="messages", articles=tuple(sample_articles()), questions=())
    sets.append((sample, read_messages(sorted((DATA / "messages").glob("*.jsonl")))))
    found: list[Outcome] = []
    for centre, questions in sets:
        found += outcomes(
            bench.pipeline(centre.articles), centre.articles,
            cases(questions[:: options.every], bench.policies.channels), policies=bench.policies,
            identifier=bench.identifier, signature=bench.signature,
        )  # fmt: skip
    for line in table(found):
        print(line)
    for name, value in answers(found).items():
        print(f"{name:45} {value:.0f}" if name.startswith("questions") else f"{name:45} {value:.3f}")
    p50, p95 = np.percentile(bench.composer.milliseconds, (50, 95))
    print(f"composing alone, processor time: p50 {p50:.2f} ms, p95 {p95:.2f} ms")
    for outcome in spread([o for o in found if failed(o)], options.failures):
        show(outcome)
    for outcome in spread(found, options.show):
        show(outcome)


if __name__ == "__main__":
    main()
