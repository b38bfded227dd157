"""Figures kept up to date beside the worker: what changed is counted anew, anomalies are looked for once an hour.

In a thread of its own, for no message may wait for a count.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

from triage.errors import StorageUnavailable
from triage.protocols import Clock
from triage.storage.database import Database
from triage.storage.insights import anomaly_looks, refresh

log = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0
"""Between two rounds: how far behind the figures are."""
SHARE = 4
"""A round waits so many times as long as the last one took, for other work is more urgent."""
MOST_DAYS = 20


class Figures:
    """Recounts for all workspaces, until ``stop``."""

    def __init__(self, database: Database, clock: Clock, *, pause: float = PAUSE_SECONDS) -> None:
        self._database, self._clock, self._pause = database, clock, pause
        self._looked_for_old = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what is under way and ends."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def round(self, now: datetime) -> int:
        """Counts what is marked, and looks for anomalies where an hour has passed; how many days it counted.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        counted = 0
        for workspace in refresh.workspaces(self._database):
            if self._stopping.is_set():
                break
            if not self._looked_for_old:
                refresh.recount_outdated(self._database, workspace)
            counted += refresh.refresh(self._database, workspace, now=now, most=MOST_DAYS)
            anomaly_looks.look(self._database, workspace, now=now)
        else:
            self._looked_for_old = True
        return counted

    def _run(self) -> None:
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                self.round(self._clock.now())
            except StorageUnavailable:
                log.warning("the database does not answer; the figures wait")
            except Exception as error:  # a fault here must not end all counting
                log.error("counting figures failed: %s", type(error).__name__)
            taken = time.monotonic() - begun
            self._stopping.wait(max(self._pause, SHARE * taken))
