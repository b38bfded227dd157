from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from triage.bootstrap import build_pipeline
from triage.pipeline import TriagePipeline
from triage.settings import Settings


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def pipeline(data_folder: Path) -> TriagePipeline:
    """The shipped weights over the sample knowledge base."""
    return build_pipeline(Settings(data=data_folder))


Figure = Callable[[str], None]

_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Takes a line for the end of the run: what was done, and how often it went wrong."""
    lines = request.config.stash.setdefault(_FIGURES, [])
    return lines.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_FIGURES, [])
    if lines:
        terminalreporter.section("promises")
        for line in sorted(lines):
            terminalreporter.line(line)
