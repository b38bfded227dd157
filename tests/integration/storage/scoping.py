"""Watches the statements that tests run: on a table of a workspace's rows, each must hold the workspace's id."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Alias, ClauseElement, Column, Delete, Engine, Select, Table, TextClause, Update, event
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BindParameter
from sqlalchemy.sql.selectable import Join

from triage.storage import schema

ACROSS = frozenset(
    {
        ("leases.py", "claim"), ("clocks.py", "warn"), ("inbounds.py", "find"), ("jobs.py", "waiting"),
        ("inbounds.py", "of_adapter"), ("keys.py", "find"), ("sessions.py", "find"), ("agents.py", "of_login"),
        ("agents.py", "of_subject"), ("agents.py", "most_of_one_login"),
    }
)  # fmt: skip
"""A worker serves all workspaces, and a provider's call or somebody who logs in names none. Migrations are free too."""

_STORAGE = Path(schema.__file__).parent
_SCOPED = frozenset(table.name for table in schema.SCOPED)
_NAMES = re.compile(r"\b(" + "|".join(_SCOPED) + r")\b")


@contextmanager
def watched() -> Iterator[None]:
    """Refuses a statement without a workspace, wherever it comes from, and tells of it at the end once more."""
    found: list[str] = []

    def look(connection: Any, statement: Any, *rest: Any) -> None:
        names = unscoped(statement)
        if names and (place := _place()) is not None:
            found.append(f"{place} reads or changes {', '.join(sorted(names))} of every workspace")
            raise AssertionError(found[-1])

    event.listen(Engine, "before_execute", look)
    try:
        yield
    finally:
        event.remove(Engine, "before_execute", look)
    assert not found, found  # where the first was swallowed on its way


def unscoped(statement: Any) -> set[str]:
    """The tables of workspaces that ``statement`` reads, changes or deletes from without naming a workspace."""
    if isinstance(statement, TextClause):
        return set(_NAMES.findall(statement.text))
    return _walk(statement, frozenset()) if isinstance(statement, ClauseElement) else set()


def _walk(part: ClauseElement, around: frozenset[str]) -> set[str]:
    """``around``: the tables of the statements that ``part`` stands in, to which it may be correlated."""
    found: set[str] = set()
    if isinstance(part, Select | Update | Delete):
        tables, conditions = _sources(part)
        here = tables.keys() - around or tables.keys()  # one that would have no table of its own is not correlated
        safe = _safe(set(here), [pair for condition in conditions for pair in _equal(condition)])
        found = {tables[name] for name in here - safe}
        around = around | tables.keys()
    for child in part.get_children():
        found |= _walk(child, around)  # type: ignore[arg-type]
    return found


def _sources(part: Select[Any] | Update | Delete) -> tuple[dict[str, str], list[Any]]:
    """The tables of workspaces by the names that ``part`` has for them, and the conditions that must all hold."""
    froms = list(part.get_final_froms()) if isinstance(part, Select) else [part.table]
    tables, conditions = dict[str, str](), [part.whereclause]
    while froms:
        source: Any = froms.pop()
        if isinstance(source, Join):
            froms += [source.left, source.right]
            conditions.append(source.onclause)
        else:
            table = source.element if isinstance(source, Alias) else source
            if isinstance(table, Table) and table.name in _SCOPED:
                tables[source.name] = table.name
    return tables, [condition for condition in conditions if condition is not None]


def _safe(here: set[str], pairs: list[tuple[str | None, str | None]]) -> set[str]:
    """Those of ``here`` that equal a value, a table of a statement around, or another safe one."""
    safe: set[str] = set()
    while True:
        more = {
            one for one, two in (*pairs, *((two, one) for one, two in pairs))
            if one is not None and (two is None or two not in here or two in safe)
        } - safe  # fmt: skip
        if not more:
            return safe
        safe |= more


def _equal(condition: Any) -> Iterator[tuple[str | None, str | None]]:
    """Pairs of tables whose workspaces are said to be equal; None stands for a value."""
    for part in _conjuncts(condition):
        if isinstance(part, BinaryExpression) and part.operator is operators.eq:
            sides = [_side(side) for side in (part.left, part.right)]
            if "" not in sides:
                yield sides[0], sides[1]
        elif isinstance(part, BinaryExpression) and part.operator is operators.in_op:
            # (workspace_id, id) IN (SELECT …): the inner statement is looked at by itself.
            for column in getattr(part.left, "clauses", ()):
                inner = getattr(part.right, "element", part.right)
                if isinstance(column, Column) and column.name == "workspace_id" and isinstance(inner, Select):
                    yield column.table.name, None  # type: ignore[attr-defined]


def _conjuncts(condition: Any) -> Iterator[Any]:
    condition = getattr(condition, "element", condition) if type(condition).__name__ == "Grouping" else condition
    if getattr(condition, "operator", None) is operators.and_:
        for part in condition.clauses:
            yield from _conjuncts(part)
    else:
        yield condition


def _side(side: Any) -> Any:
    if isinstance(side, BindParameter):
        return None
    return side.table.name if isinstance(side, Column) and side.name == "workspace_id" else ""


def _place() -> str | None:
    """Who of the storage runs the statement; None where a test does so itself, a migration, or one of ``ACROSS``."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        name = frame.f_code.co_name
        if "migrations" in path.parts or path.name == "migrate.py" or (path.name, name) in ACROSS:
            return None
        own = path.is_relative_to(_STORAGE) and path.name not in ("workspace.py", "database.py")
        if own and not name.startswith("<"):
            return f"{path.name}:{frame.f_lineno} ({name})"
        if "tests" in path.parts and path != Path(__file__):
            return None
        frame = frame.f_back  # type: ignore[assignment]
    return "a statement from nowhere"
