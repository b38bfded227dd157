"""The optional generator: a language model rewrites a deterministic draft, and the result is believed only where it holds.

Off unless an endpoint is configured. What leaves the machine is the draft's plan, the passages that it cites and, where
the caller wants it, the customer's words, all with personal data behind placeholders. What comes back is checked against
the same passages and facts; on any doubt the draft stays as it was and a policy warning says why.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from triage.drafting.breaker import CircuitBreaker, CircuitOpen
from triage.drafting.chat_endpoint import ChatEndpoint, LlmError
from triage.drafting.grounding import Source, check, runs
from triage.drafting.lint import fits, lint
from triage.drafting.masking import Mask, UnknownPlaceholder, has_remains, mask_for, placeholders
from triage.drafting.plan import Plan, plan_of
from triage.drafting.prompt import SYSTEM_PROMPT, Prompt, prompt
from triage.drafting.vocabulary import languages
from triage.protocols import LanguageIdentifier
from triage.types import ChannelPolicy, Draft, Entity, InboundMessage, Passage, PolicyWarning

MOST_CHARACTERS = 12_000
"""A longer rewrite is refused unread; the longest channel takes 4,096."""

LEAK_WORDS = 6
"""So many words in a row of the instructions are no coincidence."""

TELLING_LETTERS = 40
"""A shorter paragraph does not tell its language reliably."""

_REASONS = {
    "llm_circuit_open": "the language model failed repeatedly and is not asked for a while",
    "llm_placeholder": "the rewrite lost or invented a name, number or address",
    "llm_too_long": "the rewrite is too long for the channel",
    "llm_language": "the rewrite is not in the language asked for",
    "llm_leak": "the rewrite repeats its instructions",
    "llm_greeting": "the rewrite changed the greeting",
    "llm_signoff": "the rewrite changed the sign-off",
}


class _Refused(Exception):
    """A rewrite that is not used."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail or _REASONS[reason]


class LlmRewriter:
    """Rewrites drafts through a chat endpoint. Safe to share between threads; no text is logged or kept.

    Args:
        identifier: tells the language of what comes back.
        breaker: shared by everything that asks the same endpoint.
    """

    def __init__(
        self, endpoint: ChatEndpoint, *, identifier: LanguageIdentifier, breaker: CircuitBreaker | None = None
    ) -> None:
        self._endpoint, self._identifier = endpoint, identifier
        self._breaker = breaker or CircuitBreaker()

    def rewrite(
        self,
        draft: Draft,
        *,
        message: InboundMessage,
        entities: Collection[Entity],
        passages: Sequence[Passage],
        policy: ChannelPolicy,
        question: str = "",
        plan: Plan | None = None,
    ) -> Draft:
        """``draft`` in the model's words (``method`` ``llm``), or unchanged but for a warning ``llm_…`` that says why not.

        Left alone without a warning: a draft that cites nothing, and one for an emergency, whose instruction must stay
        as the article has it. Never raises on what the endpoint does.

        Args:
            message: for the values to hide; its text is not sent.
            entities: of the message and its thread, hidden wherever they stand.
            passages: what retrieval gave; those that the draft cites are sent.
            question: the customer's own words to send, masked. Names and streets that are in no record of the message
                are not recognised there; leave it out where that matters.
            plan: the draft's parts; read off the draft where None.
        """
        if _left_alone(draft):
            return draft
        plan, used = plan or plan_of(draft, policy), _cited(draft, passages)
        try:
            if draft.language not in languages():
                raise _Refused("llm_language", f"a rewrite in {draft.language} cannot be checked")
            mask = mask_for(message, entities)
            asked = prompt(plan, used, mask, policy=policy, question=question)
            text = self._accepted(self._ask(asked), asked, mask, draft, plan, used, policy)
        except (_Refused, LlmError) as error:
            warning = PolicyWarning(rule=error.reason, detail=f"{error.detail}; the draft was not rewritten")
            return replace(draft, policy_warnings=(*draft.policy_warnings, warning))
        kept = tuple(
            w for w in draft.policy_warnings if w.start is None and w.rule not in {"needs_translation", "too_long"}
        )
        return replace(draft, text=text, method="llm", policy_warnings=kept)

    def _ask(self, asked: Prompt) -> str:
        try:
            with self._breaker.attempt():
                return self._endpoint.complete(asked.messages)
        except CircuitOpen:
            raise _Refused("llm_circuit_open") from None

    def _accepted(
        self, answer: str, asked: Prompt, mask: Mask, draft: Draft, plan: Plan, passages: Sequence[Passage],
        policy: ChannelPolicy,
    ) -> str:  # fmt: skip
        """The answer with its placeholders put back, if nothing speaks against it."""
        if len(answer) > MOST_CHARACTERS:
            raise _Refused("llm_too_long")
        sources = _sources(plan, passages)
        if asked.fence in answer or runs(
            answer, SYSTEM_PROMPT, words=LEAK_WORDS, besides=[source.text for source in sources]
        ):
            raise _Refused("llm_leak")
        if has_remains(answer) or not asked.required <= placeholders(answer) <= asked.offered:
            raise _Refused("llm_placeholder")
        try:
            text = mask.reveal(answer)
        except UnknownPlaceholder:
            raise _Refused("llm_placeholder") from None
        if not _opens(text, plan.greeting):
            raise _Refused("llm_greeting")
        if not " ".join(text.split()).endswith(" ".join(plan.sign_off.split())):
            raise _Refused("llm_signoff")
        if not fits(text, policy):
            raise _Refused("llm_too_long")
        self._check_language(answer, draft.language)
        for breach in lint(text, policy, allowed=_identifiers(plan)):
            raise _Refused(f"llm_policy:{breach.rule}", f"the rewrite breaks a rule of the channel: {breach.rule}")
        for ungrounded in check(text, language=draft.language, sources=sources, question_masked=asked.question):
            kind = ungrounded.kind
            raise _Refused(f"llm_ungrounded:{kind}", f"the rewrite states something that no source holds: {kind}")
        return text

    def _check_language(self, answer: str, language: str) -> None:
        """Paragraph by paragraph, for half a reply may be left untranslated; placeholders would only disturb."""
        plain = re.sub(r"\[\[[^\]]*\]\]|https?://\S+", " ", answer)
        paragraphs = [part for part in re.split(r"\n\s*\n", plain) if sum(map(str.isalpha, part)) >= TELLING_LETTERS]
        for part in paragraphs or [plain]:
            if self._identifier.identify(part, hint=language).code != language:
                raise _Refused("llm_language")


