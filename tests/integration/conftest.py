from __future__ import annotations

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
