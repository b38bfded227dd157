"""The tables of a page as a file for spreadsheets: what ``/v1/insights`` answers with ``Accept: text/csv``."""

from __future__ import annotations

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.inbox.insights.asked import asked
from api.inbox.insights.says import SECTIONS
from api.inbox.rendering import HEADERS, missing
from api.inbox.seat import LeadSignedIn
from triage.insights.tables import Figure, csv_text
from triage.insights.types import Filters
from triage.storage import insights
from triage.storage.workspace import Workspace

router = APIRouter(include_in_schema=False)

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the machine's own code page."""


@router.get("/insights/{name}.csv")
def download(
    name: str, request: Request, seat: LeadSignedIn, table: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """All tables of the figure ``name``, or the one whose rows are ``by`` what ``table`` says."""
    if name not in SECTIONS:
        return missing(seat, "page")

    def work(workspace: Workspace) -> tuple[Filters, Figure]:
        today, first = insights.today(workspace, now=seat.now), insights.first_day(workspace)
        filters = asked(request.query_params, today=today, first=first, whole=name == "suppliers").filters
        return filters, getattr(insights, name)(workspace, filters, now=seat.now)

    filters, figure = seat.read(work)
    text = csv_text(figure)
    if table:
        text = narrowed(text, table)
    file = f"{name}{f'-{table}' if table.isascii() and table.isalpha() else ''}-{filters.since}-{filters.until}.csv"
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(BYTE_ORDER_MARK + text, media_type="text/csv; charset=utf-8", headers=headers)


def narrowed(text: str, table: str) -> str:
    """The rows of one table, without the columns that only the others have."""
    head, *rows = [row for row in csv.reader(io.StringIO(text)) if row] or [[]]
    kept = [row for row in rows if row[:1] == [table]]
    columns = [place for place in range(len(head)) if any(row[place] for row in kept)]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([row[place] for place in columns] for row in [head, *kept] if columns)
    return out.getvalue()
