"""``triage worker``: the worker as a process of its own, beside one or more of the API on the same database."""

from __future__ import annotations

import signal
from types import FrameType

from triage.bootstrap import build_pipeline, build_worker, open_database
from triage.settings import Settings


def work(settings: Settings | None = None) -> None:
    """Works until it is interrupted or terminated, and finishes what is under way.

    Raises:
        TriageError: model, knowledge base or database are missing or wrong.
    """
    settings = settings or Settings()
    database = open_database(settings)
    try:
        worker = build_worker(settings, database, build_pipeline(settings))

        def stop(number: int, frame: FrameType | None) -> None:
            worker.halt()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        worker.run()
    finally:
        database.close()
