"""The knowledge base of each workspace: a folder of its own, opened when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from triage.knowledge_base.base import KnowledgeBase


class Libraries:
    """Safe to use from several threads.

    Args:
        open_base: opens the knowledge base of a workspace.
        first: the workspace whose base is open already, and that base.
    """

    def __init__(self, open_base: Callable[[str], KnowledgeBase], *, first: tuple[str, KnowledgeBase]) -> None:
        self._open, self._bases = open_base, dict([first])
        self._guard = threading.Lock()

    def of(self, workspace: str) -> KnowledgeBase:
        """The workspace's knowledge base; empty for a new one.

        Raises:
            ConfigurationError: as ``open_base`` does.
        """
        with self._guard:
            if workspace not in self._bases:
                self._bases[workspace] = self._open(workspace)
            return self._bases[workspace]
