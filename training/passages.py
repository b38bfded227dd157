"""Retrieval as a training task: a message is drawn to the passages that answer it, and away from the shop's others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from eval.help_centres import HelpCentre
from training.text_encoder import TextEncoder
from triage.knowledge_base.chunking import chunk

TEMPERATURE = 0.05
MOST_TOKENS = 96
"""Read of a question or passage in training: its title and first sentences; a step over whole passages costs thrice."""


def retrieval_loss(messages: torch.Tensor, passages: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Mean negative log of the share of similarity that falls on right passages.

    Args:
        messages: unit vectors (B, D). passages: unit vectors (P, D). right: (B, P) of bool, a True or more a row.
    """
    logits = functional.log_softmax(messages @ passages.T / TEMPERATURE, dim=1)
    # An article has several passages, of which one answers: the best is drawn near, the others need not come.
    return -logits.masked_fill(~right, -1e4).logsumexp(dim=1).mean()


class PassageTask:
    """Batches of one shop: some messages, the articles that answer them, and others of the same shop."""

    def __init__(
        self, centres: Sequence[HelpCentre], encoder: TextEncoder, *, messages: int = 12, others: int = 4
    ) -> None:
        self._encoder, self._messages, self._others = encoder, messages, others
        self._shops = [_Shop(centre, encoder) for centre in centres]

    def losses(self, *, seed: Sequence[int]) -> Iterator[torch.Tensor]:
        """Endless losses; each pass over the questions is in another order."""
        rng = np.random.default_rng([*seed, 97])
        while True:
            batches = [
                (shop, rows)
                for shop in self._shops
                for rows in np.array_split(rng.permutation(len(shop.right)), max(1, len(shop.right) // self._messages))
            ]
            for index in rng.permutation(len(batches)):
                shop, rows = batches[index]
                needed = shop.right[rows].any(axis=0)
                other = rng.permutation(np.flatnonzero(~needed))[: self._others]
                articles = np.concatenate([np.flatnonzero(needed), other])
                passages = np.flatnonzero(np.isin(shop.article_of, articles))
                right = shop.right[rows][:, shop.article_of[passages]]
                yield retrieval_loss(
                    self._encoder.vectors(shop.questions.gather(rows)),
                    self._encoder.vectors(shop.passages.gather(passages)),
                    torch.from_numpy(right),
                )


class _Shop:
    """``right`` (Q, A): which articles, a row a language variant, answer; ``article_of`` (P,): each passage's row."""

    def __init__(self, centre: HelpCentre, encoder: TextEncoder) -> None:
        asked = [question for question in centre.questions if question.articles]
        parts = [(row, part) for row, article in enumerate(centre.articles) for part in chunk(article)]
        self.questions = encoder.tokens([question.text for question in asked], most=MOST_TOKENS)
        self.passages = encoder.tokens([part.indexed for _, part in parts], most=MOST_TOKENS)
        self.article_of: NDArray[np.int64] = np.asarray([row for row, _ in parts])
        self.right: NDArray[np.bool_] = np.asarray(
            [[article.id in question.articles for article in centre.articles] for question in asked]
        )
