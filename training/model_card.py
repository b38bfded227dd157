"""The corpora section of the model card: ``python -m training.model_card`` prints every source, its licence and its pairs."""

from __future__ import annotations

import json

from eval.corpora import corpora_folder
from training.corpora import LANGUAGES


def main() -> None:
    sources = json.loads((corpora_folder() / "parallel" / "sources.json").read_text(encoding="utf-8"))
    print("| source | kind | licence | pairs used |\n| --- | --- | --- | --- |")
    for name, entry in sorted(sources.items(), key=lambda item: -item[1]["total"]):
        pairs = sum(count for language, count in entry["pairs"].items() if language in LANGUAGES)
        if pairs:
            print(f"| {name} | {entry['kind']} | {entry['licence']} | {pairs:,} |")


if __name__ == "__main__":
    main()