def preview(
    draft: Draft, *, message: InboundMessage, entities: Collection[Entity], passages: Sequence[Passage],
    policy: ChannelPolicy,
) -> Prompt | None:  # fmt: skip
    """What ``LlmRewriter.rewrite`` would send, without sending it; None where it would send nothing."""
    if _left_alone(draft) or draft.language not in languages():
        return None
    return prompt(plan_of(draft, policy), _cited(draft, passages), mask_for(message, entities), policy=policy)


def _left_alone(draft: Draft) -> bool:
    return not draft.citations or any(warning.rule == "needs_person_now" for warning in draft.policy_warnings)


def _cited(draft: Draft, passages: Sequence[Passage]) -> list[Passage]:
    cited = {citation.article_id for citation in draft.citations}
    return [passage for passage in passages if passage.article_id in cited]


def _opens(text: str, greeting: str) -> bool:
    return " ".join(text.split()).startswith(" ".join(greeting.split()))


def _sources(plan: Plan, passages: Sequence[Passage]) -> list[Source]:
    sources = [Source(text=part, language=plan.language) for part in plan.fixed]
    languages_of = {passage.article_id: passage.language for passage in passages}
    sources += [
        Source(
            text=sentence.passage,
            language=languages_of.get(sentence.article_id, plan.language),
            fact=sentence.article_id.startswith("order:"),
        )
        for sentence in plan.sentences
    ]
    return sources + [
        Source(text=text, language=passage.language)
        for passage in passages
        for text in dict.fromkeys((passage.title, passage.lead, passage.text))
    ]


def _identifiers(plan: Plan) -> tuple[str, ...]:
    """Words with figures in the order's facts: they look like telephone numbers to the linter and are none."""
    facts = " ".join(sentence.passage for sentence in plan.sentences if sentence.article_id.startswith("order:"))
    return tuple(word.strip(".,;:()") for word in facts.split() if sum(map(str.isdigit, word)) >= 5)
