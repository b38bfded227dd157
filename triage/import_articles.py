"""``triage articles import``: other systems' articles into the knowledge base, with progress and a list of what was left out."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from triage.bootstrap import WORKSPACE, library_folder, model_folder, open_knowledge_base
from triage.knowledge_base.importing import Skipped, changes, read_source
from triage.knowledge_base.retriever import RetrievalWeights
from triage.models.encoder import OnnxEncoder
from triage.models.manifest import Manifest
from triage.settings import Settings
from triage.types import Article


def import_articles(
    path: Path, *, format: str | None, language: str, dry_run: bool, workspace: str = WORKSPACE
) -> None:  # fmt: skip
    """Prints what became of each record; a server on the same data folder sees the change within seconds.

    Raises:
        ArticleError: the source is unreadable or of no known format; nothing was imported.
        IndexUnavailable: the data folder cannot be written; nothing was imported.
    """
    articles: list[Article] = []
    skipped: list[Skipped] = []
    for found in read_source(path, format=format, language=language):
        (skipped if isinstance(found, Skipped) else articles).append(found)  # type: ignore[arg-type]
    settings, folder = Settings(), model_folder(Settings())
    manifest = Manifest.read(folder)
    base = open_knowledge_base(
        settings, OnnxEncoder(folder, version=manifest.version), RetrievalWeights(**manifest.retrieval)
    )
    if workspace != WORKSPACE:
        base = base.beside(library_folder(settings, workspace))
    if dry_run:
        outcomes = [outcome for outcome, _ in changes({(a.id, a.language): a for a in base.articles}, articles)]
    else:
        with _progress() as progress:
            task = progress.add_task("passages", total=None)
            outcomes = list(
                base.put_many(articles, lambda done, total: progress.update(task, completed=done, total=total))
            )
    for item in skipped:
        print(f"skipped {item.where}: {item.reason}", file=sys.stderr)
    counts = Counter(outcomes)
    said = ", ".join(f"{counts[name]} {name}" for name in ("new", "changed", "same"))
    print(f"{said}, {len(skipped)} skipped{' (nothing was written)' if dry_run else ''}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
