"""Triage from the command line: one message as a table, a file with a progress bar."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from triage.bootstrap import build_pipeline
from triage.contract import Bands, result_json
from triage.errors import InvalidMessage, TriageError
from triage.settings import Settings
from triage.types import InboundMessage, TriageResult

CHUNK = 64


def triage_text(text: str, *, channel: str, as_json: bool) -> None:
    """Prints the triage of one message."""
    settings = Settings()
    result = build_pipeline(settings).triage(InboundMessage(text=text, channel=channel))
    if as_json:
        print(json.dumps(result_json(result, bands(settings)), ensure_ascii=False, indent=2))
        return
    Console().print(_table(result))
    if result.draft:
        Console().print(f"\n[bold]Draft[/bold] ({result.draft.language})\n", end="")
        Console().print(result.draft.text, markup=False, highlight=False)


def triage_file(path: Path, out: Path | None) -> int:
    """Triages a JSON-lines file; a bad line gives an error in its place.

    Returns:
        the exit status: 0, or 1 where a line failed.
    """
    settings = Settings()
    pipeline, failed = build_pipeline(settings), 0
    # A new file swapped in at the end: a run that breaks off leaves the earlier results as they were.
    temporary = out.with_name(out.name + ".new") if out else None
    sink = temporary.open("w", encoding="utf-8") if temporary else sys.stdout
    try:
        with _progress() as progress:
            task = progress.add_task("triage", total=_lines(path))
            for chunk in _chunks(path):
                good = [message for message in chunk if isinstance(message, InboundMessage)]
                outcomes = iter(pipeline.triage_many(good))
                for message in chunk:
                    outcome = next(outcomes) if isinstance(message, InboundMessage) else message
                    failed += isinstance(outcome, TriageError)
                    sink.write(json.dumps(_line(outcome, bands(settings)), ensure_ascii=False) + "\n")
                progress.advance(task, len(chunk))
    finally:
        if temporary:
            sink.close()
    if temporary and out:
        os.replace(temporary, out)
    return 1 if failed else 0


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as handle:
            return sum(1 for line in handle if line.strip())
    except OSError as error:
        raise InvalidMessage(f"{path}: {error.strerror}", field="file") from error


def _chunks(path: Path) -> Iterator[list[InboundMessage | TriageError]]:
    adapter = TypeAdapter(InboundMessage)
    chunk: list[InboundMessage | TriageError] = []
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip():
                continue
            chunk.append(_parse(adapter, line, f"{path}:{number}"))
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


def _parse(adapter: TypeAdapter[InboundMessage], line: bytes, place: str) -> InboundMessage | TriageError:
    try:
        return adapter.validate_python(json.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return InvalidMessage(f"{place}: {field or 'line'}: {first['msg']}", field=field or "line")
    except ValueError:
        return InvalidMessage(f"{place}: not JSON", field="line")


def _line(outcome: TriageResult | TriageError, confidence_bands: Bands) -> dict[str, Any]:
    if isinstance(outcome, TriageResult):
        return result_json(outcome, confidence_bands)
    return {"error": str(outcome), "code": outcome.code}


def bands(settings: Settings) -> Bands:
    """The thresholds as configured."""
    return Bands(high=settings.band_high, medium=settings.band_medium)


def _table(result: TriageResult) -> Table:
    prediction, table = result.prediction, Table(show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    rows = [
        ("language", f"{result.detection.code} ({result.detection.confidence:.0%})"),
        ("intent", f"{', '.join(prediction.intents)} ({prediction.primary.confidence:.0%})"
                   + (" - not sure" if prediction.abstained else "")),
        ("urgency", " - ".join([prediction.urgency.level, *prediction.urgency.reasons])),
        ("needs reply", "yes" if prediction.needs_reply else "no"),
        ("due", f"{result.sla.due_at:%Y-%m-%d %H:%M} UTC ({result.sla.policy})" if result.sla.due_at else "-"),
        *[(entity.type, entity.value) for entity in result.entities],
        *[("article", f"{p.title} [{p.article_id}, {p.language}] {p.score:.0%}") for p in result.retrieval.passages],
    ]  # fmt: skip
    for name, value in rows:
        # Plain text: brackets in a customer's words or an id must not be read as rich's markup.
        table.add_row(name, Text(value))
    return table
