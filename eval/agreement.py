"""How far two readings of the test messages agree: the ceiling of every figure in ``eval.classifier``.

    python -m eval.agreement

The second reading saw the texts alone. Both were made by language models, so they agree more than
two people would. A line of ``eval/data/second_reading/<batch>.txt`` is
``number intent[,intent…] urgency yes|no`` (needs a reply).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eval.classifier import DATA, quadratic_weighted_kappa
from eval.messages import LabelledMessage, read_messages
from triage.models.taxonomy import INTENTS
from triage.types import URGENCIES, Urgency

SECOND = DATA.parent / "second_reading"


def read_second(path: Path) -> list[tuple[list[str], str, bool]]:
    """Intents, urgency and needs-reply, in the order of the batch."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [(row[1].split(","), row[2], row[3] == "yes") for row in sorted(rows, key=lambda row: int(row[0]))]


def kappa(first: list[str], second: list[str]) -> float:
    """Agreement beyond chance on nominal labels (Cohen 1960)."""
    observed = np.mean([a == b for a, b in zip(first, second, strict=True)])
    chance = sum(first.count(label) * second.count(label) for label in INTENTS) / len(first) ** 2
    return float((observed - chance) / (1 - chance))


def agreement(messages: list[LabelledMessage], second: list[tuple[list[str], str, bool]]) -> dict[str, float]:
    """The figures for one batch."""
    levels = [np.asarray([URGENCIES.index(Urgency(u)) for u in us]) for us in
              ([m.urgency for m in messages], [row[1] for row in second])]  # fmt: skip
    pairs = list(zip(messages, second, strict=True))
    return {
        "messages": float(len(messages)),
        "primary intent, kappa": kappa([m.intents[0] for m in messages], [row[0][0] for row in second]),
        "same set of intents": float(np.mean([set(m.intents) == set(row[0]) for m, row in pairs])),
        "urgency, quadratic weighted kappa": quadratic_weighted_kappa(levels[0], levels[1], len(URGENCIES)),
        "needs a reply": float(np.mean([m.needs_reply == row[2] for m, row in pairs])),
    }


def main() -> None:
    for path in sorted(SECOND.glob("*.txt")):
        print(path.stem)
        for name, value in agreement(read_messages([DATA / f"{path.stem}.jsonl"]), read_second(path)).items():
            print(f"  {name:34} {value:.3f}" if value <= 1 else f"  {name:34} {value:.0f}")


if __name__ == "__main__":
    main()
